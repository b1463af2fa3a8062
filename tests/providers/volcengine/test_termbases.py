"""Glossaries as termbases: made once, found again, filled after a kill, their limits checked before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.core.errors import JobError
from apps.providers.conversation import PinnedGlossary, PinnedTerm
from apps.providers.volcengine_vod.provider import VENDOR
from tests.providers.volcengine.talk import Talk, order, send
from tests.providers.volcengine.vod_stub import VALUES, VodStub

REMOTE = VENDOR.remote
SUBMIT, LIST, CREATE, SET = "SubmitAITranslationWorkflow", "ListAITermbase", "CreateAITermbase", "SetAITermItem"


def glossary(*terms: tuple[str, str], version: int = 1, name: str = "Brand", **flags: Any) -> PinnedGlossary:
    return PinnedGlossary("gls_0000000000000001", version, name, tuple(PinnedTerm(*term, **flags) for term in terms))


def talk(vendor: VodStub, *glossaries: PinnedGlossary, **fields: Any) -> Talk:
    vendor.last_submit = 0.0
    given = order(glossaries=[one.id for one in glossaries], steps=["subtitles"], **fields)
    return Talk(REMOTE, vendor, VALUES, asked=given, glossaries=glossaries)


def test_a_glossary_becomes_a_termbase(vendor: VodStub) -> None:
    job = talk(vendor, glossary(("artificial intelligence", "inteligência artificial"), ("Kinoglot", "")))
    job.until("GetAITranslationProject")
    assert job.sent()[2:] == [LIST, CREATE, SET, SUBMIT]
    (made,) = vendor.termbases.values()
    assert made["Scenario"] == "AITranslation" and (made["SourceLanguage"], made["TargetLanguage"]) == ("en", "pt")
    assert made["items"] == {"artificial intelligence": "inteligência artificial"}, (
        "a term without a translation says nothing"
    )
    assert "Brand" in made["Description"] and "v1" in made["Description"]
    assert job.body(SUBMIT)["TranslationConfig"]["TermbaseConfig"] == {"TranslationTermbaseIds": ["tb1"]}


def test_what_must_not_be_translated_stands_for_itself(vendor: VodStub) -> None:
    job = talk(vendor, glossary(("Kinoglot", ""), do_not_translate=True))
    job.until(SUBMIT)
    assert vendor.termbases["tb1"]["items"] == {"Kinoglot": "Kinoglot"}


def test_a_pinned_version_is_one_termbase_for_all_jobs(vendor: VodStub) -> None:
    for version, count in ((1, 1), (1, 1), (2, 2)):
        job = talk(vendor, glossary(("a", "b"), version=version))
        job.until("GetAITranslationProject")
        assert len(vendor.termbases) == count
    job = talk(vendor, glossary(("a", "b")), target_locales=["fr-FR"])
    job.until(SUBMIT)
    assert len(vendor.termbases) == 3, "another language pair is another termbase"


def test_ten_glossaries_in_one_job(vendor: VodStub) -> None:
    many = tuple(replace(glossary((f"t{n}", f"u{n}")), id=f"gls_{n:016d}") for n in range(10))
    job = talk(vendor, *many)
    job.until("GetAITranslationProject")
    assert job.sent().count(CREATE) == job.sent().count(SET) == 10
    assert sorted(job.body(SUBMIT)["TranslationConfig"]["TermbaseConfig"]["TranslationTermbaseIds"]) == sorted(
        vendor.termbases
    )


def test_a_glossary_without_terms_for_the_language_needs_no_termbase(vendor: VodStub) -> None:
    job = talk(vendor, glossary(("a", "")))
    job.until("GetAITranslationProject")
    assert CREATE not in job.sent() and "TermbaseConfig" not in job.body(SUBMIT)["TranslationConfig"]


def test_made_but_never_answered(vendor: VodStub) -> None:
    """The same name is refused; the list has it, and its terms go in."""
    job = talk(vendor, glossary(("a", "b")))
    job.until(CREATE)
    send(REMOTE.next_step(job.work, job.account))
    job.until(SUBMIT)
    assert job.sent()[-4:] == [LIST, CREATE, LIST, SET]
    assert len(vendor.termbases) == 1 and vendor.termbases["tb1"]["items"] == {"a": "b"}


def test_a_refusal_that_stands_is_told(vendor: VodStub) -> None:
    job = talk(vendor, glossary(("a", "b")))
    job.until(CREATE)
    vendor.plan(CREATE, "404")
    vendor.refusal = lambda status, request: vendor._error(request, refused())  # type: ignore[method-assign]
    job.step()
    with pytest.raises(JobError) as caught:
        job.step()
    assert caught.value.code == 10908 and "no room" in caught.value.reason


def refused() -> Any:
    from tests.providers.volcengine.gateway import Refused

    return Refused("QuotaExceeded.Termbase", "no room")


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ([("x" * 31, "y")], ["x" * 31, "31 bytes"]),
        ([("y", "人工智能人工智能人工智")], ["人工智能人工智能人工智", "33 bytes"]),
        ([("ok", "fine"), ("a" * 40, "b" * 50)], ["a" * 40, "40 bytes", "b" * 50, "50 bytes"]),
        ([(f"t{n}", "u") for n in range(103)], ["103 terms", "t100", "t101", "t102"]),
    ],
)
def test_limits_are_checked_before_anything_is_sent(
    vendor: VodStub, terms: list[tuple[str, str]], named: list[str]
) -> None:
    job = talk(vendor, glossary(*terms))
    with pytest.raises(JobError) as caught:
        job.step()
    assert caught.value.code == 10908 and vendor.requests == []
    for word in ("Brand", *named):
        assert word in caught.value.reason
    assert '"t99"' not in caught.value.reason and '"ok"' not in caught.value.reason


def test_the_largest_that_fits(vendor: VodStub) -> None:
    terms = [(f"{n:030d}", "人工智能人工智能人工") for n in range(100)]
    job = talk(vendor, glossary(*terms))
    job.until(SUBMIT)
    assert len(vendor.termbases["tb1"]["items"]) == 100


def test_case_that_is_not_honoured_is_told(vendor: VodStub) -> None:
    job = talk(vendor, glossary(("a", "b"), case_sensitive=True))
    job.until(SUBMIT)
    assert "case" in " ".join(job.step().remarks)
