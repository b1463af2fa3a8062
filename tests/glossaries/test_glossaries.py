"""Glossaries: versions, checks, pins of jobs, tenancy."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.core.errors import ApiError
from apps.glossaries.selectors import glossaries_for, glossary_for, newest_version, terms_of
from apps.glossaries.services import TermDraft, add_version, archive_glossary, create_glossary
from apps.jobs.services.fetching import terms_of as terms_of_job
from tests.factories import add_member, make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order

pytestmark = pytest.mark.django_db


def test_a_job_keeps_the_version_that_it_was_ordered_with(tmp_path: Path) -> None:
    actor = owner_of(make_organization())
    glossary = create_glossary(
        actor=actor, name="Brand", source_language="en", terms=[TermDraft("Kinoglot", do_not_translate=True)]
    )
    assert glossary.source_language == "en-US"
    job = submitted(actor, subtitles_order(actor, tmp_path, glossaries=[glossary.public_id]))
    add_version(actor=actor, glossary=glossary, terms=[TermDraft("pupil", "aluno"), TermDraft("Kinoglot", "Kino")])
    version = newest_version(glossary)
    assert version is not None and version.number == 2
    assert [term.source for term in terms_of(version)] == ["pupil", "Kinoglot"]
    assert [(term.source, term.do_not_translate) for term in terms_of_job(job)] == [("Kinoglot", True)]


def test_wrong_terms_are_named() -> None:
    actor = owner_of(make_organization())
    with pytest.raises(ApiError) as caught:
        create_glossary(
            actor=actor,
            name=" ",
            source_language="auto",
            target_locale="xx-XX",
            terms=[TermDraft("a", "b"), TermDraft("a", "c"), TermDraft("", "d"), TermDraft("e")],
        )
    assert set(caught.value.errors) == {
        "name", "source_language", "target_locale", "terms.1.source", "terms.2.source", "terms.3.target"
    }  # fmt: skip


def test_only_those_who_may_and_only_ones_own() -> None:
    actor, stranger = owner_of(make_organization()), owner_of(make_organization())
    viewer = add_member(actor.organization, "viewer")
    with pytest.raises(ApiError) as caught:
        create_glossary(actor=viewer, name="x", source_language="en")
    assert caught.value.code == 1503
    glossary = create_glossary(actor=actor, name="x", source_language="en")
    with pytest.raises(ApiError) as caught:
        glossary_for(stranger, glossary.public_id)
    assert caught.value.http_status == 404
    assert glossaries_for(stranger) == []
    archive_glossary(actor=actor, glossary=glossary)
    archive_glossary(actor=actor, glossary=glossary)
    assert glossaries_for(actor) == []
    with pytest.raises(ApiError) as caught:
        add_version(actor=actor, glossary=glossary, terms=[])
    assert caught.value.http_status == 410
