"""A request as a file of the corpus: its first line and header lines, an empty line, its body. Lengths come when it is sent."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Case:
    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    @property
    def anonymous(self) -> bool:
        """Sent without the administrator's certificate: it says itself who asks."""
        return any(name.lower() == b"authorization" for name, _ in self.headers)

    @property
    def endless(self) -> bool:
        """The answer may go on for as long as the client listens."""
        return re.search(rb"watch|follow|exec|attach|portforward", self.target) is not None

    def wire(self) -> bytes:
        return b"%b %b HTTP/1.1\r\nHost: fuzz\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n%b" % (
            self.method,
            self.target,
            b"".join(b"%b: %b\r\n" % header for header in self.headers),
            len(self.body),
            self.body,
        )

    def text(self) -> bytes:
        head = [b"%b %b" % (self.method, self.target), *(b"%b: %b" % header for header in self.headers)]
        return b"\n".join(head) + b"\n\n" + self.body

    def smaller(self, parts: int) -> list["Case"]:
        """This case with one of so many parts of its body or target left out, or with one header less."""
        out = [replace(self, headers=self.headers[:i] + self.headers[i + 1 :]) for i in range(len(self.headers))]
        for name in ("body", "target"):
            value = getattr(self, name)
            size = max(1, len(value) // parts)
            out += [replace(self, **{name: value[:at] + value[at + size :]}) for at in range(0, len(value), size)]
        return [case for case in out if case.target.startswith(b"/")]


def read(text: bytes) -> Case:
    head, _, body = text.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, target = first.partition(b" ")
    headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
    return Case(method, target, headers, body)


def corpus() -> dict[str, Case]:
    return {path.name: read(path.read_bytes()) for path in sorted(CORPUS.iterdir())}
