"""The life of an API key: made, shown once, rotated with overlap, revoked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import keys
from apps.accounts.actor import Actor
from apps.accounts.models import ApiKey, Organization, User
from apps.accounts.permissions import SCOPES, require
from apps.core import clock, errors
from apps.core.sealing import Sealer
from apps.events.log import record

MAX_KEYS: Final = 100
NAME_LENGTH: Final = 80
MAX_CONCURRENCY: Final = 100_000
MAX_OVERLAP: Final = timedelta(days=30)


@transaction.atomic
def create_api_key(
    *,
    actor: Actor,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    volcengine: bool = False,
) -> tuple[ApiKey, str]:
    """A new key and its whole text `sk_<id>_<secret>`, which is shown this once and never again.

    With `volcengine` the secret is kept encrypted, too: signatures made with it can then be checked (keys.access_pair).
    Raises ApiError 1503 without keys.manage or for anyone but a member;
    5 for a bad name, scope or a moment in the past; 4090 above 100 live keys.
    """
    require(actor, "keys.manage")
    if actor.user is None or actor.kind != "user":  # a key lives and dies with its maker's membership
        raise errors.ApiError(errors.NOT_AUTHORIZED, _("Keys are made by members of the organization."))
    name = " ".join(name.split())
    wanted = sorted(set(scopes))
    problems: dict[str, list[str]] = {}
    if len(name) > NAME_LENGTH:
        problems["name"] = [_("A name has at most 80 characters.")]
    if not wanted:
        problems["scopes"] = [_("Choose at least one scope.")]
    elif not set(wanted) <= SCOPES.keys():
        problems["scopes"] = [_("There is no such scope.")]
    if expires_at is not None and expires_at <= clock.now():
        problems["expires_at"] = [_("This moment is in the past.")]
    if problems:
        raise errors.invalid(errors=problems)
    organization = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization.pk)
    if ApiKey.objects.filter(organization=organization, revoked_at=None).count() >= MAX_KEYS:
        raise errors.conflict(_("There are 100 keys already: revoke those that are not used."))
    key, text = _make(actor, maker=actor.user, name=name, scopes=wanted, expires_at=expires_at, volcengine=volcengine)
    data: dict[str, object] = {
        "name": name,
        "scopes": wanted,
        "expires_at": clock.to_text(expires_at) if expires_at else None,
    }
    if volcengine:
        data["volcengine"] = True
    _record(actor, key, "key.created", data)
    return key, text


@transaction.atomic
def rotate_api_key(*, actor: Actor, key_id: str, overlap: timedelta = timedelta(hours=24)) -> tuple[ApiKey, str]:
    """A successor with the same name, scopes, limit, expiry and switches; the old key works on for `overlap` (0 to 30 days).

    Raises ApiError 1503, 404, 5 for a bad overlap, 4090 for a key that is over or has a successor.
    """
    require(actor, "keys.manage")
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise errors.invalid("overlap", _("The overlap is 0 to 30 days."))
    old, now = _locked(actor, key_id), clock.now()
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise errors.conflict(_("This key is over: make a new one."))
    if old.successors.filter(revoked_at=None).exists():
        raise errors.conflict(_("This key was rotated already."))
    new, text = _make(
        actor,
        maker=actor.user if actor.kind == "user" else old.created_by,  # staff rotate a key for its maker
        name=old.name,
        scopes=old.scopes,
        expires_at=old.expires_at,
        rotated_from=old,
        max_concurrency=old.max_concurrency,
        volcengine=old.volcengine,
    )
    if overlap:
        old.expires_at = min(old.expires_at or now + overlap, now + overlap)
    else:
        old.revoked_at, old.sealed_secret = now, ""
    old.save(update_fields=["expires_at", "revoked_at", "sealed_secret"])
    _record(actor, new, "key.rotated", {"from": old.key_id, "overlap_seconds": int(overlap.total_seconds())})
    return new, text


@transaction.atomic
def revoke_api_key(*, actor: Actor, key_id: str) -> ApiKey:
    """End a key at once (code 1302 from then on) and forget its secret; again: nothing changes. Raises ApiError 1503 or 404."""
    require(actor, "keys.manage")
    key = _locked(actor, key_id)
    if key.revoked_at is None:
        key.revoked_at, key.sealed_secret = clock.now(), ""
        key.save(update_fields=["revoked_at", "sealed_secret"])
        _record(actor, key, "key.revoked", {"name": key.name})
    return key


@transaction.atomic
def limit_api_key(*, actor: Actor, key_id: str, max_concurrency: int | None) -> ApiKey:
    """Set how many jobs the key may have queued or running at once (1 and up; None: the plan's limit; code 1304 beyond).

    The same again changes nothing. Raises ApiError 1503, 404, or 5 for a number below 1.
    """
    require(actor, "keys.manage")
    if max_concurrency is not None and not 1 <= max_concurrency <= MAX_CONCURRENCY:
        raise errors.invalid("max_concurrency", _("The limit is 1 or more."))
    key = _locked(actor, key_id)
    if key.max_concurrency != max_concurrency:
        before, key.max_concurrency = key.max_concurrency, max_concurrency
        key.save(update_fields=["max_concurrency"])
        _record(actor, key, "key.limited", {"from": before, "to": max_concurrency})
    return key


def _make(
    actor: Actor,
    *,
    maker: User | None,
    name: str,
    scopes: list[str],
    expires_at: datetime | None,
    rotated_from: ApiKey | None = None,
    max_concurrency: int | None = None,
    volcengine: bool = False,
) -> tuple[ApiKey, str]:
    key_id, text, digest = keys.make()
    sealed = Sealer(settings.SEALING_KEYS).seal(keys.access_pair(text)[1]) if volcengine else ""
    key = ApiKey.objects.create(
        key_id=key_id,
        organization=actor.organization,
        name=name,
        digest=digest,
        scopes=scopes,
        created_by=maker,
        expires_at=expires_at,
        rotated_from=rotated_from,
        max_concurrency=max_concurrency,
        volcengine=volcengine,
        sealed_secret=sealed,
    )
    return key, text


def _locked(actor: Actor, key_id: str) -> ApiKey:
    locked = ApiKey.objects.select_for_update(no_key=True)
    key = locked.filter(organization=actor.organization, key_id=key_id).first()
    if key is None:
        raise errors.not_found("API key")
    return key


def _record(actor: Actor, key: ApiKey, type: str, data: Mapping[str, object]) -> None:
    record(type=type, actor=actor, organization_id=key.organization_id, subject=("apikey", key.key_id), data=data)
