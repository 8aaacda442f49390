"""`$(VAR)` in the words of a container: measured first, then written out, never longer than a process could be given.

A variable may name others, so a text of a few lines can stand for more than any memory. What is too long is known from lengths
alone. The bounds are the kernel's (execve(2): MAX_ARG_STRLEN, and a quarter of the usual 8 MiB of stack for all).
Source of the syntax: third_party/forked/golang/expansion.
"""

from collections.abc import Callable, Iterator, Mapping

from .fields import ConfigError

STRING_BYTES = 128 * 1024  # one string, its ending zero included
ALL_BYTES = 2 * 1024 * 1024  # the environment, the command and its arguments together
PATH_BYTES = 4096  # a path (PATH_MAX)


class Room:
    """What is left of a bound while strings are measured."""

    def __init__(self, all_bytes: int = ALL_BYTES, string_bytes: int = STRING_BYTES) -> None:
        self.string_bytes, self.all_bytes = string_bytes, all_bytes
        self.taken = 0

    def take(self, size_bytes: int, what: str) -> None:
        """Room for one string (its ending zero comes on top). Errors: ConfigError when it is too long, or all are."""
        if size_bytes >= self.string_bytes:
            raise ConfigError(
                f"{what} would be {_size_text(size_bytes)} long; the kernel takes less than {_size_text(self.string_bytes)}"
            )
        self.taken += size_bytes + 1
        if self.taken > self.all_bytes:
            raise ConfigError(
                f"environment, command and arguments together would be over {_size_text(self.all_bytes)} (reached at {what}); "
                "the kernel takes no more"
            )


def _size_text(size: int) -> str:
    return f"{size} bytes" if size < 1 << 40 else "over 1 TiB"


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """(literal, False) and (name, True) in their order: `$(NAME)` is a reference, `$$` stands for `$`."""
    at, last_close = 0, text.rfind(")")
    while (dollar := text.find("$", at)) >= 0:
        if dollar > at:
            yield text[at:dollar], False
        follows = text[dollar + 1 : dollar + 2]
        if follows == "(" and dollar + 2 <= last_close:
            end = text.index(")", dollar + 2)
            yield text[dollar + 2 : end], True
            at = end + 1
        else:
            yield "$" if follows in ("$", "") else "$" + follows, False
            at = dollar + 2
    if at < len(text):
        yield text[at:], False


def references(text: str) -> list[str]:
    """The names that `expand` would look up."""
    return [part for part, is_name in parts(text) if is_name] if "$" in text else []


def measured(text: str, size_of: Callable[[str], int | None]) -> int:
    """The length in bytes of what `expand` would make, from the lengths of the variables; None is one that is not known."""
    if "$" not in text:
        return size_bytes(text)
    total = 0
    for part, is_name in parts(text):
        known = size_of(part) if is_name else None
        total += known if known is not None else size_bytes(part) + (3 if is_name else 0)
    return total


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by its value, `$$` by `$`; what is not known stays as it is. Whoever calls has measured it."""
    if "$" not in text:
        return text
    return "".join(known.get(part, f"$({part})") if is_name else part for part, is_name in parts(text))


def expanded(text: str, known: Mapping[str, str], room: Room, what: str) -> str:
    """The text with its variables. Errors: ConfigError when there is no room for it; then nothing was made."""

    def size_of(name: str) -> int | None:
        value = known.get(name)
        return None if value is None else size_bytes(value)

    room.take(measured(text, size_of), what)
    return expand(text, known)


def size_bytes(text: str) -> int:
    """Of its UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
