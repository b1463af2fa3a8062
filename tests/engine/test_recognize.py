"""What is recognized from real clips: words, times, speakers, burnt-in text, given files; and what must not be invented."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.core.errors import JobError
from apps.core.options import SpeakerCount, TextBox, Timing
from apps.engine import runner
from apps.engine.settings import EngineSettings
from apps.engine.transcript import Transcript
from apps.engine.workspace import RECOGNIZED_FILE
from tests.engine.conftest import MakeWorkspace, Recognize

# A clip is recognized once for all of them.
pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.xdist_group("heard")]
LOWER_QUARTER = TextBox(x=0.0, y=0.75, width=1.0, height=0.25)
JORDI = "1\n00:00:01,260 --> 00:00:03,950\nGood morning, my name is Jordi Mas.\n\n2\n00:00:05,250 --> 00:00:06,630\nI am from Barcelona.\n"
PORTUGUESE = "1\n00:00:01,260 --> 00:00:03,950\nBom dia, meu nome é Jordi Mas.\n\n2\n00:00:05,250 --> 00:00:06,630\nSou de Barcelona.\n"


def texts(transcript: Transcript) -> str:
    """All source lines, lower case, letters only."""
    text = " ".join(line.source for line in transcript.lines).lower()
    return " ".join("".join(c for c in text if c.isalnum() or c == " ").split())


def refused(recognized: Recognize, clip: str, **fields: object) -> int:
    """The code that recognizing ends with."""
    with pytest.raises(JobError) as caught:
        recognized(clip, **fields)
    return caught.value.code


def test_a_talking_head(recognized: Recognize) -> None:
    """Words, language found by itself, and lines that start within 0.3 s of the reference (open-dubbing's own test)."""
    transcript = recognized("oncamera/en-jordi-open-dubbing.mp4")
    assert transcript.source_language == "en-US"
    assert "good morning my name is jordi" in texts(transcript) and "barcelona" in texts(transcript)
    starts = [line.start for line in transcript.lines]
    for expected in (1.26, 5.25, 7.61):
        assert min(abs(start - expected) for start in starts) < 0.3
    assert [speaker.id for speaker in transcript.speakers] == ["s1"]
    assert 80 < transcript.speakers[0].pitch < 160
    for line in transcript.lines:
        assert line.words and line.start == line.words[0].start and line.end == line.words[-1].end


def test_two_speakers(recognized: Recognize) -> None:
    """Katie and Steve take turns; who says what is known by what they say."""
    transcript = recognized("speech/en-azure-two-speakers-katiesteve.wav")
    assert [speaker.label for speaker in transcript.speakers] == ["Speaker 1", "Speaker 2"]
    who = {line.source.strip(".!?").lower(): line.speaker for line in transcript.lines}
    katie, steve = who["good morning, steve"], who["good morning, katie"]
    assert katie != steve
    assert {line.speaker for line in transcript.lines if "which can tell" in line.source.lower()} == {katie}
    assert {line.speaker for line in transcript.lines if "not yet" in line.source.lower()} == {steve}
    assert who["absolutely"] == katie
    pitch = {speaker.id: speaker.pitch for speaker in transcript.speakers}
    assert pitch[katie] > pitch[steve] + 30


def test_the_number_of_speakers_can_be_said(
    workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings, recognized: Recognize
) -> None:
    """At most one is one, at least three is three, by the same lines given as subtitles (no second recognition)."""
    from apps.engine.subtitles import cues_of, write

    heard = recognized("speech/en-azure-two-speakers-katiesteve.wav")
    given = write([c.__class__(c.start, c.end, c.text) for c in cues_of(heard, "source")], "srt").encode()
    for count, expected in ((SpeakerCount(max=1), 1), (SpeakerCount(min=3, max=3), 3), (SpeakerCount(), 2)):
        ws = workspace(
            shared_media / "speech" / "en-azure-two-speakers-katiesteve.wav",
            name=f"count{expected}", subtitle=given, speaker_count=count, source_language="en-US",
        )  # fmt: skip
        for stage in ("probe", "recognize"):
            runner.run_stage(ws.root, stage, None, engine_settings)
        assert len(ws.read_transcript(RECOGNIZED_FILE).speakers) == expected


@pytest.mark.parametrize("clip", ["nasty/silence-only.mp4", "nasty/music-only-synth.mp4", "nasty/very-short-0.15s.mp4"])
def test_no_words_are_invented(recognized: Recognize, clip: str) -> None:
    """Silence, music and a click have no speech: 10042."""
    assert refused(recognized, clip) == 10042


def test_a_language_without_a_text_model_gets_its_english(recognized: Recognize) -> None:
    """Spanish to Portuguese goes through the recognizer's own English, line by line; a man and a woman speak."""
    transcript = recognized("speech/es-azure-es-mx.wav")
    assert transcript.source_language.startswith("es-")
    assert "distancia" in texts(transcript)
    assert "distance" in transcript.lines[0].pivot_english.lower()
    assert len(transcript.speakers) == 2


def test_models_that_are_not_installed(
    workspace: MakeWorkspace, shared_media: Path, plain_settings: EngineSettings
) -> None:
    """No recognizer is 10020; several speakers asked for without the speaker model is 10021."""
    media = shared_media / "nasty" / "no-video-stream.mp4"
    cases = [(workspace(media, name="asr"), 10020)]
    cases.append((workspace(media, name="two", subtitle=JORDI.encode(), speaker_count=SpeakerCount(min=2)), 10021))
    for ws, code in cases:
        runner.run_stage(ws.root, "probe", None, plain_settings)
        with pytest.raises(JobError) as caught:
            runner.run_stage(ws.root, "recognize", None, plain_settings)
        assert caught.value.code == code


def test_very_quiet_speech_is_heard(recognized: Recognize) -> None:
    """At -45 dB the words are still there."""
    assert "my name is" in texts(recognized("nasty/audio-very-quiet.mp4", source_language="en-US"))


def test_a_killed_recognition_gives_the_same_bytes(
    workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings, recognized: Recognize
) -> None:
    """kill -9 in the middle, then again: the transcript is that of an undisturbed run."""
    ws = workspace(shared_media / "oncamera" / "en-jordi-open-dubbing.mp4")
    runner.run_stage(ws.root, "probe", None, engine_settings)
    code = f"""
from apps.engine import runner
from apps.engine.settings import EngineSettings
runner.run_stage({str(ws.root)!r}, "recognize", None, EngineSettings(model_dir={engine_settings.model_dir!r}))
"""
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=Path(runner.__file__).parents[2])
    time.sleep(1.5)
    worker.kill()
    worker.wait()
    assert not ws.is_done("recognize")
    runner.run_stage(ws.root, "recognize", None, engine_settings)
    assert ws.path(RECOGNIZED_FILE).read_bytes() == recognized("oncamera/en-jordi-open-dubbing.mp4").to_json()


@pytest.mark.parametrize(
    ("clip", "language", "lines"),
    [
        ("en-jordi-burned-en.mp4", "en-US", ["Good morning, my name is Jordi Mas.", "I am from Barcelona.", "And I love this city."]),
        ("en-jordi-burned-zh.mp4", "zh-CN", ["早上好，我叫 Jordi Mas。", "我来自巴塞罗那。", "我喜欢这座城市。"]),
    ],
)  # fmt: skip
def test_text_in_the_picture(recognized: Recognize, clip: str, language: str, lines: list[str]) -> None:
    """Inside the box, with its spaces, in time to 0.25 s, and nothing else."""
    transcript = recognized(f"burned-in/{clip}", subtitle_source="ocr", text_box=LOWER_QUARTER)
    assert transcript.source_language == language
    assert [line.source for line in transcript.lines] == lines
    for line, (start, end) in zip(transcript.lines, [(1.26, 3.95), (5.25, 6.63), (7.61, 8.69)], strict=True):
        assert (line.start, line.end) == pytest.approx((start, end), abs=0.25)


def test_text_in_the_picture_that_is_not_there(recognized: Recognize) -> None:
    """An empty box is 10032; a script that the reader does not know is 10033."""
    clip = "nasty/base.mp4"
    top = TextBox(x=0.0, y=0.0, width=0.2, height=0.1)
    assert refused(recognized, clip, subtitle_source="ocr", text_box=top) == 10032
    assert refused(recognized, clip, subtitle_source="ocr", text_box=top, source_language="ru-RU") == 10033


def given(
    workspace: MakeWorkspace, media: Path, settings: EngineSettings, data: str, second: str = "", **fields: object
) -> Transcript:
    """The transcript that a given subtitle file makes on the talking head."""
    ws = workspace(media / "nasty" / "no-video-stream.mp4", subtitle=data.encode(), **fields)
    if second:
        ws.path("subtitle_target_in").write_text(second, encoding="utf-8")
    for stage in ("probe", "recognize"):
        runner.run_stage(ws.root, stage, None, settings)
    return ws.read_transcript(RECOGNIZED_FILE)


def test_given_original_subtitles(
    workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings
) -> None:
    """The file's own text and times; the language is told from the text."""
    transcript = given(workspace, shared_media, engine_settings, JORDI)
    assert transcript.source_language == "en-US"
    assert [(line.start, line.end) for line in transcript.lines] == [(1.26, 3.95), (5.25, 6.63)]
    assert [line.speaker for line in transcript.lines] == ["s1", "s1"]


def test_given_source_and_target_files(
    workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings
) -> None:
    """Seed 002's pair of files: nothing is left to translate."""
    transcript = given(
        workspace, shared_media, engine_settings, JORDI, PORTUGUESE, subtitle_target_file="subtitle_target_in"
    )
    assert [line.target for line in transcript.lines] == ["Bom dia, meu nome é Jordi Mas.", "Sou de Barcelona."]
    assert transcript.lines[1].source == "I am from Barcelona."


def test_given_final_translation_and_names(
    workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings
) -> None:
    """The text is the target as it stands; speakers named in the file are believed."""
    vtt = "WEBVTT\n\n00:01.260 --> 00:03.950\n<v Ana>Bom dia, meu nome\n\n00:05.250 --> 00:06.630\n<v Jordi>é Jordi.\n"
    transcript = given(workspace, shared_media, engine_settings, vtt, subtitle_usage="final_translated")
    assert [(line.source, line.target) for line in transcript.lines] == [("", "Bom dia, meu nome"), ("", "é Jordi.")]
    assert [speaker.label for speaker in transcript.speakers] == ["Ana", "Jordi"]


def test_given_bilingual_file(workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings) -> None:
    """Both texts from one file, the target told by its language."""
    texts = (
        "Bom dia, eu moro em Barcelona e gosto muito daqui.",
        "Good morning, I live in Barcelona and I like it here.",
    )
    both = "1\n00:00:01,000 --> 00:00:03,000\n" + "\n".join(texts) + "\n"
    transcript = given(
        workspace,
        shared_media,
        engine_settings,
        both,
        subtitle_usage="bilingual",
        timing=Timing(punctuation_split=False),
    )
    assert transcript.lines[0].source.startswith("Good morning") and transcript.lines[0].target.startswith("Bom dia")
    assert transcript.source_language == "en-US"


@pytest.mark.parametrize("data", ["", "not a subtitle", "1\n01:00:00,000 --> 01:00:01,000\nfar beyond the end\n"])
def test_given_files_that_cannot_be_used(
    workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings, data: str
) -> None:
    """10034, whatever is wrong with the file."""
    with pytest.raises(JobError) as caught:
        given(workspace, shared_media, engine_settings, data)
    assert caught.value.code == 10034
