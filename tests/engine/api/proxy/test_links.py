"""Links in pages, as the API server's proxy writes them, however the page comes; and pages that are meant to do harm."""

import time

import pytest

from shipslog.engine.api.proxy.links import LONGEST_PAGE, LONGEST_TAG, Page, rewritten

PREFIX = "/api/v1/namespaces/ns/pods/p/proxy"


def link(url: str) -> str:
    return rewritten(url, prefix=PREFIX, host="10.0.0.1:80", asked_host="api:6443")


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("/a", f"{PREFIX}/a"),
        ("/a/", f"{PREFIX}/a/"),
        ("/", f"{PREFIX}/"),
        ("/a?b=c#d", f"{PREFIX}/a?b=c#d"),
        ("http://10.0.0.1:80/a", f"{PREFIX}/a"),
        ("http://api:6443/a", f"http://api:6443{PREFIX}/a"),
        (f"{PREFIX}/a", f"{PREFIX}/a"),
        ("/a/../b//c", f"{PREFIX}/b/c"),
        ("a/b", "a/b"),
        ("", ""),
        ("#top", "#top"),
        ("mailto:somebody@example.com", "mailto:somebody@example.com"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("http://example.com/a", "http://example.com/a"),
        ("//example.com/a", "//example.com/a"),
        ("http://[broken/a", "http://[broken/a"),
    ],
)
def test_a_link(url: str, wanted: str) -> None:
    assert link(url) == wanted


PAGES = {
    '<a href="/x">': f'<a href="{PREFIX}/x">',
    "<A HREF='/x' class=y>": f'<A HREF="{PREFIX}/x" class=y>',
    "<img alt=/x src=/x>": f'<img alt=/x src="{PREFIX}/x">',
    "<img src = /x\n>": f'<img src = "{PREFIX}/x"\n>',
    '<a href="/x?a=1&amp;b=2">': f'<a href="{PREFIX}/x?a=1&amp;b=2">',
    '<a title=">" href="/x">': f'<a title=">" href="{PREFIX}/x">',
    '<form action="/x"><input formaction="/y">': f'<form action="{PREFIX}/x"><input formaction="{PREFIX}/y">',
    '<script src="/x">if (a<b) "<a href=\'/x\'>"</script><a href="/y">': (
        f'<script src="{PREFIX}/x">if (a<b) "<a href=\'/x\'>"</script><a href="{PREFIX}/y">'
    ),
    '<!-- <a href="/x"> --><a href="/y">': f'<!-- <a href="/x"> --><a href="{PREFIX}/y">',
    '<style>a{background:url("/x")}</style>': '<style>a{background:url("/x")}</style>',
    '<p href="/x">': '<p href="/x">',
    '<abbr href="/x">': '<abbr href="/x">',
    "a < b > c <": "a < b > c <",
    '<a href="/x': '<a href="/x',
    '<a href="rel" >text</a>': '<a href="rel" >text</a>',
}


@pytest.mark.parametrize("page", list(PAGES))
@pytest.mark.parametrize("piece", [1, 2, 7, 10_000])
def test_a_page(page: str, piece: int) -> None:
    rewriter, data, out = Page(link), page.encode(), b""
    for start in range(0, len(data), piece):
        out += rewriter.feed(data[start : start + piece])
    assert (out + rewriter.end()).decode() == PAGES[page]


def test_bytes_that_are_no_text_come_through() -> None:
    rewriter = Page(link)
    assert rewriter.feed(b'<a href="/\xe9">\xff\x00') + rewriter.end() == b'<a href="' + PREFIX.encode() + b'/\xe9">\xff\x00'


HOSTILE = (b"<" * 64, b"<a ", b'<a "', b"<a x=", b"<script>", b"<!--", b"</script><script>", b"<a " + b"x" * 60, b"<a href=/x>")


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_a_page_that_is_meant_to_do_harm_costs_no_more_than_its_length(unit: bytes) -> None:
    def cost(size: int) -> float:
        page, data = Page(link), unit * (size // len(unit))
        begun, out = time.process_time(), 0
        for start in range(0, len(data), 65536):
            out += len(page.feed(data[start : start + 65536]))
            assert len(page._held) <= LONGEST_TAG + 65536
        out += len(page.end())
        assert out >= len(data)
        return time.process_time() - begun

    few, many = cost(500_000), cost(4_000_000)
    assert many < 8 * few * 3 + 0.5


def test_what_is_longer_than_any_page_is_passed_on_as_it_is() -> None:
    page = Page(link)
    for _ in range(LONGEST_PAGE // 65536 + 1):
        page.feed(b"x" * 65536)
    assert page.feed(b'<a href="/x">') == b'<a href="/x">'
