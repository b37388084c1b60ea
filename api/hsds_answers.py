"""What the description of the API says of the answers in HSDS 3.0: what each object holds, and of which kind."""

from collections.abc import Mapping
from typing import Any

from api.answers import Answers, answer

JSON = "application/json"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
ID: Schema = {"type": "string", "format": "uuid"}
URI: Schema = {"type": "string", "format": "uri"}
DAY: Schema = {"type": "string", "format": "date"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
YES_OR_NO: Schema = {"type": "boolean"}
OBJECTS: Schema = {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": ID}}}


def told(required: str, known: Mapping[str, Schema]) -> Schema:
    """Describe an object: the names of what it always holds, and what each thing that is known of it may be."""
    return {"type": "object", "required": required.split(), "properties": dict(known)}


_THING = {"id": ID, "name": TEXT, "description": TEXT}
TAXONOMY = told("id name description", _THING)
TERM = told(
    "id name description taxonomy_id",
    {
        **_THING, "code": TEXT, "parent_id": ID, "taxonomy": TEXT, "taxonomy_detail": TAXONOMY, "language": TEXT,
        "taxonomy_id": ID,
    },
)  # fmt: skip
ORGANIZATION = told(
    "id name description",
    {
        **_THING, "website": URI, "legal_status": TEXT, "year_incorporated": COUNT, "locations": OBJECTS,
        "services": OBJECTS,
    },
)  # fmt: skip
LOCATION = told(
    "id location_type",
    {
        **_THING, "location_type": {"enum": ["physical"]}, "organization_id": ID, "latitude": NUMBER,
        "longitude": NUMBER, "external_identifier": TEXT, "external_identifier_type": TEXT, "addresses": OBJECTS,
        "accessibility": OBJECTS,
    },
)  # fmt: skip
_LISTS = "schedules service_areas languages funding cost_options attributes service_at_locations".split()
SERVICE = told(
    "id name status organization_id organization last_modified",
    {
        **_THING, "organization_id": ID, "url": URI, "status": {"enum": ["active", "defunct"]},
        "application_process": TEXT, "fees_description": TEXT, "eligibility_description": TEXT, "assured_date": DAY,
        "alert": TEXT, "last_modified": MOMENT, "organization": ORGANIZATION, **dict.fromkeys(_LISTS, OBJECTS),
    },
)  # fmt: skip
AT_LOCATION = told(
    "id service_id location_id location service",
    {"id": ID, "service_id": ID, "location_id": ID, "description": TEXT, "location": LOCATION, "service": SERVICE},
)
MODIFIED = told("id modified_date", {"id": ID, "modified_date": MOMENT})
SERVICES: Schema = {"anyOf": [SERVICE, MODIFIED]}
PAGE: Schema = {
    "total_items": COUNT, "total_pages": COUNT, "page_number": COUNT, "size": COUNT, "first_page": YES_OR_NO,
    "last_page": YES_OR_NO, "empty": YES_OR_NO,
}  # fmt: skip


def one(description: str, schema: Schema) -> Answers:
    """Describe an answer that is one object."""
    return {200: {"description": description, "content": {JSON: {"schema": schema}}}}


def page(description: str, schema: Schema) -> Answers:
    """Describe an answer that is a page of objects."""
    return {200: answer(description, JSON, {**PAGE, "contents": {"type": "array", "items": schema}})}


_VERSION = told("version profile openapi_url", {"version": TEXT, "profile": URI, "openapi_url": URI})
ABOUT = one("Which version this is", _VERSION)
