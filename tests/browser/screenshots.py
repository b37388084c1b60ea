"""Photograph the two pages with the demo municipality for the documents: python -m tests.browser.screenshots"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from geo import cluster, db
from geo.settings import CHECKOUT, Settings
from tests.browser.conftest import service, with_demo
from tests.browser.visitor import BROWSER, CHROMIUM, Visitor

TARGET = CHECKOUT / "docs" / "screenshots"


def photograph(address: str, target: Path) -> list[str]:
    """Save the pictures in a folder; give their names."""
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER)
        wide = Visitor(browser, address, width=1280, language="nl", scripts=True)
        wide.open("/")
        wide.settle()
        wide.page.screenshot(path=target / "resident.png")
        wide.open("/gaps")
        wide.page.locator(".ranking__row").first.click()
        wide.page.locator("#card h1").wait_for()
        wide.page.mouse.move(640, 90)
        wide.settle()
        wide.page.screenshot(path=target / "gaps.png")
        narrow = Visitor(browser, address, width=390, language="nl", scripts=True)
        narrow.open("/")
        narrow.settle()
        narrow.page.screenshot(path=target / "resident-390.png")
        problems = [*wide.leave(), *narrow.leave()]
        browser.close()
    if problems:
        sys.exit("\n".join(problems))
    return sorted(path.name for path in target.glob("*.png"))


def main() -> None:
    """Make a database for the occasion, fill it with the demo, serve it, and photograph it."""
    with tempfile.TemporaryDirectory(prefix="kaart-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with cluster.kept(Path(folder) / "postgres", durable=False) as url:
            engine = db.engine(url)
            db.migrate(engine)
            engine.dispose()
            settings = Settings(var=Path(folder), tile_url="", secret="a secret for tests only")
            with service(url, settings, with_demo) as address:
                print("\n".join(photograph(address, TARGET)))


if __name__ == "__main__":
    main()
