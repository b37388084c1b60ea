"""The text and number types of requests: bounded, storable, and never more than text."""

import re
from datetime import date, time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from geo import checks

LOOKS_WRITTEN = re.compile(r"\d+[-:]")


def _storable(text: str) -> str:
    """Refuse what no database text can hold."""
    if reason := checks.unstorable(text):
        raise ValueError(reason)
    return text


def _written(value: object) -> object:
    """Refuse a day or time that is sent as a number: it would be read as seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and not LOOKS_WRITTEN.match(value)):
        raise ValueError("must be written out, as 2026-11-22 or 18:30")
    return value


Written = BeforeValidator(_written)
Day = Annotated[date, Written]
Time = Annotated[time, Written]
Storable = AfterValidator(_storable)
Key = Annotated[str, StringConstraints(max_length=checks.KEY), Storable]
Line = Annotated[str, StringConstraints(max_length=checks.LINE, strip_whitespace=True), Storable]
Words = Annotated[str, StringConstraints(max_length=checks.WORDS, strip_whitespace=True), Storable]
Story = Annotated[str, StringConstraints(max_length=checks.STORY, strip_whitespace=True), Storable]
Address = Annotated[str, StringConstraints(max_length=checks.ADDRESS, strip_whitespace=True), Storable]
Keys = Annotated[list[Key], Field(max_length=50)]
Listed = Annotated[list[Words], Field(max_length=50)]  # each may hold several keys, between commas
