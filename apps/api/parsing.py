"""Reads JSON bodies and query strings into msgspec structs; every wrong field is named, not only the first."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec
from django.http import HttpRequest, QueryDict

from apps.core import errors
from apps.core.errors import ApiError

T = TypeVar("T")
# PostgreSQL keeps no null characters in text.
_NULL_ESCAPE: Final = b"\\u0000"
JSON_TYPES: Final = frozenset({"application/json", ""})
_WHERE: Final = re.compile(r"^(?P<text>.*?)(?: - at `(?:key in )?\$?(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")
_MISSING: Final = re.compile(r"missing required field `(?P<name>[^`]*)`")


def read_body(request: HttpRequest, shape: type[T], decoder: msgspec.json.Decoder[T] | None = None) -> T:
    """The request's JSON body as `shape`. Raises ApiError 4150 for another content type and 5 with every wrong field."""
    content_type = (request.content_type or "").lower()
    if content_type not in JSON_TYPES:
        raise ApiError(errors.MEDIA_TYPE, "Send the body as application/json.")
    return decode(request.body, shape, decoder)


def decode(raw: bytes, shape: type[T], decoder: msgspec.json.Decoder[T] | None = None) -> T:
    """JSON bytes as `shape`; ApiError 5 says what is wrong with which field."""
    try:
        found = decoder.decode(raw) if decoder is not None else msgspec.json.decode(raw, type=shape)
        if _NULL_ESCAPE in raw:
            _refuse_nulls(msgspec.json.decode(raw))
        return found
    except msgspec.ValidationError as error:
        raise errors.invalid(errors=_all_errors(raw, shape, error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = str(error)[:200] if isinstance(error, msgspec.DecodeError) else "too deep or not UTF-8"
        raise errors.invalid("body", f"Not a JSON document: {text}.") from None


def read_query(query: QueryDict, shape: type[T]) -> T:
    """The query string as `shape`: texts are turned into numbers and booleans; repeated names make a list."""
    values: dict[str, Any] = {
        name: values[0] if len(values) == 1 else values for name, values in query.lists() if values
    }
    _refuse_nulls(values)
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise errors.invalid(errors=_field_errors(values, shape, error, strict=False)) from None


def _refuse_nulls(value: object, path: str = "") -> None:
    """Raise ApiError 5 when a text, or the name of a field, holds a null character."""
    if isinstance(value, str) and "\x00" in value:
        raise errors.invalid(path or "body", "Null characters are not accepted.")
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_nulls(name, path)
            _refuse_nulls(inner, _join(path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _refuse_nulls(inner, _join(path, str(number)))


def _all_errors(raw: bytes, shape: type[Any], first: msgspec.ValidationError) -> dict[str, list[str]]:
    try:
        values = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return dict([_named(first)])
    return _field_errors(values, shape, first, strict=True)


def _field_errors(
    values: object, shape: type[Any], first: msgspec.ValidationError, *, strict: bool, path: str = ""
) -> dict[str, list[str]]:
    """Each field tried by itself; nested structs are walked into. Falls back to msgspec's first error."""
    if not isinstance(values, dict) or not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
        return dict([_named(first, path)])
    found: dict[str, list[str]] = {}
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for name in values.keys() - fields.keys():
        found[_join(path, str(name))] = ["There is no such field."]
    for name, field in fields.items():
        if name not in values:
            if field.required:
                found[_join(path, name)] = ["This field is required."]
            continue
        try:
            msgspec.convert(values[name], field.type, strict=strict)
        except msgspec.ValidationError as error:
            inner = _struct_in(field.type)
            if inner is not None and isinstance(values[name], dict):
                found |= _field_errors(values[name], inner, error, strict=strict, path=_join(path, name))
            else:
                key, texts = _named(error, _join(path, name))
                found.setdefault(key, []).extend(texts)
        except RecursionError:
            found[_join(path, name)] = ["Nested too deep."]
    return found or dict([_named(first, path)])


def _struct_in(type_: Any) -> type[msgspec.Struct] | None:
    """The struct in `X` or `X | None`."""
    for candidate in (type_, *getattr(type_, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _named(error: msgspec.ValidationError, path: str = "") -> tuple[str, list[str]]:
    """("a.0.b", ["Expected `int`, got `str`."]) of msgspec's "Expected `int`, got `str` - at `$.a[0].b`"."""
    match = _WHERE.match(str(error))
    text, inner = (match["text"], match["path"] or "") if match else (str(error), "")
    inner = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", inner).strip(".")
    full = _join(path, inner) if inner else path
    if unknown := _UNKNOWN.search(text):
        return _join(full, unknown["name"]), ["There is no such field."]
    if missing := _MISSING.search(text):
        return _join(full, missing["name"]), ["This field is required."]
    return full or "body", [text.replace("`", "") + "."]
