"""What every app's admin.py builds on. It sits here because events is the lowest app with a console page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib import messages
from django.contrib.admin import ShowFacets, SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold import decorators
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.paginator import InfinitePaginator

from apps.core import money
from apps.core.errors import ApiError
from apps.core.ids import is_id

# unfold ships no types: to the type checker its classes are Django's, which they extend.
if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline

    AnyModelAdmin = ModelAdmin[Any]
    AnyTabularInline = TabularInline[Any, Any]
else:
    from unfold.admin import ModelAdmin as AnyModelAdmin
    from unfold.admin import TabularInline as AnyTabularInline

FormT = TypeVar("FormT", bound=Form)
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
# Tables that grow without end get a range of time instead of Django's date hierarchy, which reads the whole table for its ends.
CREATED_FILTER = ("created_at", RangeDateTimeFilter)


class ConsoleAdmin(AnyModelAdmin):
    """Pages that never count a whole table: no result count, no facets, "next" instead of page numbers."""

    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = InfinitePaginator
    list_per_page = 50
    list_filter_submit = True
    list_disable_select_all = True
    compressed_fields = True
    # Prefix of a public id -> the lookup that finds its rows by an index: {"job": "public_id", "trn": "translation__public_id"}.
    id_lookups: Mapping[str, str] = {}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A whole public id is looked up by its own index; several columns joined by OR would read the whole table."""
        term = search_term.strip()
        lookup = self.id_lookups.get(term[:3])
        if lookup is not None and is_id(term):
            return queryset.filter(**{lookup: term}), False
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that only services write: staff see them, and act through buttons that call the services."""

    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class NewestFirst(ReadOnlyAdmin):
    """Read-only and ordered by its key, so that the first page is an index walk however long the table is."""

    ordering = ("-pk",)
    sortable_by = ()


class ReadOnlyInline(AnyTabularInline):
    """Rows of a parent's page that are looked at only; 25 at a time."""

    extra = 0
    per_page = 25
    can_delete = False
    hide_title = True
    ordering = ("pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def words_filter(field: str, title_text: Any, words: Iterable[str]) -> type[SimpleListFilter]:
    """A filter of a text column by known words; Django's own would read the whole table to find out which there are."""

    class WordsFilter(SimpleListFilter):
        title = title_text
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(word, word) for word in words]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            return queryset.filter(**{field: value}) if value else queryset

    return WordsFilter


def column(description: Any, *, label: Mapping[str, str] | None = None) -> Callable[[FunctionT], FunctionT]:
    """A computed column or field; label maps values to unfold's colours (info, success, warning, danger)."""
    return cast("Callable[[FunctionT], FunctionT]", decorators.display(description=description, label=label))


def button(description: Any, *, url_path: str, icon: str) -> Callable[[FunctionT], FunctionT]:
    """A button on top of an object's page; icon is a Material symbol's name."""
    decorator = decorators.action(description=description, url_path=url_path, icon=icon)
    return cast("Callable[[FunctionT], FunctionT]", decorator)


def credits_text(millicredits: int | None) -> str:
    """Credits as text, "-" for none."""
    return "-" if millicredits is None else money.to_text(millicredits)


def pretty_json(value: Any) -> SafeString:
    """JSON to read, escaped and wrapped."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False, default=str)
    return format_html('<pre class="whitespace-pre-wrap break-all text-xs">{}</pre>', text)


def copyable(text: str) -> SafeString:
    """A text with a button that copies it; the page's Media must name js/copy.js."""
    return format_html(
        '<code class="break-all text-xs">{}</code> <button type="button" class="cursor-pointer font-medium text-primary-600 '
        'dark:text-primary-500" data-copy-text="{}" data-copied="{}">{}</button>',
        text,
        text,
        gettext("Copied"),
        gettext("Copy"),
    )


def actor_label(actor: Mapping[str, str] | None) -> str:
    """Who did it, as kept in rows: label and kind."""
    actor = actor or {}
    label, kind = actor.get("label", ""), actor.get("kind", "")
    return f"{label} ({kind})" if label and label != kind else kind or "-"


def action_page(
    admin: AnyModelAdmin,
    request: HttpRequest,
    *,
    permission: str,
    title: str,
    back: str,
    submit: str,
    form_class: type[FormT],
    run: Callable[[FormT], str],
    initial: Mapping[str, Any] | None = None,
    intro: str = "",
    danger: bool = False,
) -> HttpResponse:
    """A page with a form that does one thing: GET asks, POST does it and goes back with run's message.

    permission is the full name of the Django permission that staff need. An ApiError of the service becomes the form's error.
    """
    if not request.user.has_perm(permission):
        raise PermissionDenied
    form = form_class(request.POST or None, initial=dict(initial or {}))
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, run(form))
        except ApiError as error:
            for field, texts in error.errors.items():
                form.add_error(field if field in form.fields else None, texts)
            if not error.errors:
                form.add_error(None, f"{error.detail} ({error.code})")
        else:
            return HttpResponseRedirect(back)
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "form": form,
        "opts": admin.model._meta,
        "back": back,
        "submit_text": submit,
        "intro": intro,
        "danger": danger,
    }
    status = 400 if form.errors else 200
    return TemplateResponse(request, "console/action.html", context, status=status)


def object_or_back(admin: AnyModelAdmin, request: HttpRequest, object_id: str) -> Any:
    """The object of a detail page's action; raises PermissionDenied when it is gone (staff see that it is not theirs to act on)."""
    found = admin.get_object(request, object_id)
    if found is None:
        raise PermissionDenied(_("This object is gone."))
    return found
