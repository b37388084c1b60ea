"""What is sent with a file: read from the form only after it is known who sends it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, BinaryIO, NamedTuple, cast

from fastapi import Request
from pydantic import StrictBool, StrictInt, StringConstraints, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.texts import Key, Storable
from geo.checks import refuse
from geo.errors import Flaw, InvalidInput
from geo.vocabulary import What

MOST_MAPPING_BYTES = 200_000  # far more than any mapping
UPLOADED = [what.value for what in What if what != What.demo]
# Not whatever an importer knows: which address is asked for places, say, is for the settings to tell.
SETTABLE = (
    "year", "gemeente", "level", "layer", "code_field", "name_field", "source", "licence", "archive_missing",
    "length_field", "least_island",
)  # fmt: skip
FIELDS = ("what", "file", "mapping", "options")
_Text = Annotated[str, StringConstraints(max_length=1000), Storable]
OPTIONS: TypeAdapter[dict[str, bool | int | str | None]] = TypeAdapter(dict[Key, StrictBool | StrictInt | _Text | None])

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["what", "file"],
                    "additionalProperties": False,
                    "properties": {
                        "what": {"type": "string", "enum": UPLOADED, "description": "What the file brings"},
                        "file": {"type": "string", "format": "binary", "description": "At most 50 MB"},
                        "mapping": {
                            "type": "string",
                            "format": "binary",
                            "description": "TOML: which column is what. For assets, and for figures under other names",
                        },
                        "options": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "description": 'The options of `kaart import …` as a JSON object, such as {"year": 2024}',
                        },
                    },
                },
                "encoding": {"options": {"contentType": "application/json"}},
            }
        },
    }
}


class Sent(NamedTuple):
    """A file, as its sender called it, and what to do with it."""

    what: What
    file: BinaryIO
    name: str
    options: dict[str, object]


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Sent]:
    """Read the form and hold its file open. Raises InvalidInput naming each field that is missing or wrong."""
    try:
        form = await request.form(max_files=2, max_fields=5, max_part_size=MOST_MAPPING_BYTES)
    except ClientDisconnect:
        raise HTTPException(400, "The file did not come in whole.") from None
    try:
        yield await _sent(form)
    finally:
        await form.close()


async def _sent(form: FormData) -> Sent:
    names = [name for name, _ in form.multi_items()]
    refuse([Flaw(name, "is not known here") for name in dict.fromkeys(names) if name not in FIELDS])
    refuse([Flaw(name, "is given more than once") for name in FIELDS if names.count(name) > 1])
    what, file = form.get("what"), form.get("file")
    flaws = []
    if what not in UPLOADED:
        flaws.append(Flaw("what", f"must be one of: {', '.join(UPLOADED)}"))
    if not isinstance(file, UploadFile):
        flaws.append(Flaw("file", "is missing: send it as multipart/form-data, with a file name"))
    refuse(flaws)
    what, file = cast(str, what), cast(UploadFile, file)
    options = _options(await _text(form, "options"))
    mapping = await _text(form, "mapping")
    if mapping:
        options["mapping"] = mapping
    return Sent(What(what), file.file, file.filename or "", options)


async def _text(form: FormData, name: str) -> str:
    """Give a field, sent as text or as a file; empty where it is not sent."""
    value = form.get(name) or ""
    if isinstance(value, str):
        return value
    raw = await value.read(MOST_MAPPING_BYTES + 1)
    if len(raw) > MOST_MAPPING_BYTES:
        raise _flaw(name, f"may hold at most {MOST_MAPPING_BYTES:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _flaw(name, "is no text in UTF-8") from None


def _options(text: str) -> dict[str, object]:
    try:
        told = OPTIONS.validate_json(text or "{}")
    except ValidationError as error:
        named = dict.fromkeys(str(each["loc"][0]) for each in error.errors() if each["loc"])
    else:
        refuse([Flaw(f"options.{name}", "is not known here") for name in told if name not in SETTABLE])
        return {**told}
    refuse([Flaw(f"options.{name}", "must be a short text, a whole number, true, false or null") for name in named])
    raise _flaw("options", "is no JSON object")


def _flaw(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}: {reason}.", Flaw(field, reason))
