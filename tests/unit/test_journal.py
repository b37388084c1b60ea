"""The journal of erasures: nothing that was written is lost, and nothing is guessed."""

import multiprocessing
import os
import resource
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from geo.errors import Unavailable
from geo.vocabulary import Erased
from geo.volunteers import journal
from geo.volunteers.journal import Entry

ANNA = Entry(datetime(2026, 11, 22, 13, 5, tzinfo=UTC), Erased.volunteer, UUID("6fa459ea-ee8a-4ca4-894e-db77e160355e"))
BRAM = Entry(datetime(2026, 11, 23, 13, 5, tzinfo=UTC), Erased.account, UUID("16fd2706-8baf-433b-82eb-8c7fada847da"))
LINES = (
    "2026-11-22T13:05:00+00:00 volunteer 6fa459ea-ee8a-4ca4-894e-db77e160355e\n"
    "2026-11-23T13:05:00+00:00 account 16fd2706-8baf-433b-82eb-8c7fada847da\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "erasures"


def test_each_erasure_is_a_line_that_only_its_owner_may_read(file: Path) -> None:
    assert journal.read(file) == []
    assert journal.add(file, [BRAM, ANNA]) == 2
    assert file.read_text() == LINES
    assert file.stat().st_mode & 0o777 == 0o600
    assert journal.read(file) == journal.read(file, whole=True) == [ANNA, BRAM]


def test_who_is_in_it_already_is_not_added_again_and_nothing_makes_no_file(file: Path) -> None:
    assert journal.add(file, []) == 0
    assert not file.exists()
    journal.add(file, [ANNA])
    assert journal.add(file, [ANNA._replace(erased_at=BRAM.erased_at), BRAM]) == 1
    assert file.read_text() == LINES


@pytest.mark.parametrize(
    "line",
    [
        "", "gone", "2026-11-22T13:05:00+00:00 volunteer", "2026-11-22T13:05:00+00:00 visitor " + str(ANNA.id),
        "2026-11-22T13:05:00 volunteer " + str(ANNA.id), "yesterday volunteer " + str(ANNA.id),
        "2026-11-22T13:05:00+00:00 volunteer 6fa459ea-ee8a-4ca4-894e-db77e160355", "ë",
        "2026-11-22T13:05:00+00:00 volunteer " + str(ANNA.id) + " Anna",
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_an_error_that_names_it_and_nothing_is_added(file: Path, line: str) -> None:
    written = LINES + line + "\n" + LINES
    file.write_text(written)
    for attempt in (lambda: journal.read(file), lambda: journal.add(file, [ANNA])):
        with pytest.raises(Unavailable, match=f"Line 3 of {file} cannot be read"):
            attempt()
    assert file.read_text() == written


def test_a_last_line_that_was_cut_off_counts_as_not_written_and_is_mended_by_the_next(file: Path) -> None:
    for length in range(len(LINES) // 2 + 5, len(LINES)):
        file.write_text(LINES[:length])
        assert journal.read(file) == [ANNA]
        assert journal.add(file, [ANNA, BRAM]) == 1
        assert file.read_text() == LINES


def test_of_a_copy_a_last_line_that_was_cut_off_is_an_error_too(file: Path) -> None:
    file.write_text(LINES[:-5])
    with pytest.raises(Unavailable, match="Line 2 of"):
        journal.read(file, whole=True)


def test_a_file_that_cannot_be_read_or_written_is_one_clear_line(tmp_path: Path) -> None:
    for attempt in (lambda: journal.read(tmp_path), lambda: journal.add(tmp_path, [ANNA])):
        with pytest.raises(Unavailable, match=r"Cannot keep the journal of erasures in .*Is a directory"):
            attempt()
    with pytest.raises(Unavailable, match="No such file"):
        journal.add(tmp_path / "nowhere/erasures", [ANNA])


def _write(file: Path, number: int) -> None:
    for _ in range(50):
        journal.add(file, [Entry(datetime.now(UTC), Erased.volunteer, uuid4()), ANNA])


def test_of_processes_that_write_at_once_none_loses_a_line(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(file, number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    found = journal.read(file, whole=True)
    assert len(found) == len({entry.id for entry in found}) == 4 * 50 + 1


def _full(file: Path, room: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        journal.add(file, [BRAM])
    except Unavailable as refusal:
        os._exit(7 if "File too large" in str(refusal) else 8)


def test_where_the_disk_takes_no_more_what_was_written_before_stays_whole(file: Path) -> None:
    journal.add(file, [ANNA])
    before = file.read_bytes()
    process = multiprocessing.get_context("spawn").Process(target=_full, args=(file, len(before) + 10))
    process.start()
    process.join()
    assert process.exitcode == 7
    assert file.read_bytes() == before
