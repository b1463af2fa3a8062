"""Lip sync as a step: mouths follow the dub's lines, every picture keeps its time, and only what changed is painted again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import msgspec
import pytest

from apps.core.options import SubtitleStyle
from apps.engine import runner
from apps.engine.lipsync.faces import FaceFinder
from apps.engine.lipsync.installed import MelForm
from apps.engine.lipsync.mel import hear
from apps.engine.lipsync.types import DUB_FACTS_FILE, DUB_PICTURES_FILE, DubReport
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask
from apps.engine.transcript import Line, Speaker, Transcript
from apps.engine.workspace import RECOGNIZED_FILE, TRANSCRIPT_FILE, Workspace
from tests.engine.lipsync import graph
from tests.engine.lipsync.measure import Seen, agree, load_pictures, load_sound, look_at, outside_psnr, psnr

JORDI = "oncamera/en-jordi-open-dubbing.mp4"
TWO_FACES = "oncamera/en-obama-2015-07-14-two-faces.mp4"
WORDS = ("Guten Morgen zusammen, ich wohne am Meer.", "Fangen wir an.")
Dub = Callable[..., Workspace]


@pytest.fixture
def dub(engine_settings: EngineSettings, tmp_path: Path) -> Dub:
    """All up to the step for a film whose two lines espeak-ng says in German (it needs no weights): dub(film, words=..., **task)."""

    def make(
        film: Path, name: str = "job", words: tuple[str, str] = WORDS, reuse: str = "", model: str = "", **fields: Any
    ) -> Workspace:
        fields = {"target_locale": "de-DE", "steps": ("subtitles", "voice", "lipsync"), "cast": {"s1": "m3"}} | fields
        ws = Workspace.create(tmp_path / name, EngineTask(**fields))
        ws.path("source").symlink_to(film)
        lines = [
            Line(id="l1", start=0.3, end=1.9, source="-", target=words[0], speaker="s1"),
            Line(id="l2", start=3.0, end=3.7, source="-", target=words[1], speaker="s1"),
        ]
        speakers = [Speaker("s1", "One")]
        text = Transcript(source_language="en-US", target_locale="de-DE", duration=4.5, speakers=speakers, lines=lines)
        ws.write_transcript(RECOGNIZED_FILE, text)
        ws.write_transcript(TRANSCRIPT_FILE, text)
        ws.write_json("translate.json", {})
        settings = msgspec.structs.replace(settings_of(engine_settings, reuse), lipsync_dir=model)
        for stage in ("probe", "speak", "dub_lipsync"):
            runner.run_stage(ws.root, stage, None, settings)
        return ws

    return make


@pytest.fixture(scope="module")
def film(shared_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The start of a talk, small: film("name.mp4", *options of ffmpeg)."""
    folder = tmp_path_factory.mktemp("films")

    def make(name: str, *options: str) -> Path:
        path = folder / name
        if not path.exists():
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(shared_media / JORDI)]
            subprocess.run(
                [*command, "-t", "4.5", *options, "-preset", "ultrafast", "-crf", "16", str(path)], check=True
            )
        return path

    return make


def settings_of(settings: EngineSettings, reuse: str) -> EngineSettings:
    return msgspec.structs.replace(settings, reuse_dir=reuse)


def facts(ws: Workspace) -> DubReport:
    return msgspec.json.decode(ws.path(DUB_FACTS_FILE).read_bytes(), type=DubReport)


def times(path: Path) -> list[float]:
    """When each picture is shown, seconds from the file's start on."""
    with av.open(str(path)) as container:
        start = (container.start_time or 0) / av.time_base
        return [float(frame.time or 0) - start for frame in container.decode(video=0)]


def stretches(ws: Workspace) -> dict[str, int]:
    """Files of stretches by name, with what tells a file from an equal one."""
    return {path.name: path.stat().st_ino for path in ws.path("mouths").glob("*.mp4")}


def alike(one: Workspace, other: Workspace) -> bool:
    """The same pictures, encoded twice."""
    pictures = [load_pictures(ws.path(DUB_PICTURES_FILE)) for ws in (one, other)]
    return all(psnr(first, second) > 44 for first, second in zip(*pictures, strict=True))


def test_mouths_follow_the_lines_and_the_rest_stays(
    dub: Dub, film: Callable[..., Path], engine_settings: EngineSettings
) -> None:
    source = film("plain.mp4", "-vf", "scale=720:480,fps=15")
    ws = dub(source)
    told = facts(ws)
    assert (told.backend, told.preview, told.frames_without_face) == ("preview", True, 0)
    assert told.frames == told.frames_painted == len(times(source))
    assert times(ws.path(DUB_PICTURES_FILE)) == pytest.approx(times(source), abs=0.002)
    seen = look_at(ws.path(DUB_PICTURES_FILE), engine_settings)
    found = agree(seen.openings, load_sound(ws.path("voice.wav"), 16_000), 16_000, 15)
    assert found.correlation >= 0.6 and abs(found.lag) <= 1
    # Of few pictures at half the size; all of 150 with a whole dub (docs/lipsync.md).
    assert found.silent >= 10 and found.closed >= 0.8
    assert outside_psnr(Seen(load_pictures(source), seen.points), seen.pictures) >= 38


def test_a_model_that_settings_name_hears_the_dub(
    dub: Dub, film: Callable[..., Path], engine_settings: EngineSettings, tmp_path: Path
) -> None:
    source = film("plain.mp4", "-vf", "scale=720:480,fps=15")
    ws = dub(source, model=str(graph.directory(tmp_path / "model")))
    told = facts(ws)
    assert (told.backend, told.preview, told.remarks[0]) == ("Tiny", False, f"Made by Tiny. Licence: {graph.LICENCE}")
    assert told.frames_painted == told.frames == len(times(source))
    # the graph paints a grey as bright as the dub is loud under each picture, over the borders of stretches too
    shown, finder = load_pictures(ws.path(DUB_PICTURES_FILE)), FaceFinder(engine_settings)
    heard = hear(load_sound(ws.path("voice.wav"), 16_000), MelForm())
    for number, (before, after) in enumerate(zip(load_pictures(source), shown, strict=True)):
        x, y = finder.find(before)[0].points[17, :2].round().astype(int)
        loud = (float(heard.at(number / 15).mean()) + 4) / 8 * 255
        assert abs(float(after[y, x].mean()) - loud) < 15, number


def test_an_edited_line_costs_its_stretch_and_a_killed_run_goes_on(
    dub: Dub, film: Callable[..., Path], engine_settings: EngineSettings, tmp_path: Path
) -> None:
    source, kept = film("plain.mp4", "-vf", "scale=720:480,fps=15"), str(tmp_path / "kept")
    first = dub(source, "first", reuse=kept)
    edited = dub(source, "edited", (WORDS[0], "Wir fangen an."), reuse=kept)
    assert len(stretches(first)) == len(stretches(edited)) == 2
    (same,) = stretches(first).items() & stretches(edited).items()
    assert (first.path("mouths") / same[0]).stat().st_nlink >= 3, "the very file, not an equal one"

    # without anything kept the same comes out but for the encoder's noise: what is taken over is what would be made
    alone = dub(source, "alone", (WORDS[0], "Wir fangen an."))
    assert stretches(alone).keys() == stretches(edited).keys() and stretches(alone) != stretches(edited)
    assert alike(alone, edited)

    # the machine went down after the first stretch, half of the first pass is lost: the stretch is taken up, the rest made
    (seen,) = alone.path("mouths").glob("*.faces.npz")
    seen.write_bytes(seen.read_bytes()[: seen.stat().st_size // 2])
    alone.forget(["dub_lipsync"])
    there = stretches(alone)
    alone.path(f"mouths/{max(there.keys() - {same[0]})}").unlink()
    alone.path(DUB_PICTURES_FILE).unlink()
    runner.run_stage(alone.root, "dub_lipsync", None, engine_settings)
    assert there.items() & stretches(alone).items() == {(same[0], there[same[0]])}
    assert alike(alone, edited)


def test_uneven_pictures_keep_their_times_and_render_lays_the_sound_under_them(
    dub: Dub, film: Callable[..., Path], engine_settings: EngineSettings, tmp_path: Path
) -> None:
    """Few pictures in the first second, many afterwards, all of them half a second after the sound; burnt in and streamed."""
    uneven = film("uneven.mp4", "-vf", "scale=360:240,select='gt(t,1)+not(mod(n,7))'", "-fps_mode", "passthrough")
    late = tmp_path / "late.mp4"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-v",
        "error",
        "-itsoffset",
        "0.5",
        "-i",
        str(uneven),
        "-i",
        str(uneven),
    ]
    subprocess.run([*command, "-map", "0:v", "-map", "1:a", "-c", "copy", "-t", "4", str(late)], check=True)
    ws = dub(late, style=SubtitleStyle(burn_in=True), hls=True)
    wanted = times(late)
    assert times(ws.path(DUB_PICTURES_FILE)) == pytest.approx([time - wanted[0] for time in wanted], abs=0.002)
    settings = msgspec.structs.replace(engine_settings, separate="duck")
    for stage in ("separate", "render"):
        runner.run_stage(ws.root, stage, None, settings)
    shown = times(ws.path("out/video.de-DE.mp4"))
    assert shown == pytest.approx(wanted, abs=0.005)
    assert shown[0] == pytest.approx(0.5, abs=0.01)
    told = ws.read_json("out/report.json")
    assert told["lipsync"]["backend"] == "preview" and told["picture"][1:] == ["subtitles are burnt in"]
    kinds = {row["kind"]: row["label"] for row in ws.read_json("out/manifest.json")}
    assert kinds["video"] == "Video, German (Germany) (lip sync: preview)" and "hls" in kinds


def test_only_the_one_who_speaks(dub: Dub, shared_media: Path) -> None:
    told = facts(dub(shared_media / TWO_FACES))
    assert sorted(face.speaks for face in told.faces) == [False, True]
    assert any("do not speak" in remark for remark in told.remarks)


def test_pictures_stay_where_there_is_no_face(dub: Dub, film: Callable[..., Path]) -> None:
    blurred = film("sky.mp4", "-vf", "scale=160:90,boxblur=20,fps=5")
    ws = dub(blurred)
    assert ws.path(DUB_PICTURES_FILE).stat().st_size == 0
    told = facts(ws)
    assert told.frames_painted == 0 and told.frames_without_face == told.frames == len(times(blurred))
    assert any("no face was found" in remark for remark in told.remarks)
