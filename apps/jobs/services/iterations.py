"""Iterations: a finished translation is rendered again from its edited transcript; only changed lines are spoken and charged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.core.ids import new_id
from apps.engine.transcript import Transcript as Document
from apps.events import log, queue
from apps.jobs import states
from apps.jobs.models import CallbackProof, Job
from apps.jobs.services import callbacks, pricing, refusals, slots
from apps.jobs.services.rework import IterationChanges, Rework, plan_rework, priced
from apps.jobs.services.submit import PERMISSION, WAKE_SECONDS, authorize, make_document
from apps.plans.models import Plan, Service, Wallet
from apps.plans.selectors import plan_for
from apps.plans.services import EstimateLine
from apps.projects.models import Translation
from apps.providers.orders import TranslationOrder

__all__ = ["IterationChanges", "IterationEstimate", "estimate_iteration", "submit_iteration"]

PROOF_DAYS = 30


@dataclass(frozen=True, slots=True)
class IterationEstimate:
    """What an iteration would be and cost; amounts in milli-credits, `available` what the actor's wallet has before."""

    rework: Rework
    lines: tuple[EstimateLine, ...]
    total: int
    pool: str
    available: int


class _NotProved(Exception):
    """The callback URL has not answered a challenge yet: that is asked outside of the transaction."""


def submit_iteration(
    *,
    actor: Actor,
    translation: Translation,
    revision: int | None = None,
    changes: IterationChanges | None = None,
    settle: Callable[[Job], None] | None = None,
    callback_url: str | None = None,
    dialect: str = "",
    request_id: str = "",
) -> Job:
    """Admits the next iteration of a translation, from a revision of its transcript (the newest by default).

    The checks are those of `submit`, in its order. It goes to the provider and account of the job that it starts from. `settle` runs
    in admission's transaction. Raises ApiError 7, 814, 1503, 1305, 5, 1301, 1304 or 104; 404 for another organization's
    translation; 409 when there is no finished job with a transcript, and while a job of the translation is open.
    """
    _allow(actor, translation)
    # Read and checked before the transaction: looking at URLs may ask a name server.
    work = plan_rework(translation, revision=revision, changes=changes, callback_url=callback_url)
    for proved in (False, True):
        try:
            with transaction.atomic():
                job = _admit(actor, translation, work, dialect, request_id)
                if settle is not None:
                    settle(job)
                return job
        except _NotProved:
            if proved or callback_url is None:
                raise errors.ApiError(errors.CALLBACK_CHALLENGE) from None
            organization = actor.organization
            callbacks.prove(organization_id=organization.pk, url=callback_url)
    raise AssertionError("unreachable")


def estimate_iteration(
    *,
    actor: Actor,
    translation: Translation,
    revision: int | None = None,
    changes: IterationChanges | None = None,
    document: Document | None = None,
) -> IterationEstimate:
    """What an iteration would change and cost; nothing is set aside. `document` is text that is not saved yet.

    Raises ApiError 5, 404, 409, 814 or 1503.
    """
    require(actor, PERMISSION)
    if translation.organization_id != actor.organization.pk:
        raise errors.not_found("translation")
    plan = plan_for(actor.organization)
    if plan is None:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    work = plan_rework(translation, revision=revision, changes=changes, document=document)
    lines = _price(work, plan)
    wallet = Wallet.objects.filter(organization=actor.organization, pool=actor.pool)
    available = wallet.values_list("available", flat=True).first() or 0
    return IterationEstimate(work, lines, sum(line.millicredits for line in lines), actor.pool, available)


def _allow(actor: Actor, translation: Translation) -> None:
    """Checks 1-5, and whose translation it is."""
    if actor.kind in ("staff", "system"):
        require(actor, PERMISSION)
    authorize(actor)
    if translation.organization_id != actor.organization.pk:
        raise errors.not_found("translation")


def _price(work: Rework, plan: Plan) -> tuple[EstimateLine, ...]:
    assert work.base.translation is not None
    before = msgspec.convert(work.base.order, TranslationOrder)
    duration = work.base.translation.project.source_asset.duration_ms or work.base.measured_ms or 0
    found = priced(before, work.order, work.changes, plan_id=plan.pk, duration_ms=duration)
    return tuple(EstimateLine(work.base.target_locale, *line) for line in found)


def _admit(actor: Actor, translation: Translation, work: Rework, dialect: str, request_id: str) -> Job:
    """Checks 6-9 on rows and the job itself, inside a transaction."""
    # The translation's row is the lock: of two iterations at once the second finds the first one open.
    Translation.objects.select_for_update(no_key=True).get(pk=translation.pk)
    rows = Job.objects.filter(translation=translation)
    if rows.filter(status__in=states.OPEN).exists():
        raise errors.conflict(_("A job of this translation is still open. Wait for its end or cancel it."))
    newest = rows.filter(status=states.COMPLETED).order_by("-iteration", "-id").first()
    if newest is None or newest.pk != work.base.pk:
        raise errors.conflict(_("The translation has just been rendered. Look at the new result first."))
    job = _new_job(actor, translation, work, dialect)
    plan = slots.plan_of(job)
    _check_rows(actor, work, plan)
    _check_callback(actor, work.order.callback_url)
    slots.take(job)
    amount = sum(line.millicredits for line in _price(work, plan))
    job.hold = pricing.place_hold(actor, job, attempt=1, amount=amount)
    job.estimate = amount
    job.iteration = (rows.aggregate(newest=Max("iteration"))["newest"] or 0) + 1
    job.save(force_insert=True)
    job.refresh_from_db()
    _tell(actor, job, work, request_id)
    queue.enqueue("advance", job.public_id)
    return job


def _new_job(actor: Actor, translation: Translation, work: Rework, dialect: str) -> Job:
    now, base = clock.now(), work.base
    return Job(
        public_id=new_id("job"),
        organization=actor.organization,
        translation=translation,
        order=msgspec.to_builtins(work.order),
        glossary_versions=base.glossary_versions,
        target_locale=base.target_locale,
        provider=base.provider,
        provider_account=base.provider_account,
        base_job=base,
        dialect=dialect,
        pool=actor.pool,
        service=Service.TRANSLATE,
        api_key=actor.api_key,
        created_by=actor.user if actor.api_key is None else None,
        callback_url=work.order.callback_url or "",
        reviewed_stage=states.TRANSLATE,
        reviewed_revision=work.revision,
        next_run_at=now + timedelta(seconds=WAKE_SECONDS),
        deadline_at=now + timedelta(seconds=settings.JOB_DEADLINE_SECONDS),
    )


def _check_rows(actor: Actor, work: Rework, plan: Plan) -> None:
    """Check 6 as admission makes it: the source is still there and within the plan's limits."""
    document: dict[str, Any] = make_document(actor, work.order)
    # Text is given: subtitles and glossaries were used by the first job, and may be gone by now.
    document |= {"subtitle_asset": None, "glossaries": []}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.wrong::text FROM check_order(%s::jsonb, %s, %s, %s, %s) c",
            [
                msgspec.json.encode(document).decode(),
                actor.organization.pk,
                plan.max_file_bytes,
                plan.max_duration,
                plan.max_targets,
            ],
        )
        row = cursor.fetchone()
    assert row is not None
    if wrong := msgspec.json.decode(row[0]):
        raise refusals.to_error({"code": errors.INVALID, "wrong": wrong})


def _check_callback(actor: Actor, url: str | None) -> None:
    if url is None:
        return
    since = clock.now() - timedelta(days=PROOF_DAYS)
    proofs = CallbackProof.objects.filter(organization=actor.organization, url_digest=callbacks.url_digest(url))
    if not proofs.filter(proved_at__gt=since).exists():
        raise _NotProved


def _tell(actor: Actor, job: Job, work: Rework, request_id: str) -> None:
    assert job.translation is not None
    with structlog.contextvars.bound_contextvars(**({"request_id": request_id} if request_id else {})):
        log.record(
            type="job.created",
            actor=actor,
            organization_id=job.organization_id,
            subject=job,
            data={
                "target_locale": job.target_locale,
                "translation": job.translation.public_id,
                "pool": job.pool,
                "estimate": job.estimate,
                "file_name": job.translation.project.source_asset.file_name,
                "iteration": job.iteration,
                "base": work.base.public_id,
                "revision": work.revision,
                "changed_lines": len(work.changes.spoken),
            },
        )
