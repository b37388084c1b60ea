"""A small mail server on this machine: it takes mail, in the clear or safe, and can be told to refuse."""

import socket
import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Post:
    """What a mail server was told: mails as they came, names and passwords, and whether each mail came safely."""

    port: int = 0
    mails: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    safely: list[bool] = field(default_factory=list)


def certificate(folder: Path) -> Path:
    """Make a certificate of this machine, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(1))
        .not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    held = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "mail.pem"
    file.write_bytes(held + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def taking(
    file: Path | None = None, *, at_once: bool = False, starttls: bool = True, refusing: bool = False
) -> Iterator[Post]:
    """Take mail on a free port.

    file      a certificate: mail can come safely, by STARTTLS or, `at_once`, from the first byte on
    refusing  no mail is taken
    """
    post, safe = Post(), None
    if file is not None:
        safe = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        safe.load_cert_chain(file)
    first, later = (safe, None) if at_once else (None, safe if starttls else None)

    class Talk(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                with first.wrap_socket(self.request, server_side=True) if first else self.request as line:
                    _talk(post, line, later, refusing=refusing)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Talk) as server:
        post.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield post
        server.shutdown()


def _talk(post: Post, line: socket.socket, later: ssl.SSLContext | None, *, refusing: bool) -> None:
    """Greet, then listen; after STARTTLS listen on, safely."""
    line.sendall(b"220 here\r\n")
    if _listen(post, line, safe=later is not None, refusing=refusing) and later:
        with later.wrap_socket(line, server_side=True) as safe:
            _listen(post, safe, safe=False, refusing=refusing)


def _listen(post: Post, line: socket.socket, *, safe: bool, refusing: bool) -> bool:
    """Take mail until the other side goes, or, with True, wants to go on safely. `safe` says that it can."""
    heard = line.makefile("rb")
    while told := heard.readline().decode().strip():
        word = told.upper().split()[0]
        if word == "EHLO":
            line.sendall(b"250-here\r\n" + (b"250-STARTTLS\r\n" if safe else b"") + b"250 AUTH PLAIN\r\n")
        elif word == "STARTTLS" and safe:
            line.sendall(b"220 go on\r\n")
            return True
        elif word == "AUTH":
            _, name, password = b64decode(told.split()[2]).decode().split("\0")
            post.logins.append((name, password))
            line.sendall(b"235 welcome\r\n")
        elif word == "RCPT" and refusing:
            line.sendall(b"550 there is no such person\r\n")
        elif word == "DATA":
            line.sendall(b"354 go on\r\n")
            post.mails.append(b"".join(iter(heard.readline, b".\r\n")).decode())
            post.safely.append(isinstance(line, ssl.SSLSocket))
            line.sendall(b"250 taken\r\n")
        elif word == "QUIT":
            line.sendall(b"221 bye\r\n")
            return False
        else:
            line.sendall(b"250 fine\r\n")
    return False
