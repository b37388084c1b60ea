"""What must never be in the repository: secrets, places of one machine, addresses of download servers."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from geo.settings import CHECKOUT

LARGEST_BYTES = 3_000_000
DOWNLOAD_HOSTS = [".".join(parts) for parts in (("registry", "npmjs", "org"), ("pythonhosted", "org"), ("pypi", "org"))]
SECRETS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "access key of a cloud": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b",
    "token of a code host": r"\b(ghp|gho|ghu|ghs|ghr|github_pat|glpat|npm|pypi|hf)[_-][A-Za-z0-9_-]{30,}",
    "token of a chat or a payment service": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\b[rs]k_(live|test)_[A-Za-z0-9]{16,}",
    "signed token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "hash of a password": r"\$argon2id\$v=\d+\$[^$\s]+\$[\w+/]{16,}\$[\w+/]{32,}|\$2[aby]\$\d\d\$[./\w]{53}",
    "API key of ours": r"\bkaart_[0-9a-f]{8}_[A-Za-z0-9_-]{30,}",
    "password in an address": r"\b[a-z+]+://[A-Za-z0-9._-]+:(?!pw@|password@|s3cret@|\{|\$|\*)[^\s@/'\"`]{3,}@",
    "password or key in a setting": r"^\s*(export\s+)?[A-Z_]*(PASSWORD|SECRET|TOKEN|API_KEY)=(?!\$|\{|<|…)[^\s'\"]{8,}",
}
EXAMPLES = {  # put together here, so that they are not found themselves
    "private key": ["-----BEGIN ", "RSA PRIVATE KEY-----"],
    "access key of a cloud": ["AK", "IA", "ABCDEFGH12345678"],
    "token of a code host": ["github", "_pat_", "a1" * 20],
    "token of a chat or a payment service": ["sk", "_live_", "a1" * 10],
    "signed token": ["ey", "J" + "a" * 12, ".ey", "J" + "b" * 12, ".", "c" * 12],
    "hash of a password": ["$argon2", "id$v=19$m=65536,t=3,p=4$", "c2" * 11, "$", "aB" * 21],
    "API key of ours": ["kaart", "_0123abcd_", "x" * 43],
    "password in an address": ["https://somebody", ":", "hunter22", "@example.org"],
    "password or key in a setting": ["KAART_", "SECRET", "=", "0123456789abcdef"],
}
KEPT_APART = re.compile(
    r"(^|/)(\.env(?!\.example$)[^/]*|id_(rsa|ed25519|ecdsa)|.*\.(pem|key|p12|pfx|jks|kdbx)|\.netrc|\.pgpass)$"
)


def files() -> list[Path]:
    """Give all files that are, or are about to be, in the repository."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [path for name in listed.split("\0") if name and (path := CHECKOUT / name).is_file()]


def lines(path: Path) -> list[tuple[str, str]]:
    """Give the lines of a text file, each with its place; none for a picture."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return [(f"{path.relative_to(CHECKOUT)}:{number}", line) for number, line in enumerate(text.splitlines(), 1)]


@pytest.fixture(scope="module")
def text() -> list[tuple[str, str]]:
    return [line for path in files() for line in lines(path)]


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_is_in_the_repository(what: str, text: list[tuple[str, str]]) -> None:
    assert [place for place, line in text if re.search(SECRETS[what], line)] == []


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_would_be_found(what: str) -> None:
    assert re.search(SECRETS[what], "".join(EXAMPLES[what]))


def test_no_file_that_usually_holds_secrets_is_in_the_repository() -> None:
    names = [str(path.relative_to(CHECKOUT)) for path in files()]
    assert [name for name in names if KEPT_APART.search(name)] == []
    assert all(KEPT_APART.search(name) for name in (".env", "deploy/.env.local", "tls/server.pem", "id_ed25519"))


@pytest.mark.parametrize("host", DOWNLOAD_HOSTS)
def test_no_address_of_a_download_server_is_in_the_repository(host: str, text: list[tuple[str, str]]) -> None:
    assert [place for place, line in text if host in line] == []


def test_no_folder_of_somebody_s_machine_is_in_the_repository(text: list[tuple[str, str]]) -> None:
    machine = re.compile(r"(?<![\w.~-])/(work|root|home|Users|opt)/\w")
    assert [place for place, line in text if machine.search(line)] == []


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for name in ("run", "test"):
        lock = (CHECKOUT / f"requirements/{name}.lock").read_text()
        wanted = re.findall(r"^[a-z0-9][^=\s]*==", lock, re.MULTILINE)
        assert "://" not in lock
        assert len(wanted) == len(re.findall(r"==[^\n]*\\\n    --hash=sha256:", lock)) > 20
    packages = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_what_is_tested_is_what_runs() -> None:
    run, test = (
        dict(
            re.findall(r"^([a-z0-9][^=\s]*)==(\S+)", (CHECKOUT / f"requirements/{name}.lock").read_text(), re.MULTILINE)
        )
        for name in ("run", "test")
    )
    assert run == {name: test.get(name) for name in run}


def test_no_file_is_too_large_for_a_clone() -> None:
    assert [str(path) for path in files() if path.stat().st_size > LARGEST_BYTES] == []
