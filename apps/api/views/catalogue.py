"""What the installation offers: languages, providers, error codes."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from django.utils.translation import get_language
from rest_framework.request import Request

from apps.api import samples
from apps.api.base import ApiView, OpenView, json_response
from apps.api.openapi import answer_example, operation
from apps.api.schemas import catalogue as shapes
from apps.api.schemas import provider_accounts as accounts
from apps.core import errors, languages
from apps.jobs.services.offered import providers_offered
from apps.providers.registry import PROVIDERS


def _named(rows: Iterable[languages.Language], interface: str) -> list[shapes.Language]:
    return [
        shapes.Language(
            code=row.code,
            name=row.name,
            autonym=row.autonym,
            localized_name=languages.name_in(row.code, interface),
            direction=row.direction,
        )
        for row in rows
    ]


class LanguagesView(OpenView):
    """GET /languages."""

    @operation(
        "languages",
        "Languages by BCP 47 tag",
        description=(
            "`source_language` also takes `auto`. Tags are matched kindly: `en` is en-US, `zh-Hant` is zh-TW. Which pairs a "
            "provider can do is in GET /providers. Accept-Language chooses the language of `localized_name`."
        ),
        tag="Catalogue",
        answers={200: shapes.Languages},
        examples=[answer_example("languages", samples.LANGUAGES)],
        open_=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Both lists."""
        interface = get_language() or "en"
        return json_response(
            shapes.Languages(
                source=_named(languages.sources().values(), interface),
                target=_named(languages.targets().values(), interface),
            ),
            headers={"Vary": "Accept-Language", "Cache-Control": "public, max-age=3600"},
        )


class ProvidersView(ApiView):
    """GET /providers."""

    @operation(
        "providers",
        "What carries jobs out, and what each can do",
        tag="Catalogue",
        answers={200: accounts.Providers},
        examples=[
            answer_example(
                "providers",
                accounts.Providers(
                    items=[
                        accounts.Provider(
                            name="local",
                            title="Built-in engine",
                            available=True,
                            reason="",
                            account=None,
                            healthy=True,
                            capabilities={"steps": ["subtitles", "voice"]},
                            account_fields=None,
                        )
                    ]
                ),
            )
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        """Every provider."""
        items = [
            accounts.Provider(
                name=row.name,
                title=row.title,
                available=row.available,
                reason=row.reason,
                account="own" if row.account == "own" else "operator" if row.account else None,
                healthy=row.healthy,
                capabilities=dict(row.capabilities),
                account_fields=_fields(row.name),
            )
            for row in providers_offered(actor=self.actor)
        ]
        return json_response(accounts.Providers(items=items))


def _fields(provider: str) -> list[accounts.AccountField] | None:
    remote = PROVIDERS[provider].remote
    if remote is None:
        return None
    return [
        accounts.AccountField(
            name=field.name,
            label=field.label,
            secret=field.secret,
            required=field.required,
            default=field.default,
            help=field.help,
        )
        for field in remote.fields
    ]


class ErrorCodesView(OpenView):
    """GET /errors."""

    @operation(
        "errors",
        "Every error number and what it means",
        tag="Catalogue",
        answers={200: shapes.ErrorCodes},
        examples=[
            answer_example(
                "codes",
                shapes.ErrorCodes(
                    api=[
                        shapes.ErrorCode(
                            code=104,
                            status=402,
                            title=errors.api_codes()[104].title,
                            explanation=errors.api_codes()[104].explanation,
                            retry=None,
                        )
                    ],
                    job=[],
                ),
            )
        ],
        open_=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Both tables."""
        api = [
            shapes.ErrorCode(code=row.code, status=row.status, title=row.title, explanation=row.explanation, retry=None)
            for row in errors.api_codes().values()
        ]
        job = [
            shapes.ErrorCode(code=row.code, status=None, title=row.title, explanation=row.explanation, retry=row.retry)
            for row in errors.job_codes().values()
        ]
        body = shapes.ErrorCodes(api=api, job=job)
        return json_response(body, headers={"Cache-Control": "public, max-age=3600"})
