"""Rendering for all kinds of media: what is burnt, covered, converted, left out, and said in the report."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from apps.core.errors import JobError
from apps.core.options import SubtitleStyle, TextBox, Timing, VoiceOptions
from apps.engine import runner
from apps.engine.settings import EngineSettings
from apps.engine.transcript import Line, Speaker, Transcript
from apps.engine.workspace import RECOGNIZED_FILE, TRANSCRIPT_FILE, Workspace

pytestmark = pytest.mark.engine
JORDI = "oncamera/en-jordi-open-dubbing.mp4"
Rendered = Callable[..., Workspace]


@pytest.fixture
def rendered(
    shared_media: Path, plain_settings: EngineSettings, tmp_path: Path, workspace: Callable[..., Workspace]
) -> Rendered:
    """Renders a shared clip with one given line; no recognition, no speech."""

    def render(clip: str, text: str = "Bom dia, meu nome é Jordi.", name: str = "job", **fields: Any) -> Workspace:
        fields.setdefault("steps", ("subtitles",))
        ws = workspace(shared_media / clip, name=name, **fields)
        runner.run_stage(ws.root, "probe", None, plain_settings)
        duration = ws.read_json("probe.json")["duration"]
        line = Line(
            id="l1", start=0.1, end=max(0.15, duration - 0.1), source="Good morning.", target=text, speaker="s1"
        )
        transcript = Transcript(
            source_language="en-US",
            target_locale=ws.task().target_locale,
            duration=duration,
            speakers=[Speaker("s1", "Jordi")],
            lines=[line],
        )
        ws.write_transcript(TRANSCRIPT_FILE, transcript)
        ws.write_json("translate.json", {})
        runner.run_stage(ws.root, "render", None, plain_settings)
        return ws

    return render


def video(ws: Workspace) -> Path:
    return next(ws.path("out").glob("video.*.mp4"))


def report(ws: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = ws.read_json("out/report.json")
    return found


def kinds(ws: Workspace) -> set[str]:
    return {row["kind"] for row in json.loads(ws.path("out/manifest.json").read_bytes())}


def frame(path: Path, seconds: float) -> NDArray[np.uint8]:
    """The picture shown at a second, upright, RGB."""
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            if picture.time is not None and picture.time >= seconds:
                return np.rot90(picture.to_ndarray(format="rgb24"), round(picture.rotation / 90) % 4)
    raise AssertionError("no picture there")


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(picture.time or 0) for picture in container.decode(video=0)]


def test_burnt_in_text_changes_the_pixels_where_and_how_the_style_says(rendered: Rendered, shared_media: Path) -> None:
    style = SubtitleStyle(burn_in=True, font_size=60, primary_color="#FF2010", outline_color="0000FF", margin_v=0.5)
    ws = rendered(JORDI, style=style)
    before, after = frame(shared_media / JORDI, 1.0).astype(int), frame(video(ws), 1.0).astype(int)
    changed = np.abs(before - after).max(axis=2) > 90
    rows = np.flatnonzero(changed.sum(axis=1) > 20)
    assert 250 < rows.min() < rows.max() < 370, "just above the middle"
    red = (after[..., 0] > 200) & (after[..., 1] < 90) & (after[..., 2] < 90)
    blue = (after[..., 2] > 180) & (after[..., 0] < 90)
    assert red[rows.min() : rows.max()].sum() > 2000
    assert blue[rows.min() : rows.max()].sum() > 500
    assert "subtitles are burnt in" in report(ws)["picture"]


@pytest.mark.parametrize(
    ("locale", "text"),
    [("ar-EG", "صباح الخير"), ("zh-CN", "早上好，我叫乔迪"), ("he-IL", "בוקר טוב"), ("hi-IN", "सुप्रभात")],
)
def test_other_scripts_are_drawn_and_not_as_empty_boxes(
    rendered: Rendered, shared_media: Path, locale: str, text: str
) -> None:
    """Empty boxes are all alike: two different words of one length must give different pictures."""
    style = SubtitleStyle(burn_in=True, font_size=60)
    one = frame(video(rendered("nasty/base.mp4", text, target_locale=locale, style=style)), 1.0).astype(int)
    other = frame(
        video(rendered("nasty/base.mp4", text[::-1], name="other", target_locale=locale, style=style)), 1.0
    ).astype(int)
    assert (np.abs(one - other).max(axis=2) > 100).sum() > 100


def test_a_script_without_a_font_is_not_burnt_and_the_report_says_so(rendered: Rendered) -> None:
    ws = rendered("nasty/base.mp4", "সুপ্রভাত", target_locale="bn-IN", style=SubtitleStyle(burn_in=True))
    assert any("no font for bn-IN" in said for said in report(ws)["not_honoured"])
    assert report(ws)["picture"] == ["copied as it was"]


def test_old_subtitles_are_covered_only_in_their_box_and_this_is_said(rendered: Rendered, shared_media: Path) -> None:
    clip = "burned-in/en-jordi-burned-en.mp4"
    box = TextBox(x=0.1, y=0.78, width=0.8, height=0.2)
    ws = rendered(clip, subtitle_source="ocr", text_box=box, style=SubtitleStyle(erase_source=True))
    before, after = frame(shared_media / clip, 2.0).astype(int), frame(video(ws), 2.0).astype(int)
    height, width, _ = before.shape
    inside = (slice(int(0.79 * height), int(0.97 * height)), slice(int(0.12 * width), int(0.88 * width)))
    assert (before[inside].min(axis=2) > 225).sum() > 500, "white letters were there"
    edges = [np.abs(np.diff(picture[inside].mean(axis=2), axis=1)) for picture in (before, after)]
    assert (edges[1] > 60).sum() < 0.02 * (edges[0] > 60).sum(), "no edge of a letter is left"
    above = slice(0, int(0.7 * height))
    assert np.abs(before[above] - after[above]).mean() < 4
    assert any("not restored" in said for said in report(ws)["not_honoured"])
    nothing = rendered("nasty/base.mp4", name="nobox", style=SubtitleStyle(erase_source=True))
    assert any("no text box" in said for said in report(nothing)["not_honoured"])


@pytest.mark.parametrize(
    ("clip", "shown", "burn"),
    [
        ("hdr10-hevc-10bit.mp4", (638, 426), False), ("h264-444.mp4", (638, 426), False), ("h264-hi10p.mp4", (638, 426), True),
        ("odd-size-853x481.mp4", (722, 480), True), ("non-square-pixels.mp4", (960, 540), True), ("portrait.mp4", (426, 640), True),
        ("vp9-opus.webm", (480, 320), False), ("interlaced-mpeg2.ts", (720, 480), False), ("tiny-16x16.mp4", (16, 16), True),
    ],
)  # fmt: skip
def test_every_picture_becomes_one_that_browsers_play(
    rendered: Rendered, clip: str, shown: tuple[int, int], burn: bool
) -> None:
    ws = rendered(f"nasty/{clip}", style=SubtitleStyle(burn_in=burn))
    with av.open(str(video(ws))) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        sar = container.streams.video[0].sample_aspect_ratio or 1
        assert (round(context.width * float(sar)), context.height) == shown
        assert all(stream.codec_context.name == "aac" for stream in container.streams.audio)
    source = ws.read_json("probe.json")["video"]
    assert abs(len(times(video(ws))) - source["frames"]) <= 1


def test_a_turned_phone_video_stays_upright(rendered: Rendered, shared_media: Path) -> None:
    clip = "nasty/rotated-90-display-matrix.mp4"
    upright = frame(shared_media / clip, 1.0)
    for name, style in (("copied", SubtitleStyle()), ("burnt", SubtitleStyle(burn_in=True))):
        shown = frame(video(rendered(clip, name=name, style=style)), 1.0)
        assert shown.shape[0] > shown.shape[1]
        height, width = min(shown.shape[0], upright.shape[0]) // 2, min(shown.shape[1], upright.shape[1])
        assert np.abs(shown[:height, :width].astype(int) - upright[:height, :width].astype(int)).mean() < 12, name


def test_varying_frame_times_are_kept(rendered: Rendered, shared_media: Path) -> None:
    clip = "nasty/variable-frame-rate.mp4"
    ws = rendered(clip, style=SubtitleStyle(burn_in=True))
    np.testing.assert_allclose(times(video(ws)), times(shared_media / clip), atol=0.002)


def test_a_late_sound_track_stays_late(rendered: Rendered) -> None:
    ws = rendered("nasty/audio-starts-1.5s-late.mp4")
    with av.open(str(video(ws))) as container:
        sound = container.streams.audio[0]
        assert float(
            next(p.pts for p in container.demux(sound) if p.pts and p.size) * sound.time_base
        ) == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    ("export", "expected"),
    [("subtitles", set()), ("video", {"video"}), ("audio", set()), ("auto", {"video"})],
)
def test_only_what_was_ordered_is_made(rendered: Rendered, export: str, expected: set[str]) -> None:
    ws = rendered("nasty/base.mp4", export_type=export)
    assert kinds(ws) == expected | {"subtitle_source", "subtitle_target", "subtitle_bilingual", "transcript", "report"}
    main = [row for row in json.loads(ws.path("out/manifest.json").read_bytes()) if row["main"]]
    assert [row["kind"] for row in main] == (["video"] if expected else ["subtitle_target"])


def test_what_was_not_honoured_is_reported(rendered: Rendered) -> None:
    ws = rendered("nasty/no-video-stream.mp4", hls=True, timing=Timing(adjust_video_speed=True))
    said = report(ws)["not_honoured"]
    assert any(text.startswith("adjust_video_speed") for text in said)
    assert any(text.startswith("hls") for text in said)


def test_pictures_without_sound_get_a_dub_of_their_own(
    shared_media: Path, engine_settings: EngineSettings, workspace: Callable[..., Workspace]
) -> None:
    subtitle = b"1\n00:00:00,500 --> 00:00:02,500\nGood morning.\n"
    ws = workspace(shared_media / "nasty/no-audio-stream.mp4", subtitle=subtitle, source_language="en-US")
    for stage in runner.plan(ws.task()):
        runner.run_stage(ws.root, stage, None, engine_settings)
    with av.open(str(video(ws))) as container:
        assert len(container.streams.audio) == 1
    assert "background" not in kinds(ws)


def test_a_language_without_a_natural_voice_is_spoken_robotically_and_labelled(
    shared_media: Path, engine_settings: EngineSettings, workspace: Callable[..., Workspace]
) -> None:
    ws = workspace(shared_media / "nasty/base.mp4", target_locale="de-DE", voice=VoiceOptions(background_volume=30))
    for stage in ("probe", "separate"):
        runner.run_stage(ws.root, stage, None, engine_settings)
    lines = [
        Line(id="l1", start=0.3, end=1.9, source="Good morning.", target="Guten Morgen, liebe Leute.", speaker="s1")
    ]
    ws.write_transcript(
        RECOGNIZED_FILE,
        Transcript(
            source_language="en-US", target_locale="", duration=4.0, speakers=[Speaker("s1", "A", 200.0)], lines=lines
        ),
    )
    for stage in ("translate", "speak", "render"):
        runner.run_stage(ws.root, stage, None, engine_settings)
    facts = report(ws)
    assert facts["backends"]["speak"] == "espeak-ng"
    assert any("robotic" in remark for remark in facts["remarks"])
    assert abs(facts["fit"][0]["start"] - 0.3) <= 0.3


@pytest.mark.parametrize(
    ("fields", "target", "code"),
    [
        ({"voice": VoiceOptions(kind="personal")}, "Olá.", 10040),
        ({"target_locale": "zu-ZA"}, "Sawubona.", 10906),
        ({}, "♪ ... ♪", 10044),
    ],
)
def test_what_cannot_be_spoken_is_a_numbered_error(
    tmp_path: Path, engine_settings: EngineSettings, shared_media: Path, workspace: Callable[..., Workspace], fields: dict[str, Any],
    target: str, code: int,
) -> None:  # fmt: skip
    ws = workspace(shared_media / "nasty/base.mp4", **fields)
    line = Line(id="l1", start=0.3, end=1.9, source="Hi.", target=target)
    transcript = Transcript(source_language="en-US", target_locale="", duration=4.0, lines=[line])
    for name in (RECOGNIZED_FILE, TRANSCRIPT_FILE):
        ws.write_transcript(name, transcript)
    with pytest.raises(JobError) as failure:
        runner.run_stage(ws.root, "speak", None, engine_settings)
    assert failure.value.code == code


def test_a_kill_in_the_middle_of_speaking_loses_only_the_line_in_work(
    engine_settings: EngineSettings, workspace: Callable[..., Workspace], shared_media: Path
) -> None:
    texts = ["Bom dia.", "Eu sou de Barcelona.", "Eu amo esta cidade.", "O barco sai do porto.", "Até amanhã."]
    lines = [
        Line(id=f"l{n}", start=n * 2.0, end=n * 2.0 + 1.6, source="x", target=text, speaker="s1")
        for n, text in enumerate(texts)
    ]
    transcript = Transcript(
        source_language="en-US", target_locale="pt-BR", duration=10.0, speakers=[Speaker("s1", "A", 110.0)], lines=lines
    )
    jobs = [workspace(shared_media / "nasty/base.mp4", name=name) for name in ("killed", "whole")]
    for ws in jobs:
        for name in (RECOGNIZED_FILE, TRANSCRIPT_FILE):
            ws.write_transcript(name, transcript)
    killed, whole = jobs
    code = (
        "import sys; from apps.engine import runner; from apps.engine.settings import EngineSettings;"
        "runner.run_stage(sys.argv[1], 'speak', None, EngineSettings(model_dir=sys.argv[2], nice=0))"
    )
    command = [sys.executable, "-c", code, str(killed.root), engine_settings.model_dir]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    )
    deadline = time.monotonic() + 90
    while len(list(killed.path("lines").glob("*.wav"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {path.name: path.stat().st_mtime_ns for path in killed.path("lines").glob("*.wav")}
    assert len(done) >= 2
    for ws in jobs:
        runner.run_stage(ws.root, "speak", None, engine_settings)
    assert killed.path("voice.wav").read_bytes() == whole.path("voice.wav").read_bytes()
    assert killed.read_json("speak.json") == whole.read_json("speak.json")
    assert {name: killed.path(f"lines/{name}").stat().st_mtime_ns for name in done} == done
    shutil.rmtree(whole.root)
