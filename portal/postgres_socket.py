"""The folder of the embedded server's Unix socket: short enough for the kernel, closed to everybody else. Standard library only."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from portal.postgres_binaries import EmbeddedPostgresError, nobody

PORT = 5432  # only a part of the socket's file name: the server never listens on TCP
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's limit is 107 on Linux and 103 on macOS


@dataclass
class SocketFolder:
    """Where the server of the cluster under `home` listens, and as whom it runs."""

    home: Path

    def path(self) -> Path:
        """Folder of the server's socket: beside the data, or (long path, or root) a short one under /tmp that the file `socket` names."""
        inside = self.home / "run"
        if os.geteuid() != 0 and len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
            return inside
        note = self.home / "socket"
        with contextlib.suppress(OSError):
            return Path(os.fsdecode(note.read_bytes()))
        name = Path(_temporary_place()) / f"kinoglot-pg-{secrets.token_hex(6)}"
        draft = self.home / f"socket.{os.getpid()}"
        draft.write_bytes(os.fsencode(name))
        with contextlib.suppress(FileExistsError):  # whoever links first decides
            os.link(draft, note)
        draft.unlink()
        return Path(os.fsdecode(note.read_bytes()))

    def server_user(self) -> tuple[int, int]:
        """User and group id of the server: ourselves; for root the folder's owner if that is an ordinary user, else nobody."""
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        owner = self.home.stat()
        return (owner.st_uid, owner.st_gid) if owner.st_uid != 0 else nobody()

    def is_ours(self) -> bool:
        """/tmp belongs to everybody: only a real folder, closed to others and owned by the server's user, will do."""
        try:
            seen = self.path().lstat()
        except OSError:
            return False
        return (
            stat.S_ISDIR(seen.st_mode) and stat.S_IMODE(seen.st_mode) == 0o700 and seen.st_uid == self.server_user()[0]
        )

    def make(self) -> Path:
        """The folder, made if need be under another name when somebody else took it."""
        if not self.is_ours():
            folder = self.path()
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                if folder.parent == self.home:
                    folder.chmod(0o700)
                else:  # somebody else's: choose another name
                    (self.home / "socket").unlink()
                    self.path().mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self.path(), *self.server_user())
        return self.path()

    def listener(self) -> int | None:
        """Process id of the server, told by the kernel about the socket's listener; None if nobody listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(3)
            try:
                door.connect(str(self.path() / f".s.PGSQL.{PORT}"))
                if sys.platform == "darwin":
                    return int(struct.unpack("i", door.getsockopt(0, 2, 4))[0])  # SOL_LOCAL, LOCAL_PEERPID
                return int(struct.unpack("3i", door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]) or None
            except OSError:
                return None


def _temporary_place() -> str:
    for place in ("/tmp", tempfile.gettempdir()):
        if os.access(place, os.W_OK) and len(place) <= SOCKET_PATH_LIMIT - 50:
            return place
    raise EmbeddedPostgresError("No short temporary folder for PostgreSQL's socket: /tmp is not writable.")
