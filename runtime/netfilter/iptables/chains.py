"""Chains in the kernel that stay as they were wished for: loaded by iptables-restore, the smallest change each time.

The tables `nat` and `filter` belong to everybody; ours in them are the chains that begin with KUBE- and the jumps to them.

Tests: tests/runtime/netfilter/test_iptables.py, tests/runtime/netfilter/test_packets.py
"""

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import NamedTuple

from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.family import Family
from shipslog.runtime.netfilter.guarded_table import GuardedTable
from shipslog.runtime.netfilter.monitor import DELETIONS, Notification
from shipslog.runtime.node import RuntimeUnavailable

from .names import PREFIX

TABLES = ("nat", "filter")
BUFFER = 32 << 20  # tens of thousands of rules that a restore replaces are all told at once
TIMEOUT_S = 60.0  # of a restore of tens of thousands of rules
PATH = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"

Chains = Mapping[tuple[str, str], tuple[str, ...]]  # (table, chain) -> its rules


class Jump(NamedTuple):
    """A rule in a chain that is everybody's. It is inserted at the start, unless `last`."""

    table: str
    chain: str
    rule: str
    last: bool = False

    @property
    def target(self) -> str:
        return self.rule.rpartition(" ")[2]


class KeptChains:
    """All of our chains in one family's tables. `mended` is told after somebody else's change was undone."""

    def __init__(self, family: Family, *, netns: str | None = None, mended: Callable[[], None] = lambda: None) -> None:
        self._family, self._mended = family, mended
        self.kept = GuardedTable(f"{family.name} nat", self._restore, netns=netns, concerns=self._concerns, buffer=BUFFER)
        self._chains: dict[tuple[str, str], tuple[str, ...]] = {}
        self._jumps: tuple[Jump, ...] = ()
        self._loaded = False

    def check(self) -> None:
        """Errors: RuntimeUnavailable where the programs are missing."""
        for program in (self._family.restore, self._family.save):
            if shutil.which(program, path=PATH) is None:
                raise RuntimeUnavailable(f"{program} is missing, which --proxy-mode iptables and userspace need: "
                                         "apt-get install iptables")  # fmt: skip

    # --- below runs in the thread of `kept` ---

    def apply(self, chains: Chains, jumps: tuple[Jump, ...]) -> None:
        """Make them true. Errors: NetfilterFailed; then each table is as before or as wished."""
        if self.kept.meddled() or not self._loaded or jumps != self._jumps:
            self._load(chains, jumps)
            return
        changed = [key for key, rules in chains.items() if self._chains.get(key) is not rules]
        changed = [key for key in changed if self._chains.get(key) != chains[key]]
        gone = [key for key in self._chains if key not in chains]
        for table in TABLES:
            new = {chain: chains[table, chain] for at, chain in changed if at == table}
            old = [chain for at, chain in gone if at == table]
            if new or old:
                try:
                    self._run(self._family.restore, "--noflush", text=_text(table, new, old))
                except NetfilterFailed:  # somebody has meddled, and it is not told yet
                    self._load(chains, jumps)
                    return
        self._chains = dict(chains)
        self._verify()

    def remove(self) -> None:
        """Nothing of ours is left."""
        for table in TABLES:
            saved = self._saved(table)
            ours = [chain for chain in saved if chain.startswith(PREFIX)]
            jumps = [
                f"-D {chain} {rule}"
                for chain, rules in saved.items()
                for rule in rules
                if not chain.startswith(PREFIX) and f"-j {PREFIX}" in rule
            ]
            if ours or jumps:
                self._run(self._family.restore, "--noflush", text=_text(table, {}, ours, jumps))
                self._drop_empty(table)
        self._chains, self._jumps, self._loaded = {}, (), False

    def _drop_empty(self, table: str) -> None:
        """A table in which nobody has anything, made when we needed it, goes too."""
        heads = [line for line in self._run(self._family.save, "-t", table).splitlines() if line[:1] in (":", "-")]
        if all(line.startswith(":") and line.split()[1] == "ACCEPT" for line in heads):
            with contextlib.suppress(NetfilterFailed):  # somebody has put something there meanwhile
                self.kept.change(f"delete table {self._family.name} {table}\n")

    def forget(self) -> None:
        """The next `apply` loads everything."""
        self._loaded = False

    def _load(self, chains: Chains, jumps: tuple[Jump, ...]) -> None:
        """All of it, whatever is there."""
        for table in TABLES:
            saved = self._saved(table)
            new = {chain: rules for (at, chain), rules in chains.items() if at == table}
            old = [chain for chain in saved if chain.startswith(PREFIX) and chain not in new]
            lines = [
                f"-D {chain} {rule}"
                for chain, rules in saved.items()
                for rule in rules
                if not chain.startswith(PREFIX) and rule.rpartition(" ")[2] in old and f"-j {PREFIX}" in rule
            ]
            for jump in reversed(jumps):
                there = any(rule.endswith(f"-j {jump.target}") for rule in saved.get(jump.chain, ()))
                if jump.table == table and not there:
                    lines.append(f"-{'A' if jump.last else 'I'} {jump.chain} {jump.rule}")
            self._run(self._family.restore, "--noflush", text=_text(table, new, old, lines))
        self._chains, self._jumps, self._loaded = dict(chains), jumps, True
        self._verify()

    def _verify(self) -> None:
        """Where more was told than we could hear, somebody else's change may be among it: so count what is there."""
        if not self.kept.missed:
            return
        self.kept.missed = False
        for table in TABLES:
            saved = self._saved(table)
            wanted = {chain: len(rules) for (at, chain), rules in self._chains.items() if at == table}
            found = {chain: len(rules) for chain, rules in saved.items() if chain.startswith(PREFIX)}
            jumps = all(
                any(rule.endswith(f"-j {jump.target}") for rule in saved.get(jump.chain, ()))
                for jump in self._jumps
                if jump.table == table
            )
            if wanted != found or not jumps:
                self.kept.suspect()

    def _restore(self) -> None:
        if self._loaded:
            self._load(self._chains, self._jumps)
            self._mended()

    def _saved(self, table: str) -> dict[str, list[str]]:
        """The rules of each chain, as iptables-save writes them."""
        found: dict[str, list[str]] = {}
        for line in self._run(self._family.save, "-t", table).splitlines():
            if line.startswith(":"):
                found[line[1:].partition(" ")[0]] = []
            elif line.startswith("-A "):
                _, chain, rule = line.split(" ", 2)
                found.setdefault(chain, []).append(rule)
        return found

    def _run(self, *argv: str, text: str = "") -> str:
        """Errors: NetfilterFailed with what it said."""
        program = shutil.which(argv[0], path=PATH) or argv[0]
        try:
            with self.kept.others_program() as ours:
                child = subprocess.Popen(
                    (program, *argv[1:]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
                ours(child.pid)
                with child:
                    try:
                        out, err = child.communicate(text, timeout=TIMEOUT_S)
                    except subprocess.TimeoutExpired:
                        child.kill()
                        raise
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NetfilterFailed(f"{argv[0]}: {error}") from error
        if child.returncode:
            raise NetfilterFailed(f"{' '.join(argv)}: {err.strip()[:500] or child.returncode}")
        return out

    def _concerns(self, one: Notification) -> bool:
        """Whether somebody else's change may have touched what is ours."""
        if one.table not in TABLES or one.family != self._family.number:
            return False
        return not one.chain or one.chain.startswith(PREFIX) or one.kind in DELETIONS


def _text(table: str, new: Mapping[str, tuple[str, ...]], old: list[str], lines: list[str] | None = None) -> str:
    """For iptables-restore: one transaction."""
    return "\n".join(
        [
            f"*{table}",
            *(f":{chain} - [0:0]" for chain in (*new, *old)),
            *(f"-A {chain} {rule}" for chain, rules in new.items() for rule in rules),
            *(lines or ()),
            *(f"-X {chain}" for chain in old),
            "COMMIT",
            "",
        ]
    )
