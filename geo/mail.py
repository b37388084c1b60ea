"""Mail: how it is sent, and the texts that are: that there is news, and no words or name of anybody."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from geo.errors import Unavailable
from geo.settings import THIS_MACHINE

TIMEOUT_S = 20
PORTS = {"smtp": 587, "smtps": 465}
OWN_MACHINE = THIS_MACHINE


class Post(NamedTuple):
    """Where mail is handed in, and in whose name.

    url     smtp://name:password@host:587 (made safe by STARTTLS), or smtps:// for a server that begins so
    sender  an address, with a name before it or not
    """

    url: str
    sender: str


class Text(NamedTuple):
    """What a mail says. `{link}` stands for an address of this service."""

    subject: str
    body: str


ASKED = Text(
    "Iemand vraagt je iets · Somebody asks you something",
    """Hallo,

Op de Levende Kaart vraagt een sociaal makelaar je iets. Meld je aan om te lezen wat, en van wie:

{link}

Je kunt ja of nee zeggen. Je adres en je naam geven wij niet door. Antwoord je niet binnen 30 dagen, dan verdwijnt
de vraag.

---

Hello,

A social broker asks you something on the Levende Kaart. Sign in at the address above to read what, and who asks. You
can say yes or no. We pass on neither your address nor your name. Without an answer within 30 days the question is gone.
""",
)
ANSWERED = Text(
    "Er is antwoord op je vraag · There is an answer to your question",
    """Hallo,

Een vrijwilliger heeft op je vraag geantwoord. Meld je aan om het antwoord te lezen:

{link}

---

Hello,

A volunteer has answered your question. Sign in at the address above to read the answer.
""",
)


def send(post: Post, to: str, text: Text, link: str) -> None:
    """Hand in a mail. Raises Unavailable where the server does not take it, without saying for whom it was."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = post.sender, to, text.subject
    message["Date"], message["Message-ID"] = formatdate(localtime=False), make_msgid(domain="levende-kaart.invalid")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer by a machine
    message.set_content(text.body.format(link=link))
    try:
        with _connected(post) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"The mail server does not take our mail ({type(error).__name__}).") from None


def _connected(post: Post) -> smtplib.SMTP:
    """Connect and say who we are; a password is never sent in the clear, but to this machine."""
    parts = urlsplit(post.url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    safe = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=safe)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    try:
        _introduce(server, safe, parts)
    except BaseException:
        server.close()
        raise
    return server


def _introduce(server: smtplib.SMTP, safe: ssl.SSLContext, parts: SplitResult) -> None:
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=safe)
    elif parts.scheme == "smtp" and parts.hostname not in OWN_MACHINE:
        raise smtplib.SMTPNotSupportedError("STARTTLS")
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
