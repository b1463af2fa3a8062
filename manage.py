#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it brings up the embedded PostgreSQL for the commands that need one."""

import os
import sys
from contextlib import ExitStack

# These read no row; they must work where no database can run (image builds, lint).
WITHOUT_DATABASE = {
    "check", "check_engine", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help", "install_models",
    "create_bucket", "makemessages", "make_sample", "run", "serve", "spectacular", "version", "--help", "-h", "--version",
}  # fmt: skip


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    with ExitStack() as stack:
        command = sys.argv[1] if len(sys.argv) > 1 else "help"
        if command not in WITHOUT_DATABASE and not (
            os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")
        ):
            from portal.embedded import hold_database

            stack.enter_context(hold_database())
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
