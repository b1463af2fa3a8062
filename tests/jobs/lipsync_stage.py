"""A small stage `lipsync` at the engine's seam: a real video of the picture and the sound, without a face being looked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import msgspec

from apps.core.errors import JobError
from apps.engine.lipsync.types import LEFT_FILE, REPORT_FILE, RESULT_FILE, TASK_FILE, LipsyncReport, LipsyncTask
from apps.engine.outputs import OutputList
from apps.engine.stages import Report
from apps.engine.task import EngineTask
from apps.engine.workspace import OUT_DIR, PROBE_FILE, Workspace


class SmallStage:
    """Ends with 10911 when the prompt says so."""

    name = "lipsync"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        return (TASK_FILE,)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        return (OUT_DIR,)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        return ws.key_of(self.name, self.inputs(task))

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        asked = msgspec.json.decode(ws.path(TASK_FILE).read_bytes(), type=LipsyncTask)
        assert all(ws.exists(name) for name in asked.files)
        if asked.prompt == "no face":
            raise JobError(10911, "no face was found in the picture")
        seconds = ws.read_json(PROBE_FILE)["duration"]
        sound = LEFT_FILE if asked.model == "lipsync-image-multi" else "audio"
        moving = asked.model == "lipsync-video"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
        command += ["-stream_loop", "-1"] if moving else ["-loop", "1", "-r", "10"]
        command += [
            "-i",
            str(ws.path("source")),
            "-i",
            str(ws.path(sound)),
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-t",
            f"{seconds}",
        ]
        command += [
            "-vf",
            "scale=160:90",
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-c:a",
            "aac",
        ]
        # As if a last frame reached over the end of the sound: that is not charged.
        found = LipsyncReport(model=asked.model, seed=asked.seed or 0, duration=seconds + 0.08, fps=10.0)
        with ws.writing_directory(OUT_DIR) as folder:
            outputs = OutputList(folder)
            target = outputs.add("video", Path(RESULT_FILE).name, "Small", main=True, duration=found.duration)
            subprocess.run([*command, "-f", "mp4", str(target)], check=True)
            outputs.add("report", Path(REPORT_FILE).name, "Report").write_bytes(msgspec.json.encode(found))
            outputs.write_manifest()
        report(1, 1, "frame")


STAGE = SmallStage()
