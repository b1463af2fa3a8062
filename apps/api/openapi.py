"""How our msgspec shapes, keys and error codes get into the OpenAPI document; `operation` is the decorator of every view method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from apps.api.schemas.common import Problem
from apps.core import errors

F = TypeVar("F", bound=Callable[..., Any])
PROBLEM: Final = "application/problem+json"
REF: Final = "#/components/schemas/{name}"
# What any call with credentials may be refused with before the view is reached.
KEY_CODES: Final = (7, 1302, 814, 1503, 1305, 4030, 4290, 1000)
OPEN_CODES: Final = (1000,)

IDEMPOTENCY: Final = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=(
        "Any text of up to 255 printable ASCII characters. The same key with the same body gives the stored answer for 24 "
        "hours; with another body, or while the first call is being answered, 409. Answers 401, 402, 409, 423, 429 and 5xx "
        "are not stored: repeat the call with the same key."
    ),
)
_HEADERS: Final[Mapping[str, str]] = {
    "X-Request-Id": "Id of this request; a well-formed one in the request is kept.",
    "RateLimit": 'What is left: `"default";r=<requests>;t=<seconds to reset>` (IETF draft-ietf-httpapi-ratelimit-headers).',
    "RateLimit-Policy": 'The limit: `"default";q=<requests>;w=<window in seconds>`.',
}


class StructExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """msgspec structs in @operation(request=..., responses=...)."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        """The class's name."""
        return str(self.target.__name__)

    def get_identity(self, auto_schema: Any, direction: Any) -> Any:
        """By name: a struct is registered once, by itself or as a part of another."""
        return self.target.__name__

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """JSON Schema as msgspec makes it; parts become components of their own."""
        _, components = msgspec.json.schema_components([self.target], ref_template=REF)
        component: Any = ResolvedComponent
        own = components.pop(self.target.__name__)
        for name, schema in components.items():
            part = component(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=_tidy(schema))
            auto_schema.registry.register_on_missing(part)
        return _tidy(own)


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The two ways in."""

    target_class = "apps.api.authentication.ActorAuthentication"
    name = ["apiKey", "session"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Either of them."""
        return [{"apiKey": []}, {"session": []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """Bearer key; the browser's cookie."""
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "sk_<id>_<secret>",
                "description": "An API key of the organization. Work ordered with it is paid from the `api` wallet.",
            },
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "kinoglot_session",
                "description": "The browser's own session; changes also need the X-CSRFToken header.",
            },
        ]


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Docstrings without their source indentation."""
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    return schema


def parameters_of(shape: type[msgspec.Struct]) -> list[OpenApiParameter]:
    """Query parameters of a struct's fields."""
    _, components = msgspec.json.schema_components([shape], ref_template=REF)
    found = []
    for field in msgspec.structs.fields(shape):
        schema = components[shape.__name__]["properties"][field.encode_name]
        choices = [part for part in schema.pop("anyOf", []) if part.get("type") != "null"]
        schema |= choices[0] if choices else {}
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [value for value in schema["enum"] if value is not None]
            schema.setdefault("type", "string")
        description = schema.pop("description", "")
        if schema.get("default", 0) is None:
            schema.pop("default")
        found.append(
            OpenApiParameter(
                field.encode_name, schema, OpenApiParameter.QUERY, description=description, required=field.required
            )
        )
    return found


def problem_example(code: int) -> dict[str, Any]:
    """An answer with this code."""
    row = errors.api_codes()[code]
    body: dict[str, Any] = {
        "type": f"https://kinoglot.example/api/v1/errors#{code}",
        "title": row.title,
        "status": row.status,
        "code": code,
        "detail": row.title,
        "errors": {"target_locales.0": ["Not a language that is offered."]} if code == errors.INVALID else {},
        "request_id": "5b0f3a1c9d2e4f6071829304",
    }
    if code == errors.INSUFFICIENT_CREDITS:
        body |= {"needed": "36.0", "available": "12.5"}
    return body


def _refusals(codes: Iterable[int]) -> tuple[dict[tuple[int, str], OpenApiResponse], list[OpenApiExample]]:
    by_status: dict[int, list[int]] = {}
    for code in codes:
        by_status.setdefault(errors.api_codes()[code].status, []).append(code)
    responses: dict[tuple[int, str], OpenApiResponse] = {}
    examples = []
    for status, group in sorted(by_status.items()):
        words = " ".join(f"`{code}` {errors.api_codes()[code].title}" for code in sorted(set(group)))
        responses[status, PROBLEM] = OpenApiResponse(Problem, description=words)
        examples += [
            OpenApiExample(
                f"code {code}",
                value=problem_example(code),
                response_only=True,
                media_type=PROBLEM,
                status_codes=[str(status)],
            )
            for code in sorted(set(group))
        ]
    return responses, examples


def operation(
    operation_id: str,
    summary: str,
    *,
    tag: str,
    answers: Mapping[int | tuple[int, str], Any],
    description: str = "",
    request: Any = None,
    query: type[msgspec.Struct] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    codes: Iterable[int] = (),
    examples: Sequence[OpenApiExample] = (),
    idempotent: bool = False,
    open_: bool = False,
) -> Callable[[F], F]:
    """Describe one operation: its shapes, every error code it can answer with, an example of each.

    `answers` maps a status (or status and media type) to a struct, an OpenApiResponse or None; `codes` are those beside
    the codes every call with credentials has.
    """
    refusals, refusal_examples = _refusals([*(OPEN_CODES if open_ else KEY_CODES), *codes])
    given = [*parameters, *(parameters_of(query) if query else [])]
    if idempotent:
        given.append(IDEMPOTENCY)
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description or summary,
        tags=[tag],
        parameters=given,
        request=request,
        responses={**answers, **refusals},
        examples=[*examples, *refusal_examples],
    )


def answer_example(name: str, value: Any, status: int = 200) -> OpenApiExample:
    """An example of what comes back; a struct shows itself."""
    return OpenApiExample(name, value=msgspec.to_builtins(value), response_only=True, status_codes=[str(status)])


def request_example(name: str, value: Any) -> OpenApiExample:
    """An example of what to send."""
    return OpenApiExample(name, value=value, request_only=True)


def only_this_api(endpoints: list[Any]) -> list[Any]:
    """Preprocessing hook: what is under /api/v1/ and described by @operation."""
    return [row for row in endpoints if row[0].startswith("/api/v1/")]


def common_headers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: the headers that every answer carries, as shared components."""
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()}
    result.setdefault("components", {})["headers"] = headers
    for path in result["paths"].values():
        for method in path.values():
            names = _HEADERS if method.get("security") else ["X-Request-Id"]
            for response in method["responses"].values():
                refs = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
                response["headers"] = refs | response.get("headers", {})
    return result
