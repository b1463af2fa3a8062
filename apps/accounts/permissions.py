"""The permissions table: who may do what. One row a permission; people pass by role, keys by scope and their maker's role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.actor import Actor
from apps.accounts.models import Role
from apps.core import errors

OWNER, ADMIN, EDITOR, REVIEWER, VIEWER = (
    str(role.value) for role in (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER)
)
# Highest first: nobody gives a role above their own.
RANKS: Final[tuple[str, ...]] = (OWNER, ADMIN, EDITOR, REVIEWER, VIEWER)
_ALL = frozenset(RANKS)
_MAKERS = frozenset({OWNER, ADMIN, EDITOR})
_REVIEWERS = _MAKERS | {REVIEWER}
_MANAGERS = frozenset({OWNER, ADMIN})

SCOPES: Final = {
    "jobs:read": gettext_lazy("See jobs, translations and results"),
    "jobs:write": gettext_lazy("Order and manage jobs"),
    "assets:write": gettext_lazy("Upload files"),
    "glossaries:write": gettext_lazy("Change glossaries"),
    "webhooks:write": gettext_lazy("Manage webhooks"),
    "billing:read": gettext_lazy("See balance, ledger and usage"),
}


@dataclass(frozen=True, slots=True)
class Permission:
    """Roles that have it, and the scope a key needs for it; no scope: people only."""

    roles: frozenset[str]
    scope: str | None


PERMISSIONS: Final[dict[str, Permission]] = {
    "api.use": Permission(_MAKERS, None),
    "jobs.view": Permission(_ALL, "jobs:read"),
    "jobs.submit": Permission(_MAKERS, "jobs:write"),
    "jobs.manage": Permission(_MAKERS, "jobs:write"),
    "jobs.resume": Permission(_REVIEWERS, "jobs:write"),
    "transcripts.edit": Permission(_REVIEWERS, "jobs:write"),
    "assets.write": Permission(_MAKERS, "assets:write"),
    "glossaries.write": Permission(_MAKERS, "glossaries:write"),
    "billing.view": Permission(_MAKERS, "billing:read"),
    "webhooks.view": Permission(_MAKERS, "jobs:read"),
    "webhooks.manage": Permission(_MANAGERS, "webhooks:write"),
    "members.manage": Permission(_MANAGERS, None),
    "keys.manage": Permission(_MANAGERS, None),
    "org.manage": Permission(_MANAGERS, None),
}


def roles_for(permission: str) -> list[str]:
    """Roles that have the permission, highest first. Raises KeyError for one that is not in the table."""
    allowed = PERMISSIONS[permission].roles
    return [role for role in RANKS if role in allowed]


def scope_for(permission: str) -> str | None:
    """Scope that a key needs for the permission; None when keys never have it."""
    return PERMISSIONS[permission].scope


def allows(actor: Actor, permission: str) -> bool:
    """Say whether the actor may do it. Staff and the system may do everything; a key never gets past its maker's role."""
    row = PERMISSIONS[permission]
    if actor.kind in ("staff", "system"):
        return True
    if actor.role not in row.roles:
        return False
    if actor.kind == "api_key":
        # "api.use" is about the maker's role alone: every working key has it.
        return permission == "api.use" or (row.scope is not None and row.scope in actor.scopes)
    return True


def require(actor: Actor, permission: str) -> None:
    """Raise ApiError 1503 unless the actor may do it; the detail names the missing scope or role."""
    if allows(actor, permission):
        return
    row = PERMISSIONS[permission]
    if actor.kind == "api_key" and actor.role in row.roles:
        detail = (
            _("This API key lacks the scope %(scope)s.") % {"scope": row.scope}
            if row.scope
            else _("This can be done by people only, not with an API key.")
        )
    else:
        detail = _("Your role does not allow this (%(permission)s).") % {"permission": permission}
    raise errors.ApiError(errors.NOT_AUTHORIZED, detail)


def rank(role: str) -> int:
    """0 for the highest role; a larger number is a lesser role. Raises ValueError for an unknown role."""
    return RANKS.index(role)
