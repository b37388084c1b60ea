import os
import stat
from pathlib import Path

import pytest

from geo import folder
from geo.errors import Unavailable
from geo.settings import Settings

ROOT = os.geteuid() == 0


def test_the_folder_that_is_set_is_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    wanted = tmp_path / "deep" / "var"
    database = "postgresql://elsewhere/kaart"
    assert folder.var(Settings(var=wanted, database_url=database)) == wanted
    assert wanted.is_dir()


def test_a_folder_that_cannot_be_made_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"Cannot make the folder .*file/var.*KAART_VAR"):
        folder.var(Settings(var=tmp_path / "file" / "var", database_url="postgresql://elsewhere/kaart"))


@pytest.mark.skipif(not ROOT, reason="only root runs the database as another user")
def test_a_folder_that_the_database_user_cannot_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(Unavailable, match="The user postgres, who runs the database, cannot enter"):
        folder.var(Settings(var=tmp_path / "var"))
    assert not (tmp_path / "var").exists()


@pytest.mark.skipif(not ROOT, reason="only root runs the database as another user")
def test_two_checkouts_that_the_database_user_cannot_enter_get_a_system_folder_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "SYSTEM_FOLDER", tmp_path / "system")
    found = []
    for name in ("one", "two"):
        checkout = tmp_path / name
        checkout.mkdir(mode=0o700)
        monkeypatch.setattr(folder, "CHECKOUT", checkout)
        found.append(folder.var(Settings()))
        assert found[-1] == folder.var(Settings())
    assert found[0] != found[1]
    assert {place.parent for place in found} == {tmp_path / "system"}


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, database_url="postgresql://elsewhere/kaart")
    key = folder.secret(settings)
    assert len(key) == 64
    assert folder.secret(settings) == key
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_the_key_that_is_set_goes_before_the_one_kept(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, secret="a very secret key indeed")
    assert folder.secret(settings) == b"a very secret key indeed"
    assert list(tmp_path.iterdir()) == []
