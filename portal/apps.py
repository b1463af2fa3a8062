"""The project itself as an app: its checks, its error reports, its commands."""

from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers checks and, where SENTRY_DSN is set, error reports."""

    name = "portal"
    verbose_name = "Kinoglot"

    def ready(self) -> None:
        from portal import checks  # noqa: F401 (registers)
        from portal.reports import start

        start()
