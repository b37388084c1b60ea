"""One reader: the language of a page, and how texts, dates, numbers and distances read in it.

The messages are written in English in the code and the templates; `texts/nl.po` holds the Dutch ones.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = ("nl", "en")
DEFAULT_LANGUAGE = "nl"
TEXTS = Path(__file__).parent / "texts"

# Every language reads the place names and the clock of the Netherlands: English as in Great Britain, day before month.
_LOCALES = {"nl": Locale("nl", "NL"), "en": Locale("en", "GB")}

NOTHING: Mapping[str, object] = {}


def message(text: str) -> str:
    """Mark a text that is said later, so that it is found among the messages to translate."""
    return text


@cache
def catalogue(language: str) -> Catalog:
    """Read the messages of one language; English needs none, so its catalogue is empty."""
    path = TEXTS / f"{language}.po"
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def single_form(language: str, text: str) -> str:
    """Translate a message; one without a translation stays as it is."""
    found = catalogue(language).get(text)
    return str(found.string) if found is not None and found.string else text


def plural_forms(language: str, one: str) -> tuple[str, str] | None:
    """Translate a message that has a form for one and a form for many; None without a translation."""
    found = catalogue(language).get(one)
    forms = found.string if found is not None else None
    return (forms[0], forms[1]) if isinstance(forms, tuple) and all(forms) else None


@dataclass(frozen=True)
class Reader:
    """Someone who reads `nl` or `en`."""

    language: str

    @property
    def locale(self) -> Locale:
        """Give Babel's locale: Dutch as in the Netherlands, English as in Great Britain."""
        return _LOCALES[self.language]

    def say(self, text: str, values: Mapping[str, object] = NOTHING) -> str:
        """Give an English message in the reader's language, with `%(name)s` filled from `values`."""
        spoken = single_form(self.language, text)
        return spoken % values if values else spoken.replace("%%", "%")

    def say_many(self, one: str, many: str, count: int, values: Mapping[str, object] = NOTHING) -> str:
        """Choose between one and many; `%(count)s` is filled with the count as the reader writes it."""
        forms = plural_forms(self.language, one) or (one, many)
        return forms[0 if count == 1 else 1] % {"count": self.number(count), **values}

    def number(self, value: float) -> str:
        """Write a number without decimals: 1.510 or 1,510."""
        return str(format_decimal(round(value), locale=self.locale))

    def tenths(self, value: float) -> str:
        """Write a number with one decimal: 12,5 or 12.5."""
        return str(format_decimal(value, format="#,##0.0", locale=self.locale))

    def decimal(self, value: float) -> str:
        """Write a number with no more decimals than it needs, two at most: 0,5 or 1.000."""
        return str(format_decimal(value, format="#,##0.##", locale=self.locale))

    def hours(self, value: float) -> str:
        """Write a number of hours, below ten with one decimal: 40 uur, 3,5 uur."""
        return self.say(
            "%(number)s h", {"number": self.number(value) if value >= 10 else self.decimal(round(value, 1))}
        )

    def percent(self, share: float) -> str:
        """Write a share of 0 to 1 as a whole percentage. What is not all or nothing never reads as 100 or 0 %."""
        whole = round(share * 100)
        if whole == 100 and share < 1:
            whole = 99
        if whole == 0 and share > 0:
            whole = 1
        return str(format_percent(whole / 100, locale=self.locale))

    def distance(self, metres: float) -> str:
        """Write a distance as one would say it: to 10 m below a kilometre, to 100 m above."""
        if metres < 995:
            return f"{self.number(round(metres, -1))}\N{NO-BREAK SPACE}m"
        return f"{self.tenths(metres / 1000)}\N{NO-BREAK SPACE}km"

    def date(self, day: dt.date) -> str:
        """Write a whole date: 12 maart 2026."""
        return str(format_date(day, "d MMMM y", locale=self.locale))

    def month(self, day: dt.date) -> str:
        """Write the month: maart 2026."""
        return str(format_date(day, "MMMM y", locale=self.locale))

    def short(self, day: dt.date) -> str:
        """Write a day in short with its year: 21 nov 2026."""
        return str(format_date(day, "d MMM y", locale=self.locale)).replace(".", "")

    def time(self, moment: dt.datetime) -> str:
        """Write the clock of a moment: 14:05."""
        return str(format_time(moment, "HH:mm", locale=self.locale))

    def day(self, day: dt.date) -> str:
        """Write a near day: vr 27 nov."""
        return str(format_date(day, "EEE d MMM", locale=self.locale)).replace(".", "")

    def weekday(self, day: dt.date) -> str:
        """Write the day of the week: vrijdag."""
        return str(format_date(day, "EEEE", locale=self.locale))

    def weekday_short(self, day: dt.date) -> str:
        """Write the day of the week in two or three letters: vr, Fri."""
        return str(format_date(day, "EEE", locale=self.locale)).replace(".", "")

    def clock(self, moment: str) -> str:
        """Write "18:00:00" as 18:00."""
        return str(format_time(dt.time.fromisoformat(moment), "HH:mm", locale=self.locale))

    def listed(self, words: list[str]) -> str:
        """Join words as a sentence does: a, b en c. An empty list gives an empty string."""
        if len(words) < 2:
            return "".join(words)
        return self.say("%(first)s and %(last)s", {"first": ", ".join(words[:-1]), "last": words[-1]})


def reader_of(language: str) -> Reader:
    """Give the reader of a known language; any other language gets the default."""
    return Reader(language if language in LANGUAGES else DEFAULT_LANGUAGE)
