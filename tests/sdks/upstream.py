"""An upstream that answers as OpenAI, Anthropic and Gemini do, on a free port, and writes down what it was sent.

    python tests/sdks/upstream.py LOG    prints the port

What the last thing that a person said is, word by word, makes it behave otherwise: `fail`, `bad`, `flaky …`, `cut`, `wait` and `read PATH`.
"""

import json
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG = open(sys.argv[1], "a", buffering=1)
TRIES = Counter()
RELEASED = threading.Event()
# What an answer costs that asks for a tool: enough to use a small budget up.
MUCH = 100_000


def said(body):
    """The texts of the last message of a person."""
    turns = body.get("messages") or body.get("contents") or body.get("input") or []
    if isinstance(turns, str):
        return {turns}
    people = [turn for turn in turns if turn.get("role", "user" if "parts" in turn else None) == "user"]
    content = people[-1].get("content", people[-1].get("parts")) if people else []
    return {content} if isinstance(content, str) else {part["text"] for part in content if part.get("text")}


def wanted_file(body):
    """The file that a person wants read, until a tool has read it."""
    turns = body.get("messages") or body.get("input")
    last = turns[-1] if isinstance(turns, list) else {}
    is_read = last.get("type") == "function_call_output" or "tool_result" in json.dumps(last.get("content"))
    names = [text.removeprefix("read ") for text in said(body) if text.startswith("read ")]
    return names[0] if names and not is_read else None


def events(all_of_them):
    """Events as Anthropic and OpenAI's responses send them."""
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in all_of_them]


def openai_chat(body):
    usage = {"prompt_tokens": 8, "completion_tokens": 100, "total_tokens": 108}
    base = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    if not body.get("stream"):
        message = {"role": "assistant", "content": "hello"}
        if body.get("tools"):
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
    chunk = {**base, "object": "chat.completion.chunk"}
    deltas = [{"role": "assistant", "content": "hel"}, {"content": "lo"}]
    if body.get("tools"):
        deltas = [{"role": "assistant", "tool_calls": [{"index": 0, **call}]}]
    chunks = [{**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**chunk, "choices": [], "usage": usage})
    return [f"data: {json.dumps(event)}\n\n" for event in chunks] + ["data: [DONE]\n\n"]


def openai_response(body):
    file = wanted_file(body)
    made = MUCH if file else 100
    usage = {"input_tokens": 8, "output_tokens": made, "total_tokens": 8 + made,
             "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    part = {"type": "output_text", "text": "hello", "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    if file:
        arguments = json.dumps({"cmd": f"cat {file}"})
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "exec_command", "arguments": arguments, "status": "completed"}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": body["model"], "status": "completed", "output": [item],
                "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage}
    if not body.get("stream"):
        return response
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    all_of_them = [{"type": "response.created", "response": begun}, {"type": "response.output_item.added", "output_index": 0, "item": item}]
    if not file:
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        all_of_them += [{"type": "response.output_text.delta", **place, "delta": text} for text in ("hel", "lo")]
    all_of_them += [{"type": "response.output_item.done", "output_index": 0, "item": item}, {"type": "response.completed", "response": response}]
    return events({**event, "sequence_number": number} for number, event in enumerate(all_of_them))


def openai_embeddings(body):
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
    return {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": 8, "total_tokens": 8}}


def anthropic_messages(body):
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
    if not body.get("stream"):
        return {**message, "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 8, "output_tokens": 100}}
    file = wanted_file(body)
    block, delta, why, made = {"type": "text", "text": ""}, {"type": "text_delta", "text": "hello"}, "end_turn", 100
    if file:
        block = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps({"file_path": file})}
        why, made = "tool_use", MUCH
    return events([
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": {"input_tokens": 8, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": why, "stop_sequence": None}, "usage": {"output_tokens": made}},
        {"type": "message_stop"},
    ])


def gemini(streamed):
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP", "index": 0}],
              "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 100, "totalTokenCount": 108}, "modelVersion": "gemini-2.5-flash"}
    return [f"data: {json.dumps(answer)}\n\n"] if streamed else answer


def answer(path, body):
    path = path.split("?")[0]
    if path.endswith("/chat/completions"):
        return openai_chat(body)
    if path.endswith("/responses"):
        return openai_response(body)
    if path.endswith("/embeddings"):
        return openai_embeddings(body)
    if path.endswith("/count_tokens"):
        return {"input_tokens": 8}
    if path.endswith("/messages"):
        return anthropic_messages(body)
    if path.endswith(":countTokens"):
        return {"totalTokens": 8}
    return gemini(path.endswith(":streamGenerateContent"))


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if self.path == "/release":
            # The tests' own word, that what waits goes on.
            RELEASED.set()
            return self.reply(200, {})
        LOG.write(json.dumps({"path": self.path, "headers": dict(self.headers), "body": text}) + "\n")
        body = json.loads(text or "{}")
        words = said(body)
        flaky = [word for word in words if word.startswith("flaky")]
        TRIES.update(flaky)
        if "fail" in words or any(TRIES[word] < 3 for word in flaky):
            # Google says so with a status of its own.
            return self.reply(503 if "/models/" in self.path else 529, {"error": {"type": "overloaded_error", "message": "overloaded"}, "type": "error"})
        if "bad" in words:
            return self.reply(400, {"error": {"type": "invalid_request_error", "message": "no such thing", "code": "bad", "param": "x"}})
        found = answer(self.path, body)
        if isinstance(found, dict):
            return self.reply(200, found)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(found):
            data = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
            if "cut" in words and number == 0:
                self.close_connection = True
                return None
            if "wait" in words and number == 0:
                RELEASED.wait()
        self.wfile.write(b"0\r\n\r\n")
        return None

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
print(server.server_address[1], flush=True)
server.serve_forever()
