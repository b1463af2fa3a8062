"""A raw TCP server that answers as told: for hosts that lie, drip, never end or lead elsewhere."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

Talk = Callable[[socket.socket, bytes], None]


class Hostile:
    """One port on loopback; `talk` gets the connection and the request's head. requests counts the connections."""

    def __init__(self, family: int = socket.AF_INET, host: str = "127.0.0.1") -> None:
        self.talk: Talk = lambda connection, head: None
        self.heads: list[bytes] = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = self.request.recv(65536)
                    if not data:
                        return
                    head += data
                outer.heads.append(head)
                with contextlib.suppress(OSError):
                    outer.talk(self.request, head)

        class Server(socketserver.ThreadingTCPServer):
            address_family = family
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 512

        self._server = Server((host, 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> Talk:
    """A sound answer; header names with underscores for dashes."""
    lines = {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return raw(head.encode() + body)


def raw(data: bytes) -> Talk:
    """Exactly these bytes, then the end of the connection."""
    return lambda connection, _: connection.sendall(data)


def by_path(**talks: Talk) -> Talk:
    """Another answer per first word of the path."""

    def talk(connection: socket.socket, head: bytes) -> None:
        talks[head.split(b" ")[1].decode().strip("/").split("?")[0]](connection, head)

    return talk


def endless(prefix: bytes, piece: bytes, pause: float = 0.0) -> Talk:
    """A head, then one piece after another for ever."""

    def talk(connection: socket.socket, head: bytes) -> None:
        connection.sendall(prefix)
        stop = threading.Event()
        while not stop.wait(pause) if pause else True:
            connection.sendall(piece)

    return talk


@contextlib.contextmanager
def hostile(**kwargs: object) -> Iterator[Hostile]:
    made = Hostile(**kwargs)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()
