"""What endpoints can be told of: event types with their meaning and an example, as data for API, pages and docs/webhooks.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

VERSION: Final = "2026-11-01"
"""Version of the payloads; an endpoint keeps the one it was made with."""
VERSIONS: Final = (VERSION,)
TEST: Final = "webhook.test"


@dataclass(frozen=True, slots=True)
class EventType:
    """One type: whether its data are the job, and which of the Event's own data go out besides (nothing else ever does)."""

    name: str
    group: Promise
    meaning: Promise
    fields: tuple[str, ...] = ()
    subject: str = ""
    """Under which name the id of what it is about stands in the data; "" for jobs, whose object has it."""
    example: Mapping[str, Any] | None = None


_JOBS, _TEXTS, _FILES, _WORDS, _ACCOUNT = (
    _("Jobs"),
    _("Transcripts"),
    _("Files"),
    _("Glossaries"),
    _("Account"),
)
EVENT_TYPES: Final[tuple[EventType, ...]] = (
    EventType("job.created", _JOBS, _("A job was ordered and its credits are set aside.")),
    EventType("job.paused", _JOBS, _("A job waits for its transcript to be reviewed.")),
    EventType("job.resumed", _JOBS, _("A reviewed job goes on.")),
    EventType("job.completed", _JOBS, _("A job is done; its files can be fetched.")),
    EventType("job.failed", _JOBS, _("A job ended with an error; nothing was charged.")),
    EventType("job.canceled", _JOBS, _("A job was stopped; its credits were given back.")),
    EventType("job.retried", _JOBS, _("A failed or canceled job was started again.")),
    EventType(
        "transcript.edited",
        _TEXTS,
        _("A new revision of a transcript was saved."),
        ("revision", "lines"),
        "translation",
        {"translation": "trn_0h5x2c9k3f7mq1az", "revision": 3, "lines": 29},
    ),
    EventType(
        "asset.ready",
        _FILES,
        _("A file is stored and was checked."),
        ("duration_ms", "content_type", "size"),
        "asset",
        {"asset": "ast_0h5x2c9k3f7mq1az", "duration_ms": 61400, "content_type": "video/mp4", "size": 7340032},
    ),
    EventType(
        "asset.failed",
        _FILES,
        _("A file could not be fetched or is not usable."),
        ("error_code", "error"),
        "asset",
        {"asset": "ast_0h5x2c9k3f7mq1az", "error_code": 10901, "error": "The host answered with status 404."},
    ),
    EventType(
        "asset.expired",
        _FILES,
        _("A file was removed at the end of the plan's retention."),
        (),
        "asset",
        {"asset": "ast_0h5x2c9k3f7mq1az"},
    ),
    EventType(
        "glossary.created",
        _WORDS,
        _("A glossary was made."),
        ("name", "terms"),
        "glossary",
        {"glossary": "gls_0h5x2c9k3f7mq1az", "name": "Product names", "terms": 12},
    ),
    EventType(
        "glossary.changed",
        _WORDS,
        _("A glossary got a new version."),
        ("version", "terms"),
        "glossary",
        {"glossary": "gls_0h5x2c9k3f7mq1az", "version": 4, "terms": 14},
    ),
    EventType(
        "glossary.archived",
        _WORDS,
        _("A glossary was archived."),
        (),
        "glossary",
        {"glossary": "gls_0h5x2c9k3f7mq1az"},
    ),
    EventType(
        "key.created",
        _ACCOUNT,
        _("An API key was made."),
        ("name", "scopes", "expires_at"),
        "key",
        {"key": "7f3k9q2m", "name": "build server", "scopes": ["jobs:read"], "expires_at": None},
    ),
    EventType(
        "key.rotated",
        _ACCOUNT,
        _("An API key got a successor."),
        ("from", "overlap_seconds"),
        "key",
        {"key": "7f3k9q2m", "from": "2hd8w1rk", "overlap_seconds": 86400},
    ),
    EventType(
        "key.revoked",
        _ACCOUNT,
        _("An API key was revoked."),
        ("name",),
        "key",
        {"key": "7f3k9q2m", "name": "build server"},
    ),
    EventType(
        "subscription.changed",
        _ACCOUNT,
        _("The organization's plan or its state has changed."),
        ("plan", "status"),
        "organization",
        {"organization": "org_0h5x2c9k3f7mq1az", "plan": "business", "status": "active"},
    ),
)
BY_NAME: Final = {kind.name: kind for kind in EVENT_TYPES}


def is_job_type(name: str) -> bool:
    """Whether the data of this type are a job."""
    return name.startswith("job.")
