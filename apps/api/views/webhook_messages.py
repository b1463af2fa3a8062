"""Webhook messages: the log, one with its attempts, and sending it again."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api import present_webhooks as present
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation
from apps.api.schemas import webhooks as shapes
from apps.api.views.webhooks import MANAGE, TAG, VIEW
from apps.core import errors
from apps.webhooks import selectors
from apps.webhooks.services.replay import resend_message


class MessageListView(ApiView):
    """GET /webhook-messages."""

    permissions = {"GET": VIEW}

    @operation(
        "webhook_messages_list",
        "Webhook messages, newest first",
        description="What was and will be sent to endpoints, and to the `callback_url` of orders. Kept for 30 days.",
        tag=TAG,
        query=shapes.WebhookMessageQuery,
        answers={200: shapes.WebhookMessagePage},
        codes=(errors.INVALID, errors.NOT_FOUND),
        examples=[answer_example("page", shapes.WebhookMessagePage(items=[present.SUMMARY], next_cursor=None))],
    )
    def get(self, request: Request) -> HttpResponse:
        """One page."""
        query = self.query(shapes.WebhookMessageQuery)
        page = selectors.messages_for(
            self.actor,
            endpoint=query.endpoint,
            state=query.status or "",
            type=query.type,
            subject=query.subject,
            cursor=query.cursor,
            limit=query.limit,
        )
        items = [present.summary(row) for row in page.items]
        return json_response(shapes.WebhookMessagePage(items=items, next_cursor=page.next_cursor or None))


class MessageView(ApiView):
    """GET /webhook-messages/{id}."""

    permissions = {"GET": VIEW}

    @operation(
        "webhook_messages_get",
        "One webhook message with its attempts",
        tag=TAG,
        answers={200: shapes.WebhookMessage},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("message", present.MESSAGE)],
    )
    def get(self, request: Request, message_id: str) -> HttpResponse:
        """One."""
        return json_response(present.message(selectors.message_for(self.actor, message_id)))


class MessageResendView(ApiView):
    """POST /webhook-messages/{id}/resend."""

    permissions = {"POST": MANAGE}

    @operation(
        "webhook_messages_resend",
        "Send a message again",
        description="At once, with the same id and body, whatever became of it; its retries begin anew.",
        tag=TAG,
        answers={202: shapes.WebhookMessageSummary},
        codes=(errors.NOT_FOUND, errors.CONFLICT),
        examples=[answer_example("message", present.SUMMARY, 202)],
        idempotent=True,
    )
    def post(self, request: Request, message_id: str) -> HttpResponse:
        """Send it."""
        row = resend_message(actor=self.actor, message=selectors.message_for(self.actor, message_id))
        return json_response(present.summary(row), 202)
