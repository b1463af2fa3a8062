"""Who moves the mouths of a lip-sync job: the built-in preview, or the model that settings name."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync.installed import ModelBroken, find_model
from apps.engine.lipsync.neural import FaceModel
from apps.engine.lipsync.types import PREVIEW, DubReport, LipsyncReport
from apps.engine.settings import EngineSettings

ABOUT_PREVIEW = (
    "Made by this installation's own preview: mouths are moved and painted, not filmed anew by a large model."
)


@dataclass(frozen=True)
class Backend:
    """`model` None is the preview; `remark` says why it runs although settings name a model."""

    model: FaceModel | None = None
    remark: str = ""

    @property
    def name(self) -> str:
        """As people read it."""
        return self.model.manifest.name if self.model else PREVIEW

    def label(self, what: str) -> str:
        """The label of a result: a preview says so."""
        return what if self.model else f"{what} ({PREVIEW})"

    def sign(self, report: LipsyncReport | DubReport, prompt: str = "") -> None:
        """Writes into the report who made it and under which licence, and that a prompt was of no use."""
        report.backend, report.preview = self.name, self.model is None
        about = f"Made by {self.name}. Licence: {self.model.manifest.licence}" if self.model else ABOUT_PREVIEW
        report.remarks = [about, *([self.remark] if self.remark else []), *report.remarks]
        if prompt.strip():
            report.remarks.append(f"The prompt was not used: {self.name} has no model that could follow it.")


def model_stamp(settings: EngineSettings) -> list[object]:
    """What a kept result depends on beside order and files: the model that settings name; nothing for the preview."""
    try:
        found = find_model(settings)
    except ModelBroken:
        return []
    return found.stamp if found else []


PREVIEW_BACKEND = Backend()


def choose(settings: EngineSettings) -> Backend:
    """The model that settings name, loaded, else the preview. Raises JobError 10999 when the model is broken and nothing may stand in."""
    try:
        found = find_model(settings)
        return Backend(FaceModel(found, settings.cores)) if found else Backend()
    except ModelBroken as error:
        if settings.lipsync_fallback:
            return Backend(remark=f"This installation's own model could not be used: {error}.")
        raise JobError(errors.ENGINE_FAULT, f"this installation's lip-sync model cannot be used: {error}") from error
