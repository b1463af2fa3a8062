"""Lip sync: pictures a second at 512 x 512 on one core, beside decoding and encoding the same pictures with nothing in between.

    .venv/bin/python benchmarks/lipsync.py [--video FILE] [--image FILE] [--sound FILE] [--rounds 3] [--size 512]

Without files the sample media of ../shared are taken. Every measurement is a process of its own that is held on one core
(sched_setaffinity) with one thread for every library; what the libraries need to be loaded is not counted, loading the models is.
Figures are the least of the rounds. "alone" decodes and encodes the same number of pictures of the same size with the same settings of
the encoder. Report: a table, and .cache/benchmarks/lipsync.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402

from apps.engine import ffmpeg  # noqa: E402
from apps.engine.settings import ENVIRONMENT_KEY, EngineSettings  # noqa: E402
from benchmarks.lib.cpu import load  # noqa: E402

SHARED = Path(os.environ.get("KINOGLOT_SHARED") or ROOT.parent / "shared") / "media"
VIDEO, IMAGE, SOUND = (
    "oncamera/en-jordi-open-dubbing.mp4",
    "faces/astronaut-eileen-collins-nasa.png",
    "speech/en-jfk.flac",
)
AIM = 25.0


def measure(kind: str, folder: Path) -> dict[str, float]:
    """One measurement in this process: {"frames", "cpu", "wall"}; the files are those that `prepare` left in the folder."""
    import cv2

    from apps.engine.lipsync import frames, portrait, video
    from apps.engine.lipsync.types import LipsyncTask
    from apps.engine.media import read_info
    from apps.engine.task import Limits

    def nothing(_done: float, _total: float, _unit: str) -> None:
        pass

    def sound() -> frames.Sound:
        path = folder / "sound"
        return frames.Sound.of(path, read_info(path, Limits()))

    def source(name: str) -> frames.Source:
        return frames.Source(folder / name, read_info(folder / name, Limits()), "source")

    def render_portrait() -> int:
        picture = cv2.imread(str(folder / "picture.png"))
        task = LipsyncTask(model="lipsync-image", resolution="source")
        return portrait.render_image(task, picture, [sound()], None, folder / "portrait.mp4", nothing).frames

    def render_video() -> int:
        task = LipsyncTask(resolution="source")
        return video.render_video(task, source("video.mp4"), sound(), None, folder / "spoken.mp4", nothing).frames

    def alone(name: str) -> int:
        found = source(name)
        with frames.Encoder(folder / "again.mp4", found.size, found.rate, EngineSettings.from_env()) as encoder:
            return sum(encoder.write(shown) is None for shown in found.pictures(found.frames))

    works: dict[str, Callable[[], int]] = {
        "portrait": render_portrait,
        "portrait alone": lambda: alone("portrait.mp4"),
        "video": render_video,
        "video alone": lambda: alone("spoken.mp4"),
    }
    before, start = sum(os.times()[:4]), time.perf_counter()
    count = works[kind]()
    return {"frames": count, "cpu": sum(os.times()[:4]) - before, "wall": time.perf_counter() - start}


def prepare(folder: Path, asked: argparse.Namespace) -> None:
    """The picture and the video as squares of the asked size, and the sound."""
    square = f"crop='min(iw,ih)':'min(iw,ih)',scale={asked.size}:{asked.size}:flags=area"
    ffmpeg.run(["-i", str(asked.image), "-vf", square, "-frames:v", "1", "-update", "1", str(folder / "picture.png")])
    encoder = ["-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p", "-an"]
    ffmpeg.run(["-i", str(asked.video), "-vf", square, *encoder, str(folder / "video.mp4")])
    (folder / "sound").symlink_to(asked.sound.resolve())


def run_pinned(kind: str, folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """One measurement on one core."""
    command = [sys.executable, __file__, "--measure", kind, "--folder", str(folder)]
    core = max(os.sched_getaffinity(0))
    done = subprocess.run(
        command, check=True, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(best: dict[str, dict[str, float]]) -> str:
    """Rows per kind."""
    rows = [f"{'what':<16}{'pictures':>10}{'a CPU second':>14}{'a second':>10}{'ms CPU each':>13}{'times alone':>13}"]
    for kind, found in best.items():
        each = found["cpu"] / found["frames"]
        other = best.get(f"{kind} alone")
        ratio = f"{each / (other['cpu'] / other['frames']):.2f}" if other else "-"
        per_cpu, per_second = found["frames"] / found["cpu"], found["frames"] / found["wall"]
        rows.append(
            f"{kind:<16}{found['frames']:>10.0f}{per_cpu:>14.1f}{per_second:>10.1f}{1000 * each:>13.1f}{ratio:>13}"
        )
    return "\n".join(rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=SHARED / VIDEO)
    parser.add_argument("--image", type=Path, default=SHARED / IMAGE)
    parser.add_argument("--sound", type=Path, default=SHARED / SOUND)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Measure, print, write the report."""
    asked = arguments()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.folder)))
        return 0
    missing = [str(path) for path in (asked.video, asked.image, asked.sound) if not path.is_file()]
    if missing:
        print("nothing was measured: no", *missing, "(name files with --video, --image, --sound)")
        return 0
    models = os.environ.get("KINOGLOT_MODEL_DIR") or str(ROOT / ".data" / "models")
    settings = msgspec.structs.replace(EngineSettings.from_env(), model_dir=models, nice=0, threads=1)
    environment = {ENVIRONMENT_KEY: settings.to_env(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    kinds = (
        "portrait",
        "portrait alone",
        "video",
        "video alone",
    )  # in this order: the latter read what the former wrote
    rounds: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory(prefix="kinoglot-bench-") as name:
        prepare(Path(name), asked)
        rounds += [{kind: run_pinned(kind, Path(name), environment) for kind in kinds} for _ in range(asked.rounds)]
    best = {kind: min((found[kind] for found in rounds), key=lambda item: item["cpu"]) for kind in kinds}
    slowest = min(best[kind]["frames"] / best[kind]["cpu"] for kind in ("portrait", "video"))
    print(f"{asked.size} x {asked.size}, one core, load {load()}")
    print(table(best))
    print(f"slowest: {slowest:.1f} pictures per second of one core (aim: at least {AIM:.0f})")
    report: dict[str, Any] = {"size": asked.size, "rounds": rounds, "best": best, "slowest": slowest}
    target = ROOT / ".cache" / "benchmarks" / "lipsync.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
