"""The one address of Volcengine's protocol: the query says what is asked for."""

from __future__ import annotations

from django.urls import path

from apps.dialects.volcengine.views import front

urlpatterns = [path("", front, name="volcengine")]
