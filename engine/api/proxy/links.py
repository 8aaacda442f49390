"""Links in pages, given the proxy's path: a page is rewritten as it comes, and little of it is held.

A tag that is longer than any that is meant for people, or never ends, ends the rewriting: the rest goes on as it is.
Source: apimachinery's util/proxy/transport.go; the tags by golang.org/x/net/html.
"""

import html
import posixpath
import re
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

LONGEST_TAG = 64 * 1024
LONGEST_PAGE = 16 << 20  # bytes whose links are rewritten; the rest of a page goes on as it is
ATTRIBUTES = {
    "a": {"href"},
    "applet": {"codebase"},
    "area": {"href"},
    "audio": {"src"},
    "base": {"href"},
    "blockquote": {"cite"},
    "body": {"background"},
    "button": {"formaction"},
    "command": {"icon"},
    "del": {"cite"},
    "embed": {"src"},
    "form": {"action"},
    "frame": {"longdesc", "src"},
    "head": {"profile"},
    "html": {"manifest"},
    "iframe": {"longdesc", "src"},
    "img": {"longdesc", "src", "usemap"},
    "input": {"src", "usemap", "formaction"},
    "ins": {"cite"},
    "link": {"href"},
    "object": {"classid", "codebase", "data", "usemap"},
    "q": {"cite"},
    "script": {"src"},
    "source": {"src"},
    "video": {"poster", "src"},
}
RAW = ("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp")  # what is in them is no tag
_NAMES = "|".join(sorted({*ATTRIBUTES, *RAW}, key=len, reverse=True))
_BEGIN = re.compile(rb"<(?:(!--)|(%b)(?=[\s/>]))" % _NAMES.encode(), re.I)
_END = re.compile(rb"""(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_PIECE = re.compile(rb"""([^\s=/>"']++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]++))?+|.""", re.S)
_COMMENT_END = re.compile(b"-->")
_RAW_END = {name: re.compile(b"</" + name.encode(), re.I) for name in RAW}
_TAIL = 16  # bytes at the end in which a tag's name, or the end of what is raw, may have begun

Rewrite = Callable[[str], str]


class Page:
    """One page. `feed` gives what can go on of what has come; `end` the rest."""

    def __init__(self, rewrite: Rewrite) -> None:
        self._rewrite, self._held, self._seen = rewrite, b"", 0
        self._until: re.Pattern[bytes] | None = None  # what ends the raw part that we are in
        self._done = False

    def feed(self, data: bytes) -> bytes:
        self._seen += len(data)
        if self._done:
            return data
        text, self._held = self._held + data, b""
        if self._seen > LONGEST_PAGE:
            self._done = True
            return text
        out: list[bytes] = []
        at = self._walk(text, out)
        self._held = text[at:] if not self._done else b""
        if self._done:
            out.append(text[at:])
        return b"".join(out)

    def end(self) -> bytes:
        held, self._held = self._held, b""
        return held

    def _walk(self, text: bytes, out: list[bytes]) -> int:
        """Rewrite what is whole; -> where what is held begins."""
        at = 0
        while True:
            if self._until is not None:
                close = self._until.search(text, at)
                if close is None:
                    return self._emit(text, at, max(at, len(text) - _TAIL), out)
                at, self._until = self._emit(text, at, close.end(), out), None
            begin = _BEGIN.search(text, at)
            if begin is None:
                return self._emit(text, at, _safe_end(text, at), out)
            at = self._emit(text, at, begin.start(), out)
            if begin[1]:
                at, self._until = self._emit(text, at, begin.end(), out), _COMMENT_END
                continue
            end = _END.match(text, begin.end())
            if end is None:
                self._done = len(text) - at > LONGEST_TAG
                return at
            name = begin[2].decode().lower()
            out.append(text[at : begin.end()] + self._tag(name, text[begin.end() : end.end()]))
            at = end.end()
            if name in RAW:
                self._until = _RAW_END[name]

    @staticmethod
    def _emit(text: bytes, start: int, end: int, out: list[bytes]) -> int:
        out.append(text[start:end])
        return end

    def _tag(self, name: str, rest: bytes) -> bytes:
        wanted = ATTRIBUTES.get(name)
        if not wanted or len(rest) > LONGEST_TAG:
            return rest
        return _PIECE.sub(lambda piece: self._attribute(wanted, piece), rest)

    def _attribute(self, wanted: set[str], piece: re.Match[bytes]) -> bytes:
        value = piece[2]
        if value is None or piece[1].decode("latin-1").lower() not in wanted:
            return piece[0]
        quote = value[:1] if value[:1] in (b'"', b"'") else b""
        before = html.unescape((value[1:-1] if quote else value).decode("utf-8", "surrogateescape"))
        after = self._rewrite(before)
        if after == before:
            return piece[0]
        made = html.escape(after).encode("utf-8", "surrogateescape")
        return piece[0][: piece.start(2) - piece.start()] + b'"' + made + b'"'


def _safe_end(text: bytes, at: int) -> int:
    """Up to where no tag can have begun."""
    last = text.rfind(b"<", max(at, len(text) - _TAIL))
    return last if last >= 0 else len(text)


def rewritten(url: str, *, prefix: str, host: str, asked_host: str) -> str:
    """A link of a page that was fetched from `host`, as it works behind the proxy's path `prefix`. `asked_host`: what
    the page's server was told that it is called. Links to elsewhere, and relative ones, stay as they are."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.path.startswith("/") or parts.netloc not in ("", host, asked_host):
        return url
    if parts.netloc != asked_host:
        parts = parts._replace(scheme="", netloc="")
    if not parts.path.startswith(prefix):
        slash = "/" if parts.path.endswith("/") else ""
        parts = parts._replace(path=posixpath.normpath(f"{prefix}/{parts.path.lstrip('/')}") + slash)
    made = urlunsplit(parts)
    return made if made != url else url
