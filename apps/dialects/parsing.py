"""JSON bodies of other protocols: unknown fields are passed over, as their servers do; a wrong one is named."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec
from django.http import HttpRequest

from apps.core import errors

T = TypeVar("T")
_WHERE: Final = re.compile(r"^(?P<text>.*?)(?: - at `(?:key in )?\$?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING: Final = re.compile(r"missing required field `(?P<name>[^`]*)`")


def read_json(request: HttpRequest, shape: type[T]) -> T:
    """The body as `shape`, whatever content type it claims. Raises ApiError 5 naming the field."""
    return decode(request.body, shape)


def decode(raw: bytes, shape: type[T]) -> T:
    """JSON bytes as `shape`. Raises ApiError 5 naming the field, "body" when it is no JSON at all."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error)[:200] if isinstance(error, msgspec.DecodeError) else "too deep or not UTF-8"
        raise errors.invalid("body", f"Not a JSON document: {reason}.") from None
    return convert(value, shape)


def convert(value: Any, shape: type[T], *, strict: bool = True) -> T:
    """Plain data as `shape`; not `strict`: texts are read as numbers and booleans (query strings). Raises ApiError 5."""
    refuse_nulls(value)
    try:
        return msgspec.convert(value, shape, strict=strict)
    except RecursionError:
        raise errors.invalid("body", "Nested too deep.") from None
    except msgspec.ValidationError as error:
        name, reason = _named(error)
        raise errors.invalid(name, reason) from None


def refuse_nulls(value: Any, path: str = "") -> None:
    """PostgreSQL keeps no null characters in text: ApiError 5 for any that holds one."""
    if isinstance(value, str):
        if "\x00" in value:
            raise errors.invalid(path or "body", "Null characters are not accepted.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            refuse_nulls(name, path)
            refuse_nulls(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            refuse_nulls(inner, f"{path}.{number}" if path else str(number))


def _named(error: msgspec.ValidationError) -> tuple[str, str]:
    """("a.0.b", "Expected int, got str.") of msgspec's "Expected `int`, got `str` - at `$.a[0].b`"."""
    match = _WHERE.match(str(error))
    text, path = (match["text"], match["path"] or "") if match else (str(error), "")
    path = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path).strip(".")
    if missing := _MISSING.search(text):
        return (f"{path}.{missing['name']}" if path else missing["name"]), "This field is required."
    return path or "body", text.replace("`", "") + "."
