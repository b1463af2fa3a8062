"""CPU and wall seconds of an iteration with one changed line, and of a second target language, against the whole job.

    .venv/bin/python benchmarks/iteration.py [--media FILE] [--to pt-BR] [--second es-ES] [--lipsync]

Each job runs stage by stage as in the portal, each in a workspace of its own. "kept" jobs find what the first one left (separated
sound, words, spoken lines: apps/engine/reuse.py), "anew" ones find nothing. The voice track of the iteration is compared with the
first one's: outside of the changed line they must be equal, sample by sample. With --lipsync (--media must show a speaker) mouths
follow the dub, and it is counted how many stretches of the film the iteration made anew.
Report: a table, and .cache/benchmarks/iteration.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402
import numpy as np  # noqa: E402
import soundfile  # noqa: E402

from apps.engine import runner  # noqa: E402
from apps.engine.settings import EngineSettings  # noqa: E402
from apps.engine.task import EngineTask, Step  # noqa: E402
from apps.engine.transcript import Transcript  # noqa: E402
from apps.engine.workspace import RECOGNIZED_FILE, TRANSCRIPT_FILE, VOICE_FILE, Workspace  # noqa: E402
from benchmarks.engine import cost, spoken_minute  # noqa: E402


@dataclass
class Run:
    """One job: seconds of each stage."""

    name: str
    wall: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return sum(self.cpu.values())


def run(name: str, ws: Workspace, stages: tuple[str, ...] | list[str], settings: EngineSettings) -> Run:
    """Carries a job through its stages."""
    result, began = Run(name), time.monotonic()
    for stage in stages:
        result.cpu[stage] = cost(lambda stage=stage: runner.run_stage(ws.root, stage, None, settings))  # type: ignore[misc]
    result.wall = time.monotonic() - began
    return result


def workspace(
    folder: Path, media: Path, task: EngineTask, text: Transcript | None = None, base: Workspace | None = None
) -> Workspace:
    """A new workspace; with `text` that of an iteration of `base`."""
    ws = Workspace.create(folder, task)
    ws.path(task.source).symlink_to(media.resolve())
    if text is not None and base is not None:
        ws.write_transcript(RECOGNIZED_FILE, base.read_transcript(RECOGNIZED_FILE))
        ws.write_transcript(TRANSCRIPT_FILE, text)
        ws.write_json("translate.json", {"given": len(text.lines)})
    return ws


def same_outside(before: Path, after: Path, start: float, end: float) -> bool:
    """True when two voice tracks differ in nothing but the span of the changed line (seconds)."""
    old, rate = soundfile.read(before, dtype="int16")
    new, _ = soundfile.read(after, dtype="int16")
    a, b = round(start * rate), round(end * rate)
    return len(old) == len(new) and np.array_equal(old[:a], new[:a]) and np.array_equal(old[b:], new[b:])


def made_anew(base: Workspace, again: Workspace) -> tuple[int, int]:
    """How many stretches of a lip-synced film are not the very files of the first job, and how many there are."""
    old, new = ({path.stat().st_ino for path in ws.path("mouths").glob("*.mp4")} for ws in (base, again))
    return len(new - old), len(new)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path)
    parser.add_argument("--to", default="pt-BR")
    parser.add_argument("--second", default="")
    parser.add_argument("--lipsync", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kinoglot-bench-") as name:
        folder = Path(name)
        media = arguments.media or spoken_minute(folder, EngineSettings.from_env())
        plain = EngineSettings.from_env()
        kept = msgspec.structs.replace(plain, reuse_dir=str(folder / "reuse"))
        steps: tuple[Step, ...] = ("subtitles", "voice", "lipsync") if arguments.lipsync else ("subtitles", "voice")
        task = EngineTask(source_language="en-US", target_locale=arguments.to, steps=steps)
        given = [stage for stage in runner.plan(task) if stage not in ("recognize", "translate")]
        first = workspace(folder / "first", media, task)
        runs = [run("whole job", first, runner.plan(task), kept)]
        text = first.read_transcript(TRANSCRIPT_FILE)
        line = text.lines[len(text.lines) // 2]
        line.target = f"{line.target} {line.target.split()[0]}"
        facts = first.read_json("speak.json")
        task = msgspec.structs.replace(task, cast=facts["voices"])
        two = workspace(folder / "kept", media, task, text, first)
        runs.append(run("iteration, kept", two, given, kept))
        three = workspace(folder / "anew", media, task, text, first)
        runs.append(run("iteration, anew", three, given, plain))
        fits = [fit for ws in (first, two) for fit in ws.read_json("speak.json")["lines"] if fit["id"] == line.id]
        span = min(fit["start"] for fit in fits) - 0.01, max(fit["end"] for fit in fits) + 0.01
        equal = {ws.root.name: same_outside(first.path(VOICE_FILE), ws.path(VOICE_FILE), *span) for ws in (two, three)}
        if arguments.second:
            other = EngineTask(source_language="en-US", target_locale=arguments.second, steps=steps)
            for label, settings in (("second language, kept", kept), ("second language, anew", plain)):
                ws = workspace(folder / label.replace(" ", "-"), media, other)
                runs.append(run(label, ws, runner.plan(other), settings))
        if arguments.lipsync:
            print("stretches of the film made anew: {} of {}".format(*made_anew(first, two)))
        report(runs, equal, text.duration, len(text.lines))


def report(runs: list[Run], equal: dict[str, bool], duration: float, lines: int) -> None:
    """The table, and the same as JSON."""
    stages = list(runs[0].cpu)
    print(f"{duration:.1f} s of media, {lines} lines; CPU seconds by stage")
    print(f"{'':24}" + "".join(f"{stage:>13}" for stage in stages) + f"{'all':>9}{'wall':>9}{'share':>8}")
    for one in runs:
        cells = "".join(f"{one.cpu[stage]:13.2f}" if stage in one.cpu else f"{'–':>13}" for stage in stages)
        print(f"{one.name:24}{cells}{one.total:9.2f}{one.wall:9.2f}{one.total / runs[0].total:8.0%}")
    print(f"voice track equal outside of the changed line: {equal}")
    target = ROOT / ".cache" / "benchmarks" / "iteration.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"name": one.name, "wall": one.wall, "cpu": one.cpu} for one in runs]
    target.write_text(json.dumps({"seconds": duration, "lines": lines, "runs": rows, "equal": equal}, indent=1))


if __name__ == "__main__":
    main()
