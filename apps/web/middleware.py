"""Gives every request its organization and actor, worked out only when something asks."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

if TYPE_CHECKING:
    from apps.accounts.actor import Actor
    from apps.accounts.models import Membership, Organization

ZONE_COOKIE: Final = "kinoglot_zone"
_ZONE: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$")


class Tenant:
    """The organization that a signed-in person works in, taken from the session; None for everyone else."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def memberships(self) -> list[Membership]:
        """The person's memberships in active organizations, by name."""
        user = self._request.user
        if not user.is_authenticated:
            return []
        return list(
            user.memberships.select_related("organization")
            .filter(organization__status="active")
            .order_by("organization__name", "organization_id")
        )

    @cached_property
    def membership(self) -> Membership | None:
        """The membership in force: the one chosen in this session, else the first."""
        chosen = self._request.session.get(settings.SESSION_ORGANIZATION_KEY) if self.memberships else None
        for membership in self.memberships:
            if membership.organization.public_id == chosen:
                return membership
        return self.memberships[0] if self.memberships else None

    @property
    def organization(self) -> Organization | None:
        """The organization in force."""
        return self.membership.organization if self.membership else None

    @cached_property
    def actor(self) -> Actor | None:
        """Who acts when a page calls a service."""
        from apps.accounts import selectors

        user = self._request.user
        if self.organization is None or not user.is_authenticated:
            return None
        return selectors.actor_for_user(user=user, organization=self.organization)


class OrganizationMiddleware:
    """Sets request.tenant, and the reader's own time zone, which app.js keeps in a cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.tenant = Tenant(request)  # type: ignore[attr-defined]
        zone = _zone(request.COOKIES.get(ZONE_COOKIE, ""))
        if zone is None:
            return self.get_response(request)
        with timezone.override(zone):
            return self.get_response(request)


def _zone(cookie: str) -> ZoneInfo | None:
    name = unquote(cookie)
    if not name or len(name) > 64 or not _ZONE.match(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
