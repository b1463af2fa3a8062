# Kinoglot. `make run` is all a new machine needs: Python >= 3.11 and make.
.DEFAULT_GOAL := help
.PHONY: help run test check bench lock messages setup setup-dev clean clean-data
SHELL := /bin/sh

# The first Python that is new enough. KINOGLOT_PYTHON names another.
PYTHON := $(shell for name in "$$KINOGLOT_PYTHON" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	[ -n "$$name" ] && "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& command -v "$$name" && break; done)
# Read from the environment, not from the command line, so that file names with spaces and quotes survive.
export VIDEO TO

help: ## this list
	@printf 'make <target>\n\n'; sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name words; do printf '  %-11s %s\n' "$$name" "$$words"; done
	@printf '\n  make run VIDEO=talk.mp4 TO=pt-BR   translates a file of yours\n'

setup:
	@[ -n "$(PYTHON)" ] || { echo "Kinoglot needs Python 3.11 or newer (as python3 or python3.11); none was found on PATH." >&2; exit 1; }
	@"$(PYTHON)" scripts/bootstrap.py

setup-dev:
	@[ -n "$(PYTHON)" ] || { echo "Kinoglot needs Python 3.11 or newer (as python3 or python3.11); none was found on PATH." >&2; exit 1; }
	@"$(PYTHON)" scripts/bootstrap.py --dev

run: setup ## set up and start everything; Ctrl-C stops it
	@exec .venv/bin/python manage.py run

test: setup-dev ## all tests (the engine's weights are fetched on first use)
	@.venv/bin/python manage.py install_models
	@.venv/bin/python -m compileall -q apps portal # tests start hundreds of processes, and not every machine keeps bytecode by itself
	@exec .venv/bin/python -m pytest -n $${PYTEST_WORKERS:-3} --dist loadgroup --no-loadscope-reorder

check: setup-dev ## lint, format, types, layers, templates, migrations, deployment checks, messages, lock
	@exec .venv/bin/python scripts/check.py

bench: setup-dev ## the benchmarks of docs/performance.md
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; .venv/bin/python "$$file" || exit 1; done

messages: setup-dev ## collect interface strings into locale/ and compile them (needs gettext)
	@.venv/bin/python manage.py makemessages --all --no-obsolete --ignore .venv --ignore .data --ignore .cache
	@.venv/bin/python scripts/messages.py --compile

lock: setup-dev ## compile requirements.lock and requirements-dev.lock from pyproject.toml
	@exec .venv/bin/python scripts/lock.py

clean: ## remove the environment and caches; data stay
	@[ ! -x .venv/bin/python ] || .venv/bin/python -m portal.embedded_postgres --data-dir .cache/test-server stop || true
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results

clean-data: ## remove .data too: database, media, weights
	@[ ! -x .venv/bin/python ] || .venv/bin/python -m portal.embedded_postgres stop || true
	rm -rf .data
