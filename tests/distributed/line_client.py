"""A client of the line protocol that can also break its rules: it sends any bytes and reads lines."""

import socket


class LineClient:
    """One TCP connection. `unread` holds what has come and was not asked for yet."""

    def __init__(self, host, port, timeout=30.0, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.connect((host, port))
        except OSError:
            self.socket.close()
            raise
        self.unread = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def line(self):
        """The next line without its CR LF, or None when the server has closed. A line that ends otherwise: ValueError."""
        start = 0
        while (end := self.unread.find(b"\n", start)) < 0:
            start = len(self.unread)
            try:
                more = self.socket.recv(1 << 18)
            except ConnectionResetError:
                return None
            if not more:
                if self.unread:
                    raise ValueError(f"the server closed within a line: {bytes(self.unread[:200])!r}")
                return None
            self.unread += more
        line = bytes(self.unread[:end])
        del self.unread[:end + 1]
        if not line.endswith(b"\r"):
            raise ValueError(f"a reply must end in CR LF: {line[:200]!r}")
        return line[:-1].decode("utf-8", "surrogateescape")

    def lines(self, count):
        return [self.line() for _ in range(count)]

    def ask(self, request, replies=1):
        """Sends one request; its reply of one line, or a list of lines."""
        self.send(request + "\r\n")
        return self.line() if replies == 1 else self.lines(replies)

    def get(self, bucket, key):
        """The value as text; an empty one too when there is none. Other answers are returned as they are."""
        first = self.ask(f"GET {bucket} {key}")
        if first in ("NOT FOUND", "UNKNOWN COMMAND") or first is None or first.startswith("ERROR "):
            return first
        assert (end := self.line()) == "OK", end
        return first

    def until_ok(self, request):
        """The lines before the OK that ends the reply."""
        self.send(request + "\r\n")
        lines = []
        while (line := self.line()) != "OK":
            if line is None or line == "NOT FOUND" or line.startswith(("ERROR ", "UNKNOWN")):
                raise AssertionError(f"{request}: {line}")
            lines.append(line)
        return lines

    def has_closed(self):
        """Waits for the server to close; False when it sends anything or the time-out of the socket passes."""
        try:
            return not self.unread and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
