"""Translation: whole sentences, glossary terms, routes, and an honest no where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import JobError
from apps.engine import runner, sentences, translators
from apps.engine.glossary import Glossary
from apps.engine.routes import Hop, find_route
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask, GlossaryTerm
from apps.engine.transcript import Line, Transcript
from apps.engine.workspace import RECOGNIZED_FILE, TRANSCRIPT_FILE, Workspace

WORDS = st.lists(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=9), min_size=1, max_size=30)


def translate(
    root: Path, settings: EngineSettings, lines: list[Line], source: str = "en-US", **fields: Any
) -> tuple[Transcript, Any]:
    """Run the stage on these lines; the transcript and the stage's facts."""
    fields.setdefault("target_locale", "pt-BR")
    ws = Workspace.create(root, EngineTask(**fields))
    given_lines = Transcript(source_language=source, target_locale="", duration=20.0, lines=lines)
    ws.write_transcript(RECOGNIZED_FILE, given_lines)
    runner.run_stage(root, "translate", None, settings)
    return ws.read_transcript(TRANSCRIPT_FILE), ws.read_json("translate.json")


def line(number: int, text: str, **fields: Any) -> Line:
    return Line(id=f"l{number}", start=number * 3.0, end=number * 3.0 + 2.5, source=text, speaker="s1", **fields)


def test_lines_of_one_sentence_are_translated_together_and_cut_again(
    tmp_path: Path, engine_settings: EngineSettings
) -> None:
    texts = ["Good morning.", "Ask not what your country can do for you,", "ask what you can do for your country."]
    transcript, facts = translate(tmp_path, engine_settings, [line(n, text) for n, text in enumerate(texts)])
    first, second, third = (item.target for item in transcript.lines)
    assert first == "Bom dia."
    assert "país" in second
    assert third.endswith(".")
    assert facts["route"] == "firefox en-pt"
    assert [item.source for item in transcript.lines] == texts


def test_terms_are_enforced_with_their_case_and_the_rest_stays_fluent(engine_settings: EngineSettings) -> None:
    through = translators.load(engine_settings, [Hop("firefox", "en", "pt")])
    glossary = Glossary([
        GlossaryTerm("control panel", "quadro de comando"), GlossaryTerm("panel", "tabuleiro"),
        GlossaryTerm("Kinoglot", do_not_translate=True), GlossaryTerm("US", "EUA", case_sensitive=True),
    ])  # fmt: skip
    told = {
        "Open the control panel in Kinoglot.": ("quadro de comando", "Kinoglot"),
        "CONTROL PANEL": ("QUADRO DE COMANDO",),
        "Control panel and panel, please.": ("Quadro de comando", "tabuleiro"),
        "Ask us about the US.": ("EUA",),
        "The kinoglot of Kinoglot knows kinoglot.": ("kinoglot", "Kinoglot"),
    }
    for text, wanted in told.items():
        outcome = glossary.translate(text, through)
        assert not outcome.failed, text
        assert all(word in outcome.text for word in wanted), outcome
        assert not any(mark in outcome.text for mark in ("XQ", "T0T", "[0]", "ZQX")), outcome
    assert glossary.find("Two panels stood there, usual ones.") == []


def test_terms_survive_a_translator_that_loses_every_placeholder() -> None:
    """The real models keep most of them; the way of last resort must hold all the same."""
    glossary = Glossary([GlossaryTerm("boat", "navio"), GlossaryTerm("harbour", "cais")])
    outcome = glossary.translate(
        "The boat is in the harbour.", lambda text: " ".join(w.lower() for w in text.split() if w.isalpha())
    )
    assert "navio" in outcome.text
    assert "cais" in outcome.text
    assert outcome.how == "pieces"
    assert outcome.failed == []


def test_a_given_translation_is_left_alone_and_missing_terms_are_reported(
    tmp_path: Path, engine_settings: EngineSettings
) -> None:
    lines = [line(0, "The city is old.", target="A cidade é velha."), line(1, "I love it.")]
    transcript, facts = translate(tmp_path, engine_settings, lines, glossary=(GlossaryTerm("city", "metrópole"),))
    assert transcript.lines[0].target == "A cidade é velha."
    assert "amo" in transcript.lines[1].target.lower() or "adoro" in transcript.lines[1].target.lower()
    assert facts["failed_terms"] == {"l0": ["city"]}
    assert (facts["given"], facts["translated"]) == (1, 1)


def test_the_same_language_is_copied_and_said(tmp_path: Path, engine_settings: EngineSettings) -> None:
    transcript, facts = translate(tmp_path, engine_settings, [line(0, "Good morning.")], target_locale="en-GB")
    assert transcript.lines[0].target == "Good morning."
    assert "copied, not translated" in facts["remarks"][0]


def test_speech_translation_carries_other_languages_over_english(
    tmp_path: Path, engine_settings: EngineSettings
) -> None:
    lines = [line(0, "¿Cuál es la montaña más alta?", pivot_english="which is the highest mountain.")]
    transcript, facts = translate(tmp_path, engine_settings, lines, source="es-ES")
    assert "montanha" in transcript.lines[0].target
    assert transcript.lines[0].target.endswith("?")
    assert facts["route"].startswith("Whisper")


@pytest.mark.parametrize(("source", "target"), [("en-US", "de-DE"), ("es-ES", "pt-BR"), ("zh-CN", "zh-TW")])
def test_a_pair_without_weights_is_an_error_and_never_a_copy(
    tmp_path: Path, engine_settings: EngineSettings, source: str, target: str
) -> None:
    with pytest.raises(JobError) as failure:
        translate(tmp_path, engine_settings, [line(0, "Guten Morgen.")], source=source, target_locale=target)
    assert failure.value.code == 10906
    assert target in failure.value.reason


def test_a_rewriter_that_is_not_there_is_reported(tmp_path: Path, engine_settings: EngineSettings) -> None:
    from apps.core.options import Timing

    _, facts = translate(tmp_path, engine_settings, [line(0, "Hello.")], timing=Timing(rewrite=True))
    assert any("no rewriter" in remark for remark in facts["remarks"])


def test_without_weights_nothing_can_be_routed_but_a_copy() -> None:
    bare = EngineSettings(model_dir="")
    assert find_route(bare, "en-US", "pt-BR", from_speech=True) is None
    route = find_route(bare, "en-US", "en-GB", from_speech=True)
    assert route is not None
    assert route.via == "copy"


@given(words=WORDS, weights=st.lists(st.floats(0.5, 50), min_size=1, max_size=5))
def test_cutting_keeps_every_word_in_order(words: list[str], weights: list[float]) -> None:
    parts = sentences.cut(" ".join(words), weights)
    assert len(parts) == len(weights)
    assert "".join("".join(part.split()) for part in parts) == "".join("".join(words).split())


def test_sentences_do_not_join_speakers_or_cross_a_full_stop() -> None:
    lines = [line(0, "a"), line(1, "b."), line(2, "c"), line(3, "d")]
    lines[3].speaker = "s2"
    assert list(sentences.groups(lines, [item.source for item in lines])) == [[0, 1], [2], [3]]
