"""App configuration: plans, wallets and the ledger."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as registry
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def _install_catalog(sender: AppConfig, apps: Any = registry, **kwargs: object) -> None:
    """Have the plans there after every migrate and every flush (tests empty all tables; flush passes no apps)."""
    from apps.plans import catalog

    try:
        apps.get_model("plans", "RateCard")
    except LookupError:  # migrated back to nothing
        return
    catalog.install(apps)


class PlansConfig(AppConfig):
    """Plans, wallets and the ledger."""

    name = "apps.plans"
    label = "plans"
    verbose_name = _("Plans and credits")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.plans import receivers

        post_migrate.connect(_install_catalog, sender=self)
        receivers.connect()
