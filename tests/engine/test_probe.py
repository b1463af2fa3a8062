"""Every nasty file ends in the probe with a numbered error or the right facts, and quickly."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from apps.core.errors import JobError
from apps.engine import runner
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask, Limits
from tests.engine.conftest import MakeWorkspace
from tests.jobs.bad_media import ffmpeg

REFUSED = {
    "ffconcat-local-file.mp4": 10904,
    "hls-local-file-read.mp4": 10904,
    "hls-ssrf.m3u8": 10904,
    "html-named.mp4": 10904,
    "huge-8192x8192-1frame.mp4": 10905,
    "long-6h-silence.mp4": 10905,
    "png-named.mp4": 10904,
    "random-bytes.mp4": 10904,
    "subtitle-bad.vtt": 10904,
    "subtitle-bom-crlf-overlap.srt": 10904,
    "subtitle-gbk.srt": 10904,
    "truncated-mdat-cut.mp4": 10902,
    "truncated-moov-missing.mp4": 10902,
    "zero-bytes.mp4": 10902,
}
# Named kinds of sound whose length is nowhere written, or written in a table.
SOUND_KINDS = {
    "adts.aac": ["-c:a", "aac", "-q:a", "2", "-f", "adts"],
    "bare.mp3": ["-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0"],
    "table.mp3": ["-c:a", "libmp3lame", "-q:a", "2"],
    "tagged.mp3": [
        "-c:a",
        "libmp3lame",
        "-q:a",
        "2",
        "-write_xing",
        "0",
        "-id3v2_version",
        "3",
        "-metadata",
        "title=Talk",
    ],
}
WITHOUT_SOUND = {"animated.gif", "no-audio-stream.mp4"}
WITHOUT_PICTURES = {"no-video-stream.mp4", "mp3-with-cover-art.mp3"}


def nasty_files() -> list[str]:
    """Names of the nasty files, for parameters; none where the media are absent."""
    from tests.conftest import SHARED

    folder = SHARED / "media" / "nasty"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["base.mp4"]


@pytest.mark.parametrize("loud_first", [True, False])
@pytest.mark.parametrize("name", SOUND_KINDS)
def test_lengths_of_changing_bit_rates_are_counted(
    name: str, loud_first: bool, tmp_path: Path, plain_settings: EngineSettings
) -> None:
    """The first frames' bit rate makes a demuxer guess 3 s or 180 s for these 12 s."""
    rate = 22_050
    noise = np.random.default_rng(1).normal(0, 0.3, 2 * rate).clip(-1, 1)
    whole = np.concatenate([noise, np.zeros(10 * rate)])
    soundfile.write(tmp_path / "whole.wav", whole if loud_first else whole[::-1], rate)
    ffmpeg("-i", tmp_path / "whole.wav", *SOUND_KINDS[name], tmp_path / name)
    info = runner.probe(tmp_path / name, plain_settings)
    assert abs(info["duration"] - 12) < 0.15
    assert abs(info["audio"][0]["duration"] - 12) < 0.15
    if name == "table.mp3":
        (tmp_path / "cut.mp3").write_bytes((tmp_path / name).read_bytes()[: (tmp_path / name).stat().st_size // 2])
        with pytest.raises(JobError) as caught:
            runner.probe(tmp_path / "cut.mp3", plain_settings)
        assert caught.value.code == 10902


@pytest.mark.parametrize("name", nasty_files(), ids=lambda name: name[:30].encode("ascii", "replace").decode())
def test_nasty_file(name: str, shared_media: Path, plain_settings: EngineSettings) -> None:
    """A refusal with the right number and a reason in words, or facts that hold."""
    path, started = shared_media / "nasty" / name, time.monotonic()
    if name in REFUSED:
        with pytest.raises(JobError) as caught:
            runner.probe(path, plain_settings)
        assert caught.value.code == REFUSED[name]
        assert len(caught.value.reason) > 15 and "/" not in caught.value.reason
    else:
        info = runner.probe(path, plain_settings)
        assert info["duration"] > 0.1
        assert (info["video"] is None) == (name in WITHOUT_PICTURES)
        assert (info["audio"] == []) == (name in WITHOUT_SOUND)
    assert time.monotonic() - started < 30


def test_the_list_of_refused_files_is_not_stale(shared_media: Path) -> None:
    """Each name above is a file that is there."""
    assert set(REFUSED) | WITHOUT_SOUND | WITHOUT_PICTURES <= set(nasty_files())


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("rotated-90-display-matrix.mp4", {"rotation": 270, "display_width": 426, "display_height": 639}),
        ("non-square-pixels.mp4", {"sar": "2:1", "display_width": 960, "display_height": 540}),
        ("portrait.mp4", {"rotation": 0, "display_width": 427, "display_height": 640}),
        ("variable-frame-rate.mp4", {"variable_fps": True}),
        ("interlaced-mpeg2.ts", {"interlaced": True, "codec": "mpeg2video"}),
        ("hdr10-hevc-10bit.mp4", {"codec": "hevc", "pix_fmt": "yuv420p10le"}),
    ],
)
def test_picture_facts(name: str, facts: dict[str, object], shared_media: Path, plain_settings: EngineSettings) -> None:
    """What people will see: rotation, pixel shape, rates."""
    video = runner.probe(shared_media / "nasty" / name, plain_settings)["video"]
    assert {key: video[key] for key in facts} == facts


def test_sound_facts(shared_media: Path, plain_settings: EngineSettings) -> None:
    """The late start is known, the first of two tracks comes first."""
    late = runner.probe(shared_media / "nasty" / "audio-starts-1.5s-late.mp4", plain_settings)
    assert late["audio"][0]["start"] == pytest.approx(1.476, abs=0.03)
    two = runner.probe(shared_media / "nasty" / "two-audio-tracks-and-subtitles.mp4", plain_settings)
    assert [track["language"] for track in two["audio"]] == ["eng", "fra"]


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("no-audio-stream.mp4", {}, 10002),
        ("animated.gif", {}, 10002),
        ("no-video-stream.mp4", {"export_type": "video"}, 10001),
        ("mp3-with-cover-art.mp3", {"subtitle_source": "ocr"}, 10001),
    ],
)
def test_missing_track(
    name: str,
    fields: dict[str, str],
    code: int,
    shared_media: Path,
    workspace: MakeWorkspace,
    plain_settings: EngineSettings,
) -> None:
    """A track that the task needs and the file lacks; cover art is no video."""
    ws = workspace(shared_media / "nasty" / name, **fields)
    with pytest.raises(JobError) as caught:
        runner.run_stage(ws.root, "probe", None, plain_settings)
    assert caught.value.code == code


def test_given_text_needs_no_sound(
    shared_media: Path, workspace: MakeWorkspace, plain_settings: EngineSettings
) -> None:
    """Subtitles can be put to a silent film."""
    ws = workspace(shared_media / "nasty" / "no-audio-stream.mp4", subtitle=b"1\n00:00:01,000 --> 00:00:02,000\nHi\n")
    runner.run_stage(ws.root, "probe", None, plain_settings)
    assert ws.is_done("probe")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(max_seconds=2), "minutes"),
        (Limits(max_bytes=1000), "GB"),
        (Limits(max_pixels=100), "pixels"),
        (Limits(max_fps=20), "frames"),
        (Limits(max_streams=1), "tracks"),
    ],
)
def test_limits(limits: Limits, words: str, shared_media: Path, plain_settings: EngineSettings) -> None:
    """Each limit refuses with 10905 and says which."""
    with pytest.raises(JobError, match=words) as caught:
        runner.probe(shared_media / "nasty" / "base.mp4", plain_settings, limits)
    assert caught.value.code == 10905


def test_long_media_is_probed_quickly_when_it_is_allowed(shared_media: Path, plain_settings: EngineSettings) -> None:
    """Six hours cost seconds: packets are walked, not decoded."""
    started = time.monotonic()
    info = runner.probe(shared_media / "nasty" / "long-6h-silence.mp4", plain_settings, Limits(max_seconds=0))
    assert info["duration"] == pytest.approx(21600, abs=1)
    assert time.monotonic() - started < 20


def test_plan_of_stages() -> None:
    """Subtitles alone need neither separation nor speech."""
    assert runner.plan(EngineTask(steps=("subtitles",))) == ["probe", "recognize", "translate", "render"]
    assert runner.plan(EngineTask()) == ["probe", "separate", "recognize", "translate", "speak", "render"]
