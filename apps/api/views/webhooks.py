"""Webhook endpoints: made, changed, tested, their secrets, and what they missed."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from msgspec import UNSET
from rest_framework.request import Request

from apps.api import present_webhooks as present
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation, request_example
from apps.api.schemas import webhooks as shapes
from apps.core import errors
from apps.webhooks import payloads, selectors
from apps.webhooks.catalog import EVENT_TYPES, VERSION
from apps.webhooks.services import endpoints, replay
from apps.webhooks.services.secrets import callback_secret, rotate_secret, show_secret

VIEW, MANAGE = "webhooks.view", "webhooks.manage"
TAG = "Webhooks"


class EventTypesView(ApiView):
    """GET /webhook-event-types."""

    permissions = {"GET": VIEW}

    @operation(
        "webhook_event_types",
        "Event types, with an example of each",
        tag=TAG,
        answers={200: shapes.WebhookEventTypeList},
    )
    def get(self, request: Request) -> HttpResponse:
        """The catalogue."""
        items = [
            shapes.WebhookEventType(type=kind.name, meaning=str(kind.meaning), example=payloads.example(kind))
            for kind in EVENT_TYPES
        ]
        return json_response(shapes.WebhookEventTypeList(version=VERSION, items=items))


class EndpointListView(ApiView):
    """GET and POST /webhook-endpoints."""

    permissions = {"GET": VIEW, "POST": MANAGE}

    @operation(
        "webhook_endpoints_list",
        "Webhook endpoints, newest first",
        tag=TAG,
        answers={200: shapes.WebhookEndpointList},
        examples=[answer_example("endpoints", shapes.WebhookEndpointList(items=[present.ENDPOINT]))],
    )
    def get(self, request: Request) -> HttpResponse:
        """All of them."""
        rows = selectors.endpoints_for(self.actor)
        return json_response(shapes.WebhookEndpointList(items=[present.endpoint(row) for row in rows]))

    @operation(
        "webhook_endpoints_create",
        "Make a webhook endpoint",
        description=(
            "It is told of events from now on. Its secret is read at `GET /webhook-endpoints/{id}/secret` (answers of POST are "
            "kept for Idempotency-Key, secrets are not). Test it with `POST /webhook-endpoints/{id}/test`."
        ),
        tag=TAG,
        request=shapes.NewWebhookEndpoint,
        answers={201: shapes.WebhookEndpoint},
        codes=(errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        examples=[
            request_example(
                "ends of jobs", {"url": present.ENDPOINT.url, "event_types": ["job.completed", "job.failed"]}
            ),
            answer_example("endpoint", present.ENDPOINT, 201),
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """A new one."""
        given = self.body(shapes.NewWebhookEndpoint)
        row, _secret = endpoints.create_endpoint(
            actor=self.actor, url=given.url, description=given.description, event_types=given.event_types
        )
        return json_response(present.endpoint(row), 201, {"Location": f"/api/v1/webhook-endpoints/{row.public_id}"})


class EndpointView(ApiView):
    """GET, PATCH and DELETE /webhook-endpoints/{id}."""

    permissions = {"GET": VIEW, "PATCH": MANAGE, "DELETE": MANAGE}

    @operation(
        "webhook_endpoints_get",
        "One webhook endpoint",
        tag=TAG,
        answers={200: shapes.WebhookEndpoint},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("endpoint", present.ENDPOINT)],
    )
    def get(self, request: Request, endpoint_id: str) -> HttpResponse:
        """One."""
        return json_response(present.endpoint(selectors.endpoint_for(self.actor, endpoint_id)))

    @operation(
        "webhook_endpoints_change",
        "Change a webhook endpoint, or switch it off or on",
        description="What is left out stays. Switched off, messages are kept for `recover` and not sent.",
        tag=TAG,
        request=shapes.WebhookEndpointChanges,
        answers={200: shapes.WebhookEndpoint},
        codes=(errors.NOT_FOUND, errors.INVALID, errors.MEDIA_TYPE),
        examples=[request_example("switch off", {"enabled": False}), answer_example("endpoint", present.ENDPOINT)],
    )
    def patch(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Change it."""
        row = selectors.endpoint_for(self.actor, endpoint_id)
        given = self.body(shapes.WebhookEndpointChanges)
        row = endpoints.update_endpoint(
            actor=self.actor,
            endpoint=row,
            url=None if given.url is UNSET else given.url,
            description=None if given.description is UNSET else given.description,
            event_types=None if given.event_types is UNSET else given.event_types,
            enabled=None if given.enabled is UNSET else given.enabled,
        )
        return json_response(present.endpoint(row))

    @operation(
        "webhook_endpoints_delete",
        "Delete a webhook endpoint",
        description="Nothing more is sent to it. Its messages stay in the log until their time is over.",
        tag=TAG,
        answers={204: None},
        codes=(errors.NOT_FOUND,),
    )
    def delete(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Delete it."""
        endpoints.delete_endpoint(actor=self.actor, endpoint=selectors.endpoint_for(self.actor, endpoint_id))
        return HttpResponse(status=204)


class EndpointSecretView(ApiView):
    """GET /webhook-endpoints/{id}/secret."""

    permissions = {"GET": MANAGE}

    @operation(
        "webhook_endpoints_secret",
        "The secret that signs",
        tag=TAG,
        answers={200: shapes.WebhookSecret},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("secret", present.SECRET)],
    )
    def get(self, request: Request, endpoint_id: str) -> HttpResponse:
        """The newest one."""
        row = selectors.endpoint_for(self.actor, endpoint_id)
        return json_response(present.secret(show_secret(actor=self.actor, row=row), row))


class EndpointRotateView(ApiView):
    """POST /webhook-endpoints/{id}/rotate-secret."""

    permissions = {"POST": MANAGE}

    @operation(
        "webhook_endpoints_rotate_secret",
        "Make a new secret",
        description="Both sign until the overlap (24 hours by default) is over; read the new one at `.../secret`.",
        tag=TAG,
        request=shapes.RotateSecret,
        answers={200: shapes.WebhookEndpoint},
        codes=(errors.NOT_FOUND, errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        examples=[
            request_example("a week", {"overlap_seconds": 604_800}),
            answer_example("endpoint", present.ENDPOINT),
        ],
        idempotent=True,
    )
    def post(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Rotate it."""
        row = selectors.endpoint_for(self.actor, endpoint_id)
        overlap = timedelta(seconds=_rotation(self).overlap_seconds)
        rotate_secret(actor=self.actor, row=row, overlap=overlap)
        return json_response(present.endpoint(row))


class EndpointTestView(ApiView):
    """POST /webhook-endpoints/{id}/test."""

    permissions = {"POST": MANAGE}

    @operation(
        "webhook_endpoints_test",
        "Send a test",
        description="A message of type `webhook.test`, tried once, within a second or two; look at the message for the answer.",
        tag=TAG,
        answers={202: shapes.WebhookMessageSummary},
        codes=(errors.NOT_FOUND, errors.CONFLICT),
        examples=[answer_example("message", present.SUMMARY, 202)],
        idempotent=True,
    )
    def post(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Send it."""
        row = endpoints.send_test(actor=self.actor, endpoint=selectors.endpoint_for(self.actor, endpoint_id))
        return json_response(present.summary(row), 202, {"Location": f"/api/v1/webhook-messages/{row.public_id}"})


class EndpointRecoverView(ApiView):
    """POST /webhook-endpoints/{id}/recover."""

    permissions = {"POST": MANAGE}

    @operation(
        "webhook_endpoints_recover",
        "Send again what it missed",
        description="Every message since a time that was given up, also those of the time while the endpoint was switched off.",
        tag=TAG,
        request=shapes.Recover,
        answers={202: shapes.Recovered},
        codes=(errors.NOT_FOUND, errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        examples=[
            request_example("since yesterday", {"since": "2026-11-21T00:00:00Z"}),
            answer_example("messages", shapes.Recovered(messages=42), 202),
        ],
        idempotent=True,
    )
    def post(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Send them."""
        row = selectors.endpoint_for(self.actor, endpoint_id)
        count = replay.recover(actor=self.actor, endpoint=row, since=self.body(shapes.Recover).since)
        return json_response(shapes.Recovered(messages=count), 202)


class CallbackSecretView(ApiView):
    """GET /callback-secret."""

    permissions = {"GET": MANAGE}

    @operation(
        "callback_secret",
        "The secret that signs callbacks",
        description="It signs what is posted to the `callback_url` of orders, and the challenge of such an address.",
        tag=TAG,
        answers={200: shapes.WebhookSecret},
        examples=[answer_example("secret", present.SECRET)],
    )
    def get(self, request: Request) -> HttpResponse:
        """The newest one."""
        row = callback_secret(self.actor.organization.pk)
        return json_response(present.secret(show_secret(actor=self.actor, row=row), row))


class CallbackRotateView(ApiView):
    """POST /callback-secret/rotate."""

    permissions = {"POST": MANAGE}

    @operation(
        "callback_secret_rotate",
        "Make a new secret for callbacks",
        description="Both sign until the overlap is over; read the new one at `GET /callback-secret`.",
        tag=TAG,
        request=shapes.RotateSecret,
        answers={204: None},
        codes=(errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Rotate it."""
        overlap = timedelta(seconds=_rotation(self).overlap_seconds)
        rotate_secret(actor=self.actor, row=callback_secret(self.actor.organization.pk), overlap=overlap)
        return HttpResponse(status=204)


def _rotation(view: ApiView) -> shapes.RotateSecret:
    """The body; none at all means the defaults."""
    return view.body(shapes.RotateSecret) if view.request._request.body else shapes.RotateSecret()
