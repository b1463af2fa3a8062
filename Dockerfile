# Kinoglot in one image; the command chooses the process: web, live, worker, engine, poller (docs/operations.md).
#   docker build -t kinoglot .                              the weights come from a volume at /models
#   docker build -t kinoglot --build-arg WITH_MODELS=1 .    the weights are part of the image (+300 MB)
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python3 -m venv /app/.venv
# The lock changes seldom, the code often: packages first, so that they stay cached.
COPY requirements.lock ./
RUN /app/.venv/bin/python -m pip install --require-hashes --requirement requirements.lock
COPY manage.py pyproject.toml ./
COPY apps ./apps
COPY portal ./portal
COPY static ./static
COPY templates ./templates
COPY locale ./locale
COPY LICENSE NOTICE ./
# No row is read here, so the addresses may be of nothing.
RUN SECRET_KEY=only-for-this-step DATABASE_URL=postgres://nobody@nowhere/nothing STATIC_ROOT=/app/staticfiles KINOGLOT_DATA_DIR=/tmp/data \
    /app/.venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /app/.venv/bin/python -m compileall -q apps portal && rm -rf /tmp/data
ARG WITH_MODELS=0
RUN mkdir /models && if [ "$WITH_MODELS" = 1 ]; then \
    SECRET_KEY=only-for-this-step DATABASE_URL=postgres://nobody@nowhere/nothing KINOGLOT_DATA_DIR=/tmp/data \
    /app/.venv/bin/python manage.py install_models --dir /models && rm -rf /tmp/data; fi

FROM python:${PYTHON}
RUN groupadd --gid 10001 kinoglot && useradd --uid 10001 --gid kinoglot --home-dir /data --no-create-home --shell /usr/sbin/nologin kinoglot \
    && mkdir /data && chown kinoglot:kinoglot /data
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /models /models
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    KINOGLOT_DATA_DIR=/data KINOGLOT_MODEL_DIR=/models STATIC_ROOT=/app/staticfiles KINOGLOT_HOST=0.0.0.0 PORT=8000 LOG_FORMAT=json
USER 10001:10001
VOLUME ["/data", "/models"]
EXPOSE 8000
# For web and live; compose.yaml switches it off for the processes that serve nothing.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "manage.py"]
CMD ["serve", "web"]
