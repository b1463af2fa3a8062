"""Volcengine's own SDKs, as they come from PyPI, against a live portal: submit to completed, the built-in engine doing the work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.jobs import services
from apps.jobs.models import Job
from apps.plans.models import Plan
from apps.projects.models import Asset
from tests.dialects.volcengine.conftest import Signer, signer
from tests.servers import Server, serve
from tests.sites import hosted

core = pytest.importorskip("volcenginesdkcore")
vod = pytest.importorskip("volcenginesdkvod20250101")
translate = pytest.importorskip("volcenginesdktranslate20250301")
legacy = pytest.importorskip("volcengine.base.Service")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore"),  # theirs, not ours
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder and its address on loopback."""
    folder = tmp_path_factory.mktemp("media")
    with hosted(folder) as url:
        yield folder, url.removeprefix("http://")


@pytest.fixture(scope="module")
def site(media: tuple[Path, str], django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    """Granian over the test database and this process's data folder; the media server may be fetched from."""
    from django.db import connection

    with django_db_blocker.unblock():
        connection.ensure_connection()
        env = {
            "KINOGLOT_DATA_DIR": str(django_settings.DATA_DIR),
            "KINOGLOT_MODEL_DIR": str(django_settings.MODEL_DIR),
            "SECRET_KEY": django_settings.SECRET_KEY,
            "PRIVATE_HOSTS_ALLOWED": media[1],
            "LOG_LEVEL": "ERROR",
            "KINOGLOT_TEST_DB_SUFFIX": "",
        }
        with serve("portal.wsgi:application", interface="wsgi", ready="/api/v1/errors", env=env) as server:
            yield server


@pytest.fixture
def reachable(media: tuple[Path, str], settings: Any) -> None:
    """This process, which works as the engine, may fetch from there, too."""
    settings.PRIVATE_HOSTS_ALLOWED = (media[1],)


def client(site: Server, volc: Signer, **more: Any) -> Any:
    """The newer SDK's client: only host, scheme and keys are set."""
    configuration = core.Configuration()
    configuration.ak, configuration.sk, configuration.region = volc.access, volc.secret, "cn-north-1"
    configuration.host, configuration.scheme = f"127.0.0.1:{site.port}", "http"
    for name, value in more.items():
        setattr(configuration, name, value)
    return core.ApiClient(configuration)


def work() -> Job:
    """The engine does the newest job."""
    job = Job.objects.order_by("-id")[0]
    services.advance(job.public_id)
    assert services.run_engine(job.public_id)
    job.refresh_from_db()
    return job


@pytest.mark.engine
def test_vod_from_submit_to_an_edited_export(site: Server, volc: Signer, files: dict[str, Asset]) -> None:
    api = vod.VOD20250101Api(client(site, volc))
    words = vod.CreateAITermbaseRequest(
        space_name="test", name="Words", scenario="AITranslation", source_language="en", target_language="pt"
    )
    termbase = api.create_ai_termbase(words).termbase.id
    item = vod.TermItemForSetAITermItemInput(source_text="begin", target_text="começar")
    api.set_ai_term_item(vod.SetAITermItemRequest(space_name="test", termbase_id=termbase, term_items=[item]))
    kept = api.get_ai_termbase(vod.GetAITermbaseRequest(space_name="test", termbase_id=termbase)).termbase
    assert [(one.source_text, one.target_text) for one in kept.term_items] == [("begin", "começar")]
    assert len(api.list_ai_termbase(vod.ListAITermbaseRequest(space_name="test")).termbases) == 1

    submit = vod.SubmitAITranslationWorkflowRequest(
        space_name="test",
        vid="clip.mp4",
        translation_config=vod.TranslationConfigForSubmitAITranslationWorkflowInput(
            source_language="en",
            target_language="pt",
            translation_type_list=["SubtitleTranslation"],
            termbase_config=vod.TermbaseConfigForSubmitAITranslationWorkflowInput(translation_termbase_ids=[termbase]),
        ),
        operator_config=vod.OperatorConfigForSubmitAITranslationWorkflowInput(
            subtitle_recognition_config=vod.SubtitleRecognitionConfigForSubmitAITranslationWorkflowInput(
                recognition_type="BilingualSubtitleFile", bilingual_subtitle_file_name="both.srt"
            )
        ),
        process_config=vod.ProcessConfigForSubmitAITranslationWorkflowInput(
            suspension_stage_list=["SubtitleTranslation"]
        ),
    )
    project = api.submit_ai_translation_workflow(submit).project_base_info.project_id

    def get(additions: str = "") -> Any:
        asked = vod.GetAITranslationProjectRequest(space_name="test", project_id=project, additions=additions)
        return api.get_ai_translation_project(asked).project_info

    def change(text: str) -> None:
        utterance = get("TargetUtterances").target_utterances[0]
        changed = vod.UtteranceForUpdateAITranslationUtterancesInput(id=utterance.id, text=text, volume=100)
        api.update_ai_translation_utterances(
            vod.UpdateAITranslationUtterancesRequest(
                space_name="test", project_id=project, update_type="Utterances", utterances=[changed]
            )
        )

    assert get().status == "InProcessing"
    assert work().status == "paused"
    assert get().status == "ProcessSuspended"
    change("Bom dia a todos, de verdade.")
    api.continue_ai_translation_workflow(
        vod.ContinueAITranslationWorkflowRequest(space_name="test", project_id=project)
    )
    assert work().status == "completed"
    done = get("Speakers,SourceUtterances,TargetUtterances,TargetClips")
    assert (done.status, done.output_video.is_audio) == ("ProcessSucceed", False)
    assert done.target_utterances[0].text == "Bom dia a todos, de verdade."
    assert done.target_clips[0].trim.end > done.target_clips[0].trim.start
    path = httpx.URL(done.output_video.url).raw_path.decode()
    assert httpx.get(site.url + path).content[4:8] == b"ftyp"
    change("Boa noite a todos.")
    api.refresh_ai_translation_project(
        vod.RefreshAITranslationProjectRequest(space_name="test", project_id=project, refresh_type="whole")
    )
    assert get().status == "InExporting"
    assert work().status == "completed"
    assert get().status == "ExportSucceed"
    listed = api.list_ai_translation_project(
        vod.ListAITranslationProjectRequest(
            space_name="test", page_number=1, page_size="10", status_filter="ExportSucceed"
        )
    )
    assert (listed.total_count, listed.projects[0].project_id) == (1, project)
    voices = api.list_ai_translation_speech(
        vod.ListAITranslationSpeechRequest(space_name="test", language="pt", speech_type_filter="PresetSpeech")
    )
    assert voices.preset_speeches[0].voice


def test_errors_are_the_sdks_own_exceptions(site: Server, volc: Signer, organization: Organization) -> None:
    fast = {"min_retry_delay_ms": 1, "max_retry_delay_ms": 2}
    asked = vod.GetAITranslationProjectRequest(space_name="test", project_id="p")

    def refused(api: Any, status: int, code: str) -> None:
        with pytest.raises(core.rest.ApiException) as caught:
            api.get_ai_translation_project(asked)
        assert caught.value.status == status
        assert json.loads(caught.value.body)["ResponseMetadata"]["Error"]["Code"] == code

    refused(vod.VOD20250101Api(client(site, volc)), 404, "ResourceNotFound")
    refused(vod.VOD20250101Api(client(site, volc, sk="another")), 401, "SignatureDoesNotMatch")
    refused(vod.VOD20250101Api(client(site, signer(organization, volcengine=False))), 401, "InvalidAccessKey")
    refused(vod.VOD20250101Api(client(site, signer(organization, ["billing:read"]))), 403, "AccessDenied")
    flat = translate.TRANSLATE20250301Api(client(site, volc))
    with pytest.raises(core.rest.ApiException) as caught:
        flat.query_audio(translate.QueryAudioRequest(task_id="x"))
    assert caught.value.status == 200 and "-400" in str(caught.value.reason)
    Plan.objects.update(requests_per_minute=1)
    api = vod.VOD20250101Api(client(site, volc, **fast))
    began = time.monotonic()
    refused(api, 429, "FlowLimitExceeded")
    assert time.monotonic() - began < 30


def spoken(shared_media: Path, media: tuple[Path, str]) -> str:
    """The address of seven seconds of a man reading English."""
    name = "en-librivox-sense-0870.wav"
    shutil.copy(shared_media / "speech" / name, media[0] / name)
    return f"http://{media[1]}/{name}"


@pytest.mark.engine
def test_translate_wrapped_hears_and_translates(
    site: Server, volc: Signer, media: tuple[Path, str], shared_media: Path, model_dir: Path, reachable: None
) -> None:
    api = translate.TRANSLATE20250301Api(client(site, volc))
    uri = spoken(shared_media, media)
    task = api.submit_audio(translate.SubmitAudioRequest(source_language="en", target_language="pt", uri=uri)).task_id
    asked = translate.QueryAudioRequest(task_id=task)
    assert api.query_audio(asked).status == "created"
    assert work().status == "completed"
    found = api.query_audio(asked)
    assert found.status == "success" and found.subtitles
    for sentence in found.subtitles:
        assert 0 <= sentence.start_time < sentence.end_time <= 7200 and sentence.text and sentence.translation
    assert "dashwood" in " ".join(sentence.text for sentence in found.subtitles).lower()


def seed_program(seeds: Path) -> str:
    """The Python program of seed 004, its lost indentation put back."""
    text = next(seeds.glob("004_*.txt")).read_text(encoding="utf-8")
    lines = text[text.index("import json\n") : text.index("package main")].splitlines()
    made, depth = [], 0
    for line in lines:
        if line.startswith(("if status", "print(status)", "# ")):
            depth = 0
        made.append("    " * depth + line)
        if re.match(r"(while|for|if) .*:$", line):
            depth += 1
    return "\n".join(made) + "\n"


@pytest.mark.engine
def test_the_sample_program_of_seed_004(
    site: Server,
    volc: Signer,
    owner: Actor,
    media: tuple[Path, str],
    shared_media: Path,
    shared_seeds: Path,
    model_dir: Path,
    tmp_path: Path,
    reachable: None,
) -> None:
    """Only host and keys are changed, its placeholder of a link, and the language to one whose weights come with the tests."""
    program = seed_program(shared_seeds)
    for theirs, ours in (
        ("'open.volcengineapi.com'", f"'127.0.0.1:{site.port}'"),
        ("'密钥管理中的 AccessKey ID'", repr(volc.access)),
        ("'密钥管理中的 AccessKey Secret'", repr(volc.secret)),
        ('"http://xx/xx.mp4"', repr(spoken(shared_media, media))),
        ("'TargetLanguage': 'zh'", "'TargetLanguage': 'pt'"),
    ):
        assert program.count(theirs) == 1, theirs
        program = program.replace(theirs, ours)
    (tmp_path / "sample.py").write_text(program, encoding="utf-8")
    # Its minute between two questions is made a second from outside.
    (tmp_path / "sitecustomize.py").write_text(
        "import time\nslept = time.sleep\ntime.sleep = lambda seconds: slept(min(seconds, 1))\n", encoding="utf-8"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "sample.py")],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until = time.monotonic() + 60
        while not Job.objects.exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.2)
        assert work().status == "completed"
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    lines = said.splitlines()
    assert lines[0] == Job.objects.get().public_id
    assert "success" in lines
    sentences = [re.fullmatch(r"(\d+) - (\d+): (.+) -> (.+)", line) for line in lines[lines.index("success") + 1 :]]
    assert sentences and all(sentences), said
    assert "dashwood" in said.lower()
