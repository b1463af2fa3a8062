"""Translations: order (the hot path of apps.api.submit), list, one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from apps.api import samples
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation, request_example
from apps.api.reading import show_translations
from apps.api.schemas import translations as shapes
from apps.api.submit import submit_view
from apps.core import errors
from apps.projects import selectors
from apps.providers.orders import TranslationOrder


class TranslationListView(ApiView):
    """GET and POST /translations."""

    permissions = {"GET": "jobs.view", "POST": "jobs.submit"}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """POST goes past DRF: it is the one call whose cost matters (docs/performance.md)."""
        if request.method == "POST":
            return submit_view(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    @operation(
        "translations_list",
        "Translations, newest first",
        tag="Translations",
        query=shapes.TranslationQuery,
        answers={200: shapes.TranslationPage},
        codes=(errors.INVALID,),
        examples=[answer_example("page", shapes.TranslationPage(items=[samples.TRANSLATION], next_cursor=None))],
    )
    def get(self, request: Request) -> HttpResponse:
        """One page of translations."""
        query = self.query(shapes.TranslationQuery)
        page = selectors.translations_for(self.actor, project=query.project, cursor=query.cursor, limit=query.limit)
        return json_response(
            shapes.TranslationPage(items=show_translations(page.items), next_cursor=page.next_cursor or None)
        )

    @operation(
        "translations_create",
        "Order translations of one source into one or more languages",
        description=(
            "One translation and one job for each target language; all are admitted together or none is. Checks happen in the "
            "order of the codes 7, 1302, 814, 1503, 1305, 4290, 5, 1301, 1304, 104. The price is set aside in the wallet at "
            "once; at the end the measured length is charged, never more than was set aside. `source` is a stored asset or a "
            "link that a worker fetches. Poll the job, stream `/jobs/{id}/events`, or give a `callback_url`."
        ),
        tag="Translations",
        request=TranslationOrder,
        answers={202: shapes.Submitted},
        codes=(
            errors.INVALID,
            errors.CALLBACK_CHALLENGE,
            errors.CONCURRENCY,
            errors.INSUFFICIENT_CREDITS,
            errors.CONFLICT,
            errors.TOO_LARGE,
            errors.MEDIA_TYPE,
            errors.UNAVAILABLE,
        ),
        examples=[
            request_example("two languages", samples.ORDER),
            request_example(
                "subtitles of an uploaded file",
                {
                    "source": {"asset": "ast_0h5x2c9k3f7mq1a0"},
                    "source_language": "en-US",
                    "target_locales": ["es-ES"],
                    "steps": ["subtitles"],
                },
            ),
            answer_example("admitted", samples.SUBMITTED, 202),
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Described here, answered by submit_view."""
        return submit_view(request._request)


class TranslationView(ApiView):
    """GET /translations/{id}."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "translations_get",
        "One translation",
        tag="Translations",
        answers={200: shapes.Translation},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("translation", samples.TRANSLATION)],
    )
    def get(self, request: Request, translation_id: str) -> HttpResponse:
        """One translation."""
        row = selectors.translation_for(self.actor, translation_id)
        return json_response(show_translations([row])[0])
