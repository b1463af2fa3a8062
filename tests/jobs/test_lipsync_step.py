"""Lip sync as a step of a translation: ordered, made and charged here; after an edit only what changed is painted."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import msgspec
import pytest

from apps.accounts.actor import Actor
from apps.engine.transcript import Transcript as Document
from apps.events.models import Event
from apps.jobs import services
from apps.jobs.models import Job
from apps.jobs.services.iterations import submit_iteration
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Asset, Transcript
from apps.projects.services import create_asset_from_file
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import media_asset, order, refused, stored_asset, submitted
from tests.jobs.test_iterations import run_killed_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("model_dir")]
JORDI = "oncamera/en-jordi-open-dubbing.mp4"
STEPS = ["subtitles", "voice", "lipsync"]
SRT = """1
00:00:00,200 --> 00:00:01,300
Guten Morgen zusammen.

2
00:00:02,700 --> 00:00:03,500
Fangen wir an.
"""


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


@pytest.fixture(scope="module")
def talking(shared_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of a man who speaks, small."""
    path = tmp_path_factory.mktemp("talking") / "talk.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(shared_media / JORDI), "-t", "5"]
    subprocess.run([*command, "-vf", "scale=360:240,fps=12", "-preset", "ultrafast", str(path)], check=True)
    return path


def asked(actor: Actor, folder: Path, asset: Asset, **fields: Any) -> Any:
    """A German dub with lip sync of given text: espeak-ng speaks it, nothing is recognized."""
    path = folder / "given.srt"
    path.write_text(SRT, encoding="utf-8")
    text = create_asset_from_file(actor=actor, path=path, file_name="given.srt", kind="subtitle")
    given = {"asset": text.public_id, "usage": "final_translated"}
    return order(
        source={"asset": asset.public_id}, target_locales=["de-DE"], subtitle=given, **({"steps": STEPS} | fields)
    )


def run(job: Job) -> Job:
    services.advance(job.public_id)
    assert services.run_engine(job.public_id)
    job = Job.objects.select_related("translation", "hold").get(pk=job.pk)
    assert (job.status, job.error) == ("completed", "")
    assert check_books() == []
    return job


def packets(job: Job) -> dict[int, list[bytes]]:
    """The encoded pictures of the result, by the second second of the film that they belong to."""
    with storage.open_key(job.artefacts.get(kind="video").storage_key) as stream:
        data = io.BytesIO(stream.read())
    found: dict[int, list[bytes]] = {}
    with av.open(data, mode="r") as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size and packet.pts is not None:
                found.setdefault(int(packet.pts * packet.time_base / 2), []).append(bytes(packet))
    return {place: sorted(parts) for place, parts in found.items()}


def report(job: Job) -> Any:
    with storage.open_key(job.artefacts.get(kind="report").storage_key) as stream:
        return msgspec.json.decode(stream.read())


def test_ordered_made_charged_and_after_an_edit_only_what_changed(actor: Actor, tmp_path: Path, talking: Path) -> None:
    asset = create_asset_from_file(actor=actor, path=talking, file_name="talk.mp4")
    first = run(submitted(actor, asked(actor, tmp_path, asset)))
    assert first.translation is not None and first.hold is not None
    told = report(first)["lipsync"]
    assert (told["backend"], told["preview"], told["frames"]) == ("preview", True, 60)
    assert told["frames_painted"] == 60 and [face["speaks"] for face in told["faces"]] == [True]
    assert first.artefacts.get(kind="video").label.endswith("(lip sync: preview)")
    assert first.charged == first.estimate == 3000 + 5000 + 5 * 2000  # a minute of text and voice, five seconds of lips
    stages = Event.objects.filter(type="job.stage", subject_id=first.public_id).order_by("id")
    names = [event.data["stage"] for event in stages if event.data["state"] == "finished"]
    assert names[-3:] == ["speak", "lipsync", "render"]

    newest = Transcript.objects.filter(translation=first.translation).first()
    assert newest is not None
    document = msgspec.convert(newest.document, Document)
    document.lines[1].target = "Wir fangen an!"
    services.edit_transcript(
        actor=actor, translation=first.translation, document=document, expected_revision=newest.revision
    )
    second = submit_iteration(actor=actor, translation=first.translation)
    run_killed_at(second, "lipsync")
    second = run(second)
    assert second.tries == 2 and set(second.timings) >= {"speak", "lipsync", "render"}
    before, after = packets(first), packets(second)
    assert {place: len(parts) for place, parts in before.items()} == {
        place: len(parts) for place, parts in after.items()
    }
    assert [place for place in before if before[place] != after[place]] == [1], "the line is said in second 2.7"
    # 0.8 s of a line in started seconds of voice, and the least that lip sync costs
    assert second.charged == second.estimate == 84 + 5 * 2000


def test_a_film_without_a_face_is_dubbed_as_it_is(actor: Actor, tmp_path: Path) -> None:
    job = run(submitted(actor, asked(actor, tmp_path, media_asset(actor, tmp_path))))
    told = report(job)
    # Text and voice are charged, lips that nobody could paint are not.
    assert (job.estimate, job.charged) == (3000 + 5000 + 5 * 2000, 3000 + 5000)
    assert told["lipsync"]["frames_painted"] == 0 and told["picture"] == ["copied as it was"]
    assert any("the pictures are as they were" in remark for remark in told["remarks"])
    assert "preview" not in job.artefacts.get(kind="video").label


@pytest.mark.parametrize("fields", [{"media_type": "audio"}, {"export_type": "audio"}])
def test_lips_need_a_picture(actor: Actor, tmp_path: Path, fields: dict[str, str]) -> None:
    wanted = asked(actor, tmp_path, stored_asset(actor.organization), **fields)
    assert set(refused(actor, wanted).errors) == ({"steps"} if "media_type" in fields else {"export_type"})


def test_an_asset_of_sound_alone_is_refused_by_its_field(actor: Actor, tmp_path: Path) -> None:
    sound = stored_asset(actor.organization, probe={"duration": 61.2, "video": None, "audio": [{"channels": 2}]})
    assert set(refused(actor, asked(actor, tmp_path, sound)).errors) == {"steps"}
