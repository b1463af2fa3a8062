"""Mail over a real SMTP connection: an invitation travels from the service through the queue's worker to a mail server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection

from apps.accounts.services import accept_invitation, invite_member
from portal.ports import free_port
from tests.factories import make_organization, make_user, owner_of


class Inbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 taken"


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    """A mail server on a free port, and Django's SMTP backend pointed at it."""
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(18025))
    controller.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = controller.port
        yield handler
    finally:
        controller.stop()


def queued(actor_name: str) -> list[list[Any]]:
    """Arguments of the messages that wait for an actor."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT message FROM dramatiq.queue WHERE message->>'actor_name' = %s", [actor_name])
        return [json.loads(row[0])["args"] if isinstance(row[0], str) else row[0]["args"] for row in cursor.fetchall()]


@pytest.mark.django_db
def test_an_invitation_arrives_and_its_link_works(inbox: Inbox) -> None:
    from apps.accounts import actors

    owner = make_user("olga@example.org", name="Ольга", language="ru")
    organization = make_organization(name="Студия", owner=owner)
    invitation = invite_member(actor=owner_of(organization), email="new@example.org", role="editor")
    ((pk,),) = queued("accounts.send_invitation")
    assert pk == invitation.pk
    actors.send_invitation.fn(pk)
    (message,) = inbox.messages
    assert message["To"] == "new@example.org"
    assert "Ольга" in message["Subject"] and "Студия" in message["Subject"]
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and html is not None
    assert '<html lang="ru" dir="ltr">' in html.get_content()
    found = re.search(r"/invitations/([\w-]+)/", text.get_content())
    assert found is not None
    membership = accept_invitation(user=make_user("new@example.org"), token=found[1])
    assert membership.role == "editor"


@pytest.mark.django_db
def test_a_mail_server_that_is_down_is_an_error_that_the_queue_repeats(settings: Any) -> None:
    from apps.accounts import actors

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    invitation = invite_member(actor=owner_of(make_organization()), email="x@example.org", role="viewer")
    with pytest.raises(OSError):
        actors.send_invitation.fn(invitation.pk)
    assert actors.send_invitation.options["max_retries"] == 8
