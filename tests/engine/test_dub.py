"""The whole engine on real clips: the dub is heard again, stands where the speaker spoke, and the background is still there."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import jiwer
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from apps.engine import mix, runner
from apps.engine.settings import EngineSettings
from apps.engine.transcript import Transcript
from apps.engine.workspace import Workspace

pytestmark = [pytest.mark.engine, pytest.mark.long]

JORDI, JFK = "oncamera/en-jordi-open-dubbing.mp4", "speech/en-jfk.flac"
Finished = Callable[..., Workspace]


@pytest.fixture(scope="module")
def jordi(finished: Finished) -> Workspace:
    return finished(JORDI, hls=True, title="Bom dia & more")


@pytest.fixture(scope="module")
def jfk(finished: Finished) -> Workspace:
    return finished(JFK)


def manifest(ws: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ws.path("out/manifest.json").read_bytes())
    return found


def artefact(ws: Workspace, kind: str, form: str | None = None) -> Path:
    return ws.path("out") / next(
        row["path"] for row in manifest(ws) if row["kind"] == kind and form in (None, row["format"])
    )


def words(text: str) -> str:
    plain = unicodedata.normalize("NFC", text.lower())
    return " ".join(re.sub(r"[^\w\s]", " ", plain).split())


def heard(path: Path, settings: EngineSettings) -> tuple[str, str, list[float]]:
    """(language, words, start of each segment's first word) that Whisper hears."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(settings.model_path("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)
    segments, info = model.transcribe(str(path), beam_size=5, word_timestamps=True)
    parts = list(segments)
    return (
        info.language,
        words(" ".join(part.text for part in parts)),
        [w.start for part in parts for w in (part.words or [])[:1]],
    )


def onset(path: Path, near: float) -> float:
    """Where sound begins after silence within 0.5 s of `near`, seconds."""
    samples, rate = soundfile.read(path, dtype="float32")
    start = max(0, round((near - 0.5) * rate))
    part = np.abs(samples[start : round((near + 0.7) * rate)])
    return float((start + np.flatnonzero(part > 0.02)[0]) / rate)


@pytest.mark.parametrize("clip", [JORDI, JFK])
def test_the_dub_is_heard_again_in_the_words_of_its_subtitles(
    clip: str, finished: Finished, engine_settings: EngineSettings
) -> None:
    ws = finished(clip, hls=True, title="Bom dia & more") if clip == JORDI else finished(clip)
    transcript = Transcript.load(artefact(ws, "transcript"))
    language, said, _ = heard(artefact(ws, "audio"), engine_settings)
    written = words(" ".join(line.target for line in transcript.lines))
    assert language == "pt"
    assert jiwer.wer(written, said) <= 0.25, (written, said)


@pytest.mark.parametrize("clip", [JORDI, JFK])
def test_lines_start_within_three_tenths_of_the_source(clip: str, finished: Finished) -> None:
    ws = finished(clip, hls=True, title="Bom dia & more") if clip == JORDI else finished(clip)
    transcript = Transcript.load(artefact(ws, "transcript"))
    fits = {fit["id"]: fit for fit in ws.read_json("out/report.json")["fit"]}
    for line in transcript.lines:
        assert abs(fits[line.id]["start"] - line.start) <= 0.3
        assert abs(onset(ws.path("voice.wav"), fits[line.id]["start"]) - line.start) <= 0.3, line


def test_the_background_is_still_there_and_follows_its_volume(jordi: Workspace, tmp_path: Path) -> None:
    """Between the lines the mix is the background: same shape, and gone at volume 0."""
    facts = jordi.read_json("out/report.json")["mix"]
    background = mono(jordi.path("background.wav"))
    dub, voice = mono(artefact(jordi, "audio")), mono(jordi.path("voice.wav"))
    quiet = np.abs(np.convolve(np.abs(voice), np.ones(4800) / 4800, "same")) < 1e-4
    quiet[: 48_000 // 4] = False
    assert quiet.sum() > 48_000
    a, b = background[: len(dub)][quiet[: len(dub)]], dub[quiet[: len(dub)]]
    assert float(np.corrcoef(a, b)[0, 1]) > 0.95
    assert 20 * np.log10(rms(b) / rms(a)) == pytest.approx(facts["gain"], abs=1.5)
    silent = tmp_path / "silent.wav"
    mix.make_mix(jordi, 0, silent, lambda done, total: None)
    assert rms(mono(silent)[quiet[: len(dub)]]) < 0.02 * rms(b)


def test_the_mix_is_near_sixteen_lufs_and_never_clips(jordi: Workspace, jfk: Workspace) -> None:
    for ws in (jordi, jfk):
        path = artefact(ws, "audio")
        assert mix.loudness(path) == pytest.approx(-16.0, abs=1.0)
        assert float(np.abs(soundfile.read(path)[0]).max()) < 0.9


def test_the_mp4_has_the_dub_first_the_original_second_and_both_subtitles(jordi: Workspace) -> None:
    path = artefact(jordi, "video")
    with av.open(str(path)) as movie:
        kinds = [(s.type, s.language) for s in movie.streams]
        assert kinds == [("video", "und"), ("audio", "por"), ("audio", "eng"), ("subtitle", "por"), ("subtitle", "eng")]
        assert movie.streams.audio[0].disposition & av.stream.Disposition.default
        assert not movie.streams.audio[1].disposition & av.stream.Disposition.default
        assert movie.streams.video[0].codec_context.name == "h264"
        assert movie.duration / 1e6 == pytest.approx(9.97, abs=0.1)
        assert movie.metadata["title"] == "Bom dia & more"
    head = path.read_bytes()[:200_000]
    assert head.index(b"moov") < head.index(b"mdat"), "playing must not wait for the end of the file"
    with av.open(str(path)) as movie, av.open(str(jordi.path("source"))) as source:
        copied, original = ([bytes(p) for p in c.demux(video=0) if p.size] for c in (movie, source))
    assert copied == original, "nothing changed in the picture, so it is copied"


def test_audio_comes_out_as_audio_of_the_same_length(jfk: Workspace) -> None:
    rows = manifest(jfk)
    assert not any(row["kind"] in ("video", "hls") for row in rows)
    assert next(row for row in rows if row["kind"] == "audio")["main"]
    info = soundfile.info(artefact(jfk, "audio"))
    assert (info.samplerate, info.channels) == (48_000, 2)
    assert info.duration == pytest.approx(11.0, abs=0.05)
    with av.open(str(artefact(jfk, "audio_mp3"))) as mp3:
        assert mp3.streams.audio[0].codec_context.name.startswith("mp3")
        assert mp3.duration / 1e6 == pytest.approx(11.0, abs=0.1)


def test_kennedy_is_dubbed_by_a_man_though_his_voice_is_high(jfk: Workspace) -> None:
    transcript = Transcript.load(artefact(jfk, "transcript"))
    assert transcript.speakers[0].pitch > 165
    assert set(jfk.read_json("out/report.json")["voices"].values()) == {"pm_alex"}


def test_the_manifest_and_the_files_agree(jordi: Workspace) -> None:
    rows = manifest(jordi)
    files = {path.name for path in jordi.path("out").iterdir()} - {"manifest.json"}
    assert {row["path"] for row in rows} == files
    assert {(r["kind"], r["format"]) for r in rows} >= {
        *(("subtitle_target", f) for f in ("srt", "vtt", "ass", "ttml")), *(("subtitle_source", f) for f in ("srt", "vtt", "ass", "ttml")),
        ("subtitle_bilingual", "srt"), ("subtitle_bilingual", "vtt"), ("video", "mp4"), ("audio", "wav"), ("audio_mp3", "mp3"),
        ("transcript", "json"), ("report", "json"), ("hls", "zip"), ("background", "wav"), ("voice", "wav"),
    }  # fmt: skip
    assert [row["kind"] for row in rows if row["main"]] == ["video"]
    assert all(row["content_type"] and row["label"] for row in rows)


def test_the_streaming_copy_names_its_tracks_and_all_its_files_are_there(jordi: Workspace) -> None:
    with zipfile.ZipFile(artefact(jordi, "hls")) as archive:
        names = set(archive.namelist())
        master = archive.read("master.m3u8").decode()
        playlists = {name: archive.read(name).decode() for name in names if name.endswith(".m3u8")}
    assert 'NAME="Portuguese (Brazil)",DEFAULT=YES' in master
    assert 'NAME="Original"' in master
    assert 'SUBTITLES="subtitles"' in master
    for text in playlists.values():
        for row in text.splitlines():
            if row and not row.startswith("#"):
                assert row in names
        assert set(re.findall(r'URI="([^"]+)"', text)) <= names


def test_the_report_names_backends_models_and_timings(jordi: Workspace) -> None:
    report = jordi.read_json("out/report.json")
    assert report["backends"]["translate"] == "firefox en-pt"
    assert report["backends"]["speak"] == "kokoro-v1.0.int8"
    assert all(re.fullmatch(r"[0-9a-f]{64}", model["sha256"]) for model in report["models"])
    assert set(report["timings"]) >= {"probe", "separate", "recognize", "translate", "speak"}
    assert report["not_honoured"] == []


def test_the_same_work_gives_the_same_bytes(jordi: Workspace, engine_settings: EngineSettings) -> None:
    """Speaking anew and rendering anew, as after a kill, ends with equal artefacts; only the report's timings differ."""
    before = digests(jordi)
    for path in jordi.path("lines").iterdir():
        path.unlink()
    jordi.forget(["speak", "render"])
    for stage in ("speak", "render"):
        runner.run_stage(jordi.root, stage, None, engine_settings)
    assert digests(jordi) == before


def test_an_edited_line_is_the_only_one_spoken_again(
    jordi: Workspace, engine_settings: EngineSettings, tmp_path: Path
) -> None:
    import shutil

    copy = Workspace(shutil.copytree(jordi.root, tmp_path / "edited"))
    before = {path.name: path.stat().st_mtime_ns for path in copy.path("lines").glob("*.wav")}
    transcript = copy.read_transcript("transcript.json")
    transcript.lines[1].target = "Eu venho de Lisboa."
    copy.write_transcript("transcript.json", transcript)
    for stage in runner.plan(copy.task()):
        runner.run_stage(copy.root, stage, None, engine_settings)
    after = {path.name: path.stat().st_mtime_ns for path in copy.path("lines").glob("*.wav")}
    assert {name: time for name, time in after.items() if name in before} == before
    assert len(after) == len(before) + 1
    assert "Lisboa" in artefact(copy, "subtitle_target", "srt").read_text()
    assert "Lisboa" in artefact(copy, "transcript").read_text(), "the edit was not translated over"


def digests(ws: Workspace) -> dict[str, str]:
    found = {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in ws.path("out").iterdir() if p.name != "report.json"
    }
    report = ws.read_json("out/report.json")
    report.pop("timings")
    return found | {"report": json.dumps(report, sort_keys=True)}


def mono(path: Path) -> NDArray[np.float32]:
    samples = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return np.asarray(samples.mean(axis=1), np.float32)


def rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
