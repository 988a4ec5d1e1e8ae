"""A name server that knows one name, for packaging/tests/run.sh: by-server.example is 192.0.2.9 and has no other address."""

import socket
import struct


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    while True:
        asked, client = server.recvfrom(512)
        end = asked.index(b"\0", 12) + 5
        question = asked[12:end]
        (kind,) = struct.unpack("!H", question[-4:-2])
        answers = []
        if kind == 1 and question.startswith(b"\x09by-server\x07example\0"):
            answers = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 9])]
        head = asked[:2] + struct.pack("!HHHHH", 0x8180, 1, len(answers), 0, 0)
        server.sendto(head + question + b"".join(answers), client)


main()
