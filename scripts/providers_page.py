"""Prints docs/providers.md from what the registry's providers tell of themselves: python -m scripts.providers_page > docs/providers.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, get_args

import msgspec

from apps.core import languages
from apps.providers.abilities import Capabilities, asked_options
from apps.providers.base import Provider
from apps.providers.lipsync import LIPSYNC_MODELS
from apps.providers.local.provider import ALL_ABILITIES, LOCAL
from apps.providers.orders import ExportType, MediaType, Step, TranslationOrder
from apps.providers.registry import PROVIDERS

HEAD: Final = """# Providers

Who can carry an order out, what each honours, and where every parameter, value, status and result of the vendor's own document
lives with us. Made from the code by `python -m scripts.providers_page > docs/providers.md`; a test keeps it true. How a vendor is
added: [adding-a-provider.md](adding-a-provider.md).
"""
ACCOUNTS: Final = """## Accounts

A vendor works through an account: the operator's own (console, Provider accounts) or one that an organization brings (Settings,
Providers; API `/provider-accounts`, for people only: a leaked key must not lead jobs to another host). An organization's own goes
first, then the operator's, each by priority. Secrets are sealed with `SEALING_KEYS` and never shown again; `manage.py reseal` moves
them to a new key. A provider without an account in use is refused at admission (field `provider`), and routing passes it over.

- **Pace.** Submits and polls a second hold for the account across all processes: a moment in its row hands out slots in one
  UPDATE. `Retry-After` moves it.
- **Breaker.** Five seconds with trouble in a row (5xx, no answer, answers that cannot be read), or one refusal of the account (401,
  403, out of points), and it rests: 15 s to 10 min, or 1 min to 30 min. Then one job tries it. Polls go on meanwhile. The test
  button closes it, too.
- **Failover.** As long as nothing was created at the vendor, a job goes to the next account, then to the next provider that covers
  its order. A job whose order names the provider waits there. After 6 hours without anyone: 10908.
- **Trouble with our account is never the customer's:** not 5, 104 or 1304.
- **Cost.** What the vendor bills us for a media minute is kept with the account; a job's console page shows it times the measured length.
"""
EVERYTHING: Final = {
    "source": {"asset": "ast_0000000000000000"},
    "target_locales": ["pt-BR"],
    "voice": {
        "kind": "personal",
        "emotion": "on",
        "by_scene": True,
        "lexicon_url": "https://example.org/lexicon.xml",
        "background_volume": 50,
    },
    "subtitle_style": {"burn_in": True, "erase_source": True},
    "timing": {"adjust_video_speed": True, "rewrite": True},
    "ocr_correction": True,
    "vision": True,
    "glossaries": ["gls_0000000000000000"],
    "prompt": "Formal.",
    "review_after": "translate",
    "hls": True,
    "speaker_count": {"min": 2},
}
"""An order that asks for every option: it tells which field asks for which."""

LIPSYNC_FIELDS: Final = {
    "mask_image": "`mask_image`",
    "prompt": "`prompt`",
    "seed": "`seed`",
    "turns": "`order`, taking turns",
    "faces": "`faces`",
    "first_seconds": "`first_seconds`",
}
"""Option of a LipsyncAbility -> the field of a lip-sync order that asks for it."""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([HEAD, *_matrix(), "", ACCOUNTS, *(line for p in PROVIDERS.values() for line in _provider(p))])


def option_fields() -> dict[str, str]:
    """Option of a Capabilities -> the field of an order that asks for it."""
    return asked_options(msgspec.convert(EVERYTHING, TranslationOrder))


def _matrix() -> list[str]:
    # Of our own engine all that its code can do: this page does not depend on the weights of the machine that wrote it.
    able = {name: provider.capabilities() for name, provider in PROVIDERS.items()} | {LOCAL.name: ALL_ABILITIES}
    lines = ["## At a glance", "", _row(["", *(provider.title for provider in PROVIDERS.values())])]
    lines.append("|" + "---|" * (len(able) + 1))
    lines.append(_row(["`provider`", *(f"`{name}`" for name in able)]))

    def marks(label: str, has: Callable[[Capabilities], bool]) -> None:
        lines.append(_row([label, *("yes" if has(one) else "-" for one in able.values())]))

    for step in get_args(Step):
        marks(f"`steps`: {step}", lambda one, step=step: step in one.steps)  # type: ignore[misc]
    for source in ("asr", "ocr", "file"):
        marks(f"`subtitle_source`: {source}", lambda one, source=source: source in one.subtitle_sources)  # type: ignore[misc]
    for kind in get_args(ExportType):
        marks(f"`export_type`: {kind}", lambda one, kind=kind: kind in one.export_types)  # type: ignore[misc]
    for medium in get_args(MediaType):
        marks(f"`media_type`: {medium}", lambda one, medium=medium: medium in one.media_types)  # type: ignore[misc]
    for option, field in option_fields().items():
        marks(f"`{field}`", lambda one, option=option: option in one.options)  # type: ignore[misc]
    for model in LIPSYNC_MODELS:
        marks(f"`{model}`", lambda one, model=model: model in one.lipsync)  # type: ignore[misc]
    for option, field in LIPSYNC_FIELDS.items():
        marks(f"lip sync: {field}", partial(_lipsync_option, option))
    marks("lip sync: 720p", lambda one: any("720p" in able.resolutions for able in one.lipsync.values()))
    lines.append(_row(["languages from en-US, subtitles", *(_languages(p, voice=False) for p in PROVIDERS.values())]))
    lines.append(_row(["languages from en-US, voice", *(_languages(p, voice=True) for p in PROVIDERS.values())]))
    lines.append(_row(["longest media", *(_span(one.max_seconds) for one in able.values())]))
    lines.append(_row(["largest file", *(_size(one.max_bytes) for one in able.values())]))
    for label, attribute, unit in (
        ("submits", "submits_per_second", "/s"),
        ("polls", "polls_per_second", "/s"),
        ("pause between polls", "poll_seconds", " s"),
    ):
        lines.append(_row([label, *(_figure(p, attribute, unit) for p in PROVIDERS.values())]))
    return lines


def _provider(provider: Provider) -> list[str]:
    able = provider.capabilities()
    lines = [f"## {provider.title}", ""]
    if provider.remote is None:
        lines += [
            "Works in our own processes and needs no account. Which languages it covers depends on the weights that are"
        ]
        lines += ["installed: `manage.py check_engine` shows the table. See [engine.md](engine.md).", ""]
        return lines
    lines += [f"- {remark}" for remark in able.remarks]
    lines += [
        "",
        f"Address: `{provider.remote.default_endpoint or 'none of its own'}` unless the account has another.",
        "",
    ]
    lines += [_row(["account field", "label", "secret", "needed", "default", ""]), "|---|---|---|---|---|---|"]
    for field in provider.remote.fields:
        default = f"`{field.default}`" if field.default else ""
        flags = ["yes" if field.secret else "", "yes" if field.required else ""]
        lines.append(_row([f"`{field.name}`", field.label, *flags, default, field.help]))
    lines += ["", _row(["theirs", "ours", "note"]), "|---|---|---|"]
    for row in able.parameters:
        lines.append(_row([f"`{row.theirs}`", f"`{row.ours}`" if row.ours else "-", row.note]))
    return [*lines, ""]


def _lipsync_option(option: str, one: Capabilities) -> bool:
    return any(option in able.options for able in one.lipsync.values())


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _languages(provider: Provider, *, voice: bool) -> str:
    able = provider.capabilities()
    if provider.remote is None:
        return "by its weights"
    if voice and "voice" not in able.steps:
        return "-"
    targets = [target for target in languages.targets() if target != "en-US"]
    return f"{sum(not able.pair('en-US', target, True, voice) for target in targets)} of {len(targets)}"


def _span(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds else "no limit of its own"


def _size(size: int) -> str:
    return (
        f"{size / (1 << 30):g} GiB"
        if size >= 1 << 30
        else f"{size / (1 << 20):g} MiB"
        if size
        else "no limit of its own"
    )


def _figure(provider: Provider, attribute: str, unit: str) -> str:
    return f"{getattr(provider.remote, attribute):g}{unit}" if provider.remote is not None else "-"


if __name__ == "__main__":
    print(page(), end="")
