"""How many questions a server answers: wrk with 16 connections that are kept open, on one thread, walking a list."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("walk.lua")


class Measured(NamedTuple):
    """What came of one turn.

    length  bytes of an answer, its headers included
    busy    of one core, what wrk itself took
    """

    per_s: float
    p50_ms: float
    p99_ms: float
    length: float
    busy: float


def load(address: str, questions: Path, turn: int, seconds: int, encoding: str = "") -> Measured:
    """Ask a list of paths over and over; `turn` makes what varies in them new. A failure ends all."""
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s", "-s", str(SCRIPT), address, "--"]
    command = [*wrk, str(questions), str(turn), *([encoding] if encoding else [])]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    found = re.search(r"^MEASURED (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", said, re.MULTILINE)
    if process.returncode or not found:
        sys.exit(f"{' '.join(command)}\n{said}")
    number, took_us, p50_us, p99_us, length, failed = map(int, found.groups())
    if failed:
        sys.exit(f"{failed} of {number} answers of {questions} at {address} failed.\n{said}")
    busy = (used.ru_utime + used.ru_stime) / (time.perf_counter() - began)
    return Measured(number / took_us * 1e6, p50_us / 1000, p99_us / 1000, length / max(number, 1), busy)
