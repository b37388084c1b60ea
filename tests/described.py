"""The description of the API as a program prints it: `python -m tests.described`. No database is asked."""

import json
from functools import cache
from typing import Any

from fastapi import FastAPI
from sqlalchemy.orm import sessionmaker

from api.app import create_app
from geo.settings import Settings


def app() -> FastAPI:
    """Make the service without a database behind it."""
    settings = Settings(_env_file=None, tile_url="", secret="a secret for tests only")
    return create_app(settings, sessionmaker())


@cache
def description() -> dict[str, Any]:
    """Give the description, as it is served."""
    told: dict[str, Any] = json.loads(json.dumps(app().openapi()))
    return told


if __name__ == "__main__":
    print(json.dumps(description()))
