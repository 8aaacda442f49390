"""What is secret in a text, whoever wrote it there: keys, tokens, passwords, and what somewhere else is a Secret's value.

Every pattern here takes time in proportion to the text, however that is made: texts come from strangers.

Tests: tests/engine/test_redaction.py
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

MARK = "redacted"  # also valid base64, for fields that are bytes
LEAST = 8  # characters of a Secret's value that is looked for elsewhere: shorter ones are words of their own
_WORD = r"(?:password|passwd|passphrase|token|secret|credentials?|(?:api|access|private|account)[-_.]?key)"

PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL)
ENCODED_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]*={0,2}")
TOKEN = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
IN_ADDRESS = re.compile(r"(://[^/\s:@]{0,256}:)([^/\s@]{1,256})(?=@)")
AUTHORIZATION = re.compile(r"(authorization['\"]?\s{0,4}[:=]\s{0,4}['\"]?(?:(?:bearer|basic|token)\s{1,4})?)([^\s'\"]+)", re.I)
SAID = re.compile(
    rf"({_WORD}(?:=['\"]?|['\"]\s{{0,4}}:\s{{0,4}}['\"]|(?P<yaml>[ \t]{{0,4}}:[ \t]{{1,4}}['\"]?)))([^\s'\",;&]+)", re.I
)  # --password=, "token": ", and the line of a file that begins with it
NAME = re.compile(r"[ \t\w.-]*")
SAYS_SO = re.compile(rf"[\w./-]{{0,256}}?{_WORD}", re.I)
OPTION = re.compile(rf"--?[\w-]{{0,64}}?{_WORD}", re.I)
PLAIN_WORD = re.compile(r"[a-z./-]+")

Found = Callable[[str, str], None]  # what it is, and the value


def is_called_secret(key: str) -> bool:
    """Whether a field of this name, or a variable, holds a secret by what it is called: dbPassword, API_KEY."""
    return len(key) <= 256 and SAYS_SO.fullmatch(key) is not None


def announces(word: str) -> bool:
    """Whether the next word of a command is a secret: --password."""
    return len(word) <= 256 and OPTION.fullmatch(word) is not None


def without_secrets(text: str, found: Found) -> str:
    """The text with marks in the place of what looks like a secret; `found` is told of each."""

    def marked(what: str) -> Callable[[re.Match[str]], str]:
        def mark(match: re.Match[str]) -> str:
            value = match[match.re.groups]  # the last group, or all of it
            if value == MARK or (match.re is SAID and match["yaml"] and not _begins_a_line(match)):
                return match[0]
            found(what, value)
            return (match[1] if match.re.groups else "") + MARK

        return mark

    def pem(match: re.Match[str]) -> str:
        try:
            is_key = b"PRIVATE KEY" in base64.b64decode(match[0][:80])
        except binascii.Error:
            is_key = False
        return marked("private key")(match) if is_key else match[0]

    if "PRIVATE KEY" in text:
        text = PRIVATE_KEY.sub(marked("private key"), text)
    if "LS0tLS1CRUdJTi" in text:
        text = ENCODED_PEM.sub(pem, text)
    if "eyJ" in text:
        text = TOKEN.sub(marked("token"), text)
    if "://" in text:
        text = IN_ADDRESS.sub(marked("password in a text"), text)
    if "=" in text or ":" in text:
        for pattern in (AUTHORIZATION, SAID):
            text = pattern.sub(marked("password in a text"), text)
    return text


def _begins_a_line(match: re.Match[str]) -> bool:
    """Whether what is called a secret is the first of its line, as in a file: a sentence may say so too."""
    before = match.string[max(match.start() - 128, 0) : match.start()]
    _, newline, line = before.rpartition("\n")
    return (bool(newline) or match.start() < 128) and NAME.fullmatch(line) is not None


def worth_looking_for(value: bytes) -> Iterator[str]:
    """What of a Secret's value is looked for in other places: itself, and what it holds as JSON."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    for part in (text, *_leaves(text)):
        part = part.strip()
        if len(part) >= LEAST and not PLAIN_WORD.fullmatch(part):
            yield part


def _leaves(text: str) -> Iterator[str]:
    if not text.lstrip().startswith("{"):
        return
    try:
        waiting: list[Any] = [msgspec.json.decode(text)]
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
