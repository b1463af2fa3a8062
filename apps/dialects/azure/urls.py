"""Azure's addresses."""

from __future__ import annotations

from django.urls import path, re_path

from apps.dialects.azure import eventhub, iterations, operations, translations
from apps.dialects.azure.dialect import AZURE
from apps.dialects.base import door

_ROOT = "videotranslation"
_ONE = f"{_ROOT}/translations/<str:translation_id>"

urlpatterns = [
    path(f"{_ROOT}/translations", door(AZURE, GET=translations.index), name="azure-translations"),
    path(
        _ONE,
        door(AZURE, GET=translations.show, PUT=translations.create, DELETE=translations.remove),
        name="azure-translation",
    ),
    path(f"{_ONE}/iterations", door(AZURE, GET=iterations.index), name="azure-iterations"),
    path(
        f"{_ONE}/iterations/<str:iteration_id>",
        door(AZURE, GET=iterations.show, PUT=iterations.create),
        name="azure-iteration",
    ),
    path(f"{_ROOT}/operations/<str:operation_id>", door(AZURE, GET=operations.show), name="azure-operation"),
    path(
        f"{_ROOT}/configurations/event-hub",
        door(AZURE, GET=eventhub.show, PUT=eventhub.replace, DELETE=eventhub.remove),
        name="azure-event-hub",
    ),
    path(f"{_ROOT}/configurations/event-hub:ping", door(AZURE, POST=eventhub.ping), name="azure-event-hub-ping"),
    re_path(rf"^{_ROOT}(?:/.*)?$", door(AZURE), name="azure-nowhere"),
]
