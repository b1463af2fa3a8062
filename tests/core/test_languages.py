"""What people write for a language, and what is offered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import languages
from apps.core.languages import UnknownLanguage, match_source, match_target


def test_the_tables_are_the_seeds(shared_seeds: Path) -> None:
    reference = json.loads((shared_seeds.parent / "reference" / "languages.json").read_text(encoding="utf-8"))
    assert list(languages.sources()) == [row["code"] for row in reference["source"] if row["code"] != "auto"]
    assert list(languages.targets()) == [code for row in reference["target"] for code in row["locales"]]
    assert all(languages.sources()[row["code"]].name == row["name"] for row in reference["source"][1:])


@pytest.mark.parametrize(
    ("written", "source", "target"),
    [
        ("en", "en-US", "en-US"),
        ("EN_us", "en-US", "en-US"),
        ("en-GB", "en-GB", "en-GB"),
        ("zh", "zh-CN", "zh-CN"),
        ("zh-Hans", "zh-CN", "zh-CN"),
        ("zh-Hant", "zh-TW", "zh-TW"),
        ("zh_hant_HK", "zh-HK", "zh-HK"),
        ("cmn", "zh-CN", "zh-CN"),
        ("pt", "pt-BR", "pt-BR"),
        ("pt-AO", "pt-PT", "pt-PT"),
        ("es", "es-ES", "es-ES"),
        ("es-419", "es-MX", "es-MX"),
        ("fr-CM", "fr-FR", "fr-FR"),
        ("de-LU", "de-DE", "de-DE"),
        ("nl", "nl-BE", "nl-BE"),
        ("no", "nb-NO", "nb-NO"),
        ("iw", "he-IL", "he-IL"),
        ("tl", "fil-PH", "fil-PH"),
        (" pt-br ", "pt-BR", "pt-BR"),
    ],
)
def test_what_is_written_finds_what_is_offered(written: str, source: str, target: str) -> None:
    assert match_source(written) == source
    assert match_target(written) == target


def test_auto_is_for_sources_only() -> None:
    assert match_source("auto") == match_source("AUTO") == match_source("") == "auto"
    with pytest.raises(UnknownLanguage, match="only for the source"):
        match_target("auto")


def test_sides_differ_and_say_so() -> None:
    assert match_source("yue") == "yue-CN"
    with pytest.raises(UnknownLanguage, match="not offered as a target"):
        match_target("yue")
    assert match_target("zu") == "zu-ZA"
    with pytest.raises(UnknownLanguage, match="not offered as a source"):
        match_source("zu")


@pytest.mark.parametrize("written", ["af", "nn", "xx", "und", "mul", "tlh", "zh-Latn", "hi-Latn", "pa-PK"])
def test_a_near_language_or_another_script_is_not_taken_for_it(written: str) -> None:
    with pytest.raises(UnknownLanguage):
        match_target(written)


@pytest.mark.parametrize(
    ("written", "hint"), [("portugese", "pt-"), ("Spanish (Mexico)", "es-MX"), ("English", "en-US"), ("pa-PK", "pa-IN")]
)
def test_a_mistake_gets_a_hint(written: str, hint: str) -> None:
    with pytest.raises(UnknownLanguage, match=f"Did you mean.*{hint}"):
        match_source(written)


@given(st.text(max_size=40))
def test_any_text_is_a_language_or_a_clear_error(written: str) -> None:
    try:
        assert match_target(written) in languages.targets()
    except UnknownLanguage as error:
        assert str(error).endswith((".", "?"))


def test_every_offered_code_matches_itself_and_has_its_names() -> None:
    for code, language in {**languages.sources(), **languages.targets()}.items():
        assert (match_source(code) if code in languages.sources() else match_target(code)) == code
        assert language.name and language.autonym and language.base == code.split("-")[0]
        for interface in ("en", "es", "zh-hans", "ru"):
            assert languages.name_in(code, interface) != code


def test_names_and_directions() -> None:
    assert languages.describe("pt-BR").autonym == "português (Brasil)"
    assert languages.name_in("pt-BR", "es") == "portugués (Brasil)"
    assert languages.name_in("pt-BR", "ru").startswith("португальский")
    rtl = {code for code in languages.targets() if languages.describe(code).direction == "rtl"}
    assert {"ar-EG", "he-IL", "ps-AF"} <= rtl
    assert "pt-BR" not in rtl


def test_engines_get_their_own_codes() -> None:
    assert languages.base_language("pt-BR") == "pt"
    assert languages.whisper_language("nb-NO") == "no"
    assert languages.whisper_language("fil-PH") == "tl"
    assert languages.whisper_language("auto") is None
    assert languages.traditional("zh-TW") and not languages.traditional("zh-CN")
