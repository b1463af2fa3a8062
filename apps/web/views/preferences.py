"""Front door and the two choices that every page offers: colours and interface language."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from apps.accounts.models import User
from apps.web import samples
from apps.web.access import came_from
from apps.web.context import THEME_COOKIE, THEMES
from apps.web.templatetags.web import about, span

_YEAR = 365 * 24 * 3600


def home(request: HttpRequest) -> HttpResponse:
    """Members go to their jobs; everyone else sees what this is."""
    if request.user.is_authenticated:
        return redirect("web:jobs")
    order = {"source": {"url": "https://example.com/talk.mp4"}, "target_locales": ["es-ES", "ja-JP", "ar-SA"]}
    context = {
        "demo_rows": _demo_rows(),
        "curl": samples.highlighted(samples.curl(order)),
        "python": samples.highlighted(samples.python(order)),
    }
    return render(request, "web/home.html", context)


def _demo_rows() -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Three rows of a progress board, to show what one looks like."""
    done, todo = ("done", "100%"), ("todo", "0%")
    return [
        ("es-ES", gettext("Ready"), gettext("Took %(time)s") % {"time": span(192)}, [done] * 5),
        (
            "ja-JP",
            gettext("Voice, line %(done)d of %(total)d") % {"done": 21, "total": 29},
            about(60),
            [done, done, done, ("now", "72%"), todo],
        ),
        (
            "ar-SA",
            gettext("Translate, line %(done)d of %(total)d") % {"done": 9, "total": 29},
            about(180),
            [done, done, ("now", "31%"), todo, todo],
        ),
    ]


def favicon(request: HttpRequest) -> HttpResponse:
    """For programs that ask for the old name."""
    return redirect(static("icons/mark.svg"))


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keeps "light" or "dark", or forgets the choice so that the system decides."""
    chosen = request.POST.get("theme", "")
    response: HttpResponse
    if request.headers.get("X-Requested-With") == "fetch":
        response = HttpResponse(status=204)
    else:
        response = redirect(came_from(request, "web:home"))
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    else:
        response.delete_cookie(THEME_COOKIE)
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Keeps the interface language in a cookie, and with the account so that mails use it too."""
    response = set_language(request)
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    return response
