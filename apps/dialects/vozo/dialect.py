"""Vozo's protocol as served by us: which requests are its, and its error body."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.base import Dialect, json_response, register
from apps.providers.vozo import wire

NAME = "vozo"
TASK = "task"
"""Kind of the Resource that a task is."""
VIDEO = "video"
"""Kind of the Resource that a lip-sync task is: their ids are asked for at another address."""
PREFIX = "/v1"
_NO_SUCH_ADDRESS = {errors.NOT_FOUND: 404, errors.METHOD: 405}


def claims(request: HttpRequest) -> bool:
    """Everything below /v1/ is Vozo's."""
    return request.path_info == PREFIX or request.path_info.startswith(f"{PREFIX}/")


def refuse(request: HttpRequest, error: ApiError) -> HttpResponse:
    """HTTP 400 with {"code", "message", "serverTs"}, all texts, whatever went wrong: Vozo documents no other status.

    Only what is no call of Vozo's at all, an address or a method that it does not have, is 404 or 405.
    """
    code = wire.api_code(error.code)
    status = _NO_SUCH_ADDRESS.get(error.code, 400)
    body = wire.Refusal(code=str(code), message=_message(error, code), serverTs=str(int(time.time() * 1000)))
    return json_response(body, status)


def unknown_task() -> ApiError:
    """What Vozo says to an id that is not one of the caller's tasks."""
    return errors.invalid("task_id", "There is no such task.")


def _message(error: ApiError, code: int) -> str:
    """The title of Vozo's table, then what we know besides."""
    title = errors.api_codes()[code].title
    detail = error.detail if error.detail != error.title else ""
    return f"{title} {detail}".strip() if detail != title else title


VOZO = register(Dialect(name=NAME, claims=claims, refuse=refuse))
