"""Hears how containers end: what conmon writes down, and, by pidfd, the ends of the process and of conmon itself.

conmon writes a container's exit into a file and ends. If it is killed instead, nobody reads the container's output any more and
nobody will know its exit: so the container is ended too, and its end reported as unknown.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from functools import partial

from shipslog.runtime.containers.oci.recovery.records import Process
from shipslog.runtime.machine import linux
from shipslog.runtime.node import Report
from shipslog.store.logger import logger

from . import container
from .container import ContainerPlace, Exit, lost_exit
from .pods import Container, Pods, container_exited

EXIT_FILE_S = 10.0  # for conmon to write down the exit of a process that is gone
_UNKNOWN = "The container's monitor (conmon) {}: how the container ended is not known"

log = logger(__name__)


class Exits:
    """The ends of one node's containers, each reported once. `clean` takes away what is left of one."""

    def __init__(self, node: str, place: ContainerPlace, pods: Pods, clean: Callable[[Container], None]) -> None:
        self._node, self._place, self._pods, self._clean = node, place, pods, clean
        self._report: Report = lambda fact: None
        self._inotify = -1

    def open(self, report: Report) -> None:
        """Listen from now on; call `begin` when what runs already is known. Errors: OSError."""
        self._report = report
        self._inotify = linux.inotify_open(str(self._place.layout.exits), linux.IN_CLOSE_WRITE | linux.IN_MOVED_TO)

    def begin(self) -> None:
        asyncio.get_running_loop().add_reader(self._inotify, self._look)

    def close(self) -> None:
        for pod in self._pods:
            for one in pod.containers.values():
                _unwatch(one)
        if self._inotify >= 0:
            asyncio.get_running_loop().remove_reader(self._inotify)
            os.close(self._inotify)
            self._inotify = -1

    def watch(self, one: Container) -> None:
        """Of a container that has started."""
        if one.ended.done():
            return
        self._watch(one, one.record.process, partial(self._process_ended, one))
        self._watch(one, one.record.conmon, partial(self._conmon_ended, one))

    @staticmethod
    def _watch(one: Container, process: Process | None, ended: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        descriptor = process.open() if process is not None else None
        if descriptor is None:
            loop.call_soon(ended)
            return

        def readable() -> None:
            loop.remove_reader(descriptor)
            one.pidfds.discard(descriptor)
            os.close(descriptor)
            ended()

        one.pidfds.add(descriptor)
        loop.add_reader(descriptor, readable)

    def _look(self) -> None:
        for name in linux.inotify_names(self._inotify):
            one = self._pods.by_id(name)
            if one is not None:
                self.see(one)

    def see(self, one: Container) -> None:
        """Take in the exit that conmon has written, if it has."""
        if one.ended.done():
            return
        try:
            ended = container.read_exit(self._place, one.record)
        except OSError as error:  # it is looked at again when its process has been gone for a while
            log.warning("exit_not_read", container_id=one.record.container_id, pod_uid=one.record.pod_uid, why=str(error))
            return
        if ended is not None:
            self._end_and_report(one, ended)

    def _process_ended(self, one: Container) -> None:
        self.see(one)
        if one.ended.done():
            return
        if one.unwatched:
            self._lose(one, "was killed")
        else:  # conmon is about to write
            later = asyncio.get_running_loop().call_later(EXIT_FILE_S, self._lose, one, "does not answer")
            one.patience = later

    def _conmon_ended(self, one: Container) -> None:
        self.see(one)
        process = one.record.process
        if one.ended.done():
            return
        log.warning("conmon_ended", container_id=one.record.container_id, pod_uid=one.record.pod_uid)
        one.unwatched = True
        if process is None or not process.kill(9):
            self._lose(one, "was killed")

    def _lose(self, one: Container, why: str) -> None:
        self.see(one)
        if one.ended.done():
            return
        if one.record.conmon is not None:
            one.record.conmon.kill(9)  # its word would come too late
        self._end_and_report(one, lost_exit(time.time_ns(), _UNKNOWN.format(why)))

    def _end_and_report(self, one: Container, ended: Exit) -> None:
        self.end(one, ended)
        if one.announced and not one.awaited and not one.silent:
            self._report(container_exited(self._node, one.record, ended))

    def end(self, one: Container, ended: Exit) -> None:
        """It has ended so, for everybody who waits."""
        _unwatch(one)
        one.ended.set_result(ended)
        self._clean(one)


def _unwatch(one: Container) -> None:
    if one.patience is not None:
        one.patience.cancel()
    for descriptor in one.pidfds:
        asyncio.get_running_loop().remove_reader(descriptor)
        with contextlib.suppress(OSError):
            os.close(descriptor)
    one.pidfds.clear()
