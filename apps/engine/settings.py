"""Settings of the engine: where models and tools are, and what a stage's process may use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

ENVIRONMENT_KEY = "KINOGLOT_ENGINE_SETTINGS"
"""Environment variable with the settings as JSON: how the runner hands them to the stage's process."""

GIB = 1024**3


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All that may differ between machines; sizes in bytes, times in seconds.

    ffmpeg "" means the static one of imageio-ffmpeg. threads 0 means all cores this process may use. separate "auto"
    takes deepfilternet when it is installed, else keeps the original and ducks it. The wall-clock limit of a stage is
    timeout_base + timeout_per_second * media duration; processor time may be that times the threads. memory_limit
    limits the private writable memory of every process of a stage (RLIMIT_DATA; see apps/engine/limits.py).
    isolate_network puts a stage into a network namespace of its own where the kernel allows it. reuse_dir is the folder
    of what was made of the same source before (apps/engine/reuse.py); "" keeps nothing. lipsync_dir is the directory of
    a lip-sync model (docs/lipsync.md); "" paints the preview. lipsync_fallback paints it also where that model is broken.
    """

    model_dir: str = ""
    whisper_model: str = "base"
    whisper_beam: int = 5
    ffmpeg: str = ""
    threads: int = 0
    separate: Literal["auto", "deepfilter", "duck"] = "auto"
    kokoro_dir: str = ""
    voices_dir: str = ""
    fonts_dir: str = ""
    memory_limit: int = 6 * GIB
    max_output_bytes: int = 8 * GIB
    max_workspace_bytes: int = 24 * GIB
    max_open_files: int = 512
    probe_timeout: float = 120.0
    timeout_base: float = 600.0
    timeout_per_second: float = 12.0
    nice: int = 5
    isolate_network: bool = True
    reuse_dir: str = ""
    lipsync_dir: str = ""
    lipsync_fallback: bool = False

    @property
    def cores(self) -> int:
        """How many threads a stage may use, at least 1."""
        return self.threads if self.threads > 0 else max(1, len(os.sched_getaffinity(0)))

    def model_path(self, *parts: str) -> Path:
        """A path below the model directory."""
        return Path(self.model_dir, *parts)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> EngineSettings:
        """Settings of this process: the runner's JSON when there, else defaults with KINOGLOT_MODEL_DIR."""
        env = os.environ if environ is None else environ
        if text := env.get(ENVIRONMENT_KEY):
            return msgspec.json.decode(text, type=cls)
        return cls(
            model_dir=env.get("KINOGLOT_MODEL_DIR", ""),
            ffmpeg=env.get("KINOGLOT_FFMPEG", ""),
        )

    def to_env(self) -> str:
        """The value for ENVIRONMENT_KEY."""
        return msgspec.json.encode(self).decode()
