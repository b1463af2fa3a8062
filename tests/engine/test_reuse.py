"""Work kept between the jobs of one source: found whole or not at all, and the same for every target language."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from apps.core.errors import JobError
from apps.engine.media import MediaInfo
from apps.engine.reuse import COMPLETE, Reuse
from apps.engine.settings import ENVIRONMENT_KEY, EngineSettings
from apps.engine.stages.recognize import STAGE, Heard, heard_name
from apps.engine.task import EngineTask
from apps.engine.transcript import Line, Transcript
from apps.engine.workspace import PROBE_FILE, RECOGNIZED_FILE, Workspace

NAMES = ("background.wav", "separate.json")


def workspace(folder: Path, target: str = "pt-BR") -> Workspace:
    ws = Workspace.create(folder, EngineTask(source_language="en-US", target_locale=target))
    ws.write_bytes("source", b"the same bytes")
    info = MediaInfo(demuxer="wav", format="wav", size=14, duration=4.0, start=0.0, video=None, audio=[])
    ws.write_json(PROBE_FILE, info)
    return ws


def test_a_stage_is_found_whole_or_not_at_all(tmp_path: Path) -> None:
    reuse, first, second = Reuse(str(tmp_path / "kept")), workspace(tmp_path / "a"), workspace(tmp_path / "b")
    for name in NAMES:
        first.write_bytes(name, name.encode())
    assert not reuse.bring_stage(second, "separate", "k" * 64)
    reuse.keep_stage(first, "separate", "k" * 64, NAMES)
    assert reuse.bring_stage(second, "separate", "k" * 64)
    assert [second.path(name).read_bytes() for name in NAMES] == [name.encode() for name in NAMES]
    assert not reuse.bring_stage(second, "separate", "x" * 64), "another key is other work"
    reuse.keep_stage(first, "separate", "k" * 64, NAMES)  # again changes nothing

    # A workspace never changes what is kept, and a damaged or half-kept stage is none.
    second.write_bytes(NAMES[0], b"other")
    third = workspace(tmp_path / "c")
    assert reuse.bring_stage(third, "separate", "k" * 64) and third.path(NAMES[0]).read_bytes() == NAMES[0].encode()
    folder = tmp_path / "kept" / f"separate-{'k' * 32}"
    (folder / NAMES[0]).unlink()
    (folder / NAMES[0]).write_bytes(b"short")
    assert not reuse.bring_stage(third, "separate", "k" * 64)
    (folder / COMPLETE).unlink()
    assert not reuse.bring_stage(third, "separate", "k" * 64)


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    reuse, ws = Reuse(""), workspace(tmp_path / "a")
    reuse.keep(ws, "source")
    reuse.keep_stage(ws, "separate", "k" * 64, ("source",))
    assert not reuse.bring(ws, "source") and not reuse.bring_stage(ws, "separate", "k" * 64)


def test_words_are_shared_by_the_target_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights are installed here: whoever finds no words cannot recognize any."""
    settings = EngineSettings(reuse_dir=str(tmp_path / "kept"))
    monkeypatch.setenv(ENVIRONMENT_KEY, settings.to_env())
    first = workspace(tmp_path / "a")
    words = Transcript(
        source_language="en-US",
        target_locale="pt-BR",
        duration=4.0,
        lines=[Line(id="l1", start=0, end=1, source="Hi.")],
    )
    name = heard_name(first, first.task(), STAGE._asks(first.task(), settings))
    first.write_json(name, Heard(words, "en"))
    Reuse.of(settings).keep(first, name)
    for target in ("pt-BR", "fr-FR"):
        ws = workspace(tmp_path / target, target)
        STAGE.run(ws, ws.task(), lambda done, total, unit: None)
        found = ws.read_transcript(RECOGNIZED_FILE)
        assert (found.target_locale, found.lines[0].source) == (target, "Hi.")
    other = workspace(tmp_path / "other")
    task = msgspec.structs.replace(
        other.task(), timing=msgspec.structs.replace(other.task().timing, punctuation_split=False)
    )
    with pytest.raises(JobError):
        STAGE.run(other, task, lambda done, total, unit: None)
