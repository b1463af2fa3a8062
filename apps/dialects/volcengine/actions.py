"""The table of actions: what is served, under which version, with which right; each vendor function registers itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.http import HttpRequest

from apps.accounts.actor import Actor
from apps.core import errors
from apps.dialects import parsing
from apps.dialects.volcengine.errors import Names, missing
from apps.dialects.volcengine.signed import Caller

T = TypeVar("T")
VOD_VERSION: Final = "2025-01-01"
MEDIA_VERSION: Final = "2020-08-01"
FLAT_VERSION: Final = "2020-06-01"
WRAPPED_VERSION: Final = "2025-03-01"

Result = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Call:
    """One request after its signature was checked: who, and the parameters of query and body together, nulls left out."""

    request: HttpRequest
    caller: Caller
    parameters: Mapping[str, Any]

    @property
    def actor(self) -> Actor:
        """Who calls."""
        return self.caller.actor

    def read(self, shape: type[T]) -> T:
        """The parameters as `shape`; texts stand for numbers and booleans, too. Raises MissingParameter or ApiError 5."""
        try:
            return parsing.convert(dict(self.parameters), shape, strict=False)
        except errors.ApiError as error:
            for name, reasons in error.errors.items():
                if reasons == ["This field is required."]:
                    raise missing(name) from None
            raise

    def name_fields(self, names: Mapping[str, str]) -> None:
        """How refusals from here on call the fields of our order."""
        self.request.volcengine_names = Names(names)  # type: ignore[attr-defined]


Handler = Callable[[Call], Result]


@dataclass(frozen=True, slots=True)
class Action:
    """One row. `reads`: it changes nothing, so the same signed request may come again at once."""

    name: str
    version: str
    handler: Handler
    permission: str
    reads: bool


ACTIONS: Final[dict[tuple[str, str], Action]] = {}

# Documented actions that our services cannot honour, and what to do instead: answered by name, never with a pretended success.
NOT_SERVED: Final[Mapping[tuple[str, str], str]] = {
    ("GenerateAITranslationUtteranceAudio", VOD_VERSION): (
        "single utterances are not spoken on their own; edit them and call RefreshAITranslationProject, which speaks what changed"
    ),
    ("CreateAITranslationSpeech", VOD_VERSION): "voices cannot be made from a recording",
    ("DeleteAITranslationSpeech", VOD_VERSION): "there are only preset voices",
    ("UpdateAITranslationSpeeches", VOD_VERSION): "there are only preset voices",
    ("StartExecution", VOD_VERSION): "media processing besides translation is not offered",
    ("GetExecution", VOD_VERSION): "media processing besides translation is not offered",
    ("GetUsage", WRAPPED_VERSION): "usage is on the billing page and under /api/v1/ledger",
    ("LangDetect", WRAPPED_VERSION): "only audio and video are translated",
    ("TranslateText", WRAPPED_VERSION): "only audio and video are translated",
    ("TranslateImage", WRAPPED_VERSION): "only audio and video are translated",
}


def action(
    name: str, *versions: str, permission: str = "jobs.view", reads: bool = False
) -> Callable[[Handler], Handler]:
    """Puts a function into the table."""

    def put(handler: Handler) -> Handler:
        for version in versions or (VOD_VERSION,):
            ACTIONS[name, version] = Action(name, version, handler, permission, reads)
        return handler

    return put
