"""What an installation without production settings keeps in its own data folder: a secret key and a database address."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def local_secret(data_dir: Path) -> str:
    """Return the folder's own random key, made on first use and readable by the owner only."""
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


def database_url(data_dir: Path) -> str:
    """Address of the embedded PostgreSQL of this data folder; whoever needs it running calls ensure_server first."""
    from portal.embedded_postgres import url_for

    return url_for(data_dir)


@contextmanager
def hold_database() -> Iterator[str]:
    """Have the embedded PostgreSQL of DATA_DIR running for the length of a with block."""
    from django.conf import settings

    from portal.embedded_postgres import ensure_server

    with ensure_server(settings.DATA_DIR) as server:
        yield server.url
