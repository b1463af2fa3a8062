"""report.json: what was done, with which models, how every line fits, and what was asked for but not done."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.engine.fit import Fit
from apps.engine.lipsync.types import DUB_FACTS_FILE, DubReport
from apps.engine.mix import MixFacts
from apps.engine.model_table import MODELS, Model
from apps.engine.pictures import Plan
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask
from apps.engine.transcript import Transcript
from apps.engine.workspace import Workspace

VERSION = 1


class ModelUsed(msgspec.Struct, frozen=True):
    """One set of weights; sha256 of its main file, "" for weights that are not in our table (installed by the operator)."""

    stage: str
    name: str
    licence: str
    sha256: str


class Report(msgspec.Struct, kw_only=True):
    """The report. `timings` (seconds, peak bytes) is the only part that differs between two runs of the same work."""

    version: int = VERSION
    source_language: str
    target_locale: str
    duration: float
    steps: tuple[str, ...]
    lines: int
    speakers: int
    backends: dict[str, str]
    models: list[ModelUsed]
    voices: dict[str, str]
    mix: MixFacts | None
    picture: list[str]
    lipsync: DubReport | None = None
    glossary: dict[str, Any]
    not_honoured: list[str]
    remarks: list[str]
    fit: list[Fit]
    timings: dict[str, dict[str, float]]


def build(
    ws: Workspace, task: EngineTask, settings: EngineSettings, transcript: Transcript, plan: Plan | None, mix: MixFacts | None,
    not_honoured: list[str],
) -> Report:  # fmt: skip
    """Collect the facts that the stages left in the workspace."""
    translate = _facts(ws, "translate.json")
    speak = _facts(ws, "speak.json") if task.wants_voice else {}
    recognize = _facts(ws, "recognize.json")
    synced = msgspec.convert(_facts(ws, DUB_FACTS_FILE), DubReport) if "lipsync" in task.steps else None
    remarks = [*recognize.get("remarks", []), *translate.get("remarks", []), *speak.get("remarks", [])]
    if mix and mix.remark:
        remarks.append(mix.remark)
    fits = msgspec.convert(speak.get("lines", []), list[Fit])
    if cut := [fit for fit in fits if fit.cut]:
        remarks.append(
            f"{len(cut)} of {len(fits)} lines were too long for their time and lost their last words in the dub; see fit."
        )
    backends = {
        "recognize": {"asr": f"whisper {settings.whisper_model}", "ocr": "rapidocr", "file": "given subtitles"}[
            task.subtitle_source
        ],
        "translate": str(translate.get("route", "")) or "given translation",
    }
    if task.wants_voice:
        backends |= {"separate": mix.method if mix else "", "speak": str(speak.get("model", ""))}
    if synced is not None:
        backends["lipsync"] = synced.backend
        remarks += synced.remarks
    backends["render"] = "ffmpeg"
    return Report(
        source_language=transcript.source_language, target_locale=transcript.target_locale, duration=transcript.duration,
        steps=task.steps, lines=len(transcript.lines), speakers=len(transcript.speakers), backends=backends,
        models=_models(settings, task, translate, speak), voices=speak.get("voices", {}), mix=mix,
        picture=_picture(plan, synced), lipsync=synced,
        glossary={
            "terms": len(task.glossary), "enforced": translate.get("terms_enforced", 0), "in_pieces": translate.get("terms_in_pieces", 0),
            "failed": translate.get("failed_terms", {}),
        },
        not_honoured=not_honoured, remarks=remarks, fit=fits,
        timings={
            name: {"wall": record.wall, "cpu": record.cpu, "peak_rss": float(record.peak_rss)}
            for name, record in ws.manifest().stages.items()
        },
    )  # fmt: skip


def _facts(ws: Workspace, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ws.read_json(name) if ws.exists(name) else {}
    return found


def _picture(plan: Plan | None, synced: DubReport | None) -> list[str]:
    if plan is None:
        return []
    if synced is not None and synced.frames_painted and plan.copy:
        return [f"encoded as H.264 by lip sync, {plan.width} x {plan.height}"]
    return ["copied as it was"] if plan.copy else [f"encoded again as H.264, {plan.width} x {plan.height}", *plan.why]


def _models(
    settings: EngineSettings, task: EngineTask, translate: dict[str, Any], speak: dict[str, Any]
) -> list[ModelUsed]:
    names = []
    if task.subtitle_source == "asr":
        names.append(f"whisper-{settings.whisper_model}")
    names += [f"firefox-{hop}" for hop in _hops(str(translate.get("route", "")))]
    if speak.get("backend") == "kokoro":
        names.append("kokoro")
    known: dict[str, Model] = {model.name: model for model in MODELS}
    used = []
    for name in names:
        model = known.get(name)
        main = max(model.blobs, key=lambda blob: blob.size) if model else None
        used.append(
            ModelUsed(model.stage if model else "", name, model.licence if model else "", main.sha256 if main else "")
        )
    return used


def _hops(route: str) -> list[str]:
    """Pairs in a route's description: "firefox en-pt" gives "en-pt"."""
    return [part.removeprefix("firefox ") for part in route.split(", then ") if part.startswith("firefox ")]
