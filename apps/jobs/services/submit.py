"""Admission's Python door: one prepared call of admit_job (sql/admit_job.sql), and the answer as plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
import psycopg
import structlog
from django.conf import settings
from django.db import connection, transaction

from apps.accounts.actor import Actor
from apps.accounts.keys import ParsedKey
from apps.accounts.models import Organization
from apps.accounts.permissions import require, roles_for, scope_for
from apps.core import errors
from apps.core.ids import new_id
from apps.events import doorbell, queue
from apps.jobs.services import callbacks, refusals, routing, validate
from apps.jobs.services.lipsync_order import lipsync_part, normalize_lipsync
from apps.plans.pricing import billable_items, service_of
from apps.plans.quota import Quota
from apps.providers.orders import LipsyncOrder, Order, TranslationOrder

PERMISSION: Final = "jobs.submit"
HOLD_SECONDS: Final = 31 * 86_400
"""Longer than any job may take, review included: a hold never expires under a living job."""
WAKE_SECONDS: Final = 15
"""When the reconciler sends the first message again if nobody has taken the job up."""
_CALL: Final = "SELECT admit_job(%s::jsonb)::text"

Caller = Actor | ParsedKey
Settle = Callable[["Submission"], None]


class Admitted(msgspec.Struct, frozen=True):
    """One job of an admitted order; amounts in milli-credits. `translation` and `target_locale` are "" for a lip-sync job."""

    id: str
    pk: int
    translation: str
    iteration: int
    target_locale: str
    estimate: int
    held: int

    @property
    def public_id(self) -> str:
        """The job's id, as rows call it."""
        return self.id


class Submission(msgspec.Struct, frozen=True):
    """An admitted order. `organization` is the row's id, created_at RFC 3339, `available` what the wallet has left. `asset` and
    `project` are those of a translation, "" for a lip-sync job, whose files are its inputs.

    `replayed` says that the answer is that of an earlier request with the same Idempotency-Key.
    """

    organization: int
    asset: str
    project: str
    pool: str
    available: int
    created_at: str
    jobs: list[Admitted]
    duration_ms: int | None = None
    replayed: bool = False
    quota: Quota | None = None


def submit(
    *,
    actor: Caller,
    order: Order,
    idempotency: tuple[str, bytes] | None = None,
    settle: Settle | None = None,
    request_id: str = "",
    count: bool = False,
    dialect: str = "",
) -> Submission:
    """Checks an order in the order of DESIGN section 4 and admits it: one job for each target locale, or none at all; one job of
    a lip-sync order, whose callback_url is not challenged.

    `actor` may be a key as sent (keys.parse_bearer): its checks 1-5 then happen in the same round trip. `idempotency` is
    (key, SHA-256 of the request): the first answer is kept with the admission itself. `settle` runs in admission's transaction,
    right after it. With `count` the call counts against the key's requests a minute (4290), and answers and
    refusals tell how many are left. `dialect` names whose wire format the order came in (the job's callbacks speak it too).
    Raises ApiError 7, 1302, 814, 1503, 1305, 4290, 5, 1301, 1304, 104 or 4090.
    """
    if isinstance(actor, Actor) and actor.kind in ("staff", "system"):
        require(actor, PERMISSION)
    order, wrong = normalize(actor, order)
    if wrong:
        quota = authorize(actor, count=count)
        raise refusals.with_quota(errors.invalid(errors=wrong), quota)
    request_id = request_id or str(structlog.contextvars.get_contextvars().get("request_id", ""))
    document = make_document(actor, order, idempotency, request_id)
    document["count"] = count
    document["dialect"] = dialect
    answer = _admit(document, settle)
    if answer["code"] == errors.CALLBACK_CHALLENGE and order.callback_url is not None:
        organization = Organization.objects.get(pk=answer["organization"])
        callbacks.prove(organization_id=organization.pk, url=order.callback_url)
        document["count"] = False
        answer = _admit(document, settle)
    if answer["code"] != 0:
        raise refusals.to_error(answer)
    return _submission(answer)


def normalize(actor: Caller, order: Order) -> tuple[Order, validate.Errors]:
    """Check 6 without rows, of either kind of order."""
    if isinstance(order, LipsyncOrder):
        return normalize_lipsync(order, routing.usable_for(actor))
    return validate.normalize(order, routing.usable_for(actor))


def authorize(actor: Caller, *, count: bool = False) -> Quota | None:
    """Checks 1-5 alone: a body that cannot be read is refused only to those who may ask at all.

    Raises ApiError. With `count` the call counts against the key's requests a minute and the answer says how many are left.
    """
    answer = _admit({"auth": _auth(actor), "actor": {}, "targets": [], "count": count}, None)
    if answer["code"] != 0:
        raise refusals.to_error(answer)
    return msgspec.convert(answer["quota"], Quota) if "quota" in answer else None


def fingerprint(*parts: bytes) -> bytes:
    """SHA-256 over the parts of a request, for `idempotency`."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def make_document(
    actor: Caller, order: Order, idempotency: tuple[str, bytes] | None = None, request_id: str = ""
) -> dict[str, Any]:
    """What admit_job and its checks are given: the order with everything that only Python knows (new ids, messages)."""
    in_database = queue.in_database()
    targets = []
    for locale in sorted(order.target_locales) if isinstance(order, TranslationOrder) else [""]:
        job = new_id("job")
        targets.append(
            {
                "locale": locale,
                "job": job,
                "translation": new_id("trn"),
                "hold": new_id("hld"),
                "entry": new_id("led"),
                "message": queue.encode_message("advance", (job,)) if in_database else None,
            }
        )
    digest = callbacks.url_digest(order.callback_url).hex() if order.callback_url else ""
    document = {
        "auth": _auth(actor),
        "actor": actor.as_json() if isinstance(actor, Actor) else {},
        "request_id": request_id,
        "idempotency": {"key": idempotency[0], "fingerprint": idempotency[1].hex()} if idempotency else None,
        "pool": "api" if isinstance(actor, ParsedKey) else actor.pool,
        "service": service_of(order),
        "items": billable_items(order),
        "project": order.project,
        "order": msgspec.to_builtins(order),
        "provider": order.provider or "",
        "callback": {"url": order.callback_url, "digest": digest} if order.callback_url else None,
        "hold_seconds": HOLD_SECONDS,
        "deadline_seconds": settings.JOB_DEADLINE_SECONDS,
        "wake_seconds": WAKE_SECONDS,
        "targets": targets,
    }
    return document | (lipsync_part(order) if isinstance(order, LipsyncOrder) else _translation_part(order))


def _translation_part(order: TranslationOrder) -> dict[str, Any]:
    source: dict[str, Any] = {"asset": order.source.asset}
    if order.source.url is not None:
        source = {"url": order.source.url, "new": new_id("ast"), "name": validate.url_name(order.source.url)}
    return {
        "source": source,
        "subtitle_asset": order.subtitle.asset if order.subtitle else None,
        "glossaries": order.glossaries,
        "needs_video": validate.needs_video(order),
        "source_language": order.source_language,
        "new_project": new_id("prj"),
        "project_name": order.title,
    }


def _auth(actor: Caller) -> dict[str, Any]:
    if isinstance(actor, ParsedKey):
        key_id, digest = actor.key_id, actor.digest
    elif actor.kind == "api_key" and actor.api_key is not None:
        key_id, digest = actor.api_key.key_id, bytes(actor.api_key.digest)
    elif actor.kind == "user" and actor.user is not None:
        return {
            "kind": "member",
            "user": actor.user.pk,
            "organization": actor.organization.pk,
            "roles": roles_for(PERMISSION),
        }
    else:
        return {"kind": "system", "organization": actor.organization.pk}
    return {
        "kind": "key",
        "key_id": key_id,
        "digest": digest.hex(),
        "scope": scope_for(PERMISSION),
        "roles": roles_for(PERMISSION),
    }


def _admit(document: dict[str, Any], settle: Settle | None) -> dict[str, Any]:
    """One round trip, and its own transaction unless the caller has one; with `settle` both share a transaction."""
    text = msgspec.json.encode(document).decode()
    if settle is None:
        answer = _call(text)
    else:
        with transaction.atomic():
            answer = _call(text)
            if answer["code"] == 0 and document["targets"]:
                settle(_submission(answer))
    if answer["code"] == 0 and answer.get("jobs") and not answer.get("replayed"):
        doorbell.ring_after_commit()
    if answer["code"] == 0 and not queue.in_database() and not answer.get("replayed"):
        for job in answer.get("jobs", ()):
            queue.send_after_commit(queue.encode_message("advance", (job["id"],)))
    return answer


def _call(text: str) -> dict[str, Any]:
    """Runs the prepared statement over Django's connection; a connection that died while idle is opened again."""
    for attempt in (1, 2):
        connection.ensure_connection()
        raw: psycopg.Connection[Any] = connection.connection
        if raw.prepare_threshold is None:
            raw.prepare_threshold = 5  # Django switches preparing off; for this one statement it halves the cost
        try:
            # A plain server-side cursor: Django's own wrapper would not let the statement be prepared.
            with psycopg.Cursor(raw) as cursor:
                row = cursor.execute(_CALL, (text,), prepare=True).fetchone()
            assert row is not None
            answer: dict[str, Any] = msgspec.json.decode(row[0])
            return answer
        except psycopg.OperationalError:
            if attempt == 2 or connection.in_atomic_block or not raw.closed:
                raise
            connection.close()
    raise AssertionError("unreachable")


def _submission(answer: dict[str, Any]) -> Submission:
    return msgspec.convert(answer, Submission)
