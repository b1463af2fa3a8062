"""Which languages can be offered now: what the installed providers cover, in words for the language picker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext

from apps.accounts.actor import Actor
from apps.core.languages import AUTO
from apps.engine.capabilities import Coverage, target_locales
from apps.jobs.services.offered import remote_targets
from apps.projects.services.fetch import engine_settings

BUILT_IN: Final = "local"


def targets_for(actor: Actor, source: str, steps: Sequence[str], provider: str = "") -> dict[str, str]:
    """Target locale -> a short remark on what comes out ("natural voice", "Azure ..."), for every target that can be made.

    With `provider` by that one only; else our own engine's remark goes before the name of a provider elsewhere.
    """
    ours: dict[str, str] = {}
    if provider in ("", BUILT_IN):
        found = target_locales(engine_settings(), source, steps)
        ours = {code: _remark(covered, source, "voice" in steps) for code, covered in found.items() if code != source}
    return remote_targets(actor=actor, source=source, steps=steps, provider=provider) | ours


def _remark(covered: Coverage, source: str, voice: bool) -> str:
    if covered.text == "copy" and source != AUTO:
        return gettext("same language")
    if covered.text == "rough":
        return gettext("rough translation")
    if not voice:
        return ""
    return {"natural": gettext("natural voice"), "robotic": gettext("plain voice")}.get(covered.voice or "", "")
