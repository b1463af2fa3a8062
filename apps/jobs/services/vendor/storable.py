"""What a vendor says, made fit for PostgreSQL: its texts and JSON know no NUL, and UTF-8 no lone surrogates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")


def storable(value: Any) -> Any:
    """The same text, list or mapping with U+FFFD in place of what no column takes."""
    if isinstance(value, str):
        return _UNFIT.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {storable(name): storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value
