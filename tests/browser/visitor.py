"""Somebody with a browser: what they see, and what went wrong while they looked."""

import shutil
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Geolocation, Page, Request, Response, Route

from geo.settings import CHECKOUT

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome-stable") or "chromium"
BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
HERE = "127.0.0.1"
OEGSTGEEST = Geolocation(latitude=52.187, longitude=4.478)
AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FILLED = """() => (!document.getElementById('map') || document.querySelector('#map[data-filled]'))
    && !document.querySelector('[aria-busy]')"""
MOVING_MS = 350  # the sheet comes to rest, names find their place


class Visitor:
    """One visitor with one page. `problems` gathers console errors, failed answers and calls to other hosts."""

    def __init__(self, browser: Browser, at: str, *, width: int, language: str, scripts: bool) -> None:
        self.scripts = scripts
        self.problems: list[str] = []
        self.expected: list[str] = []  # parts of problems that a test brings about on purpose
        height = 800 if width > 800 else 844
        self.context = browser.new_context(
            base_url=at,
            viewport={"width": width, "height": height},
            locale={"nl": "nl-NL", "en": "en-GB"}[language],
            java_script_enabled=scripts,
            geolocation=OEGSTGEEST,
            permissions=["geolocation"],
            has_touch=width <= 800,
            reduced_motion="reduce",
        )
        self.context.route("**/*", self._guard)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("response", self._answered)

    def _guard(self, route: Route, request: Request) -> None:
        if urlsplit(request.url).hostname not in (HERE, None):
            self.problems.append(f"foreign host: {request.url}")
            route.abort()
        else:
            route.fallback()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"answer: {response.status} {response.url}")

    def open(self, path: str) -> None:
        """Go to a path and wait until everything that it fetches is there."""
        self.page.goto(path)
        if self.scripts:
            self.filled()

    def filled(self) -> None:
        """Wait until list and map have what they asked for."""
        self.page.wait_for_function(FILLED)

    def settle(self) -> None:
        """Wait until nothing is fetched and nothing moves."""
        self.filled()
        self.page.wait_for_timeout(MOVING_MS)

    def text(self, what: str) -> str:
        """Give the visible text of the first element that matches."""
        return self.page.locator(what).first.inner_text()

    def texts(self, what: str) -> list[str]:
        """Give the visible texts of all elements that match."""
        return [words.strip() for words in self.page.locator(what).all_inner_texts()]

    def violations(self) -> list[str]:
        """Run axe on what is shown and name each serious or critical finding with where it stands."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
        # Pins may crowd each other: the row in the list does the same (WCAG 2.5.8, equivalent).
        return [
            f"{finding['id']}: {node['html'][:160]}"
            for finding in found["violations"]
            if finding["impact"] in ("serious", "critical")
            for node in finding["nodes"]
            if not (finding["id"] == "target-size" and "leaflet-marker-icon" in node["html"])
        ]

    def sideways(self) -> int:
        """Give how many pixels the page is wider than the window; 0 is as it should be."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def leave(self) -> list[str]:
        """Close the browser's window and give the problems that were not expected."""
        self.context.close()
        return [problem for problem in self.problems if not any(part in problem for part in self.expected)]
