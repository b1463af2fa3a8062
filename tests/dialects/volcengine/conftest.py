"""A program that signs its requests as Volcengine's SDKs do, and an organization that it works for."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.keys import access_pair
from apps.accounts.models import ApiKey, Organization
from apps.accounts.permissions import SCOPES
from apps.accounts.services import create_api_key
from apps.dialects.volcengine.dialect import SERVICES
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file
from apps.providers.volcengine_sign import sign
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import make_clip

HOST = "http://testserver"
VOD = "2025-01-01"


class Answer:
    """What came back: status, ResponseMetadata, Result, and Error when there is one."""

    def __init__(self, response: Any) -> None:
        self.response, self.status = response, response.status_code
        assert response["Content-Type"] == "application/json", response.content[:300]
        self.body: dict[str, Any] = json.loads(response.content)
        self.meta: dict[str, Any] = self.body["ResponseMetadata"]
        self.error: dict[str, Any] | None = self.meta.get("Error")

    @property
    def result(self) -> dict[str, Any]:
        assert self.status == 200 and not self.error, json.dumps(self.error)
        return dict(self.body.get("Result") or {})

    @property
    def refusal(self) -> tuple[int, str, int]:
        assert self.error is not None, self.body
        assert set(self.error) == {"CodeN", "Code", "Message"} and self.error["Message"]
        return self.status, self.error["Code"], self.error["CodeN"]


class Signer:
    """A key and the requests that it signs."""

    def __init__(self, key: ApiKey, text: str, *, client: Client | None = None) -> None:
        self.key = key
        self.access, self.secret = access_pair(text)
        self.client = client or Client(raise_request_exception=False)
        self.calls = 0

    def headers(
        self, method: str, target: str, body: bytes = b"", *, now: float | None = None, **extra: str
    ) -> dict[str, str]:
        """Signed headers of a request; each signature is another, as an SDK's are over time."""
        self.calls += 1
        named = {name.replace("_", "-"): value for name, value in extra.items()}
        return self.sign(method, target, body, {"X-Sdk-Request": f"test={self.calls}"} | named, now)

    def sign(
        self, method: str, target: str, body: bytes, sent: Mapping[str, str], now: float | None = None
    ) -> dict[str, str]:
        """Exactly these headers and those of the signature."""
        query = dict(pair.split("=", 1) for pair in urlsplit(target).query.split("&"))
        return sign(
            method,
            HOST + target,
            access_key=self.access,
            secret_key=self.secret,
            region="cn-north-1",
            service=SERVICES.get(query.get("Version", ""), "vod"),
            now=time.time() if now is None else now,
            body=body,
            headers=sent,
        )

    def send(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Exactly this."""
        # Without a body the test client sets no Content-Type by itself, though clients send one.
        sent = {"Host": "testserver"} | dict(headers)
        kind = headers.get("Content-Type", "application/octet-stream")
        return Answer(self.client.generic(method, target, body, content_type=kind, headers=sent))

    def post(self, action: str, fields: Mapping[str, Any], version: str = VOD, **extra: str) -> Answer:
        """Signed now, JSON."""
        target, body = f"/?Action={action}&Version={version}", json.dumps(fields).encode()
        headers = self.headers("POST", target, body, Content_Type="application/json", **extra)
        return self.send("POST", target, body, headers)

    def get(self, action: str, fields: Mapping[str, Any], version: str = VOD) -> Answer:
        """Signed now, in the query."""
        target = "/?" + urlencode({"Action": action, "Version": version, **fields})
        return self.send("GET", target, b"", self.headers("GET", target))


def signer(organization: Organization, scopes: list[str] | None = None, *, volcengine: bool = True) -> Signer:
    """A signing key of the organization, with all scopes unless told."""
    wanted = sorted(SCOPES) if scopes is None else scopes
    key, text = create_api_key(actor=owner_of(organization), name="SDK", scopes=wanted, volcengine=volcengine)
    return Signer(key, text)


@pytest.fixture
def owner(organization: Organization) -> Actor:
    return owner_of(organization)


@pytest.fixture
def volc(organization: Organization) -> Signer:
    """A program with a key of all scopes."""
    return signer(organization)


@pytest.fixture
def stranger(db: None) -> Signer:
    """A program of another organization."""
    return signer(make_organization(credits=10_000))


# The subtitles are given and translated already: no weights of the engine are needed.
SOURCE_SRT = """1
00:00:00,200 --> 00:00:01,400
Good morning everyone.

2
00:00:01,600 --> 00:00:02,800
Let us begin.
"""
TARGET_SRT = """1
00:00:00,200 --> 00:00:01,400
Bom dia a todos.

2
00:00:01,600 --> 00:00:02,800
Vamos começar.
"""
BOTH_SRT = """1
00:00:00,200 --> 00:00:01,400
Bom dia a todos e muito obrigado.
Good morning everyone and thank you.

2
00:00:01,600 --> 00:00:02,800
Vamos começar agora mesmo.
Let us begin right now.
"""


def add_file(actor: Actor, folder: Path, name: str, text: str) -> Asset:
    """A subtitle file of the organization."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return create_asset_from_file(actor=actor, path=path, file_name=name, kind="subtitle")


def add_clip(actor: Actor, folder: Path, name: str = "clip.mp4") -> Asset:
    """A clip of three seconds."""
    return create_asset_from_file(actor=actor, path=make_clip(folder / name), file_name=name)


def order(**changes: Any) -> dict[str, Any]:
    """A body of SubmitAITranslationWorkflow over clip.mp4 and both.srt."""
    recognition = {"RecognitionType": "BilingualSubtitleFile", "BilingualSubtitleFileName": "both.srt"}
    return {
        "SpaceName": "test",
        "Vid": "clip.mp4",
        "TranslationConfig": {
            "SourceLanguage": "en",
            "TargetLanguage": "pt",
            "TranslationTypeList": ["SubtitleTranslation"],
        },
        "OperatorConfig": {"SubtitleRecognitionConfig": recognition},
        **changes,
    }


@pytest.fixture
def files(owner: Actor, tmp_path: Path) -> dict[str, Asset]:
    """clip.mp4, both.srt, source.srt and target.srt, by name."""
    return {
        "clip.mp4": add_clip(owner, tmp_path),
        "both.srt": add_file(owner, tmp_path, "both.srt", BOTH_SRT),
        "source.srt": add_file(owner, tmp_path, "source.srt", SOURCE_SRT),
        "target.srt": add_file(owner, tmp_path, "target.srt", TARGET_SRT),
    }
