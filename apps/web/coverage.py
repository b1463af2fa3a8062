"""Which languages can be offered now: what the installed providers cover, in words for the language picker."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext

from apps.core.languages import AUTO
from apps.engine.capabilities import Coverage, target_locales
from apps.projects.services.fetch import engine_settings


def targets_for(source: str, steps: Sequence[str]) -> dict[str, str]:
    """Target locale -> a short remark on what comes out ("natural voice"), for every target that can be made."""
    found = target_locales(engine_settings(), source, steps)
    return {code: _remark(covered, source, "voice" in steps) for code, covered in found.items() if code != source}


def _remark(covered: Coverage, source: str, voice: bool) -> str:
    if covered.text == "copy" and source != AUTO:
        return gettext("same language")
    if covered.text == "rough":
        return gettext("rough translation")
    if not voice:
        return ""
    return {"natural": gettext("natural voice"), "robotic": gettext("plain voice")}.get(covered.voice or "", "")
