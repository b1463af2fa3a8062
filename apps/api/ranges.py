"""Range requests (RFC 9110 section 14): one range of bytes, from the start, from the end or in between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

_ONE: Final = re.compile(r"^bytes=\s*(?P<first>\d*)\s*-\s*(?P<last>\d*)\s*$", re.ASCII)
_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes first..last of a file, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range lies outside the file: 416."""


def parse_range(header: str, size: int) -> ByteRange | None:
    """The range asked for, or None when the header is absent, malformed or lists several (the whole file is then right).

    Raises Unsatisfiable when no byte of the file is in the range.
    """
    match = _ONE.match(header)
    if match is None or len(match["first"]) > _DIGITS or len(match["last"]) > _DIGITS:
        return None
    if not match["first"]:
        if not match["last"]:
            return None
        count = min(int(match["last"]), size)
        if count == 0:
            raise Unsatisfiable
        return ByteRange(size - count, size - 1)
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else size - 1
    if last < first and match["last"]:
        return None
    if first >= size:
        raise Unsatisfiable
    return ByteRange(first, min(last, size - 1))


def range_still_valid(if_range: str, etag: str, modified: float) -> bool:
    """True when If-Range is absent or names the file as it is now; a weak tag never does."""
    if not if_range:
        return True
    if if_range.startswith(('"', "W/")):
        return if_range == etag
    try:
        return int(modified) <= parsedate_to_datetime(if_range).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False


def tag_matches(if_none_match: str, etag: str) -> bool:
    """True when the caller already has this version (weak comparison)."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
