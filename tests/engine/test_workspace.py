"""The workspace keeps whole files or none, and knows what is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.engine.task import EngineTask
from apps.engine.transcript import Line, Transcript
from apps.engine.workspace import RECOGNIZED_FILE, TRANSCRIPT_FILE, Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace.create(tmp_path / "job", EngineTask(target_locale="pt-BR"))


def test_task_comes_back_as_it_was(ws: Workspace) -> None:
    """task.json holds every field."""
    assert ws.task() == EngineTask(target_locale="pt-BR")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", ""])
def test_names_cannot_leave_the_workspace(ws: Workspace, name: str) -> None:
    """A name is never a way out."""
    with pytest.raises(ValueError, match="not a workspace file name"):
        ws.path(name)


def test_a_failed_write_leaves_the_old_file(ws: Workspace) -> None:
    """The new content appears only when the block ends well; nothing is left over."""
    ws.write_bytes("a.json", b"old")
    with pytest.raises(RuntimeError), ws.writing("a.json") as path:
        path.write_bytes(b"half of the n")
        raise RuntimeError
    assert ws.path("a.json").read_bytes() == b"old"
    assert list(ws.path(".tmp").iterdir()) == []


def test_a_directory_is_replaced_as_a_whole(ws: Workspace) -> None:
    """Old files do not mix with new ones."""
    for name in ("first", "second"):
        with ws.writing_directory("out") as directory:
            (directory / name).write_text(name)
    assert [path.name for path in ws.path("out").iterdir()] == ["second"]


def test_a_stage_is_done_with_its_key_and_its_outputs(ws: Workspace) -> None:
    """Another key, a missing or a changed output mean work."""
    ws.write_bytes("x", b"123")
    ws.mark_done("probe", "key", ["x"])
    assert ws.is_done("probe") and ws.is_done("probe", "key")
    assert not ws.is_done("probe", "other") and not ws.is_done("render")
    ws.path("x").write_bytes(b"12")
    assert not ws.is_done("probe")
    ws.path("x").unlink()
    assert not ws.is_done("probe")


def test_marking_needs_the_outputs(ws: Workspace) -> None:
    """A stage that forgot an output is not done."""
    with pytest.raises(FileNotFoundError):
        ws.mark_done("probe", "key", ["missing"])
    assert not ws.is_done("probe")


def test_a_broken_manifest_means_that_nothing_is_done(ws: Workspace) -> None:
    """Never an exception: the stages just run again."""
    ws.write_bytes("x", b"1")
    ws.mark_done("probe", "key", ["x"])
    ws.path("manifest.json").write_bytes(b"{")
    assert not ws.is_done("probe")


def test_review_changes_the_next_stage_but_not_the_last(ws: Workspace) -> None:
    """An edited transcript keeps recognize done, and gives what follows another key."""
    transcript = Transcript(source_language="en-US", target_locale="pt-BR", duration=2.0)
    ws.write_transcript(RECOGNIZED_FILE, transcript)
    ws.mark_done("recognize", "key", [RECOGNIZED_FILE])
    before = ws.key_of("translate", [RECOGNIZED_FILE])
    transcript.lines = [Line(id="l0001", start=0, end=1, source="edited")]
    ws.write_transcript(RECOGNIZED_FILE, transcript)
    assert ws.is_done("recognize", "key")
    assert ws.key_of("translate", [RECOGNIZED_FILE]) != before


def test_transcripts_are_the_same_bytes_every_time(ws: Workspace) -> None:
    """JSON does not depend on anything but the content."""
    transcript = Transcript(
        source_language="en-US",
        target_locale="pt-BR",
        duration=2.5,
        lines=[Line(id="l0001", start=0.1, end=1.2, source="Olá 你好")],
    )
    ws.write_transcript(TRANSCRIPT_FILE, transcript)
    assert ws.path(TRANSCRIPT_FILE).read_bytes() == transcript.to_json()
    assert ws.read_transcript() == transcript


def test_digests_of_large_files_follow_changes(ws: Workspace) -> None:
    """The cache of digests is not believed when the file changed."""
    ws.path("big").write_bytes(b"a" * 2_000_000)
    first = ws.digest("big")
    assert ws.digest("big") == first
    ws.path("big").write_bytes(b"b" * 2_000_001)
    assert ws.digest("big") != first
    assert ws.digest("nothing") == ""
