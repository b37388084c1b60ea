from pathlib import Path

import pytest
from pydantic import ValidationError

from geo import settings
from geo.errors import InvalidInput
from geo.settings import Settings, read, unknown_variables


def test_without_any_variable_every_setting_has_a_default() -> None:
    made = read()
    assert (made.host, made.port, made.database_url, made.norm_m) == ("127.0.0.1", 8000, None, 800)


def test_a_variable_sets_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAART_PORT", "8123")
    monkeypatch.setenv("kaart_norm_m", "400")
    assert (read().port, read().norm_m) == (8123, 400)


def test_an_unknown_variable_stops_the_start_and_names_the_nearest_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAART_PROT", "8123")
    with pytest.raises(InvalidInput, match="KAART_PROT is not a setting; the nearest is KAART_PORT"):
        read()


def test_a_variable_of_another_program_is_left_alone() -> None:
    assert unknown_variables(["KAARTEN", "PORT", "XKAART_PORT"]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "a door"),
        ("DETOUR", "nan"),
        ("DETOUR", "0.9"),
        ("NORM_M", "-1"),
        ("TILE_URL", "https://tiles.example.nl/one.png"),
        ("TILE_URL", "javascript:{x}{y}{z}"),
        ("TILE_URL", "https://tiles.example.nl/{z}/{x}/{y}.png; script-src *"),
        ("PUBLIC_URL", "kaart.example.nl"),
        ("DATABASE_URL", "mysql://localhost/kaart"),
        ("DATABASE_URL", "nonsense"),
        ("SECRET", "short"),
        ("LOG_JSON", "perhaps"),
        ("OIDC_ISSUER", "login.example.nl"),
        ("OIDC_ISSUER", "http://login.example.nl"),
        ("OIDC_ISSUER", "https://login.example.nl/?tenant=1"),
        ("OIDC_ISSUER", "https://login.example.nl/#here"),
        ("OIDC_NAME", "x" * 61),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"KAART_{name}", value)
    with pytest.raises(InvalidInput, match=f"KAART_{name} (is|must) "):
        read()


def test_a_refused_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAART_DATABASE_URL", "mysql://kaart:s3cret@localhost/kaart")
    with pytest.raises(InvalidInput) as refusal:
        read()
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["postgres://", "postgresql://", "postgresql+psycopg://", "postgresql+psycopg2://"])
def test_every_way_to_write_a_postgresql_address_is_understood(url: str) -> None:
    made = Settings(database_url=f"{url}kaart:pw@db.example.nl/kaart")
    assert made.database_url == "postgresql+psycopg://kaart:pw@db.example.nl/kaart"


def test_an_empty_variable_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "VAR", "PUBLIC_URL", "SECRET", "TILE_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID"):
        monkeypatch.setenv(f"KAART_{name}", "")
    made = read()
    assert (made.database_url, made.var, made.public_url, made.secret, made.tile_url) == (
        None,
        None,
        None,
        None,
        "",
    )


PROVIDER = {
    "OIDC_ISSUER": "https://login.example.nl/",
    "OIDC_CLIENT_ID": "kaart",
    "PUBLIC_URL": "https://kaart.example.nl",
}


def test_an_issuer_is_kept_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**PROVIDER, "OIDC_CLIENT_SECRET": "s3cret"}.items():
        monkeypatch.setenv(f"KAART_{name}", value)
    made = read()
    assert (made.oidc_issuer, made.oidc_client_id) == ("https://login.example.nl/", "kaart")
    assert made.oidc_client_secret is not None
    assert made.oidc_client_secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(made)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080"])
def test_an_issuer_on_this_machine_needs_no_https(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    for name, value in {**PROVIDER, "OIDC_ISSUER": f"http://{host}/realms/test"}.items():
        monkeypatch.setenv(f"KAART_{name}", value)
    assert read().oidc_issuer == f"http://{host}/realms/test"


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("OIDC_CLIENT_ID", "KAART_OIDC_CLIENT_ID must be set where KAART_OIDC_ISSUER is"),
        ("PUBLIC_URL", "is of no use without KAART_PUBLIC_URL: the provider sends people back to that address"),
    ],
)
@pytest.mark.parametrize("empty", [True, False])
def test_half_a_provider_stops_the_start(monkeypatch: pytest.MonkeyPatch, without: str, told: str, empty: bool) -> None:
    for name, value in PROVIDER.items():
        if name != without or empty:
            monkeypatch.setenv(f"KAART_{name}", "" if name == without else value)
    with pytest.raises(InvalidInput, match=told):
        read()


def test_the_file_of_the_checkout_is_read_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("KAART_PORT=8001\nKAART_NORM_M=400\nOTHER=1\n")
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setenv("KAART_PORT", "8002")
    assert (read().port, read().norm_m) == (8002, 400)


def test_an_unknown_variable_in_the_file_stops_the_start_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("KAART_HOSTS=0.0.0.0\n")
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path)
    with pytest.raises(InvalidInput, match="KAART_HOSTS is not a setting; the nearest is KAART_HOST"):
        read()


def test_settings_cannot_be_changed_after_they_are_made() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_neither_password_nor_key_is_shown_when_settings_are_printed() -> None:
    shown = repr(Settings(database_url="postgresql://kaart:s3cret@db/kaart", secret="a very secret key indeed"))
    assert "s3cret" not in shown
    assert "very secret" not in shown
