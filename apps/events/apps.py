"""App configuration: the append-only event log and the queue's door."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EventsConfig(AppConfig):
    """The append-only event log and the queue's door."""

    name = "apps.events"
    label = "events"
    verbose_name = _("Events")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make ours the broker that actors declare themselves at, whatever imports them first."""
        import dramatiq

        from apps.events.broker import get_broker

        dramatiq.set_broker(get_broker())
