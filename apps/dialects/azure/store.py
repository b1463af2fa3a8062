"""Resources of Azure's protocol: a caller's translations with their iterations and operations, their time to live, and their end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Q, QuerySet

from apps.accounts.actor import Actor
from apps.accounts.permissions import allows, require
from apps.core import clock, errors
from apps.dialects import resources
from apps.dialects.azure import present
from apps.dialects.azure.dialect import ITERATION, NAME, OPERATION, TRANSLATION
from apps.dialects.models import Resource
from apps.dialects.subjects import jobs_of
from apps.jobs import states
from apps.jobs.services import derived, finish

MOST_PER_PAGE: Final = 100


def find_translation(actor: Actor, external_id: str) -> Resource | None:
    """The caller's translation; one whose time to live is over is removed now, and is not there."""
    found = resources.find_resource(actor, NAME, TRANSLATION, external_id)
    if found is not None and is_over(found):
        if allows(actor, "jobs.manage"):
            remove_translation(actor, found)
        return None
    return found


def translation_for(actor: Actor, external_id: str) -> Resource:
    """The caller's translation. Raises ApiError 4040."""
    found = find_translation(actor, external_id)
    if found is None:
        raise errors.not_found(f"translation {external_id[:64]!r}")
    return found


def is_over(translation: Resource) -> bool:
    """Whether its time to live (timeToLiveInHours) has passed."""
    expires = translation.data.get("expires")
    return isinstance(expires, str) and expires <= present.moment(clock.now())


def living(actor: Actor) -> QuerySet[Resource]:
    """The caller's translations whose time is not over."""
    require(actor, "jobs.view")
    rows = Resource.objects.filter(organization=actor.organization, dialect=NAME, kind=TRANSLATION)
    return rows.filter(Q(data__expires__isnull=True) | Q(data__expires__gt=present.moment(clock.now())))


def iterations_of(actor: Actor, translations: Iterable[Resource]) -> dict[int, list[present.Made]]:
    """Translation's row id -> its iterations, newest first; three queries however many there are."""
    require(actor, "jobs.view")
    rows = list(Resource.objects.filter(kind=ITERATION, dialect=NAME, parent__in=[row.pk for row in translations]))
    return present.by_translation(rows, jobs_of(actor, rows))


def operation_for(actor: Actor, external_id: str) -> Resource | None:
    """The caller's operation of that id."""
    return resources.find_resource(actor, NAME, OPERATION, external_id)


def create_operation(
    organization_id: int, external_id: str, translation: Resource, *, iteration: str = "", subject: str = ""
) -> Resource:
    """Remembers an operation. Raises ApiError 4090 when its id was used for something else."""
    try:
        return resources.create_resource(
            organization_id=organization_id,
            dialect=NAME,
            kind=OPERATION,
            external_id=external_id,
            subject=subject,
            data={"translation": translation.pk, "iteration": iteration},
        )
    except errors.ApiError as error:
        raise taken("Operation-Id", external_id, "operation") if error.code == errors.CONFLICT else error from None


def create_iteration(
    organization_id: int, translation: Resource, external_id: str, subject: str, data: dict[str, Any]
) -> Resource:
    """Remembers an iteration. Raises ApiError 4090 when the translation has one of that id."""
    return resources.create_resource(
        organization_id=organization_id,
        dialect=NAME,
        kind=ITERATION,
        external_id=external_id,
        subject=subject,
        data=data,
        parent=translation,
    )


def remove_translation(actor: Actor, translation: Resource) -> None:
    """Ends what is under way, removes files and forgets all ids. Raises ApiError 1503 without jobs.manage."""
    made = iterations_of(actor, [translation]).get(translation.pk, [])
    for _, job in made:
        if job is None:
            continue
        if job.status in states.OPEN:
            job = _canceled(actor, job)
        derived.delete_results(actor=actor, job=job)
    owner = Resource.objects.filter(organization=actor.organization, dialect=NAME, kind=OPERATION)
    owner.filter(data__translation=translation.pk).delete()
    resources.remove_resource(translation)


def taken(target: str, external_id: str, what: str) -> errors.ApiError:
    """409 for an id that is in use."""
    detail = f"The {what} {external_id!r} exists already and was made by another request."
    return errors.ApiError(errors.CONFLICT, detail, errors={target: [detail]})


def _canceled(actor: Actor, job: Any) -> Any:
    try:
        return finish.cancel_job(actor=actor, job=job)
    except errors.ApiError as error:
        if error.code != errors.CONFLICT:
            raise
        job.refresh_from_db()  # it ended by itself a moment ago
        return job
