"""A WebSocket client that can do everything wrong: any bytes, in any order, at any speed.

Blocking sockets, every wait bounded. Good manners are in client.py.
"""

import base64
import json
import os
import socket
import struct
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Ended(Exception):
    """The server closed the TCP connection (by FIN or RST)."""


class Closed(Exception):
    """The server sent a close frame where a data frame was awaited."""

    def __init__(self, code, reason):
        super().__init__(f"closed {code} {reason}")
        self.code, self.reason = code, reason


@dataclass
class Response:
    """What came back over HTTP. Header names are lower case; a repeated one keeps its last value."""

    status: int
    headers: dict
    body: bytes


@dataclass
class Frame:
    opcode: int
    payload: bytes
    fin: bool


def encode(opcode, payload=b"", *, fin=True, rsv=0, masked=True, length=None, form=None):
    """One frame's bytes. `length` lies about the payload; `form` (7, 16, 64) forces the width of the length field."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload) if length is None else length
    if form is None:
        form = 7 if size < 126 else 16 if size < 65536 else 64
    mask_bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([mask_bit | size])
    elif form == 16:
        head += bytes([mask_bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", size)
    # A mask of zeros is a mask (RFC 6455, 5.3) and leaves the payload readable in a capture.
    return head + (b"\0\0\0\0" if masked else b"") + payload


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


def binary_message(header, payload):
    """The body of a binary message (protocol.md section 7)."""
    head = json.dumps(header).encode() if isinstance(header, dict) else header
    return struct.pack(">H", len(head)) + head + payload


def upgrade_headers(port, **changed):
    """The headers of a good upgrade, in order. `changed` replaces by name (`_` stands for `-`); None leaves one out."""
    headers = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "beckon.v1",
    }
    by_lower = {name.lower(): name for name in headers}
    for name, value in changed.items():
        name = by_lower.get(name.replace("_", "-").lower(), name.replace("_", "-"))
        if value is None:
            headers.pop(name, None)
        else:
            headers[name] = value
    return headers


def request_bytes(path, headers, method="GET", version="HTTP/1.1"):
    lines = [f"{method} {path} {version}"] + [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Raw:
    """One TCP connection. Use as a context manager."""

    def __init__(self, port, *, host="127.0.0.1", source=None, timeout=10.0, receive_buffer=None, segment=None):
        self.port = port
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def reset(self):
        """Ends the connection by RST, at once."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish(self):
        """Sends FIN and keeps reading."""
        self.socket.shutdown(socket.SHUT_WR)

    # --- bytes ---

    def send(self, data):
        self.socket.sendall(data)

    def try_send(self, data):
        """Sends what a server that may have closed already is free to refuse."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Ended()
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def until_end(self):
        """Everything up to the end of the connection."""
        try:
            while True:
                self._more()
        except Ended:
            data, self.buffer = self.buffer, b""
            return data

    # --- HTTP ---

    def response(self):
        """Reads one response; its body where a Content-Length says how long it is."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        body = self.take(int(headers["content-length"])) if "content-length" in headers else b""
        return Response(int(lines[0].split(" ")[1]), headers, body)

    def upgrade(self, path="/ws", *, then=b"", **changed):
        """Asks for the upgrade; `then` follows in the same segment."""
        self.send(request_bytes(path, upgrade_headers(self.port, **changed)) + then)
        return self.response()

    def open(self, uid, group=None, **changed):
        """A session of `uid` by URL (--insecure), up to its `welcome`."""
        path = f"/ws?uid={uid}" + (f"&group={group}" if group else "")
        response = self.upgrade(path, **changed)
        assert response.status == 101, response
        welcome = self.json()
        assert welcome["type"] == "welcome", welcome
        return self

    # --- frames ---

    def frame(self, opcode, payload=b"", **how):
        self.send(encode(opcode, payload, **how))

    def text(self, value):
        """One text message: a JSON value, or a string as it is."""
        self.frame(TEXT, value if isinstance(value, (str, bytes)) else json.dumps(value))

    def read(self):
        """The next frame, whatever it is."""
        first, second = self.take(2)
        assert not second & 0x80, "a server never masks (RFC 6455, 5.1)"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self.take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.take(8))
        return Frame(first & 0x0F, self.take(size), bool(first & 0x80))

    def json(self):
        """The next text message; pings of the server are answered on the way."""
        while True:
            frame = self.read()
            if frame.opcode == PING:
                self.frame(PONG, frame.payload)
            elif frame.opcode == CLOSE:
                raise Closed(*_read_close(frame.payload))
            elif frame.opcode == TEXT:
                return json.loads(frame.payload)

    def ask(self, frame):
        """Sends a frame with `id` and returns its answer; what comes in between is dropped."""
        self.text(frame)
        while True:
            answer = self.json()
            if answer.get("id") == frame["id"]:
                return answer

    def close_code(self):
        """Reads up to the close frame. @returns its code (1005: it had none), or None where only TCP ended."""
        try:
            while True:
                frame = self.read()
                if frame.opcode == CLOSE:
                    # The server may wait for our half of the handshake before it closes TCP.
                    self.try_send(encode(CLOSE, frame.payload))
                    return _read_close(frame.payload)[0]
        except Ended:
            return None


def _read_close(payload):
    if len(payload) < 2:
        return 1005, ""
    return struct.unpack(">H", payload[:2])[0], payload[2:].decode()
