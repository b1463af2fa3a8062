"""Glossaries: wording rules by version. The newest version is what an order pins."""

from __future__ import annotations

from django.db.models import Count, Max
from django.http import HttpResponse
from rest_framework.request import Request

from apps.api import samples
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation, request_example
from apps.api.schemas import catalogue as shapes
from apps.api.schemas.common import PageQuery
from apps.core import errors
from apps.glossaries import selectors, services
from apps.glossaries.models import Glossary, GlossaryVersion
from apps.projects.selectors import read_cursor

_TERMS = [{"source": "Kinoglot", "do_not_translate": True}, {"source": "dub", "target": "dublagem"}]


def _drafts(terms: list[shapes.Term]) -> list[services.TermDraft]:
    return [
        services.TermDraft(
            source=term.source,
            target=term.target,
            case_sensitive=term.case_sensitive,
            do_not_translate=term.do_not_translate,
        )
        for term in terms
    ]


def show(glossary: Glossary, status: int = 200) -> HttpResponse:
    """With the terms of the newest version."""
    version = selectors.newest_version(glossary)
    body = shapes.Glossary(
        id=glossary.public_id,
        name=glossary.name,
        source_language=glossary.source_language,
        target_locale=glossary.target_locale,
        version=version.number if version else 0,
        terms=[
            shapes.Term(
                source=term.source,
                target=term.target,
                case_sensitive=term.case_sensitive,
                do_not_translate=term.do_not_translate,
            )
            for term in (selectors.terms_of(version) if version else ())
        ],
        created_at=glossary.created_at,
    )
    return json_response(
        body, status, {"Location": f"/api/v1/glossaries/{glossary.public_id}"} if status == 201 else None
    )


def _summaries(rows: list[Glossary]) -> list[shapes.GlossarySummary]:
    newest = (
        GlossaryVersion.objects.filter(glossary__in=rows).values("glossary").annotate(last=Max("pk")).values("last")
    )
    versions = {
        version.glossary_id: version
        for version in GlossaryVersion.objects.filter(pk__in=newest).annotate(term_count=Count("terms"))
    }
    found = []
    for row in rows:
        version = versions.get(row.pk)
        found.append(
            shapes.GlossarySummary(
                id=row.public_id,
                name=row.name,
                source_language=row.source_language,
                target_locale=row.target_locale,
                version=version.number if version else 0,
                term_count=version.term_count if version else 0,
                created_at=row.created_at,
            )
        )
    return found


class GlossaryListView(ApiView):
    """GET and POST /glossaries."""

    permissions = {"GET": "jobs.view", "POST": "glossaries.write"}

    @operation(
        "glossaries_list",
        "Glossaries, newest first",
        tag="Glossaries",
        query=PageQuery,
        answers={200: shapes.GlossaryPage},
        codes=(errors.INVALID,),
        examples=[answer_example("page", shapes.GlossaryPage(items=[samples.GLOSSARY_SUMMARY], next_cursor=None))],
    )
    def get(self, request: Request) -> HttpResponse:
        """One page."""
        query = self.query(PageQuery)
        cursor = read_cursor(query.cursor) if query.cursor else 0
        rows = selectors.glossaries_for(self.actor, cursor=cursor, limit=query.limit + 1)
        shown = rows[: query.limit]
        more = str(shown[-1].pk) if len(rows) > query.limit else None
        return json_response(shapes.GlossaryPage(items=_summaries(shown), next_cursor=more))

    @operation(
        "glossaries_create",
        "Make a glossary",
        tag="Glossaries",
        request=shapes.NewGlossary,
        answers={201: shapes.Glossary},
        codes=(errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        examples=[
            request_example(
                "names", {"name": "Product names", "source_language": "en", "target_locale": "pt-BR", "terms": _TERMS}
            ),
            answer_example("glossary", samples.GLOSSARY, 201),
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """With its first version."""
        given = self.body(shapes.NewGlossary)
        glossary = services.create_glossary(
            actor=self.actor,
            name=given.name,
            source_language=given.source_language,
            target_locale=given.target_locale,
            terms=_drafts(given.terms),
        )
        glossary.refresh_from_db()
        return show(glossary, 201)


class GlossaryView(ApiView):
    """GET and DELETE /glossaries/{id}."""

    permissions = {"GET": "jobs.view", "DELETE": "glossaries.write"}

    @operation(
        "glossaries_get",
        "One glossary with its terms",
        tag="Glossaries",
        answers={200: shapes.Glossary},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("glossary", samples.GLOSSARY)],
    )
    def get(self, request: Request, glossary_id: str) -> HttpResponse:
        """The newest version."""
        return show(selectors.glossary_for(self.actor, glossary_id))

    @operation(
        "glossaries_archive",
        "Archive a glossary",
        description="New orders cannot name it any more; jobs that use it keep their version.",
        tag="Glossaries",
        answers={204: None},
        codes=(errors.NOT_FOUND,),
    )
    def delete(self, request: Request, glossary_id: str) -> HttpResponse:
        """Archive it."""
        services.archive_glossary(actor=self.actor, glossary=selectors.glossary_for(self.actor, glossary_id))
        return HttpResponse(status=204)


class GlossaryTermsView(ApiView):
    """PUT /glossaries/{id}/terms."""

    permissions = {"PUT": "glossaries.write"}

    @operation(
        "glossaries_put_terms",
        "Replace the terms by a new version",
        tag="Glossaries",
        request=shapes.NewTerms,
        answers={200: shapes.Glossary},
        codes=(errors.NOT_FOUND, errors.INVALID, errors.GONE, errors.MEDIA_TYPE),
        examples=[request_example("terms", {"terms": _TERMS}), answer_example("glossary", samples.GLOSSARY)],
    )
    def put(self, request: Request, glossary_id: str) -> HttpResponse:
        """The next version."""
        glossary = selectors.glossary_for(self.actor, glossary_id)
        services.add_version(actor=self.actor, glossary=glossary, terms=_drafts(self.body(shapes.NewTerms).terms))
        return show(glossary)
