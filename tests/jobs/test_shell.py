"""manage.py translate and drain."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.jobs.models import Job
from apps.plans.services import check_books
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import make_clip, submitted, subtitles_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.mark.usefixtures("model_dir")
def test_translate_copies_results_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip, words, out = make_clip(tmp_path / "my talk.mp4"), tmp_path / "words.srt", tmp_path / "out"
    words.write_text("1\n00:00:00,200 --> 00:00:01,400\nGood morning to all of you.\n", encoding="utf-8")
    options = {"to": ["pt-BR"], "source": "en", "subtitles": words, "subtitles_only": True, "out": out}
    call_command("translate", str(clip), **options)
    names = {path.name for path in out.iterdir()}
    assert {"my-talk.pt-BR.video.mp4", "my-talk.pt-BR.subtitles.target.srt"} <= names
    assert "dia" in (out / "my-talk.pt-BR.subtitles.target.srt").read_text(encoding="utf-8")
    assert "credits" in capsys.readouterr().out
    assert check_books() == []


@pytest.mark.usefixtures("model_dir")
def test_translate_says_what_is_wrong(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\x00\x00\x00\x18ftypisom" + b"\x00" * 2000)
    for arguments, words in (
        ([str(tmp_path / "none.mp4"), "--to", "pt-BR"], "no file"),
        ([str(broken), "--to", "pt-BR"], "10902"),
        ([str(make_clip(tmp_path / "a.mp4")), "--to", "xx"], "target_locales"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("translate", *arguments)
    assert not Job.objects.exists()


def test_drain_works_off_the_queue(tmp_path: Path) -> None:
    actor = owner_of(make_organization())
    jobs = [submitted(actor, subtitles_order(actor, tmp_path)) for _ in range(2)]
    out = io.StringIO()
    call_command("drain", stdout=out)
    assert out.getvalue().startswith("2 job(s)")
    assert {Job.objects.get(pk=job.pk).status for job in jobs} == {"completed"}
