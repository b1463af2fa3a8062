"""App configuration: plans, wallets and the ledger."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PlansConfig(AppConfig):
    """Plans, wallets and the ledger."""

    name = "apps.plans"
    label = "plans"
    verbose_name = _("Plans and credits")
    default_auto_field = "django.db.models.BigAutoField"
