"""An upstream that answers as OpenAI, Anthropic and Gemini do, on a free port, and writes down what it was sent.

    python tests/sdks/upstream.py LOG    prints the port
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG = open(sys.argv[1], "a", buffering=1)
PROVIDER_KEY = "sk-of-the-provider"


def openai_chat(body):
    usage = {"prompt_tokens": 8, "completion_tokens": 100, "total_tokens": 108}
    base = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        message = {"role": "assistant", "content": "hello"}
        if body.get("tools"):
            call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
    chunk = {**base, "object": "chat.completion.chunk"}
    events = [{**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in ("hel", "lo")]
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**chunk, "choices": [], "usage": usage})
    return [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]


def openai_response(body):
    usage = {"input_tokens": 8, "output_tokens": 100, "total_tokens": 108,
             "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    part = {"type": "output_text", "text": "hello", "annotations": []}
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}]
    return {"id": "resp_1", "object": "response", "created_at": 1, "model": body["model"], "status": "completed", "output": output,
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage}


def openai_embeddings(body):
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
    return {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": 8, "total_tokens": 8}}


def anthropic_messages(body):
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
    if not body.get("stream"):
        return {**message, "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 8, "output_tokens": 100}}
    events = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": {"input_tokens": 8, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 100}},
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]


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
        LOG.write(json.dumps({"path": self.path, "headers": dict(self.headers), "body": text}) + "\n")
        body = json.loads(text or "{}")
        if "fail" in text:
            return self.reply(529, {"error": {"type": "overloaded_error", "message": "overloaded"}, "type": "error"})
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
            if "cut" in text and number == 0:
                self.close_connection = True
                return None
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
