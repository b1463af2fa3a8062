"""App configuration: other services' wire protocols, served by us."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DialectsConfig(AppConfig):
    """Other services' wire protocols, served by us."""

    name = "apps.dialects"
    label = "dialects"
    verbose_name = _("Dialects")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Makes the dialects known: their names and error bodies, and the shapes of their callbacks."""
        for module in MODULES:
            import_module(module)


# One line a dialect; importing registers (base.register, apps.webhooks.shapes.register).
MODULES = [
    "apps.dialects.azure.dialect",
    "apps.dialects.azure.shape",
    "apps.dialects.volcengine.dialect",
    "apps.dialects.vozo.dialect",
    "apps.dialects.vozo.shape",
]
