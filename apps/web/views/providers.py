"""Providers: who works on the organization's jobs, and the accounts that it brings."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.permissions import require
from apps.accounts.services import update_organization
from apps.core.errors import INVALID, ApiError
from apps.jobs.selectors import provider_account_for, provider_accounts_for
from apps.jobs.services.account_changes import AccountDraft, change_account, create_account, delete_account
from apps.jobs.services.account_check import check_account
from apps.jobs.services.account_figures import callback_address, figures_for, state_of
from apps.jobs.services.offered import providers_offered, remote_titles
from apps.web.access import PageRequest, actor_of, member_page, organization_of
from apps.web.provider_forms import ChooseProviderForm, PreferForm, ProviderAccountForm, provider_account_form


@member_page
def index(request: PageRequest) -> HttpResponse:
    """Own accounts, the preference, and everybody who works here."""
    actor = actor_of(request)
    rows = provider_accounts_for(actor)
    figures = figures_for(rows)
    titles = remote_titles()
    offered = providers_offered(actor=actor)
    context = {
        "accounts": [
            {
                "row": row,
                "title": titles.get(row.provider, row.provider),
                "state": state_of(row),
                "running": figures[row.pk].running,
                # "refused: the reason": the word before it is the breaker's own.
                "trouble": row.last_error.partition(": ")[2],
            }
            for row in rows
        ],
        "offered": offered,
        "may_add": bool(titles),
        "prefer": PreferForm(offered=offered, initial={"provider": organization_of(request).preferred_provider}),
    }
    return render(request, "web/providers.html", context)


@member_page
@require_POST
def prefer(request: PageRequest) -> HttpResponse:
    """Keeps who works on jobs that name nobody."""
    actor = actor_of(request)
    require(actor, "org.manage")
    form = PreferForm(request.POST, offered=providers_offered(actor=actor))
    if form.is_valid():
        update_organization(actor=actor, preferred_provider=form.cleaned_data["provider"])
        messages.success(request, gettext("Saved."))
    else:
        messages.error(request, gettext("This provider cannot be used here."))
    return redirect("web:providers")


@member_page
@never_cache
def new(request: PageRequest) -> HttpResponse:
    """First of which provider, then what it asks for."""
    require(actor_of(request), "org.manage")
    provider = request.GET.get("provider", "")
    if provider not in remote_titles():
        return render(request, "web/provider_choose.html", {"form": ChooseProviderForm()})
    form = provider_account_form(provider)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = create_account(actor=actor_of(request), provider=provider, draft=form.draft())
        except ApiError as error:
            _put(form, error)
        else:
            return _tested(request, row.public_id)
    return _form(request, form, gettext("New account: %(provider)s") % {"provider": remote_titles()[provider]})


@member_page
@never_cache
def edit(request: PageRequest, public_id: str) -> HttpResponse:
    """Changes an account; secrets that are left empty stay."""
    row = provider_account_for(actor_of(request), public_id)
    form = provider_account_form(row.provider, row)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            change_account(actor=actor_of(request), account=row, draft=form.draft())
        except ApiError as error:
            _put(form, error)
        else:
            return _tested(request, public_id)
    return _form(request, form, row.name, callback=callback_address(row))


@member_page
@require_POST
def test(request: PageRequest, public_id: str) -> HttpResponse:
    """Makes a real, harmless call and says what came of it."""
    return _tested(request, public_id)


@member_page
@require_POST
def switch(request: PageRequest, public_id: str) -> HttpResponse:
    """Takes an account out of use, or into it."""
    row = provider_account_for(actor_of(request), public_id)
    row = change_account(actor=actor_of(request), account=row, draft=AccountDraft(enabled=not row.enabled))
    said = gettext("%(name)s is in use again.") if row.enabled else gettext("%(name)s is not used for new jobs.")
    messages.success(request, said % {"name": row.name})
    return redirect("web:providers")


@member_page
@require_POST
def remove(request: PageRequest, public_id: str) -> HttpResponse:
    """Erases an account and its credentials."""
    row = provider_account_for(actor_of(request), public_id)
    delete_account(actor=actor_of(request), account=row)
    messages.success(request, gettext("%(name)s and its credentials are gone.") % {"name": row.name})
    return redirect("web:providers")


def _tested(request: PageRequest, public_id: str) -> HttpResponse:
    row = provider_account_for(actor_of(request), public_id)
    checked = check_account(actor=actor_of(request), account=row)
    if checked.ok:
        messages.success(request, gettext("%(name)s works: %(said)s") % {"name": row.name, "said": checked.said})
    else:
        messages.error(request, gettext("%(name)s does not work: %(said)s") % {"name": row.name, "said": checked.said})
    return redirect("web:providers")


def _form(request: PageRequest, form: ProviderAccountForm, title: str, *, callback: str | None = None) -> HttpResponse:
    context = {"form": form, "title": title, "callback": callback}
    return render(request, "web/provider_form.html", context, status=422 if form.errors else 200)


def _put(form: ProviderAccountForm, error: ApiError) -> None:
    """A service's refusal at the fields it is about."""
    if error.code != INVALID:
        raise error
    for name, texts in error.errors.items():
        form.add_error(name if name in form.fields else None, list(texts))
