"""Routes of the console: its own pages, then Django's admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from apps.console import books

urlpatterns = [
    path("books/", admin.site.admin_view(books.page), name="console-books"),
    path("", admin.site.urls),
]
