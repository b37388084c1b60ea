"""Where machine code is kept: never old code for new functions."""

from pathlib import Path

import numpy as np

from geo.coverage import compiled, grid

KERNEL = "@compiled\ndef plus(a, b):\n    return a + b\n"


def test_machine_code_is_kept_elsewhere_when_any_function_that_is_compiled_changes(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(KERNEL)
    (tmp_path / "two.py").write_text(KERNEL)
    (tmp_path / "plain.py").write_text("A = 1\n")
    before = compiled.folder(tmp_path)
    assert compiled.folder(tmp_path) == before
    (tmp_path / "plain.py").write_text("A = 2\n")
    assert compiled.folder(tmp_path) == before
    (tmp_path / "two.py").write_text(KERNEL.replace("+", "-"))
    assert compiled.folder(tmp_path) != before


def test_machine_code_of_this_version_is_kept_beside_the_modules() -> None:
    grid.of(np.array([[100_000.0, 400_000.0]]), 100)
    kept = sorted(each.name for each in compiled.folder().rglob("*.nbi"))
    assert any(name.startswith("grid.") for name in kept)
