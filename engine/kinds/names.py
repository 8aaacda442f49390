"""The grammars of names and small values: each check gives the messages of what is wrong, none when nothing is.

Source: k8s.io/apimachinery/pkg/util/validation and pkg/api/validation of Kubernetes 1.32.

Tests: tests/engine/kinds/test_small_kinds.py
"""

import ipaddress
import re
from collections.abc import Callable

from shipslog.store.objects.memo import remembered

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
WILDCARD = rf"\*\.{SUBDOMAIN}"
DNS_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_VALUE = f"({QUALIFIED})?"
CONFIG_KEY = "[-._a-zA-Z0-9]+"
PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
HTTP_HEADER = "[-A-Za-z0-9]+"

Messages = tuple[str, ...]
Check = Callable[[str], Messages]

EMPTY = "must be non-empty"
PORT_RANGE = "must be between 1 and 65535, inclusive"
ID_RANGE = "must be between 0 and 2147483647, inclusive"
IP_WORDS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_WORDS = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def longest(limit: int) -> str:
    return f"must be no more than {limit} characters"


def pattern_words(words: str, pattern: str, *examples: str) -> str:
    """How Kubernetes tells of a pattern that does not match."""
    if not examples:
        return f"{words} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{e}', " for e in examples)
    return f"{words} (e.g. {shown}regex used for validation is '{pattern}')"


LABEL_WORDS = pattern_words(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
    "alphanumeric character", LABEL, "my-name", "123-abc",
)  # fmt: skip
SUBDOMAIN_WORDS = pattern_words(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
    "with an alphanumeric character", SUBDOMAIN, "example.com",
)  # fmt: skip
DNS_1035_WORDS = pattern_words(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end "
    "with an alphanumeric character", DNS_1035, "my-name", "abc-123",
)  # fmt: skip
QUALIFIED_WORDS = pattern_words(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    QUALIFIED, "MyName", "my.name", "123-abc",
)  # fmt: skip
LABEL_VALUE_WORDS = pattern_words(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character", LABEL_VALUE, "MyValue", "my_value", "12345",
)  # fmt: skip
CONFIG_KEY_WORDS = pattern_words(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    CONFIG_KEY,
    "key.name",
    "KEY_NAME",
    "key-name",
)
HTTP_HEADER_WORDS = pattern_words(
    "a valid HTTP header must consist of alphanumeric characters or '-'", HTTP_HEADER, "X-Header-Name"
)
WILDCARD_WORDS = pattern_words(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case "
    "alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    WILDCARD,
    "*.example.com",
)
PERCENT_WORDS = pattern_words(
    "a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", "1%", "93%"
)
ENV_WORDS = "a valid environment variable name must consist only of printable ASCII characters other than '='"
FQDN_WORDS = "should be a domain with at least two segments separated by dots"

is_label = re.compile(LABEL).fullmatch
is_subdomain = re.compile(SUBDOMAIN).fullmatch
is_wildcard = re.compile(WILDCARD).fullmatch
is_dns_1035 = re.compile(DNS_1035).fullmatch
is_qualified = re.compile(QUALIFIED).fullmatch
is_label_value = re.compile(LABEL_VALUE).fullmatch
is_config_key = re.compile(CONFIG_KEY).fullmatch
is_http_header = re.compile(HTTP_HEADER).fullmatch
is_path = re.compile(PATH).fullmatch
is_percent = re.compile(r"[0-9]{1,10}%").fullmatch
is_env_name = re.compile(r"[ -<>-~]+").fullmatch
is_port_name = re.compile(r"[-a-z0-9]+").fullmatch
has_letter = re.compile(r"[a-z]").search
is_ipv4 = re.compile(r"(?:0*(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}0*(?:25[0-5]|2[0-4]\d|1?\d?\d)").fullmatch


def label(value: str) -> Messages:
    """RFC 1123 label, 63 characters."""
    if len(value) <= 63 and is_label(value):
        return ()
    return ((longest(63),) if len(value) > 63 else ()) + (() if is_label(value) else (LABEL_WORDS,))


def subdomain(value: str) -> Messages:
    """RFC 1123 subdomain, 253 characters."""
    if len(value) <= 253 and is_subdomain(value):
        return ()
    return ((longest(253),) if len(value) > 253 else ()) + (() if is_subdomain(value) else (SUBDOMAIN_WORDS,))


def wildcard(value: str) -> Messages:
    """A subdomain behind a star: *.example.com."""
    if len(value) <= 253 and is_wildcard(value):
        return ()
    return ((longest(253),) if len(value) > 253 else ()) + (() if is_wildcard(value) else (WILDCARD_WORDS,))


def dns_1035(value: str) -> Messages:
    """RFC 1035 label, 63 characters: the name of a Service."""
    if len(value) <= 63 and is_dns_1035(value):
        return ()
    return ((longest(63),) if len(value) > 63 else ()) + (() if is_dns_1035(value) else (DNS_1035_WORDS,))


def path_segment(value: str) -> Messages:
    """Anything that fits between two slashes of a URL."""
    if value in (".", ".."):
        return (f"may not be '{value}'",)
    return tuple(f"may not contain '{c}'" for c in "/%" if c in value)


def as_prefix(value: str) -> str:
    """A generateName as it is checked: the dash at its end gets something behind it."""
    return value[:-2] + "a" if len(value) > 1 and value.endswith("-") else value


@remembered(entries=4096)  # the same few keys come again and again
def qualified(value: str) -> Messages:
    """An optional subdomain and a slash, then a name of 63 characters: the key of a label."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        return (
            f"a qualified name {QUALIFIED_WORDS} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
        )
    found: list[str] = []
    if slash:
        found += [f"prefix part {m}" for m in (subdomain(prefix) if prefix else (EMPTY,))]
    if not name:
        found.append(f"name part {EMPTY}")
    elif len(name) > 63:
        found.append(f"name part {longest(63)}")
    if not is_qualified(name):
        found.append(f"name part {QUALIFIED_WORDS}")
    return tuple(found)


def label_value(value: str) -> Messages:
    if len(value) <= 63 and is_label_value(value):
        return ()
    return ((longest(63),) if len(value) > 63 else ()) + (() if is_label_value(value) else (LABEL_VALUE_WORDS,))


def config_key(value: str) -> Messages:
    """A key of a ConfigMap or a Secret: it becomes a file's name."""
    found: Messages = (longest(253),) if len(value) > 253 else ()
    if not is_config_key(value):
        found += (CONFIG_KEY_WORDS,)
    if value in (".", ".."):
        return (*found, f"must not be '{value}'")
    return (*found, "must not start with '..'") if value.startswith("..") else found


def percent(value: str) -> Messages:
    return () if is_percent(value) else (PERCENT_WORDS,)


def domain_prefixed(value: str) -> Messages:
    """A subdomain, a slash, and a path behind it: example.com/manager."""
    prefix, slash, path = value.partition("/")
    if not slash or not prefix or not path:
        return ('must be a domain-prefixed path (such as "acme.io/foo")',)
    return subdomain(prefix) or (() if is_path(path) else (f"Invalid path (regex used for validation is '{PATH}')",))


def env_name(value: str) -> Messages:
    """The name of an environment variable: any printable ASCII but `=` (as since 1.32)."""
    return () if is_env_name(value) else (ENV_WORDS,)


def port_name(value: str) -> Messages:
    """An IANA service name: 15 characters, a letter in it, no two hyphens in a row."""
    found: list[str] = []
    if len(value) > 15:
        found.append(longest(15))
    if not is_port_name(value):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not has_letter(value):
        found.append("must contain at least one letter (a-z)")
    if "--" in value:
        found.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        found.append("must not begin or end with a hyphen")
    return tuple(found)


def port(value: int) -> Messages:
    return () if 1 <= value <= 65535 else (PORT_RANGE,)


def user_id(value: int) -> Messages:
    return () if 0 <= value <= 2147483647 else (ID_RANGE,)


def http_header(value: str) -> Messages:
    return () if is_http_header(value) else (HTTP_HEADER_WORDS,)


def fully_qualified(value: str) -> Messages:
    """A domain name with a dot in it; one dot at its end is tolerated."""
    value = value.removesuffix(".")
    if not value:
        return (EMPTY,)
    if messages := subdomain(value):
        return messages
    return () if "." in value else (FQDN_WORDS,)


def three_segments(value: str) -> Messages:
    """A domain name with two dots in it: the name of a webhook."""
    if not value:
        return (EMPTY,)
    if messages := subdomain(value):
        return messages
    return () if value.count(".") >= 2 else ("should be a domain with at least three segments separated by dots",)


def parse_ip(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, or None. Leading zeros are tolerated, as Kubernetes does for what was once stored."""
    if is_ipv4(value):
        return ipaddress.IPv4Address(".".join(str(int(part)) for part in value.split(".")))
    try:
        return None if "%" in value else ipaddress.IPv6Address(value)
    except ValueError:
        return None


def ip(value: str) -> Messages:
    return () if is_ipv4(value) or parse_ip(value) is not None else (IP_WORDS,)


def cidr(value: str) -> Messages:
    """An address with a prefix length; bits behind the prefix are tolerated."""
    address, slash, bits = value.partition("/")
    parsed = parse_ip(address)
    if not slash or parsed is None or not bits.isascii() or not bits.isdigit() or int(bits) > parsed.max_prefixlen:
        return (CIDR_WORDS,)
    return ()


def network(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network of what is a CIDR."""
    address, _, bits = value.partition("/")
    return ipaddress.ip_network(f"{parse_ip(address)}/{int(bits)}", strict=False)


def special_ip(value: str) -> Messages:
    """What keeps an address from being one of a backend: nobody else could reach it."""
    address = parse_ip(value)
    if address is None:
        return ("must be a valid IP address",)
    found: list[str] = []
    if address.is_unspecified:
        found.append(f"may not be unspecified ({value})")
    if address.is_loopback:
        found.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        found.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address in LINK_LOCAL_MULTICAST[address.version]:
        found.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return tuple(found)


LINK_LOCAL_MULTICAST = {4: ipaddress.ip_network("224.0.0.0/24"), 6: ipaddress.ip_network("ff02::/16")}
