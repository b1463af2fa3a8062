"""The one door to what clients of another protocol call by ids of their own: a stranger's resource does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.dialects.models import Resource
from apps.projects.selectors import Page, newest_first

MAX_ID = 200


def find_resource(
    actor: Actor, dialect: str, kind: str, external_id: str, parent: Resource | None = None
) -> Resource | None:
    """The organization's resource of that id, None when there is none (or it is another organization's). Raises ApiError 1503."""
    require(actor, "jobs.view")
    if not external_id or len(external_id) > MAX_ID or "\x00" in external_id:
        return None
    rows = Resource.objects.select_related("parent").filter(organization=actor.organization)
    return rows.filter(dialect=dialect, kind=kind, parent=parent, external_id=external_id).first()


def resource_for(actor: Actor, dialect: str, kind: str, external_id: str, parent: Resource | None = None) -> Resource:
    """The organization's resource of that id. Raises ApiError 4040, and 1503 without the permission to look."""
    found = find_resource(actor, dialect, kind, external_id, parent)
    if found is None:
        raise errors.not_found(kind)
    return found


def resources_for(
    actor: Actor,
    dialect: str,
    kind: str,
    *,
    parent: Resource | None = None,
    any_parent: bool = False,
    cursor: str = "",
    limit: int = 50,
) -> Page[Resource]:
    """Resources, newest first, those below `parent` (or of every parent). Raises ApiError 5 for a cursor that is none."""
    require(actor, "jobs.view")
    rows = Resource.objects.filter(organization=actor.organization, dialect=dialect, kind=kind)
    if not any_parent:
        rows = rows.filter(parent=parent)
    return newest_first(rows, cursor, limit)


def create_resource(
    *,
    organization_id: int,
    dialect: str,
    kind: str,
    external_id: str,
    subject: str = "",
    data: Mapping[str, Any] | None = None,
    parent: Resource | None = None,
) -> Resource:
    """A new resource, in the caller's transaction (`settle` of submit has only the organization's row id).

    Raises ApiError 4090 when the id is taken; the transaction can go on then.
    """
    try:
        with transaction.atomic():
            return Resource.objects.create(
                organization_id=organization_id,
                dialect=dialect,
                kind=kind,
                external_id=external_id,
                subject=subject,
                data=dict(data or {}),
                parent=parent,
            )
    except IntegrityError:
        raise errors.conflict(f"There already is a {kind} with the id {external_id}.") from None


def change_resource(
    resource: Resource, *, subject: str | None = None, data: Mapping[str, Any] | None = None
) -> Resource:
    """Points a resource to another of our objects, or replaces its data; one conditional update. Raises ApiError 4040 when it is gone."""
    changed: dict[str, Any] = {"updated_at": Now()}
    if subject is not None:
        changed["subject"] = subject
    if data is not None:
        changed["data"] = dict(data)
    if not Resource.objects.filter(pk=resource.pk).update(**changed):
        raise errors.not_found(resource.kind)
    resource.refresh_from_db()
    return resource


def remove_resource(resource: Resource) -> bool:
    """Forgets a resource and all below it (never our own objects). False when somebody else did."""
    return bool(Resource.objects.filter(pk=resource.pk).delete()[0])
