"""Secrets at rest: encrypted with the newest of a list of keys, readable with any of them (Fernet: AES-128-CBC and HMAC-SHA-256).

To rotate: put a new key in front of the list, run `manage.py reseal`, take the old one away.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SealBroken(Exception):
    """The text was not sealed with any of the keys, or was changed since."""


class Sealer:
    """Seals and opens short texts. Keys are passphrases of any length with enough randomness in them; the first one seals."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._fernet = MultiFernet([Fernet(_derive(key)) for key in keys])

    def seal(self, text: str) -> str:
        """The sealed form, ASCII; each call gives another."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def unseal(self, sealed: str) -> str:
        """The text again. Raises SealBroken."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode()
        except (InvalidToken, UnicodeError):
            raise SealBroken("the sealed text cannot be opened with the keys at hand") from None

    def reseal(self, sealed: str) -> str:
        """Sealed again with the newest key. Raises SealBroken."""
        return self.seal(self.unseal(sealed))


def _derive(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"kinoglot sealing\0" + key.encode()).digest())
