"""Finding a free TCP port."""

from __future__ import annotations

import random
import socket


def free_port(preferred: int, host: str = "127.0.0.1") -> int:
    """The preferred port, else the next free one of the following hundred, else any below 32768; OSError if none.

    Ports from 32768 up belong to outgoing connections: one of those could take the number before a restarted server does.
    """
    candidates: list[int] = [*range(preferred, preferred + 100), *random.sample(range(20000, 32768), 200)]
    for port in candidates:
        if port < 65536 and _is_free(port, host):
            return port
    raise OSError(f"no free port on {host}")


def _is_free(port: int, host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True
