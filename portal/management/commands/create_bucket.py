"""manage.py create_bucket: makes the S3 bucket of S3_BUCKET if it is not there."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Makes the bucket that S3_BUCKET names, private; harmless if it exists."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        bucket = getattr(default_storage, "bucket", None)
        if bucket is None:
            raise CommandError("S3_BUCKET is not set: files are kept in a folder")
        client = bucket.meta.client
        try:
            client.head_bucket(Bucket=settings.S3_BUCKET)
        except client.exceptions.ClientError:
            client.create_bucket(Bucket=settings.S3_BUCKET)
            self.stdout.write(f"bucket {settings.S3_BUCKET} made")
