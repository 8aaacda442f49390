"""A wire that can be cut: it hands connections on to a server, and breaks those that it has when it is told to."""

import socket
import threading
from pathlib import Path


class Relay:
    """Listens on loopback for as long as it is open; `cut` breaks every connection in the middle of whatever it does."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> int:
        """-> how many connections were broken, with a reset."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                end.shutdown(socket.SHUT_RDWR) if _open(end) else None
                end.close()
        return len(pairs)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # a bare close leaves the thread in accept(), and the port taken
        self._thread.join()
        self._listener.close()
        self.cut()

    def kubeconfig(self, of: Path, where: Path) -> Path:
        """The kubeconfig with this in the place of its server."""
        where.write_text(of.read_text().replace(f"127.0.0.1:{self._target}", f"127.0.0.1:{self.port}"))
        return where

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._pairs.add((near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_hand_on, args=(source, target), daemon=True).start()


def _open(end: socket.socket) -> bool:
    try:
        end.getpeername()
    except OSError:
        return False
    return True


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
