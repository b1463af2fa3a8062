"""What every page needs: theme, languages, and for members the navigation with organization and balance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

THEME_COOKIE = "kinoglot_theme"
THEMES = ("light", "dark")


@dataclass(frozen=True)
class NavItem:
    """One entry of the side navigation; `here` are the view names that mark it as the current page."""

    label: Promise | str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True)
class NavGroup:
    """A titled group of entries."""

    title: Promise | str
    items: list[NavItem]


# label, view, icon, view names that count as "here", permission that the entry needs
_NAV: tuple[tuple[Any, tuple[tuple[Any, str, str, tuple[str, ...], str], ...]], ...] = (
    (
        _("Work"),
        (
            (_("Jobs"), "web:jobs", "film", ("jobs", "job", "job-transcript"), ""),
            (_("New job"), "web:job-new", "plus", ("job-new",), "jobs.submit"),
            (_("Lip sync"), "web:lipsync", "scan-face", ("lipsync",), "jobs.submit"),
        ),
    ),
    (
        _("Build"),
        (
            (_("API keys"), "web:keys", "key-round", ("keys", "key-new", "key-rotate"), "keys.manage"),
            (
                _("Webhooks"),
                "web:webhooks",
                "webhook",
                ("webhooks", "webhook-new", "webhook", "webhook-log", "webhook-message"),
                "webhooks.view",
            ),
            (_("API reference"), "web:reference", "book-open", ("reference",), ""),
        ),
    ),
    (
        _("Account"),
        (
            (_("Billing"), "web:billing", "wallet", ("billing",), "billing.view"),
            (_("Team"), "web:team", "users", ("team",), ""),
            (_("Providers"), "web:providers", "package", ("providers", "provider-new", "provider-edit"), "org.manage"),
            (_("Settings"), "web:settings", "settings", ("settings", "organization-new", "account"), ""),
        ),
    ),
)


class Shell:
    """Lazily computed parts of the page frame; a template that shows none of them costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def tenant(self) -> Any:
        """The request's Tenant (see middleware), or None before the middleware ran (an early error page)."""
        return getattr(self._request, "tenant", None)

    @property
    def theme(self) -> str:
        """ "light", "dark", or "" to follow the system."""
        chosen = self._request.COOKIES.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else ""

    @property
    def nav(self) -> list[NavGroup]:
        """Navigation in three groups."""
        match = getattr(self._request, "resolver_match", None)
        here = match.url_name if match and match.namespace == "web" else ""
        return [
            NavGroup(
                title,
                [
                    NavItem(label, reverse(name), icon, here in marks)
                    for label, name, icon, marks, permission in items
                    if self.may(permission)
                ],
            )
            for title, items in _NAV
        ]

    def may(self, permission: str) -> bool:
        """Whether the person may do it in the organization in force; "" is open to every member."""
        from apps.accounts.permissions import allows

        actor = self.tenant.actor if self.tenant else None
        return not permission or (actor is not None and allows(actor, permission))

    @cached_property
    def wallet(self) -> Any:
        """The portal wallet, shown at the foot of the navigation; None if the role may not see it."""
        from apps.plans import selectors

        if not self.may("billing.view"):
            return None
        return next((wallet for wallet in selectors.wallets_for(self.tenant.actor) if wallet.pool == "portal"), None)

    @cached_property
    def running(self) -> int:
        """Jobs in progress, counted up to 100."""
        from apps.jobs import selectors

        actor = self.tenant.actor if self.tenant else None
        return selectors.running_jobs(actor) if actor is not None else 0

    @cached_property
    def member_count(self) -> int:
        """People in the organization."""
        organization = self.tenant.organization if self.tenant else None
        return organization.memberships.count() if organization else 0


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor."""
    return {"shell": Shell(request), "interface_languages": settings.LANGUAGES}
