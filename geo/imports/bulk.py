"""Many rows into a temporary table at once, by COPY."""

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
from psycopg import sql
from sqlalchemy.orm import Session


def copy(session: Session, table: str, rows: pd.DataFrame) -> None:
    """Copy rows into a table, its columns named as the frame's; what is missing (NaN, <NA>, None) becomes NULL."""
    packed = pa.Table.from_pandas(rows, preserve_index=False)
    sink = io.BytesIO()
    pyarrow.csv.write_csv(packed, sink, pyarrow.csv.WriteOptions(include_header=False))
    names = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(sql.Identifier(table), names)
    driver: Any = session.connection().connection.driver_connection  # psycopg's own: SQLAlchemy knows no COPY
    with driver.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(sink.getbuffer())
