"""The customers' servers of the webhook benchmark, all in one process: `python -m benchmarks.lib.webhook_receiver PORT`.

Listens on every loopback address. /ok/… is answered at once, /slow/… after 14 s, /dead/… never. GET /stats tells what came to /ok.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

SLOW_SECONDS = 14.0
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Counts:
    """What came since the last look."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.came = 0
        self.unsigned = 0
        self.ids: set[bytes] = set()
        self.last = 0.0

    def as_json(self) -> dict[str, Any]:
        return {"came": self.came, "different": len(self.ids), "unsigned": self.unsigned, "last": self.last}


COUNTS = Counts()


class Server(asyncio.Protocol):
    """As much of HTTP/1.1 as a benchmark needs."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end]
            lower = head.lower()
            at = lower.find(b"\r\ncontent-length:")
            length = int(lower[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            self._data = self._data[end + 4 + length :]
            self._answer(head, lower)

    def _answer(self, head: bytes, lower: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/ok"):
            COUNTS.came += 1
            COUNTS.last = time.time()
            at = lower.find(b"\r\nwebhook-id:")
            COUNTS.ids.add(lower[at + 13 :].split(b"\r\n", 1)[0].strip() if at >= 0 else b"")
            COUNTS.unsigned += b"\r\nwebhook-signature: v1," not in lower
            self._transport.write(OK)
        elif path.startswith(b"/slow"):
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._transport.write, OK)
        elif path.startswith(b"/stats"):
            body = json.dumps(COUNTS.as_json()).encode()
            if b"forget" in path:
                COUNTS.forget()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Server, "0.0.0.0", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
