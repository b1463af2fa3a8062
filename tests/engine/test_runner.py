"""A stage's process is limited, ends when told, takes everything along, and leaves the workspace ready to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import msgspec
import psutil
import pytest
import soundfile

from apps.core.errors import JobError
from apps.engine import ffmpeg, runner
from apps.engine.settings import EngineSettings
from apps.engine.workspace import AUDIO_FILE, SEPARATE_FILE, Workspace
from tests.engine.conftest import MakeWorkspace

ROOT = Path(runner.__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def long_tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve minutes of a tone: enough for a stage to be caught at work."""
    path = tmp_path_factory.mktemp("tone") / "tone.flac"
    ffmpeg.run(["-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000", "-t", "720", "-ac", "2", str(path)])
    return path


@pytest.fixture
def separating(workspace: MakeWorkspace, long_tone: Path, plain_settings: EngineSettings) -> Workspace:
    """A probed workspace whose next stage, separate, takes a while."""
    ws = workspace(long_tone)
    runner.run_stage(ws.root, "probe", None, plain_settings)
    return ws


def processes_in(ws: Workspace) -> list[psutil.Process]:
    """Processes that work in this workspace: the stage's own and its ffmpeg."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(ws.root) in part for part in process.info["cmdline"] or []) and process.pid != os.getpid()
    ]


def wait_until_gone(ws: Workspace, seconds: float = 10.0) -> None:
    """Fails when something is left running."""
    deadline = time.monotonic() + seconds
    while processes_in(ws):
        assert time.monotonic() < deadline, processes_in(ws)
        time.sleep(0.05)


def wait_for_work(ws: Workspace) -> list[psutil.Process]:
    """The stage's processes once ffmpeg runs too."""
    deadline = time.monotonic() + 20
    while len(found := processes_in(ws)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_cancel_ends_the_whole_process_group(separating: Workspace, plain_settings: EngineSettings) -> None:
    """should_stop is asked several times a second; ffmpeg goes too."""
    started = time.monotonic()
    with pytest.raises(JobError) as caught:
        runner.run_stage(separating.root, "separate", None, plain_settings, lambda: time.monotonic() > started + 0.8)
    assert caught.value.code == 10909
    assert time.monotonic() - started < 5
    wait_until_gone(separating)
    assert not separating.is_done("separate")


def test_timeout(separating: Workspace, plain_settings: EngineSettings) -> None:
    """The wall clock counts."""
    short = msgspec.structs.replace(plain_settings, timeout_base=0.5, timeout_per_second=0.0)
    with pytest.raises(JobError) as caught:
        runner.run_stage(separating.root, "separate", None, short)
    assert caught.value.code == 10903
    wait_until_gone(separating)


def test_output_size(separating: Workspace, plain_settings: EngineSettings) -> None:
    """A file over the limit ends the stage, whether ffmpeg or Python writes it."""
    small = msgspec.structs.replace(plain_settings, max_output_bytes=2_000_000)
    with pytest.raises(JobError) as caught:
        runner.run_stage(separating.root, "separate", None, small)
    assert caught.value.code == 10907
    assert not separating.exists(AUDIO_FILE)


def test_workspace_size(separating: Workspace, plain_settings: EngineSettings) -> None:
    """Many files that are small each are counted together."""
    small = msgspec.structs.replace(plain_settings, max_workspace_bytes=3_000_000)
    with pytest.raises(JobError) as caught:
        runner.run_stage(separating.root, "separate", None, small)
    assert caught.value.code == 10907


def test_memory(workspace: MakeWorkspace, shared_media: Path, engine_settings: EngineSettings) -> None:
    """A model that does not fit is a numbered error, not a crash."""
    ws = workspace(shared_media / "nasty" / "base.mp4")
    runner.run_stage(ws.root, "probe", None, engine_settings)
    with pytest.raises(JobError) as caught:
        runner.run_stage(ws.root, "recognize", None, msgspec.structs.replace(engine_settings, memory_limit=150 * 2**20))
    assert caught.value.code == 10907


def test_processor_time(separating: Workspace, plain_settings: EngineSettings) -> None:
    """RLIMIT_CPU stops the stage's process by SIGXCPU."""
    command = [sys.executable, "-P", "-m", "apps.engine", str(separating.root), "separate", str(os.getpid()), "1"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "KINOGLOT_ENGINE_SETTINGS": plain_settings.to_env(),
    }
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGXCPU or b'"code":10903' in ended.stdout


def test_a_killed_stage_is_a_numbered_error_and_runs_again(
    separating: Workspace, plain_settings: EngineSettings
) -> None:
    """SIGKILL from outside (what the kernel does when memory runs out)."""

    def kill() -> None:
        next(p for p in wait_for_work(separating) if "apps.engine" in p.cmdline()).kill()

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(JobError) as caught:
        runner.run_stage(separating.root, "separate", None, plain_settings)
    thread.join()
    assert caught.value.code == 10907
    wait_until_gone(separating)


def test_a_killed_worker_takes_the_stage_along_and_another_goes_on(
    separating: Workspace, plain_settings: EngineSettings
) -> None:
    """kill -9 of the process that called run_stage: nothing is left running, the next run gives whole files."""
    quick = msgspec.structs.replace(plain_settings, separate="duck")
    code = textwrap.dedent(f"""
        from apps.engine import runner
        from apps.engine.settings import EngineSettings
        runner.run_stage({str(separating.root)!r}, "separate", None, EngineSettings(nice=0, separate="duck"))
    """)
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    wait_for_work(separating)
    worker.kill()
    worker.wait()
    wait_until_gone(separating)
    assert not separating.is_done("separate")
    runner.run_stage(separating.root, "separate", None, quick)
    assert separating.is_done("separate")
    assert soundfile.info(separating.path(AUDIO_FILE)).frames == 720 * 48_000
    assert separating.read_json(SEPARATE_FILE) == {"method": "duck"}
    assert not list(separating.path(".tmp").iterdir())


def test_progress_and_skipping(workspace: MakeWorkspace, shared_media: Path, plain_settings: EngineSettings) -> None:
    """Progress comes with a unit and ends full; a stage that is done is not done again, unless what it depends on changed."""
    seen: list[tuple[float, float, str]] = []
    ws = workspace(shared_media / "nasty" / "base.mp4")
    for _ in range(2):
        runner.run_stage(ws.root, "probe", lambda *step: seen.append(step), plain_settings)
    assert seen == [(4.0, 4.0, "second")]
    ws.path("source").write_bytes((shared_media / "nasty" / "portrait.mp4").read_bytes())
    runner.run_stage(ws.root, "probe", lambda *step: seen.append(step), plain_settings)
    assert len(seen) == 2
    record = ws.manifest().stages["probe"]
    assert record.cpu > 0 and record.peak_rss > 10_000_000


def test_a_fault_inside_is_10999_without_its_text(tmp_path: Path, plain_settings: EngineSettings) -> None:
    """A workspace without its source: the reason names the kind of fault, never a path."""
    from apps.engine.task import EngineTask

    ws = Workspace.create(tmp_path / "empty", EngineTask(target_locale="pt-BR"))
    with pytest.raises(JobError) as caught:
        runner.run_stage(ws.root, "probe", None, plain_settings)
    assert caught.value.code == 10999
    assert str(tmp_path) not in caught.value.reason
    assert "FileNotFoundError" in ws.path("logs/probe.log").read_text()


def test_secrets_stay_outside(
    workspace: MakeWorkspace, shared_media: Path, plain_settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that parses strangers' media does not see the portal's environment."""
    monkeypatch.setenv("SECRET_KEY", "very-secret")
    environment = runner.child_environment(workspace(shared_media / "nasty" / "base.mp4"), plain_settings)
    assert "very-secret" not in environment.values()
    assert environment["HF_HUB_OFFLINE"] == "1"


def test_no_network_and_no_other_files_through_ffmpeg(tmp_path: Path) -> None:
    """Playlists cannot make ffmpeg open an address, even when one is passed as input."""
    playlist = tmp_path / "x.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(JobError) as caught:
        ffmpeg.run(["-i", str(playlist), str(tmp_path / "out.wav")])
    assert caught.value.code == 10003
    assert str(tmp_path) not in caught.value.reason


def test_painting_pictures_gets_time_by_their_number_and_size(workspace: MakeWorkspace, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    ws = workspace(tmp_path / "empty")
    video = {"frames": 1000, "width": 2000, "height": 1000}
    ws.write_json("probe.json", {"duration": 40.0, "video": video})
    settings = EngineSettings(timeout_base=100, timeout_per_second=10)
    assert runner.time_limit(ws, "render", settings) == 500
    assert runner.time_limit(ws, "dub_lipsync", settings) == 500 + 2000 * runner.PAINT_SECONDS
    ws.write_json("probe.json", {"duration": 40.0, "video": None})
    assert runner.time_limit(ws, "dub_lipsync", settings) == 500
