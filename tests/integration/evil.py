"""Values that nobody should send, and what a sound answer to them is."""

from urllib.parse import quote

import httpx

from tests.integration.town import ACTIVITIES, ASSETS, NEIGHBOURHOODS, point, square

EVIL = [
    "{{7*7}}", "{% for x in y %}", "${alert(1)}", "`${alert(1)}`", "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)//",
    "' OR '1'='1", "'; DROP TABLE asset; --", "%", "_", "\\", "%' ESCAPE '", "../../etc/passwd", "😀 ﷽ \u202e e\u0301",
    "a\u2028b",
]  # fmt: skip
NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1", "-0", "9" * 30, "9" * 5000, "0x10", "1_0", "٣", "0.1", ""]
# As they stand in an address: percent-encoded NUL, half a surrogate pair, bytes that are no UTF-8, half an escape.
RAW = ["%00", "a%00b", "%ED%A0%80", "%FF%FE", "%C3%28", "%", "%zz", "%25", "+", "%0d%0aX: y", "x" * 10_000]
BAD = [*map(quote, EVIL), *map(quote, NUMBERS), *RAW]
ROOM = {"kind": "community_room", "name": "Kamer"}
WALK = {"title": "Wandelen", "theme": "move", "repeat": "weekly", "starts_on": "2026-11-22"}
SPOT = point(4.47, 52.18)
WHOLE = {ASSETS: (SPOT, ROOM), ACTIVITIES: (SPOT, WALK), NEIGHBOURHOODS: (square(4.47, 52.18, 0.001), {"name": "Hof"})}


def assert_clear(answer: httpx.Response, where: object = "") -> None:
    """Hold that an answer is no defect, and that a refusal is told as every refusal is."""
    assert answer.status_code < 500, (where, answer.text)
    if answer.status_code >= 400 and answer.request.url.path.startswith("/v1"):
        assert answer.headers["content-type"] == "application/problem+json", where
        told = answer.json()
        assert {"type", "title", "status", "detail"} <= set(told)
        assert told["status"] == answer.status_code
        assert told["detail"]


def fields(answer: httpx.Response) -> set[str]:
    return {flaw["field"] for flaw in answer.json().get("errors", [])}


def assert_a_sound_page(answer: httpx.Response) -> None:
    """Hold that a page is one, and that nothing in it was evaluated or became an element."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self' 'nonce-" in answer.headers["content-security-policy"]
    for became in ("<img src=x", "<script>alert", ">49<", " 49 ", '"49"'):
        assert became not in answer.text
