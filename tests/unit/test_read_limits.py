"""Files made to do harm, each read in one process that measures what it costs to refuse it."""

import io
import json
import os
import random
import resource
import sqlite3
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
import shapely

from geo.errors import InvalidInput
from geo.imports import limits, read
from geo.settings import CHECKOUT

CPU_S = 1.0
MEMORY_MB = 200
MEASURE = """
import json, resource, sys, time
from pathlib import Path
from geo.errors import InvalidInput
from geo.imports import read

def peak_mb():
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1000

small = Path(sys.argv[1])
for file in (small, small.with_suffix(".xlsx"), small.with_suffix(".geojson"), small.with_suffix(".gpkg")):
    read.frame(file)  # what is loaded once is not counted
for line in sys.stdin:
    file, costs = Path(json.loads(line)), []
    for attempt in range(2):  # the machine may be busy with something else: the quicker one counts
        Path("/proc/self/clear_refs").write_text("5")
        before, start = peak_mb(), time.process_time()
        try:
            read.frame(file)
            told = ""
        except InvalidInput as refusal:
            told = str(refusal)
        costs.append((time.process_time() - start, peak_mb() - before))
        if costs[-1][0] < 0.5:
            break
    print(json.dumps([file.name, told, min(cpu for cpu, _ in costs), max(mb for _, mb in costs)]), flush=True)
"""
Write = Callable[[Path], object]
HARM: dict[str, tuple[Write, str]] = {}


def harm(name: str, told: str) -> Callable[[Write], Write]:
    """Keep a function that writes a file under `name`, and what its refusal must say."""

    def keep(write: Write) -> Write:
        HARM[name] = write, told
        return write

    return keep


def repeated(file: Path, start: str, part: str, times: int, end: str = "") -> None:
    with file.open("w") as stream:
        stream.write(start)
        for _ in range(times // 10_000):
            stream.write(part * 10_000)
        stream.write(part * (times % 10_000) + end)


FEATURE = '{"type":"Feature","properties":{},"geometry":null}'
FEATURES = '{"type":"FeatureCollection","features":['


@harm("deep.geojson", "nests more than 32 levels deep")
def deep(file: Path) -> None:
    repeated(file, '{"type":', "[", 100_000_000)


@harm("deep_end.geojson", "nests more than 32 levels deep")
def deep_at_the_end(file: Path) -> None:
    nested = '{"type":"GeometryCollection","geometries":['
    repeated(file, FEATURES + (FEATURE + ",") * 100_000, FEATURE.replace("null}", nested), 40)


@harm("names.geojson", "more than 1,000 different field names")
def many_names(file: Path) -> None:
    features = (FEATURE.replace("{}", f'{{"k{at}":1}}') for at in range(100_000))
    file.write_text(FEATURES + ",".join(features) + "]}")


@harm("spaced_names.geojson", "more than 1,000 different field names")
def many_names_with_spaces(file: Path) -> None:
    names = ("".join("//" if at >> bit & 1 else r"\\" for bit in range(12)) for at in range(4096))
    features = (FEATURE.replace("{}", '{"' + name + '" \n:1}') for name in names)
    file.write_text(FEATURES + ",".join(features) + "]}")


@harm("features.geojson", "more than 1,000,000 rows")
def many_features(file: Path) -> None:
    repeated(file, FEATURES, FEATURE + ",", 1_000_100, FEATURE + "]}")


@harm("text.geojson", "has a text of more than 1,048,576 bytes, or a quotation mark too few")
def endless_text(file: Path) -> None:
    repeated(file, '{"type":"', "x", 50_000_000)


@harm("backslashes.geojson", "has a text of more than 1,048,576 bytes, or a quotation mark too few")
def endless_backslashes(file: Path) -> None:
    repeated(file, '{"type":"', "\\", 50_000_000)


@harm("cut.geojson", "cannot be read. It looks damaged or cut off")
def cut_geojson(file: Path) -> None:
    repeated(file, FEATURES, FEATURE + ",", 100_000)


@harm("algorithm.json", "is no GeoJSON with features")
def algorithm(file: Path) -> None:
    file.write_text('{"type": "gdal_streamed_alg", "command_line": "gdal vector convert /etc/passwd /vsistdout/"}')


@harm("algorithm_too.json", "is no GeoJSON with features")
def algorithm_in_features(file: Path) -> None:
    file.write_text(
        '{"type": "FeatureCollection", "type": "gdal_streamed_alg", "command_line": "gdal", "features": []}'
    )


@harm("vrt.json", "it looks like a web page or XML")
def virtual(file: Path) -> None:
    source = "<SrcDataSource>/vsicurl/http://127.0.0.1:9/x</SrcDataSource>"
    file.write_text(f'<OGRVRTDataSource><OGRVRTLayer name="a">{source}</OGRVRTLayer></OGRVRTDataSource>')


@harm("topology.json", "is no GeoJSON with features")
def topology(file: Path) -> None:
    file.write_text('{"type": "Topology", "objects": {}, "arcs": []}')


@harm("esri.json", "is no GeoJSON with features")
def esri(file: Path) -> None:
    file.write_text(
        '{"geometryType": "esriGeometryPoint", "features": [{"attributes": {}, "geometry": {"x": 1, "y": 2}}]}'
    )


@harm("latin.geojson", "is not UTF-8")
def latin(file: Path) -> None:
    file.write_bytes((FEATURES + FEATURE.replace("{}", '{"a":"é"}') + "]}").encode("cp1252"))


@harm("broken.geojson", "The fault is in line 2, near character")
def broken(file: Path) -> None:
    file.write_text(FEATURES + "\n" + FEATURE.replace(":null", " null") + "]}")


@harm("rows.csv", "more than 1,000,000 rows")
def many_rows(file: Path) -> None:
    repeated(file, "a;b\n", "1;2\n", 5_000_000)


@harm("columns.csv", "more than 500 columns")
def many_columns(file: Path) -> None:
    file.write_text(";".join(f"k{at}" for at in range(200_000)) + "\n")


@harm("values.csv", "more than 25,000,000 values")
def many_values(file: Path) -> None:
    repeated(file, ";".join(f"k{at}" for at in range(500)) + "\n", "1" + ";" * 499 + "\n", 60_000)


@harm("cell.csv", "row 2 has a value of more than 1,048,576 characters, or a quotation mark too few")
def long_cell(file: Path) -> None:
    repeated(file, 'a;b\n"', "x\n", 25_000_000)


@harm("line.csv", "has a line of more than 8,388,608 characters")
def long_line(file: Path) -> None:
    repeated(file, "a;b\n", "x;", 50_000_000)


@harm("nul.csv", "has NUL bytes")
def zeros(file: Path) -> None:
    with file.open("wb") as stream:
        stream.write(b"a;b\n")
        stream.truncate(400_000_000)


@harm("huge.csv", "is 600 MB; 500 MB is the most")
def huge(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(600_000_000)


@harm("folder.csv", "is no plain file")
def folder(file: Path) -> None:
    file.mkdir()


@harm("pipe.csv", "is no plain file")
def pipe(file: Path) -> None:
    os.mkfifo(file)


@harm("device.csv", "is no plain file")
def device(file: Path) -> None:
    file.symlink_to("/dev/zero")


@harm("circle.csv", "there is no such file, or it may not be read")
def circle(file: Path) -> None:
    file.symlink_to(file)


def packed(file: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def altered(file: Path, changes: dict[int, bytes]) -> None:
    """Change the first entry of a zip's directory, at offsets in that entry."""
    content = bytearray(file.read_bytes())
    start = content.index(b"PK\x01\x02")
    for offset, value in changes.items():
        content[start + offset : start + offset + len(value)] = value
    file.write_bytes(content)


PLAIN, SIZE = 20, 24  # where the directory tells the packed and the unpacked size


@harm("bomb.zip", "unpacks to more than 200 times its size: a zip bomb")
def bomb(file: Path) -> None:
    packed(file, {"a.csv": bytes(100_000_000)})


@harm("bomb_liar.zip", "cannot be read. It looks damaged or cut off")
def bomb_that_lies(file: Path) -> None:
    packed(file, {"a.csv": bytes(100_000_000)})
    altered(file, {SIZE: struct.pack("<I", 100)})


@harm("bomb_large.zip", "unpacks to more than 1,000 MB")
def bomb_of_many(file: Path) -> None:
    packed(file, {"a.csv": random.Random(1).randbytes(6_000_000)})
    altered(file, {SIZE: struct.pack("<I", 1_100_000_000)})


@harm("bomb_parts.zip", "unpacks to more than 200 times its size: a zip bomb")
def bomb_in_parts(file: Path) -> None:
    packed(file, {f"{at}.csv": bytes(900_000) for at in range(900)})


@harm("members.zip", "has more than 1,000 members")
def many_members(file: Path) -> None:
    packed(file, {f"{at}.csv": b"" for at in range(1_001)})


@harm("members_liar.zip", "has more than 1,000 members")
def many_members_that_lie(file: Path) -> None:
    packed(file, {f"{at}.csv": b"" for at in range(60_000)})
    content = bytearray(file.read_bytes())
    struct.pack_into("<HH", content, len(content) - 14, 1, 1)
    file.write_bytes(content)


@harm("members_64.zip", "has more than 1,000 members")
def many_members_in_the_large_format(file: Path) -> None:
    packed(file, {f"{at}.csv": b"" for at in range(70_000)})


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "a/../../a.csv", "..\\a.csv", "C:\\a.csv", "C:a.csv"])
def test_a_member_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    packed(tmp_path / "out.zip", {name: b"a\n1\n"})
    with pytest.raises(InvalidInput, match=r"out\.zip: its member '.*' lies outside the folder"):
        read.frame(tmp_path / "out.zip")


@harm("link.zip", "its member 'a.csv' is a link to another file")
def link_in_a_zip(file: Path) -> None:
    member = zipfile.ZipInfo("a.csv")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, "/etc/passwd")


@harm("secret.zip", "its member 'a.csv' is encrypted")
def encrypted(file: Path) -> None:
    packed(file, {"a.csv": b"a\n1\n"})
    altered(file, {8: b"\x01"})


@harm("bzip.zip", "is packed in a way that is not read")
def packed_otherwise(file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.csv", bytes(500_000))


@harm("nested.zip", "holds no file that can be read")
def nested(file: Path) -> None:
    packed(file, {"a.zip": b"PK\x03\x04"})


@harm("cut.zip", "cannot be read. It looks damaged or cut off")
def cut_zip(file: Path) -> None:
    packed(file, {"a.csv": random.Random(1).randbytes(100_000)})
    file.write_bytes(file.read_bytes()[:50_000])


@harm("damaged.zip", "cannot be read. It looks damaged or cut off")
def damaged_zip(file: Path) -> None:
    packed(file, {"a.csv": b"a;b\n1;2\n" * 1000})
    content = bytearray(file.read_bytes())
    content[40:60] = b"\xff" * 20
    file.write_bytes(content)


def book(file: Path, changes: dict[str, bytes] | None = None) -> None:
    """Write a workbook, with parts of it replaced or added."""
    made, plain = openpyxl.Workbook(), io.BytesIO()
    made.worksheets[0].append(["a", "b"])
    made.worksheets[0].append(["x", 1])
    made.save(plain)
    with zipfile.ZipFile(plain) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    packed(file, content | (changes or {}))


SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OPEN = b"<worksheet " + NAMESPACE + b"><sheetData>"
CLOSE = b"</sheetData></worksheet>"
HEADER = b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'


def noise(length: int) -> bytes:
    """Give letters that do not pack well, so that no bomb is seen in them."""
    return random.Random(1).randbytes(length // 2).hex().encode()


@harm("laughs.xlsx", "declares XML entities")
def billion_laughs(file: Path) -> None:
    more = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{more}]>'.encode()
    book(file, {SHEET: text + OPEN + HEADER.replace(b">a<", b">&l9;<") + CLOSE})


@harm("outside.xlsx", "declares XML entities")
def external_entity(file: Path) -> None:
    text = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    book(file, {"xl/sharedStrings.xml": text + b"<sst " + NAMESPACE + b"><si><t>&f;</t></si></sst>"})


@harm("late.xlsx", "declares XML entities")
def entity_after_a_long_start(file: Path) -> None:
    start = b"<?xml version='1.0'?><!--" + noise((1 << 20) - 31) + b"-->"
    book(file, {SHEET: start + b"<!DOCTYPE x [<!ENTITY f 'x'>]>" + OPEN + CLOSE})


@harm("wide.xlsx", "has a part that is not UTF-8")
def entity_in_utf_16(file: Path) -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY f "x">]>'
    book(file, {SHEET: (text + (OPEN + CLOSE).decode()).encode("utf-16")})


@harm("bomb.xlsx", "unpacks to more than 200 times its size: a zip bomb")
def workbook_bomb(file: Path) -> None:
    book(file, {SHEET: OPEN + bytes(100_000_000)})


@harm("rows.xlsx", "more than 1,000,000 rows")
def many_sheet_rows(file: Path) -> None:
    numbers = random.Random(1)
    rows = b"".join(b"<row><c><v>%d</v></c></row>" % numbers.getrandbits(20) for _ in range(100_000))
    book(file, {SHEET: OPEN + HEADER + rows * 11 + CLOSE})


@harm("gap.xlsx", "has a row beyond 1,048,576, where a sheet ends")
def a_gap_of_rows(file: Path) -> None:
    book(file, {SHEET: OPEN + HEADER + b'<row r="9999999999"><c r="A9999999999"><v>1</v></c></row>' + CLOSE})


@harm("part.xlsx", "has a row, or a part that is no table, of more than 4 MB")
def large_part(file: Path) -> None:
    book(file, {"xl/styles.xml": b"<styleSheet " + NAMESPACE + b"><fonts>" + noise(20_000_000)})


@harm("text.xlsx", "has a value of more than 1,048,576 characters")
def long_text(file: Path) -> None:
    book(
        file,
        {SHEET: OPEN + HEADER + HEADER.replace(b">a<", b">" + noise(2_000_000) + b"<").replace(b"1", b"2", 2) + CLOSE},
    )


@harm("nested.xlsx", "cannot be read")
def deep_xml(file: Path) -> None:
    tags = [b"<" + name + b">" for name in (b"a", b"bc", b"def")]
    text = b"".join(random.Random(1).choices(tags, k=300_000))
    book(file, {"xl/workbook.xml": b"<workbook " + NAMESPACE + b">" + text})


@harm("strings.xlsx", "cannot be read")
def a_shared_text_that_is_not_there(file: Path) -> None:
    book(file, {SHEET: OPEN + b'<row r="1"><c r="A1" t="s"><v>99999</v></c></row>' + CLOSE})


@harm("cut.xlsx", "cannot be read. It looks damaged or cut off")
def cut_workbook(file: Path) -> None:
    book(file)
    file.write_bytes(file.read_bytes()[:-30])


@harm("other.xlsx", "cannot be read. It looks damaged or cut off")
def no_workbook(file: Path) -> None:
    packed(file, {"a.txt": b"x"})


@harm("old.xlsx", "it looks like an old workbook (.xls) or one with a password")
def old_workbook(file: Path) -> None:
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000))


def squares(file: Path, count: int = 2_000) -> None:
    points = shapely.points([[150_000 + 100 * at, 450_000] for at in range(count)])
    gpd.GeoDataFrame({"n": range(count)}, geometry=points, crs=28992).to_file(file, layer="vak")


def changed(file: Path, *statements: str) -> None:
    squares(file, 10)
    with closing(sqlite3.connect(file)) as base, base:
        for statement in statements:
            base.execute(statement)


@harm("cut.gpkg", "cannot be read. It looks damaged or cut off")
def cut_geopackage(file: Path) -> None:
    squares(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@harm("holes.gpkg", "cannot be read. It looks damaged or cut off")
def geopackage_with_a_hole(file: Path) -> None:
    squares(file)
    with closing(sqlite3.connect(file)) as base:
        pages = base.execute("SELECT pageno FROM dbstat WHERE name = 'vak' AND pagetype = 'leaf'").fetchall()
    content = bytearray(file.read_bytes())
    at = 4096 * (pages[len(pages) // 2][0] - 1)
    content[at : at + 4096] = bytes(4096)
    file.write_bytes(content)


@harm("view.gpkg", "'eeuwig' is a view or is computed")
def endless_view(file: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, NULL AS geom FROM n"
    changed(
        file,
        f"CREATE VIEW eeuwig AS {endless}",
        "UPDATE gpkg_contents SET table_name = 'eeuwig'",
    )


@harm("computed.gpkg", "'zwaar' is a view or is computed")
def computed_column(file: Path) -> None:
    changed(
        file,
        "CREATE TABLE zwaar (id INTEGER PRIMARY KEY, a INTEGER, b BLOB AS (zeroblob(900000000)))",
        "INSERT INTO zwaar (a) VALUES (1)",
        "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('zwaar', 'attributes')",
    )


@harm("virtual.gpkg", "'buiten' is a view or is computed")
def virtual_table(file: Path) -> None:
    changed(file, "CREATE VIRTUAL TABLE buiten USING fts5(a)")


@harm("other.gpkg", "does not hold what its name says (.gpkg): it looks like a GeoPackage or another database")
def other_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as base, base:
        base.execute("CREATE TABLE a (b)")


@harm("deep.gpkg", "row 3 has a geometry of more than 1,000 collections")
def deep_geometry(file: Path) -> None:
    squares(file, 10)
    nested = struct.pack("<BII", 1, 7, 1) * 500_000 + struct.pack("<BII", 1, 7, 0)
    with closing(sqlite3.connect(file)) as base, base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE vak SET geom = ? WHERE fid = 3", [b"GP\0\x01" + struct.pack("<i", 28992) + nested])


@harm("rows.gpkg", "more than 1,000,000 rows")
def many_records(file: Path) -> None:
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1100000) SELECT x, 'a' FROM n"
    changed(
        file,
        "CREATE TABLE veel (id INTEGER PRIMARY KEY, a TEXT)",
        f"INSERT INTO veel {many}",
        "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('veel', 'attributes')",
        "DELETE FROM gpkg_contents WHERE table_name = 'vak'",
    )


def outline(file: Path, points: int) -> None:
    ring = shapely.Point(150_000, 450_000).buffer(1000, quad_segs=points // 4)
    gpd.GeoDataFrame({"n": [1]}, geometry=[ring], crs=28992).to_file(file)


@harm("again.shp", "its .shx gives more than the .shp holds: it tells one place many times over")
def one_shape_many_times(file: Path) -> None:
    outline(file, 60_000)
    index, table = file.with_suffix(".shx").read_bytes(), file.with_suffix(".dbf").read_bytes()
    head = struct.unpack_from("<H", table, 8)[0]
    length = struct.pack(">I", (100 + 8 * 10_000) // 2)
    file.with_suffix(".shx").write_bytes(index[:24] + length + index[28:100] + index[100:108] * 10_000)
    records = table[head:-1] * 10_000
    file.with_suffix(".dbf").write_bytes(table[:4] + struct.pack("<I", 10_000) + table[8:head] + records + b"\x1a")


@harm("cut.shp", "cannot be read. It looks damaged or cut off")
def cut_shapefile(file: Path) -> None:
    outline(file, 1000)
    file.write_bytes(file.read_bytes()[:5000])


@harm("odd.shp", "has 2,000 shapes but 1 records: its .shp and .dbf do not belong together")
def shapefile_of_two(file: Path) -> None:
    squares(file)
    outline(file.with_name("odd_other.shp"), 100)
    file.with_suffix(".dbf").write_bytes(file.with_name("odd_other.dbf").read_bytes())


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, float]]:
    """Write every harmful file, read each in one process, and give by name: refusal, seconds of CPU, MB of memory."""
    at = tmp_path_factory.mktemp("harm")
    files = at / "files"
    files.mkdir()
    (at / "small.csv").write_text("a\n1\n")
    (at / "small.geojson").write_text(FEATURES + FEATURE + "]}")
    book(at / "small.xlsx")
    squares(at / "small.gpkg")
    for name, (write, _) in HARM.items():
        write(files / name)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    command = [sys.executable, "-W", "error", "-c", MEASURE, str(at / "small.csv")]
    asked = "\n".join(json.dumps(str(files / name)) for name in HARM)
    done = subprocess.run(
        command, input=asked, capture_output=True, text=True, cwd=CHECKOUT, preexec_fn=bounded, check=False
    )
    lines: list[list[Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (lines[-1:], done.stderr[-2000:])
    return {name: (told, seconds, memory) for name, told, seconds, memory in lines}


@pytest.mark.parametrize("name", list(HARM))
def test_a_harmful_file_is_refused_in_one_line_within_a_second_and_with_flat_memory(
    measured: dict[str, tuple[str, float, float]], name: str
) -> None:
    told, seconds, memory_mb = measured[name]
    print(f"{name}: {seconds:.2f} s, {memory_mb:.0f} MB, {told}")
    assert HARM[name][1] in told
    assert told.startswith(name)
    assert "/" not in told.replace("it looks like", "")
    assert told.isprintable()
    assert len(told) < 400
    assert seconds < CPU_S
    assert memory_mb < MEMORY_MB


def test_the_limits_are_read_when_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    low = limits.LIMITS._replace(rows=2, columns=2, cell_bytes=10)
    monkeypatch.setattr(limits, "LIMITS", low)
    for content, told in (
        ("a\n1\n2\n3\n", "more than 2 rows"),
        ("a;b;c\n1;2;3\n", "more than 2 columns"),
        ("a\n12345678901\n", "row 2 has a value of more than 10 characters"),
    ):
        (tmp_path / "x.csv").write_text(content)
        with pytest.raises(InvalidInput, match=told):
            read.frame(tmp_path / "x.csv")


def test_rows_that_are_empty_are_not_counted_against_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS._replace(rows=2))
    (tmp_path / "x.csv").write_text('a\n1\n\n\n\n"2\n3"\n')
    assert read.frame(tmp_path / "x.csv").data["a"].tolist() == ["1", "2\n3"]


@pytest.mark.parametrize("cut", range(9))
def test_names_are_counted_also_where_two_chunks_meet(
    tmp_path: Path, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHUNK", 5 + cut)
    text = json.dumps({"type": "FeatureCollection", "features": [], "a\\": 'b"]', 'c"d': [{"é": "x: {"}], "e": "\\"})
    (tmp_path / "x.geojson").write_text(text)
    upload = limits.Upload(tmp_path / "x.geojson", "x")
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS._replace(names=6, depth=3))
    limits.check_json(upload)
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS._replace(names=5, depth=3))
    with pytest.raises(InvalidInput, match="more than 5 different field names"):
        limits.check_json(upload)
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS._replace(names=6, depth=2))
    with pytest.raises(InvalidInput, match="nests more than 2 levels"):
        limits.check_json(upload)


def test_a_link_that_the_person_gave_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert len(read.frame(tmp_path / "link.csv").data) == 1


def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, temporary = tmp_path / "files", tmp_path / "temporary"
    files.mkdir()
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    packed(files / "good.zip", {"a.csv": b"a\n1\n"})
    packed(files / "bad.zip", {"a.csv": b"a;a\n1;2\n"})
    assert len(read.frame(files / "good.zip").data) == 1
    with pytest.raises(InvalidInput, match=r"^bad.zip \(a.csv\): row 1: more than one column"):
        read.frame(files / "bad.zip")
    assert list(temporary.iterdir()) == []
