"""A person's own profile; e-mail, password and two-factor pages are allauth's in our templates."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from apps.web.access import PageRequest, person_of, signed_in
from apps.web.forms import ProfileForm


@signed_in
def profile(request: PageRequest) -> HttpResponse:
    """The name, the colours and the language of the interface."""
    form = ProfileForm(request.POST or None, instance=person_of(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, gettext("Saved."))
        return redirect("web:account")
    return render(request, "web/account.html", {"form": form}, status=422 if form.errors else 200)
