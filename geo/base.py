"""How Python types become columns, and the columns that every versioned table has."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, DateTime, Enum, FetchedValue, Float, LargeBinary, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

WGS84 = 4326
RD_NEW = 28992


NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    """Enums are stored as their values, lists as arrays, moments with their time zone."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {
        StrEnum: Enum(StrEnum, native_enum=False, length=20, values_callable=lambda e: [m.value for m in e]),
        str: Text,
        float: Float,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text),
        dict[str, str]: JSONB,
        dict[str, bool]: JSONB,
        dict[str, float]: JSONB,
        dict[str, object]: JSONB,
        list[dict[str, str]]: JSONB,
    }


def geometry(kind: str) -> Geometry:
    """Give the column type of a WGS 84 geometry; its index is declared beside it."""
    return Geometry(kind, srid=WGS84, spatial_index=False)


def terms() -> Mapped[list[str]]:
    """Give a column that holds keys of a controlled vocabulary, empty unless said."""
    return mapped_column(server_default=text("'{}'"), default=list)


class Versioned:
    """Columns that the database keeps by trigger: they say when a row came, changed, and how often."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), server_onupdate=FetchedValue())
    version: Mapped[int] = mapped_column(server_default=text("1"), server_onupdate=FetchedValue())
