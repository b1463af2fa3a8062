"""The code beside the form and on the job page is true: run as printed, it orders the same job."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
from django.test import override_settings

from apps.jobs.models import Job
from apps.web import samples
from tests.factories import make_key, make_organization
from tests.servers import Server

# Words that a shell or a string could trip over; subtitles that are given need no weights of the engine.
ORDER: dict[str, Any] = {
    "source": {"url": "https://media.example.com/l'été.mp4"},
    "source_language": "en-US",
    "target_locales": ["pt-BR"],
    "steps": ["subtitles"],
    "subtitle_source": "file",
    "subtitle": {"url": "https://media.example.com/talk.srt", "usage": "final_translated"},
    "subtitle_style": {"burn_in": True, "max_lines": 1},
    "title": 'L\'été "à Paris" $HOME `id`',
}


@pytest.fixture
def key(transactional_db: None) -> str:
    return make_key(make_organization(credits=1000))[1]


def run(site: Server, key: str, language: str) -> dict[str, Any]:
    with override_settings(PUBLIC_URL=site.url):
        code = getattr(samples, language)(ORDER)
    command = [sys.executable, "-c", code] if language == "python" else ["bash", "-c", code]
    done = subprocess.run(
        command, env=os.environ | {"KINOGLOT_KEY": key}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout
    answer: dict[str, Any] = ast.literal_eval(text) if language == "python" else json.loads(text)
    return answer


@pytest.mark.parametrize("language", ["curl", "python"])
def test_the_sample_orders_the_job(site: Server, key: str, language: str) -> None:
    if language == "curl" and not shutil.which("curl"):
        pytest.skip("no curl on this machine")
    answer = run(site, key, language)
    job = Job.objects.get(public_id=answer["id"])
    assert job.order["title"] == ORDER["title"]
    assert job.order["subtitle_style"]["max_lines"] == 1
    assert job.target_locale == "pt-BR"


def test_defaults_are_left_out() -> None:
    body = samples.body_of(
        {**ORDER, "review_after": "never", "hls": False, "voice": {"kind": "platform", "background_volume": 100}}
    )
    assert body == ORDER
