"""The page of cAdvisor's port: a container, what is in it, and its last two minutes as curves. It needs no script."""

import html
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from aiohttp import web

from shipslog.engine.api.response import replies
from shipslog.runtime.stats.usage import SECOND_NS, Measured, Usage

if TYPE_CHECKING:
    from .cadvisor import Subject

WIDTH, HEIGHT, LEFT, BELOW = 640, 160, 76, 22
REFRESH_S = 10
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;
margin:2rem auto;padding:0 1rem;color:#1b2733;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}a{color:#0b62a4}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #e3e8ee}
td.n{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;background:#f7f9fb;border:1px solid #e3e8ee}svg text{font:12px system-ui,sans-serif;fill:#55616e}
polyline{fill:none;stroke:#0b62a4;stroke-width:2}line{stroke:#dde4ea}
@media(prefers-color-scheme:dark){body{color:#dfe6ee;background:#12181f}a{color:#6db3ee}svg{background:#18212b}
td,th,svg,line{border-color:#2a3744;stroke:#2a3744}svg text{fill:#9fb0c0;stroke:none}polyline{stroke:#6db3ee}}"""


def shown(every: "Sequence[Subject]", name: str, node: str) -> web.StreamResponse:
    """The page of one container; 404 with the way back for one that is not there."""
    one = next((subject for subject in every if subject.name == name), None)
    if one is None:
        body = f'<h1>There is no {html.escape(name)}</h1><p><a href="/containers/">all of {html.escape(node)}</a></p>'
        return _page(body, "Not found", 404)
    title = one.alias or ("the machine" if name == "/" else name)
    parts = [f"<h1>{html.escape(node)}: {html.escape(title)}</h1>"]
    if name != "/":
        parts.append(f'<p><a href="/containers/">all of {html.escape(node)}</a></p>')
    parts += _charts(one.measured)
    below = [other for other in every if other.name != name and other.name.startswith(name.rstrip("/") + "/")]
    if below:
        parts.append(_table(below))
    return _page("\n".join(parts), title, 200)


def _page(body: str, title: str, code: int) -> web.StreamResponse:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{REFRESH_S}">'
        f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>"
    )
    return replies.Reply(text.encode(), code, "text/html; charset=utf-8", [("X-Content-Type-Options", "nosniff")])


def _table(below: "Sequence[Subject]") -> str:
    rows = "".join(
        f'<tr><td><a href="/containers{html.escape(one.name)}">{html.escape(one.alias or one.name)}</a></td>'
        f'<td class="n">{cores(one.measured.cpu_nanocores / 1e9)}</td>'
        f'<td class="n">{in_bytes(one.measured.latest.working_set_bytes)}</td></tr>'
        for one in below
    )
    return f"<h2>In it</h2><table><tr><th>Name<th>CPU<th>Memory</tr>{rows}</table>"


def _charts(measured: Measured) -> list[str]:
    samples = measured.samples
    charts = [
        _chart("CPU, in cores", _rates(samples, lambda u: u.cpu_ns / 1e9), cores),
        _chart("Memory, working set", [(u.at_ns, float(u.working_set_bytes)) for u in samples], in_bytes),
    ]
    if samples and samples[-1].interfaces:
        received = _rates(samples, lambda u: float(sum(i.rx_bytes for i in u.interfaces)))
        sent = _rates(samples, lambda u: float(sum(i.tx_bytes for i in u.interfaces)))
        charts += [_chart("Network, received a second", received, in_bytes), _chart("Network, sent a second", sent, in_bytes)]
    return charts


def _rates(samples: Sequence[Usage], value: Callable[[Usage], float]) -> list[tuple[int, float]]:
    """By the second, between each two samples."""
    pairs = pairwise(samples)
    return [(b.at_ns, max(value(b) - value(a), 0.0) * SECOND_NS / max(b.at_ns - a.at_ns, 1)) for a, b in pairs]


def _chart(title: str, points: Sequence[tuple[int, float]], words: Callable[[float], str]) -> str:
    """A curve, as SVG. Its scale begins at nothing."""
    heading = f"<h2>{html.escape(title)}</h2>"
    if not points:
        return f"{heading}<p>There are numbers in a moment.</p>"
    top = max(max(value for _, value in points) * 1.1, 1e-6)
    begin, end = points[0][0], points[-1][0]
    span = max(end - begin, 1)
    inner = WIDTH - LEFT - 10
    at = [(LEFT + inner * (time - begin) / span, (HEIGHT - BELOW) * (1 - value / top) + 4) for time, value in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    scale = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="4" y="{y + 4:.1f}">{words(top * (1 - part))}</text>'
        for part in (0.0, 0.5, 1.0)
        for y in [(HEIGHT - BELOW) * part + 8 * (part == 0.0) + 4 * (part == 0.5)]
    )
    ends = f'<text x="{LEFT}" y="{HEIGHT - 4}">{-span / 1e9:.0f} s</text><text x="{WIDTH - 40}" y="{HEIGHT - 4}">now</text>'
    now = words(points[-1][1])
    return (
        f'{heading}<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}: {now} now">{scale}{ends}'
        f'<polyline points="{line}"/></svg>'
    )


def cores(value: float) -> str:
    return f"{value:.3f}"


def in_bytes(value: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
