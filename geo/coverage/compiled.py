"""Machine code for the sums that go over millions of pairs: made once, kept beside the modules that hold them."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from numba import config, njit

Sum = TypeVar("Sum", bound=Callable[..., object])


def folder(modules: Path = Path(__file__).parent) -> Path:
    """Give where the machine code of some modules is kept: elsewhere as soon as a letter in any of them changes.

    Numba makes a function anew when its own module changes, but not when that of a function which it calls does.
    """
    digest = hashlib.sha256()
    for module in sorted(modules.glob("*.py")):
        text = module.read_bytes()
        if b"@compiled" in text:
            digest.update(text)
    return modules / "__pycache__" / digest.hexdigest()[:16]


def compiled(function: Sum) -> Sum:
    """Compile a function over arrays. It divides as numpy does, holds no lock, and keeps the order of its sums."""
    return cast(Sum, njit(cache=True, nogil=True, error_model="numpy")(function))


if not config.CACHE_DIR:  # type: ignore[attr-defined]  # numba sets what it finds in the environment
    config.CACHE_DIR = str(folder())  # type: ignore[attr-defined]
