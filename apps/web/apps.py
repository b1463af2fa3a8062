"""App configuration: the customer portal."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    """The customer portal."""

    name = "apps.web"
    label = "web"
    verbose_name = _("Portal")
    default_auto_field = "django.db.models.BigAutoField"
