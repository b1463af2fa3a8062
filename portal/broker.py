"""Entry point of the workers: `dramatiq portal.broker:broker -Q default`, and the same with `-Q engine`."""

from __future__ import annotations

import os

import django
from django.apps import apps
from django.utils.module_loading import autodiscover_modules

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
if not apps.ready:
    django.setup()

from apps.events.broker import get_broker

broker = get_broker()
autodiscover_modules("actors")
