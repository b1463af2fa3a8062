"""Subtitle files: every format both ways, every encoding and every mistake that real files have."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from apps.core.errors import JobError
from apps.engine import given, subtitles
from apps.engine.encodings import decode_text
from apps.engine.subtitles import Cue, SubtitleFormat
from apps.engine.transcript import Line, Speaker, Transcript

CUES = [
    Cue(0.5, 1.25, "Olá & até <já>\nsegunda linha", "Ana"),
    Cue(1.5, 3.0, "早上好，我叫 Jordi。", "Jordi"),
    Cue(3661.007, 3662.0, "مرحبا"),
]


@pytest.mark.parametrize("form", ["srt", "vtt", "ass", "ttml"])
def test_there_and_back(form: SubtitleFormat) -> None:
    """Times and text survive; speakers where the format can say them."""
    back = subtitles.read(subtitles.write(CUES, form, language="pt-BR", title="T").encode())
    assert [cue.text for cue in back][1:] == [cue.text for cue in CUES][1:]
    assert "segunda linha" in back[0].text
    for got, cue in zip(back, CUES, strict=True):
        assert (got.start, got.end) == pytest.approx((cue.start, cue.end), abs=0.011)
    if form in ("vtt", "ass"):
        assert [cue.speaker for cue in back] == ["Ana", "Jordi", ""]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Доброе утро, меня зовут Жорди.", "cp1251"),
        ("Soc català, això és així. Ça va à l’école", "cp1252"),
        ("おはようございます。私の名前はジョルディです", "cp932"),
        ("早安,我叫喬迪。我來自巴塞隆納", "big5"),
        ("안녕하세요 저는 조르디입니다", "cp949"),
        ("早上好，我叫乔迪", "gb18030"),
        ("Grüße, 你好", "utf-16"),
        ("Grüße, 你好", "utf-8-sig"),
    ],
)
def test_encodings(text: str, encoding: str) -> None:
    """Legacy code pages are told apart without a hint."""
    assert decode_text(text.encode(encoding)) == text


def test_a_hint_decides_where_bytes_cannot() -> None:
    """Very short texts need the language."""
    assert decode_text("你好 (GBK bytes)".encode("gbk"), "zh-CN") == "你好 (GBK bytes)"
    assert decode_text("Źdźbło".encode("cp1250"), "pl-PL") == "Źdźbło"
    assert decode_text("مرحبا بالعالم".encode("cp1256"), "ar-EG") == "مرحبا بالعالم"


def test_a_wrong_hint_is_not_believed() -> None:
    """A Chinese file in an order that says English."""
    assert decode_text("早上好，我叫乔迪".encode("gb18030"), "en-US") == "早上好，我叫乔迪"
    assert decode_text("你好 (GBK bytes)".encode("gbk")) == "你好 (GBK bytes)"


def test_nasty_files(shared_media: Path) -> None:
    """BOM, CRLF, skipped numbers, overlaps, end before start, disorder, script tags, GBK."""
    folder = shared_media / "nasty"
    lines, _ = given.lines_from_cues(
        subtitles.read((folder / "subtitle-bom-crlf-overlap.srt").read_bytes()), 10.0, False, 0
    )
    assert [(x.start, x.end, x.source) for x in lines] == [
        (1.0, 1.5, "BOM and CRLF"),
        (1.5, 4.0, "overlap, number skipped"),
    ]
    assert lines[0].notes
    lines, _ = given.lines_from_cues(subtitles.read((folder / "subtitle-bad.vtt").read_bytes()), 10.0, True, 0)
    assert [line.source for line in lines] == ["& bold", "end before start"]
    assert all(line.end > line.start for line in lines)
    assert subtitles.read((folder / "subtitle-gbk.srt").read_bytes(), "zh-CN")[0].text == "你好 (GBK bytes)"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\x01\x02", b"<html>nothing</html>", b"WEBVTT\n\nNOTE only a note\n", b'<?xml version="1.0"?><tt>',
     b'<!DOCTYPE x [<!ENTITY a "b">]><tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="0s" end="1s">&a;</p></div></body></tt>',
     b"1\n00:00:01,000 --> 00:00:02,000\n<script>alert(1)</script>\n"],
)  # fmt: skip
def test_what_is_no_subtitle_file(data: bytes) -> None:
    """10034, never another exception."""
    with pytest.raises(JobError) as caught:
        subtitles.read(data)
    assert caught.value.code == 10034


def test_markup_never_survives() -> None:
    """Tags, overrides and scripts are gone; entities are text."""
    vtt = "WEBVTT\n\nSTYLE\n::cue {}\n\n1\n00:01.000 --> 00:02.000 align:start\n<v.loud Ana B>Hi <c.red>you</c> &amp; <00:01.500>me</v>\n"
    assert subtitles.read(vtt.encode()) == [Cue(1.0, 2.0, "Hi you & me", "Ana B")]
    assert subtitles.plain(r"{\an8\b1}x<img src=x onerror=y>{y}") == "x{y}"


def test_cues_of_a_transcript() -> None:
    """Each side, and both with the target on top."""
    line = Line(id="l0001", start=0, end=1, source="Hi", target="Oi", speaker="s1")
    transcript = Transcript(
        source_language="en-US", target_locale="pt-BR", duration=1, speakers=[Speaker("s1", "Ana")], lines=[line]
    )
    assert subtitles.cues_of(transcript, "source") == [Cue(0, 1, "Hi", "Ana")]
    assert subtitles.cues_of(transcript, "bilingual")[0].text == "Oi\nHi"


def test_sentences_over_several_cues_become_one_line() -> None:
    """Only with sentence cutting on; given timing stays otherwise."""
    cues = [Cue(1, 2, "We speak of it when"), Cue(2.1, 3, "computers think."), Cue(5, 6, "Next.")]
    joined, _ = given.lines_from_cues(cues, 10, True, 0)
    assert [(x.start, x.end, x.source) for x in joined] == [
        (1, 3, "We speak of it when computers think."),
        (5, 6, "Next."),
    ]
    kept, _ = given.lines_from_cues(cues, 10, False, 0)
    assert [(x.start, x.end) for x in kept] == [(1, 2), (2.1, 3), (5, 6)]


def test_a_long_cue_is_split_at_its_sentences() -> None:
    """The time is shared by length."""
    text = "A first sentence that goes on for a while and then ends. A second one of about the same length comes here."
    lines, _ = given.lines_from_cues([Cue(0, 10, text)], 20, True, 0)
    assert [line.source for line in lines] == [text[:56], text[57:]]
    assert lines[0].end == lines[1].start == pytest.approx(5.1, abs=0.3)


def test_cues_outside_the_media() -> None:
    """Late ones are dropped; when none is left it is an error that says so."""
    lines, _ = given.lines_from_cues([Cue(1, 20, "in"), Cue(30, 31, "out")], 10, True, 0)
    assert [(line.end, line.source) for line in lines] == [(10, "in")]
    with pytest.raises(JobError) as caught:
        given.lines_from_cues([Cue(30, 31, "out")], 10, True, 0)
    assert caught.value.code == 10034


def test_bilingual_files_in_either_order() -> None:
    """The target side is told by its language."""
    pairs = [
        ("Good morning, how are you today?", "早上好，你今天怎么样？"),
        ("I live in Barcelona.", "我住在巴塞罗那。"),
    ]
    for swap in (False, True):
        cues = [Cue(n, n + 1, "\n".join(reversed(pair) if swap else pair)) for n, pair in enumerate(pairs)]
        source, target = given.split_bilingual(cues, "zh-CN")
        assert [cue.text for cue in source] == [pair[0] for pair in pairs]
        assert [cue.text for cue in target] == [pair[1] for pair in pairs]
    with pytest.raises(JobError):
        given.split_bilingual([Cue(0, 1, "one line only"), Cue(1, 2, "again")], "zh-CN")


def test_two_files_are_paired_by_time() -> None:
    """Each target goes to the line that it overlaps most."""
    lines, _ = given.lines_from_cues([Cue(0, 2, "One."), Cue(3, 5, "Two.")], 10, False, 0)
    given.pair_targets(lines, [Cue(0.1, 1, "Um"), Cue(1, 2, "e meio."), Cue(3.2, 5.5, "Dois.")])
    assert [line.target for line in lines] == ["Um e meio.", "Dois."]


@pytest.mark.parametrize("junk", ["<v ", "<", "{\\", "<script>", "<a ", "<v.", "00:00:01,000 --> ", "&#"])
def test_hostile_markup_costs_little(junk: str) -> None:
    """Megabytes of half-open markup in one cue are read in linear time."""
    started = time.monotonic()
    data = b"1\n00:00:01,000 --> 00:00:02,000\nHi " + junk.encode() * (3_000_000 // len(junk))
    with contextlib.suppress(JobError):
        subtitles.read(data)
    assert time.monotonic() - started < 10
