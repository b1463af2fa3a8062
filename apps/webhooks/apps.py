"""App configuration: telling customers' servers what happened."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """Telling customers' servers what happened."""

    name = "apps.webhooks"
    label = "webhooks"
    verbose_name = _("Webhooks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell jobs, which sit below, how challenges are signed: the secrets are kept here."""
        from apps.jobs.services import callbacks
        from apps.webhooks.services.secrets import sign_callback

        callbacks.sign_with(sign_callback)
