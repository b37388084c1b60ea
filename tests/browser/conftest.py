"""A real browser at a real service: the demo municipality by default, an empty or a hostile one where a test asks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy.orm import Session

from api.app import create_app
from geo import db, demo
from geo.coverage import run
from geo.coverage.policy import Policies
from geo.folder import secret
from geo.settings import CHECKOUT, Settings
from tests.browser.visitor import BROWSER, CHROMIUM, Visitor
from tests.integration.town import Town, live, served

Fill = Callable[[Session], None]
Serve = Callable[..., str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder, so that it can be chosen or left out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give Debian's Chromium, which finds no host but this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Give a maker of services, each on a database of its own that a function fills; they run till the end.

    With `worker=True` its live state is kept and its questions are answered, as `kaart up` sees to.
    """
    var, key = tmp_path_factory.mktemp("var"), "a secret for tests only"
    settings = Settings(var=var, tile_url="", secret=key, requests_a_minute=0)
    with ExitStack() as stack:
        yield lambda fill, *, worker=False: stack.enter_context(service(new_database(), settings, fill, worker=worker))


@contextmanager
def service(url: str, settings: Settings, fill: Fill, *, worker: bool = False) -> Iterator[str]:
    """Fill a database and serve it, with a worker or without; give the address."""
    engine = db.engine(url)
    sessions = db.sessions(engine, secret(settings))
    try:
        with sessions() as session:
            fill(session)
            session.commit()
        app = create_app(settings, sessions)
        with served(app) as address, httpx.Client(base_url=address) as client, ExitStack() as stack:
            if worker:
                stack.enter_context(live(Town(app, engine, sessions, client, {})))
            yield address
    finally:
        engine.dispose()


def with_nothing(session: Session) -> None:
    """Leave a database as it is made."""


def with_demo(session: Session) -> None:
    """Fill a database with the demo municipality and one coverage run."""
    demo.load(session, CHECKOUT / "data")
    compute(session)


def compute(session: Session) -> None:
    """Make a coverage run with the usual norm."""
    key = secret(Settings(tile_url="", secret="a secret for tests only"))
    run.run(session, Policies(), key=key)


@pytest.fixture(scope="session")
def town(serve: Serve) -> str:
    """Give the address of the demo municipality."""
    return serve(with_demo)


@pytest.fixture(scope="session")
def town_at_work(serve: Serve) -> str:
    """Give the address of a demo municipality whose worker answers what is tried out."""
    return serve(with_demo, worker=True)


@pytest.fixture
def visit(browser: Browser, town: str) -> Iterator[Callable[..., Visitor]]:
    """Give a maker of visitors of the demo municipality; afterwards none may have met an error or a foreign host."""
    met: list[Visitor] = []

    def make(
        path: str = "/", *, width: int = 1280, language: str = "nl", scripts: bool = True, at: str = town
    ) -> Visitor:
        visitor = Visitor(browser, at, width=width, language=language, scripts=scripts)
        met.append(visitor)
        visitor.open(path)
        return visitor

    yield make
    problems = [problem for visitor in met for problem in visitor.leave()]
    assert problems == []
