"""manage.py translate on a real talk: what is delivered is heard again, stands where the speaker spoke, and keeps its surroundings."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import jiwer
import pytest
import soundfile
from django.conf import settings
from django.core.management import call_command

from apps.engine.settings import EngineSettings
from apps.plans.services import check_books
from tests.engine.test_dub import heard, onset, words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.long]


@pytest.fixture
def delivered(tmp_path: Path, shared_media: Path, model_dir: Path, request: pytest.FixtureRequest) -> Path:
    """Folder of what the command left of a clip."""
    call_command("translate", str(shared_media / request.param), to=["pt-BR"], out=tmp_path)
    assert check_books() == []
    return tmp_path


def only(folder: Path, ending: str) -> Path:
    (found,) = folder.glob(f"*{ending}")
    return found


def spoken(path: Path, target: Path) -> Path:
    """The first sound track, which players play."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:a:0",
        str(target),
    ]
    subprocess.run(command, check=True)
    return target


def text_of(srt: Path) -> str:
    rows = srt.read_text(encoding="utf-8").splitlines()
    return words(" ".join(row for row in rows if row and "-->" not in row and not row.isdigit()))


@pytest.mark.parametrize(
    ("delivered", "main", "seconds"),
    [("oncamera/en-jordi-open-dubbing.mp4", ".video.mp4", 9.97), ("speech/en-jfk.flac", ".dub.wav", 11.0)],
    indirect=["delivered"],
    ids=["film", "sound"],
)
def test_delivered(delivered: Path, main: str, seconds: float) -> None:
    track = spoken(only(delivered, main), delivered / "heard.wav")
    assert soundfile.info(track).duration == pytest.approx(seconds, abs=0.1)
    language, said, _ = heard(track, EngineSettings(model_dir=str(settings.MODEL_DIR)))
    written = text_of(only(delivered, ".subtitles.target.srt"))
    assert language == "pt"
    assert jiwer.wer(written, said) <= 0.25, (written, said)

    lines: list[dict[str, Any]] = json.loads(only(delivered, ".transcript.json").read_bytes())["lines"]
    voice = only(delivered, ".voice.wav")
    assert all(abs(onset(voice, line["start"]) - line["start"]) <= 0.3 for line in lines)
    assert soundfile.info(only(delivered, ".background.wav")).duration == pytest.approx(seconds, abs=0.1)
