"""Template tags and filters: icons, credits, times, sizes, language names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import get_language, gettext, ngettext

from apps.accounts.models import ApiKey
from apps.core import languages, money
from apps.plans.services.estimates import Estimate

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers: the text beside it says what it means."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        extra,
        static("icons/sprite.svg"),
        name,
    )


@register.filter
def credits(millicredits: int | None) -> str:
    """Milli-credits as credits in the reader's own number format: 1284500 -> "1,284.5"."""
    if millicredits is None:
        return ""
    text = money.to_text(int(millicredits))
    places = len(text.partition(".")[2])
    return formats.number_format(text, decimal_pos=places, use_l10n=True, force_grouping=True)


@register.filter
def credits_signed(millicredits: int) -> str:
    """As credits, with a sign: "+12.0", "−3.5" (a true minus)."""
    sign = "+" if millicredits > 0 else "−" if millicredits < 0 else ""
    return sign + credits(abs(millicredits))


@register.filter
def clock(milliseconds: float | None) -> str:
    """A position in media: 40200 -> "0:40", 3723000 -> "1:02:03"."""
    if milliseconds is None:
        return ""
    seconds = int(milliseconds / 1000)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@register.filter
def timecode(seconds: float) -> str:
    """A line's time code with tenths: 75.26 -> "1:15.2"."""
    tenths = int(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{minutes:02d}:{rest // 10:02d}.{rest % 10}" if hours else f"{minutes}:{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{tail}" if hours else tail


@register.filter
def span(value: timedelta | float | None) -> str:
    """A length of time in words: 192 -> "3 m 12 s". Numbers are seconds."""
    if value is None:
        return ""
    seconds = round(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds < 60:
        return gettext("%(s)d s") % {"s": max(seconds, 0)}
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return (
            gettext("%(m)d m %(s)d s") % {"m": minutes, "s": seconds}
            if seconds
            else gettext("%(m)d m") % {"m": minutes}
        )
    hours, minutes = divmod(minutes, 60)
    return gettext("%(h)d h %(m)d m") % {"h": hours, "m": minutes} if minutes else gettext("%(h)d h") % {"h": hours}


@register.filter
def about(seconds: float | None) -> str:
    """A guess of the time left: "About 3 min left"."""
    if seconds is None:
        return ""
    if seconds < 50:
        return gettext("Less than 1 min left")
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return ngettext("About %(n)d min left", "About %(n)d min left", minutes) % {"n": minutes}
    hours = round(minutes / 60)
    return ngettext("About %(n)d hour left", "About %(n)d hours left", hours) % {"n": hours}


@register.filter
def filesize(size: int | None) -> str:
    """Bytes in decimal units, as file managers show them: 48200000 -> "48.2 MB"."""
    if size is None:
        return ""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            places = 0 if unit in ("B", "kB") or value >= 100 else 1
            return f"{formats.number_format(value, places, use_l10n=True)} {unit}"
        value /= 1000
    return ""


@register.filter
def language(code: str) -> str:
    """The name of a language in the interface language."""
    if not code:
        return ""
    if code == languages.AUTO:
        return gettext("Detected language")
    name = languages.name_in(code, get_language() or "en")
    return name[:1].upper() + name[1:]


@register.filter
def language_short(code: str) -> str:
    """The name without its region: "Spanish"."""
    return language(code if code == languages.AUTO else languages.base_language(code))


@register.filter
def autonym(code: str) -> str:
    """The language's own name for itself; without its region where that would not fit a column."""
    try:
        name = languages.describe(code).autonym
    except languages.UnknownLanguage:
        return code
    if len(name) > 22:
        name = name.partition(" (")[0]
    return name[:1].upper() + name[1:]


@register.filter
def initials(name: str) -> str:
    """Up to two letters that stand for a name: "Northbeam Studio" -> "NS", "Northbeam" -> "NO"."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    letters = words[0][0] + words[1][0] if len(words) > 1 else (words[0][:2] if words else "?")
    return letters.upper()


@register.filter
def sentence_case(text: str) -> str:
    """allauth's English headings in our sentence case ("Sign In" -> "Sign in"); other languages have no such habit."""
    text = " ".join(str(text).split())
    if not (get_language() or "en").startswith("en") or "<" in text:
        return mark_safe(text)
    first, _, rest = text.partition(" ")
    lowered = (
        word if word.isupper() or (not word.istitle() and "-" not in word) else word.lower() for word in rest.split()
    )
    head = "-".join([first.split("-")[0], *(part.lower() for part in first.split("-")[1:])])
    return mark_safe(" ".join([head, *lowered]))


@register.filter
def has_tag(tags: Sequence[str] | str | None, name: str) -> bool:
    """Whether allauth's element tags (a list, or text with commas) hold a word."""
    words = tags.split(",") if isinstance(tags, str) else tags or []
    return name in [word.strip() for word in words]


@register.filter
def key_state(key: ApiKey) -> str:
    """active, revoked or expired."""
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= timezone.now() else "active"


@register.filter
def ago(moment: datetime) -> str:
    """How long ago in words: "5 minutes ago"; less than a minute is "just now"."""
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < 60:
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": timesince(moment, depth=1)}


@register.filter
def when(moment: datetime) -> str:
    """A moment as people say it: "today 14:02", "yesterday 9:30", else the date with the time."""
    local = timezone.localtime(moment)
    days = (timezone.localdate() - local.date()).days
    clock_time = formats.time_format(local, "H:i")
    if days == 0:
        return gettext("today %(time)s") % {"time": clock_time}
    if days == 1:
        return gettext("yesterday %(time)s") % {"time": clock_time}
    return f"{formats.date_format(local, 'DATE_FORMAT')} {clock_time}"


@register.filter
def item(table: Mapping[Any, Any], key: Any) -> Any:
    """An entry of a table, or nothing."""
    return table.get(key, "")


@register.filter
def seconds(milliseconds: float | None) -> str:
    """Milliseconds as seconds for a data attribute, never in a local number format."""
    return f"{(milliseconds or 0) / 1000:.3f}"


@register.filter
def what_ordered(order: Mapping[str, Any]) -> str:
    """What was asked for: "Dub, subtitles"."""
    steps = order.get("steps", [])
    words = []
    if "voice" in steps:
        words.append(gettext("dub"))
    if "subtitles" in steps:
        burnt = (order.get("subtitle_style") or {}).get("burn_in")
        words.append(gettext("burnt-in subtitles") if burnt else gettext("subtitles"))
    if "lipsync" in steps:
        words.append(gettext("lip sync"))
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


@register.filter
def by_locale(cost: Estimate) -> list[tuple[str, int]]:
    """The price of each language, in the order chosen."""
    return [(locale, cost.for_locale(locale)) for locale in dict.fromkeys(line.locale for line in cost.lines)]


@register.filter
def box_fields(_names: str, post: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The four numbers of the subtitle box with labels and values."""
    rows = (
        ("x", gettext("Left"), "0.1"),
        ("y", gettext("Top"), "0.8"),
        ("width", gettext("Width"), "0.8"),
        ("height", gettext("Height"), "0.15"),
    )
    return [(name, label, post.get(f"box_{name}") or default) for name, label, default in rows]


@register.filter
def unlocalized(number: float) -> str:
    """A number for a data attribute."""
    return f"{number:.3f}"
