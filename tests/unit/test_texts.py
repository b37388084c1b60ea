"""Every message has a Dutch translation, and none is kept that nobody says."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from geo.settings import CHECKOUT
from maps.imports import import_texts
from maps.reader import LANGUAGES, catalogue, reader_of
from maps.scripts import script_texts

MAPS = CHECKOUT / "maps"
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "say": None,
    "say_many": (1, 2),
    "message": None,
    "_": None,
    "ngettext": (1, 2),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def messages() -> set[tuple[str, ...]]:
    """Give every message in the code and the templates: one text, or one for one and one for many."""
    methods = [("templates/**.html", "jinja2"), ("**.py", "python")]
    found = extract_from_dir(MAPS, methods, keywords=KEYWORDS)
    return {(text,) if isinstance(text, str) else tuple(text) for _, _, text, _, _ in found}


def translated() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Give the Dutch catalogue."""
    pairs = [(message.id, message.string) for message in catalogue("nl") if message.id]
    return {_forms(text): _forms(string) for text, string in pairs}


def _forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)  # type: ignore[arg-type]


def test_every_message_has_a_dutch_translation_and_none_is_left_over() -> None:
    assert messages() == set(translated())
    assert [text for text, dutch in translated().items() if not all(dutch)] == []


def test_a_translation_fills_in_what_the_message_fills_in() -> None:
    wrong = [
        text
        for text, dutch in translated().items()
        if {*PLACEHOLDER.findall("".join(text))} != {*PLACEHOLDER.findall("".join(dutch))}
    ]
    assert wrong == []


def test_our_words_for_those_who_care_are_people_who_look_after_someone() -> None:
    every = " ".join(word for pair in translated().items() for form in pair for word in form).lower()
    assert "mantelzorg" not in every


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_a_script_asks_for_is_sent_and_every_text_that_is_sent_is_asked_for(language: str) -> None:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in sorted(Path(MAPS / "static").glob("*.js")))
    asked = {*re.findall(r"""say\("(\w+)\"""", scripts)}
    sent = script_texts(reader_of(language)) | import_texts(reader_of(language))
    looked_up = ("kind_", "verdict_", "status_", "what_", "failed_")  # by the word that an answer of the API holds
    assert {name for name in sent if not name.startswith(looked_up)} == asked
    assert all(sent.values())
