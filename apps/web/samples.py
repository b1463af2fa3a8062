"""The same job as a program would order it: curl and Python."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import msgspec
from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.providers.orders import TranslationOrder


def body_of(order: dict[str, Any]) -> dict[str, Any]:
    """An order without what is left at its default, so that the sample shows what the customer chose."""
    defaults = _defaults()
    body: dict[str, Any] = {}
    for name, value in order.items():
        if name in ("source", "target_locales"):
            body[name] = _trim(value, {}) if isinstance(value, dict) else value
        elif isinstance(value, dict) and isinstance(defaults.get(name), dict):
            rest = _trim(value, defaults[name])
            if rest:
                body[name] = rest
        elif value != defaults.get(name) and value not in (None, ""):
            body[name] = _trim(value, {}) if isinstance(value, dict) else value
    return body


def curl(order: dict[str, Any], path: str = "/translations") -> str:
    """A curl command; `path` is below the API's root."""
    text = _json(body_of(order)).replace("'", "'\\''")
    lines = text.splitlines()
    block = "\n".join([lines[0], *("  " + line for line in lines[1:])])
    return (
        f"curl {settings.PUBLIC_URL}/api/v1{path} \\\n"
        '  -H "Authorization: Bearer $KINOGLOT_KEY" \\\n'
        f'  -H "Idempotency-Key: {secrets.token_hex(4)}" \\\n'
        "  --json '" + block + "'"
    )


def python(order: dict[str, Any], path: str = "/translations") -> str:
    """A Python program that needs only httpx."""
    block = _python_literal(body_of(order))
    return (
        "import os\nimport httpx\n\n"
        f'api = httpx.Client(base_url="{settings.PUBLIC_URL}/api/v1",\n'
        '    headers={"Authorization": f"Bearer {os.environ[\'KINOGLOT_KEY\']}"})\n\n'
        f'answer = api.post("{path}", json={block})\n'
        "answer.raise_for_status()\n"
        "print(answer.json())"
    )


def highlighted(code: str) -> SafeString:
    """The sample as HTML with its few telling words in the accent colour."""
    text = str(escape(code))
    text = re.sub(r"^(curl|import|print)\b", r'<span class="k">\1</span>', text, flags=re.M)
    text = re.sub(r"(\$KINOGLOT_KEY|KINOGLOT_KEY)", r'<span class="k">\1</span>', text)
    return mark_safe(text)


def _defaults() -> dict[str, Any]:
    order = msgspec.convert(
        {"source": {"asset": "ast_0000000000000000"}, "target_locales": ["en-US"]}, type=TranslationOrder
    )
    data: dict[str, Any] = msgspec.to_builtins(order)
    return data


def _trim(value: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None and item != defaults.get(key)}


def _json(value: Any, depth: int = 0) -> str:
    """JSON as a person writes it: lists and small objects on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict) or not value:
        return flat
    if depth and len(flat) < 48:
        return "{ " + flat[1:-1] + " }"
    pad = "  " * (depth + 1)
    rows = [f"{pad}{json.dumps(key)}: {_json(item, depth + 1)}" for key, item in value.items()]
    return "{\n" + ",\n".join(rows) + "\n" + "  " * depth + "}"


def _python_literal(value: Any, depth: int = 0) -> str:
    pad, end = "    " * (depth + 1), "    " * depth
    if isinstance(value, dict) and depth and len(repr(value)) < 48:
        return "{" + ", ".join(f"{json.dumps(key)}: {_python_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, dict):
        rows = [f"{pad}{json.dumps(key)}: {_python_literal(item, depth + 1)},\n" for key, item in value.items()]
        return "{\n" + "".join(rows) + end + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_python_literal(item, depth) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def first_call() -> str:
    """The shortest call that proves a key works."""
    return f'curl {settings.PUBLIC_URL}/api/v1/balance \\\n  -H "Authorization: Bearer $KINOGLOT_KEY"'
