"""App configuration: wording rules of an organization."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GlossariesConfig(AppConfig):
    """Wording rules of an organization."""

    name = "apps.glossaries"
    label = "glossaries"
    verbose_name = _("Glossaries")
    default_auto_field = "django.db.models.BigAutoField"
