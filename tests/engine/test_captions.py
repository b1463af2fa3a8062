"""Captions: rows of bearable length, nothing lost, styles as ordered, scripts in fonts that have them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.options import SubtitleStyle
from apps.engine import captions, fonts, styled, subtitles
from apps.engine.captions import Rows, lay_out
from apps.engine.settings import EngineSettings
from apps.engine.subtitles import Cue

SENTENCES = st.lists(st.text("abcdefghij,.", min_size=1, max_size=12), min_size=1, max_size=40).map(" ".join)


@given(text=SENTENCES, width=st.integers(12, 60), most=st.integers(1, 3))
def test_laying_out_keeps_the_words_the_time_and_the_limits(text: str, width: int, most: int) -> None:
    cues = lay_out([Cue(1.0, 9.0, text)], Rows(width, most))
    assert " ".join(" ".join(cue.text.split()) for cue in cues) == " ".join(text.split())
    assert cues[0].start == 1.0
    assert cues[-1].end == 9.0
    assert all(first.end == second.start for first, second in itertools.pairwise(cues))
    for cue in cues:
        rows = cue.text.split("\n")
        assert len(rows) <= most
        assert all(len(row) <= width for row in rows)


def test_no_limit_of_rows_means_one_caption() -> None:
    (cue,) = lay_out([Cue(0, 5, "word " * 60)], Rows(20, 0))
    assert cue.text.count("\n") > 5


def test_chinese_is_broken_without_spaces_and_never_before_a_comma() -> None:
    rows = captions.wrap("早上好，我叫乔迪马斯，我来自巴塞罗那，我非常喜欢这座城市。", 20)
    assert len(rows) > 1
    assert not any(row.startswith(("，", "。")) for row in rows)
    assert all(captions.columns(row) <= 22 for row in rows)


@pytest.mark.parametrize(
    ("given_value", "ass"),
    [("FFFFFF", "&H00FFFFFF"), ("#EBA205", "&H0005A2EB"), ("10203080", "&H7F302010"), ("#000000FF", "&H00000000")],
)
def test_colours_are_turned_into_those_of_ass(given_value: str, ass: str) -> None:
    assert styled.colour(given_value) == ass


def test_the_style_is_written_as_ordered() -> None:
    style = SubtitleStyle(
        font_size=20,
        primary_color="#EBA205",
        outline_color="102030",
        outline=3.5,
        margin_l=0.1,
        margin_r=0.2,
        margin_v=0.25,
    )
    text = styled.document([Cue(0, 1, "olá {\\b1}\nmundo", "Ana")], style, "pt-BR", 1280, 720)
    fields = next(row for row in text.splitlines() if row.startswith("Style: ")).removeprefix("Style: ").split(",")
    assert fields[1] == "Noto Sans"
    assert int(fields[2]) == round(20 * 1.519)
    assert fields[3] == "&H0005A2EB"
    assert fields[16] == "3.5"
    assert [int(n) for n in fields[19:22]] == [128, 256, 180]
    assert r"olá (/b1)\Nmundo" in text


@pytest.mark.parametrize(
    ("language", "family"),
    [("ar-EG", "Noto Sans Arabic"), ("ja-JP", fonts.CJK), ("ru-RU", "Noto Sans"), ("he-IL", "Noto Sans Hebrew")],
)
def test_every_script_has_its_font(language: str, family: str) -> None:
    assert fonts.family_for(language) == family
    assert fonts.can_burn(EngineSettings(), language)


def test_foreign_words_change_the_font_and_a_script_without_font_is_refused() -> None:
    pieces = fonts.runs("اسمي Jordi Mas", "Noto Sans Arabic")
    assert [family for _, family in pieces] == ["Noto Sans Arabic", "Noto Sans"]
    assert "".join(text for text, _ in pieces) == "اسمي Jordi Mas"
    assert not fonts.can_burn(EngineSettings(), "bn-IN")


def test_no_text_begins_a_section_of_the_ass_file() -> None:
    """Each line break that libass knows would do: a section [Fonts] would hand it a font of a stranger's making."""
    evil = "a\r[Fonts]\rfontname: x.ttf\r0000"
    burnt = styled.document(
        captions.lay_out([Cue(0, 1, evil, evil)], Rows(42, 2)), SubtitleStyle(), "en-US", 1280, 720, evil
    )
    saved = subtitles.write([Cue(0, 1, evil, evil)], "ass", title=evil)
    for text in (burnt, saved):
        assert [line for line in text.splitlines() if line.startswith("[")] == [
            "[Script Info]",
            "[V4+ Styles]",
            "[Events]",
        ]
