"""Lip sync with bad and odd files, end to end: real orders, the real stage, real pictures, films and sounds.

Bad ones end with their number and a reason that names the field, cost nothing, and say so to whoever polls and to the webhook. Odd
ones end as somebody who sent them would expect.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.accounts.models import Organization
from apps.engine.media import read_info
from apps.engine.task import Limits
from apps.events.models import Event
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services.engine import workspace_path
from apps.plans.models import Hold, LedgerEntry, Wallet
from apps.plans.services import check_books
from apps.projects.models import Asset
from apps.webhooks.sender import Sender
from tests.api.conftest import Api, problem
from tests.engine.lipsync.measure import load_sound
from tests.factories import make_key, make_organization
from tests.jobs.face_files import RATE, SPOKEN, make_files
from tests.jobs.lipsync_help import run, seven
from tests.sites import FolderHandler, listening
from tests.webhooks.receiver import Receiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.timeout(180)]

VIDEO, IMAGE, MULTI = "lipsync-video", "lipsync-image", "lipsync-image-multi"
VOICES = ("voice.wav", "other.wav")


@dataclass(frozen=True)
class Bad:
    """One way to a code. `files` in the order of the form's fields; a mask beyond them; `blamed` is how the reason begins."""

    code: int
    model: str
    files: tuple[str, ...]
    blamed: str
    mask: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


FIELDS = {VIDEO: ("video", "audio"), IMAGE: ("image", "audio"), MULTI: ("image", "left_audio", "right_audio")}
BAD: dict[str, Bad] = {
    "a picture of a wall": Bad(10911, IMAGE, ("wall.png", "voice.wav"), "image: "),
    "a film of a wall": Bad(10911, VIDEO, ("wall.mp4", "voice.wav"), "video: "),
    "one face for two voices": Bad(10911, MULTI, ("face.png", *VOICES), "image: "),
    "two faces for one voice": Bad(10912, IMAGE, ("couple.png", "voice.wav"), "image: "),
    "three faces for two voices": Bad(10912, MULTI, ("trio.png", *VOICES), "image: "),
    "a tiny face": Bad(10913, IMAGE, ("small.png", "voice.wav"), "image: "),
    "a film of a tiny face": Bad(10913, VIDEO, ("small.mp4", "voice.wav"), "video: "),
    "a profile": Bad(10914, IMAGE, ("profile.png", "voice.wav"), "image: "),
    "a film of a profile": Bad(10914, VIDEO, ("profile.mp4", "voice.wav"), "video: "),
    "a silent sound": Bad(10042, IMAGE, ("face.png", "silence.wav"), "audio: "),
    "a silent sound for a film": Bad(10042, VIDEO, ("film.mp4", "silence.wav"), "audio: "),
    "two silent sounds": Bad(10042, MULTI, ("couple.png", "silence.wav", "silence.wav"), "left_audio, right_audio: "),
    "a sound ordered as video": Bad(10001, VIDEO, ("voice.wav", "voice.wav"), "video: "),
    "a picture on a sleeve is no video": Bad(10001, VIDEO, ("cover.mp3", "voice.wav"), "video: "),
    "a mute film as sound": Bad(10002, IMAGE, ("face.png", "film.mp4"), "audio: "),
    "no bytes of picture": Bad(10902, IMAGE, ("empty", "voice.wav"), "image: "),
    "no bytes of video": Bad(10902, VIDEO, ("empty", "voice.wav"), "video: "),
    "no bytes of sound": Bad(10902, MULTI, ("couple.png", "voice.wav", "empty"), "right_audio: "),
    "no bytes of mask": Bad(10902, IMAGE, ("face.png", "voice.wav"), "mask_image: ", mask="empty"),
    "half a picture": Bad(10902, IMAGE, ("half.png", "voice.wav"), "image: "),
    "half a film": Bad(10902, VIDEO, ("half.mp4", "voice.wav"), "video: "),
    "half a mask": Bad(10902, IMAGE, ("face.png", "voice.wav"), "mask_image: ", mask="half.png"),
    "a web page as sound": Bad(10904, IMAGE, ("face.png", "page"), "audio: "),
    "a letter as sound": Bad(10904, IMAGE, ("face.png", "words.txt"), "audio: "),
    "a film as picture": Bad(10904, IMAGE, ("film.mp4", "voice.wav"), "image: "),
    "a picture as film": Bad(10904, VIDEO, ("face.png", "voice.wav"), "video: "),
    "a film as mask": Bad(10904, IMAGE, ("face.png", "voice.wav"), "mask_image: ", mask="film.mp4"),
    "900 megapixels": Bad(10905, IMAGE, ("bomb.png", "voice.wav"), "image: "),
    "a mask of 900 megapixels": Bad(10905, IMAGE, ("face.png", "voice.wav"), "mask_image: ", mask="bomb.png"),
    "a ribbon nine thousand pixels long": Bad(10911, IMAGE, ("ribbon.png", "voice.wav"), "image: "),
    "nothing at the link": Bad(10901, IMAGE, ("nowhere.png", "voice.wav"), "image: "),
    "a link that leads to a private address": Bad(10901, IMAGE, ("inside.png", "voice.wav"), "image: "),
    "a link that leads to the cloud's metadata": Bad(10901, VIDEO, ("film.mp4", "metadata.wav"), "audio: "),
}
LEADS = {"/inside.png": "http://10.1.2.3/face.png", "/metadata.wav": "http://169.254.169.254/latest/meta-data"}


class Site(FolderHandler):
    """The folder, and links that lead to where nobody may look."""

    def do_GET(self) -> None:
        """GET of a file, or of a link that leads on."""
        if self.path in LEADS:
            self.send_response(302)
            self.send_header("Location", LEADS[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture(scope="module")
def folder(shared_media: Path, model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_files(tmp_path_factory.mktemp("faces"), shared_media, model_dir)


@pytest.fixture
def site(folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    monkeypatch.setattr("apps.jobs.services.fetching.PAUSES", (None,))
    with listening(partial(Site, directory=str(folder))) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    return make_organization(credits=1000)


@pytest.fixture
def api(organization: Organization) -> Api:
    return Api(make_key(organization)[1])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def body(site: str, model: str, files: tuple[str, ...], mask: str = "", **fields: Any) -> dict[str, Any]:
    form = {name: f"{site}/{file}" for name, file in zip(FIELDS[model], files, strict=True)}
    return {"formState": form | ({"mask_image": f"{site}/{mask}"} if mask else {}) | fields}


@pytest.mark.parametrize("name", BAD)
def test_numbered_explained_free_and_told(
    name: str, api: Api, organization: Organization, site: str, receiver: Receiver
) -> None:
    case = BAD[name]
    wallet = Wallet.objects.filter(organization=organization, pool="api")
    had = wallet.get().available
    ordered = body(site, case.model, case.files, case.mask, **case.fields) | {"webhook": receiver.url()}
    answer = api.post(case.model, ordered)
    assert answer.status_code == 200, answer.content
    job = run(answer.json()["id"])

    assert (job.status, job.error_code) == ("failed", case.code), job.error
    assert job.error.startswith(case.blamed), job.error
    assert_worded(job.error.removeprefix(case.blamed))
    assert job.hold is not None and (job.hold.status, job.charged or 0) == ("released", 0)
    assert (wallet.get().available, wallet.get().held) == (had, 0)
    assert not Hold.objects.filter(status="placed").exists() and not LedgerEntry.objects.filter(kind="capture").exists()
    assert check_books() == []
    assert ConcurrencyCounter.objects.get(organization=organization, api_key=None, service="lipsync").running == 0
    assert job.artefacts.count() == 0

    shown = api.get(f"jobs/{job.public_id}").json()
    expected = {"id": job.public_id, "model": case.model, "status": "failed", "output": None, "error": job.error}
    assert seven(shown) == expected | {"executionTime": None, "timings": None}
    assert (shown["error_code"], shown["charged"], shown["held"]) == (case.code, "0.0", "0.0")
    asyncio.run(Sender().run_until_idle())
    (posted,) = receiver.got
    assert posted.json == seven(shown)
    told = Event.objects.get(subject_id=job.public_id, type="job.failed")
    assert (told.data["error_code"], told.data["error"]) == (job.error_code, job.error)


def assert_worded(reason: str) -> None:
    """A sentence for the customer: no paths, no names of our own code."""
    assert 10 < len(reason) < 200
    assert not re.search(r"/\w+/|\\|Traceback|Error\b|\.py\b|tmp", reason), reason


def test_every_code_of_faces_is_reached() -> None:
    assert {10911, 10912, 10913, 10914} <= {case.code for case in BAD.values()}


def test_a_file_to_blame_is_known_next_time_and_a_face_to_blame_is_not(api: Api, site: str) -> None:
    """A damaged picture is refused at the next order of it; a wall is a good picture, if not of a face."""
    for file, status, refused in (("half.png", "failed", True), ("wall.png", "stored", False)):
        job = run(api.post(IMAGE, body(site, IMAGE, (file, "voice.wav"))).json()["id"])
        picture = Asset.objects.get(source_url=f"{site}/{file}")
        assert (picture.status, picture.error.startswith("image")) == (status, False), job.error
        again = body(site, IMAGE, (file, "voice.wav"))
        again["formState"]["image"] = picture.public_id
        answer = api.post(IMAGE, again)
        assert answer.status_code == (400 if refused else 200)
        if refused:
            assert list(problem(answer, 400, 5)["errors"]) == ["formState.image"]


@dataclass(frozen=True)
class Odd:
    """What looks like trouble and is none. seconds: of the result; remark: what the report has to say of it."""

    model: str
    files: tuple[str, ...]
    seconds: float
    remark: str = ""
    mask: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (320, 320)
    fps: float = 25.0


FILM = {"size": (360, 240), "fps": float(RATE)}
ODD: dict[str, Odd] = {
    "the face leaves": Odd(VIDEO, ("leaves.mp4", "voice.wav"), SPOKEN, "No face on", **FILM),  # type: ignore[arg-type]
    "a sound longer than the film": Odd(VIDEO, ("film.mp4", "long.wav"), 2.4, "to and fro", **FILM),  # type: ignore[arg-type]
    "a sound shorter than the film": Odd(VIDEO, ("film.mp4", "other.wav"), 0.8, "ends with it", **FILM),  # type: ignore[arg-type]
    "a film on its side": Odd(VIDEO, ("lying.mp4", "voice.wav"), SPOKEN, size=(240, 360), fps=float(RATE)),
    "a sound inside a film": Odd(IMAGE, ("face.png", "said.mp4"), SPOKEN),
    "a sound that begins late in its film": Odd(IMAGE, ("face.png", "late.mp4"), SPOKEN + 0.6),
    "a sound six times as long as it says": Odd(IMAGE, ("face.png", "liar.mka"), 1.44, "audio goes on for longer"),
    "one of two is silent": Odd(
        MULTI, ("couple.png", "silence.wav", "voice.wav"), SPOKEN, "left face", size=(384, 256)
    ),
    "a black mask of another shape": Odd(IMAGE, ("face.png", "voice.wav"), SPOKEN, "no mouth was moved", "black.png"),
    "empty and null fields": Odd(
        IMAGE,
        ("face.png", "voice.wav"),
        SPOKEN,
        fields={"mask_image": "", "prompt": None, "seed": None, "resolution": None},
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_and_right(
    name: str, api: Api, organization: Organization, site: str, tmp_path: Path, folder: Path
) -> None:
    case = ODD[name]
    wallet = Wallet.objects.filter(organization=organization, pool="api")
    had = wallet.get().available
    answer = api.post(case.model, body(site, case.model, case.files, case.mask, **case.fields))
    assert answer.status_code == 200, answer.content
    job = run(answer.json()["id"])
    assert (job.status, job.error) == ("completed", "")

    found = {artefact["kind"]: artefact for artefact in api.get(f"jobs/{job.public_id}").json()["artefacts"]}
    made, report = (fetched(api, found[kind]["url"]) for kind in ("video", "report"))
    path = tmp_path / "made.mp4"
    path.write_bytes(made.content)
    info = read_info(path, Limits())
    assert info.video is not None
    assert abs(info.video.frames / case.fps - case.seconds) <= 1 / case.fps + 1e-6
    assert abs(len(load_sound(path, 16_000)) / 16_000 + info.audio[0].start - case.seconds) <= 0.05
    assert (info.video.width, info.video.height) == case.size
    assert case.remark in " ".join(report.json()["remarks"])
    # At least five seconds at two credits.
    assert (job.charged, wallet.get().available, wallet.get().held) == (10_000, had - 10_000, 0)
    assert job.hold is not None and job.hold.status == "captured"
    assert check_books() == [] and not workspace_path(job).exists()


def fetched(api: Api, url: str) -> httpx.Response:
    """A signed link, as a program follows it."""
    answer = api.client.get(url[url.index("/", 8) :])
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return httpx.Response(answer.status_code, content=content)


@pytest.mark.parametrize("name", ["image", "audio", "mask_image"])
@pytest.mark.parametrize(
    "address", ["http://10.1.2.3/a", "https://localhost/a", "http://[::1]/a", "file:///etc/passwd"]
)
def test_a_private_link_is_refused_at_once(name: str, address: str, api: Api, organization: Organization) -> None:
    form = {"image": "https://m.example.com/face.png", "audio": "https://m.example.com/voice.mp3", name: address}
    assert list(problem(api.post(IMAGE, {"formState": form}), 400, 5)["errors"]) == [f"formState.{name}"]
    assert not Job.objects.exists() and not Asset.objects.exists()
    assert Wallet.objects.get(organization=organization, pool="api").held == 0


@pytest.mark.parametrize("name", ["video", "audio", "mask_image"])
def test_a_strangers_file_does_not_exist(name: str, api: Api, site: str, organization: Organization) -> None:
    other = Api(make_key(make_organization(credits=1000))[1])
    ordered = body(site, VIDEO, ("film.mp4", "voice.wav"), "black.png")
    assert api.post(VIDEO, ordered).status_code == 200
    theirs = Asset.objects.get(organization=organization, source_url=ordered["formState"][name])
    ordered["formState"][name] = theirs.public_id
    assert list(problem(other.post(VIDEO, ordered), 400, 5)["errors"]) == [f"formState.{name}"]
    assert Job.objects.count() == 1
