"""The database's refusals in words: what admit_job returns becomes an ApiError of DESIGN section 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core import errors, money
from apps.core.errors import ApiError
from apps.plans.quota import Quota

RETRY_AFTER_SECONDS: Final = 30
"""How long a client is told to wait when all slots are taken: about the time of a short clip."""


def to_error(answer: Mapping[str, Any]) -> ApiError:
    """The error for an answer whose code is not 0, with the RateLimit headers when the call was counted."""
    return with_quota(_error(answer), Quota(**answer["quota"]) if "quota" in answer else None)


def with_quota(error: ApiError, quota: Quota | None) -> ApiError:
    """The error with what is left of the minute in its headers."""
    if quota is not None:
        error.headers |= quota.headers()
    return error


def _error(answer: Mapping[str, Any]) -> ApiError:
    code = int(answer["code"])
    if code == errors.RATE:
        return errors.rate(answer["quota"]["reset"])
    if code == errors.INVALID:
        fields: dict[str, list[str]] = {}
        for wrong in answer["wrong"]:
            fields.setdefault(str(wrong["field"]), []).append(_reason(wrong))
        return errors.invalid(errors=fields)
    if code == errors.CONCURRENCY:
        whose = _("This API key") if answer["full"] == "key" else _("Your organization")
        detail = _("%(whose)s may have %(limit)s jobs of this kind queued or running.") % {
            "whose": whose,
            "limit": answer["limit"],
        }
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return ApiError(code, detail, headers=headers, extra={"limit": answer["limit"], "full": answer["full"]})
    if code == errors.INSUFFICIENT_CREDITS:
        needed, available = money.to_text(answer["needed"]), money.to_text(answer["available"])
        detail = _("This needs %(needed)s credits; %(available)s are available.") % {
            "needed": needed,
            "available": available,
        }
        return ApiError(code, detail, extra={"needed": needed, "available": available, "pool": answer["pool"]})
    if code == errors.CONFLICT:
        if answer.get("why") == "in_flight":
            return errors.conflict(
                _("The first request with this Idempotency-Key is still being worked on."), retry_after=1
            )
        return errors.conflict(_("This Idempotency-Key was used with another request."))
    headers = {"WWW-Authenticate": 'Bearer realm="Kinoglot"'} if code in (7, 1302) else {}
    return ApiError(code, headers=headers)


def _reason(wrong: Mapping[str, Any]) -> str:
    match wrong["why"]:
        case "missing":
            return _("There is no such object in your organization.")
        case "too_many":
            return _("The plan allows %(limit)s target languages in one order.") % {"limit": wrong["limit"]}
        case "other_source":
            return _("The project's source is %(asset)s; order with that source, or without a project.") % {
                "asset": wrong["asset"]
            }
        case "unusable":
            return _("This file cannot be used: %(error)s") % {"error": wrong["error"]}
        case "not_media":
            return _("This is not a video or audio file.")
        case "not_image":
            return _("This is not a picture.")
        case "no_picture":
            return _("This file has no picture.")
        case "no_sound":
            return _("This file has no sound.")
        case "too_long_together":
            return _("Together the voices are longer than the %(limit)s seconds that the plan allows.") % {
                "limit": wrong["limit"]
            }
        case "not_subtitles":
            return _("This is not a subtitle file.")
        case "too_large":
            return _("The file is larger than the %(limit)s bytes that the plan allows.") % {"limit": wrong["limit"]}
        case "too_long":
            return _("The media is longer than the %(limit)s seconds that the plan allows.") % {"limit": wrong["limit"]}
        case "audio_only":
            return _("The source is audio only: there is no picture for this.")
        case "other_source_language":
            return _("The glossary is for the source language %(is)s.") % {"is": wrong["is"]}
        case "other_target":
            return _("The glossary is for %(is)s, which is not among the target languages.") % {"is": wrong["is"]}
        case other:
            return str(other)
