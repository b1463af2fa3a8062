"""Stage 1, probe: what the file is, whether it can be used for this task, and within which limits."""

from __future__ import annotations

from apps.core.errors import JobError
from apps.engine.media import MediaInfo, read_info
from apps.engine.stages import Report
from apps.engine.task import EngineTask
from apps.engine.workspace import PROBE_FILE, Workspace

VERSION = 1


class Probe:
    """Writes probe.json (MediaInfo); raises 10001, 10002, 10902, 10904, 10905."""

    name = "probe"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        """The source file."""
        return (task.source,)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        """probe.json."""
        return (PROBE_FILE,)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        """The source's bytes, the limits and what the task asks of the file."""
        asks = [task.wants_video, needs_audio(task), task.media_type, task.limits]
        return ws.key_of(self.name, self.inputs(task), VERSION, *asks)

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Reads the source."""
        info = read_info(ws.path(task.source), task.limits)
        check(info, task)
        ws.write_json(PROBE_FILE, info)
        report(info.duration, info.duration, "second")


def needs_audio(task: EngineTask) -> bool:
    """Speech recognition needs sound; given or read text does not (the dub then stands alone)."""
    return bool(task.steps) and task.subtitle_source == "asr"


def check(info: MediaInfo, task: EngineTask) -> None:
    """Raises 10001 or 10002 when the file lacks what the task needs."""
    if info.video is None and task.wants_video:
        raise JobError(10001, "pictures are asked for, but the file has no video stream")
    if not info.has_audio and needs_audio(task):
        raise JobError(10002, "the file has no audio stream: there is no speech to translate")


def read_probe(ws: Workspace) -> MediaInfo:
    """probe.json of a workspace, for later stages."""
    import msgspec

    return msgspec.json.decode(ws.path(PROBE_FILE).read_bytes(), type=MediaInfo)


STAGE = Probe()
