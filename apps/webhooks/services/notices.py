"""The e-mail that tells owners and admins that an endpoint was switched off."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import override

from apps.accounts.models import Membership, Role
from apps.webhooks.models import Endpoint


def tell_disabled(*, endpoint_pk: int) -> int:
    """Writes to every owner and admin, in their language; how many. Nothing when it is on again, or deleted. Called by the worker.

    Raises OSError or smtplib.SMTPException when the mail server does not take it; the queue tries again.
    """
    endpoint = Endpoint.objects.select_related("organization").filter(pk=endpoint_pk).first()
    if endpoint is None or endpoint.enabled or endpoint.deleted_at is not None:
        return 0
    members = Membership.objects.select_related("user").filter(
        organization=endpoint.organization, role__in=(Role.OWNER, Role.ADMIN), user__is_active=True
    )
    people = [membership.user for membership in members.order_by("pk")]
    for person in people:
        with override(person.language or settings.LANGUAGE_CODE):
            context = {
                "endpoint": endpoint,
                "organization": endpoint.organization,
                "link": f"{settings.PUBLIC_URL}/webhooks/{endpoint.public_id}",
                "gone": endpoint.disabled_reason == Endpoint.Reason.GONE,
            }
            subject = " ".join(render_to_string("webhooks/email/disabled_subject.txt", context).split())
            message = EmailMultiAlternatives(
                subject, render_to_string("webhooks/email/disabled.txt", context), to=[person.email]
            )
            message.attach_alternative(render_to_string("webhooks/email/disabled.html", context), "text/html")
            message.send()
    return len(people)
