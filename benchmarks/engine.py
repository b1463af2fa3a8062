"""CPU-seconds of the engine per media minute, stage by stage, against the bare calls of the same tools on the same inputs.

    .venv/bin/python benchmarks/engine.py [--media FILE] [--to pt-BR] [--rounds 3] [--burn]

Bare means: one process per tool that loads the library, makes the one call and writes the result; nothing of ours around it. What
ffmpeg itself uses is measured in a run of its own, in which a wrapper notes the CPU time of each ffmpeg process. Figures are the
least of the rounds (CPU time has no luck, only disturbance). Report: a table, and .cache/benchmarks/engine.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402

from apps.core.options import SubtitleStyle  # noqa: E402
from apps.engine import ffmpeg, runner  # noqa: E402
from apps.engine.settings import ENVIRONMENT_KEY, EngineSettings  # noqa: E402
from apps.engine.task import EngineTask  # noqa: E402
from apps.engine.workspace import ASR_FILE, AUDIO_FILE, PROBE_FILE, TRANSCRIPT_FILE, Workspace  # noqa: E402
from benchmarks.lib.bare import CALLS  # noqa: E402
from benchmarks.lib.cpu import load  # noqa: E402

SENTENCES = (
    "Good morning, and welcome to the harbour.",
    "We have three boats, and each of them is older than I am.",
    "The blue one carries fish to the market before the sun is up.",
    "My brother repairs the engines, and I keep the books.",
    "In winter the water freezes near the wall, so we wait.",
    "Last year a storm took the roof of the small house.",
    "Everyone in the village came to help us build it again.",
    "If you look to the left, you can see the new school.",
    "There are forty children, and they all learn to swim.",
    "Please keep your hands inside the boat while we turn.",
    "The tower on the hill was built two hundred years ago.",
    "From there you can count the islands on a clear day.",
    "Lunch is bread, cheese and the soup that my mother makes.",
    "We will be back before the evening, I promise.",
    "Thank you for coming, and see you again next summer.",
)

WRAPPER = """#!{python} -SE
import json, os, sys
child = os.posix_spawn({ffmpeg!r}, [{ffmpeg!r}, *sys.argv[1:]], os.environ)
_, status, used = os.wait4(child, 0)
with open({log!r}, "a") as file:
    file.write(json.dumps(used.ru_utime + used.ru_stime) + chr(10))
os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
"""


def children_cpu() -> float:
    """CPU seconds of all ended children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cost(work: Callable[[], object]) -> float:
    """CPU seconds of this process and its children while `work` runs."""
    own, start = sum(os.times()[:2]), children_cpu()
    work()
    return sum(os.times()[:2]) - own + children_cpu() - start


def run_engine(folder: Path, media: Path, task: EngineTask, settings: EngineSettings) -> dict[str, float]:
    """Stage -> CPU seconds of a whole job in a new workspace."""
    workspace = Workspace.create(folder, task)
    workspace.path(task.source).symlink_to(media.resolve())
    return {
        stage: cost(lambda stage=stage: runner.run_stage(folder, stage, None, settings)) for stage in runner.plan(task)
    }


def ffmpeg_cost(folder: Path, media: Path, task: EngineTask, settings: EngineSettings) -> dict[str, float]:
    """Stage -> CPU seconds used by ffmpeg processes alone."""
    folder.mkdir(parents=True)
    log, wrapper = folder / "ffmpeg.log", folder / "ffmpeg"
    wrapper.write_text(WRAPPER.format(python=sys.executable, ffmpeg=ffmpeg.executable(settings.ffmpeg), log=str(log)))
    wrapper.chmod(0o755)
    wrapped = msgspec.structs.replace(settings, ffmpeg=str(wrapper))
    workspace = Workspace.create(folder / "job", task)
    workspace.path(task.source).symlink_to(media.resolve())
    spent: dict[str, float] = {}
    for stage in runner.plan(task):
        log.unlink(missing_ok=True)
        runner.run_stage(folder / "job", stage, None, wrapped)
        spent[stage] = sum(json.loads(line) for line in log.read_text().splitlines()) if log.exists() else 0.0
    return spent


def bare_cost(workspace: Path, stage: str, settings: EngineSettings) -> float:
    """CPU seconds of the stage's model call in a process of its own; 0 for a stage that is ffmpeg only."""
    if stage not in CALLS:
        return 0.0
    command = [sys.executable, "-m", "benchmarks.lib.bare", stage, str(workspace)]
    environment = os.environ | {
        ENVIRONMENT_KEY: settings.to_env(), "OMP_NUM_THREADS": str(settings.cores),
        "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    return cost(lambda: subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL))


def prepare_bare(workspace: Path, settings: EngineSettings) -> None:
    """The 16 kHz sound that recognition hears (the stage removes it when it ends); its cost is in ffmpeg's share."""
    command = [ffmpeg.executable(settings.ffmpeg), "-v", "error", "-y", "-i", str(workspace / AUDIO_FILE)]
    subprocess.run([*command, "-ac", "1", "-ar", "16000", str(workspace / ASR_FILE)], check=True)


def table(stages: list[str], engine: dict[str, float], bare: dict[str, float], minutes: float) -> str:
    """Rows per stage in CPU-seconds per media minute."""
    rows = [f"{'stage':<12}{'engine':>10}{'bare':>10}{'ratio':>8}"]
    for stage in [*stages, "sum"]:
        ours = sum(engine.values()) if stage == "sum" else engine[stage]
        tools = sum(bare.values()) if stage == "sum" else bare[stage]
        rows.append(f"{stage:<12}{ours / minutes:>10.2f}{tools / minutes:>10.2f}{ours / tools if tools else 0:>8.3f}")
    return "\n".join(rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, help="default: a minute of our own voice over our own pictures")
    parser.add_argument("--to", default="pt-BR")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--burn", action="store_true", help="burn the subtitles in, so that the picture is encoded again"
    )
    return parser.parse_args()


def main() -> int:
    """Measure, print, write the report."""
    asked = arguments()
    models = os.environ.get("KINOGLOT_MODEL_DIR") or str(ROOT / ".data" / "models")
    settings = msgspec.structs.replace(EngineSettings.from_env(), model_dir=models, nice=0)
    task = EngineTask(target_locale=asked.to, style=SubtitleStyle(burn_in=asked.burn))
    rounds: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory(prefix="kinoglot-bench-") as name:
        folder = Path(name)
        media: Path = asked.media or spoken_minute(folder, settings)
        for number in range(asked.rounds):
            job = folder / f"engine{number}"
            engine = run_engine(job, media, task, settings)
            tools = ffmpeg_cost(folder / f"ffmpeg{number}", media, task, settings)
            prepare_bare(job, settings)
            bare = {stage: tools[stage] + bare_cost(job, stage, settings) for stage in engine}
            rounds.append({"engine": engine, "bare": bare})
        workspace = Workspace(folder / "engine0")
        minutes = float(workspace.read_json(PROBE_FILE)["duration"]) / 60
        lines = len(workspace.read_transcript(TRANSCRIPT_FILE).lines)
    stages = list(rounds[0]["engine"])
    best = {who: {stage: min(item[who][stage] for item in rounds) for stage in stages} for who in ("engine", "bare")}
    overhead = sum(best["engine"].values()) / sum(best["bare"].values()) - 1
    print(f"{minutes * 60:.1f} s of media, {lines} lines, to {asked.to}, {settings.cores} threads, load {load()}")
    print("CPU-seconds per media minute")
    print(table(stages, best["engine"], best["bare"], minutes))
    print(f"overhead over the bare tools: {overhead:.1%} (aim: at most 5 %)")
    report: dict[str, Any] = {"minutes": minutes, "lines": lines, "rounds": rounds, "best": best, "overhead": overhead}
    target = ROOT / ".cache" / "benchmarks" / "engine.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=1))
    return 0


def spoken_minute(folder: Path, settings: EngineSettings) -> Path:
    """About a minute of different sentences with pauses, over moving pictures and a low hum."""
    import numpy as np
    import soundfile

    from apps.engine.tts_kokoro import KokoroVoice

    voice = KokoroVoice(settings)
    rate = voice.sample_rate
    rest = np.zeros(int(0.9 * rate), np.float32)
    pieces = [part for text in SENTENCES for part in (voice.speak(text, "af_heart", "en-us", 1.0), rest)]
    speech = np.concatenate(pieces)
    hum = 0.01 * np.sin(2 * np.pi * 110 * np.arange(len(speech)) / rate)
    soundfile.write(folder / "minute.wav", speech + hum.astype(np.float32), rate)
    target = folder / "minute.mp4"
    pictures = f"testsrc2=size=1280x720:rate=25:duration={len(speech) / rate:.2f}"
    command = [ffmpeg.executable(settings.ffmpeg), "-v", "error", "-y", "-f", "lavfi", "-i", pictures]
    command += ["-i", str(folder / "minute.wav"), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, "-c:a", "aac", "-shortest", str(target)], check=True)
    return target


if __name__ == "__main__":
    sys.exit(main())
