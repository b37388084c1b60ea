"""Machine code for the sums that go over millions of pairs: made once, kept beside the module that holds them."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Sum = TypeVar("Sum", bound=Callable[..., object])


def compiled(function: Sum) -> Sum:
    """Compile a function over arrays. It divides as numpy does, holds no lock, and keeps the order of its sums."""
    return cast(Sum, njit(cache=True, nogil=True, error_model="numpy")(function))
