"""A network between two programs that loses connections when a test says so."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

from countersign.transport.addresses import Address


class Proxy:
    """Forwards bytes to a port on loopback. Connection n is cut after `cut_after[n]` bytes from its client; later ones are not."""

    def __init__(self, port: int, cut_after: list[int], then_refuse: bool = False) -> None:
        self._target = port
        self._cuts = list(cut_after)
        self._then_refuse = then_refuse
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._cut = threading.Event()
        self.address = Address("127.0.0.1", self._listener.getsockname()[1])

    def __enter__(self) -> Proxy:
        self._accepting = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(10)
        for thread in self._threads:
            thread.join(10)

    def cut_now(self) -> None:
        """Loses all current connections; later ones pass."""
        self._cut.set()
        for thread in self._threads:
            thread.join(10)
        self._cut.clear()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _where = self._listener.accept()
            except OSError:
                return
            if self._then_refuse and not self._cuts:
                client.close()
                continue
            cut = self._cuts.pop(0) if self._cuts else None
            thread = threading.Thread(target=self._pass, args=(client, cut), name="proxied", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pass(self, client: socket.socket, cut: int | None) -> None:
        with client, selectors.DefaultSelector() as selector:
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with server:
                selector.register(client, selectors.EVENT_READ, server)
                selector.register(server, selectors.EVENT_READ, client)
                passed = 0
                while not self._stopping.is_set() and not self._cut.is_set():
                    for key, _mask in selector.select(0.1):
                        source = key.fileobj
                        assert isinstance(source, socket.socket)
                        try:
                            data = source.recv(65536)
                            if not data:
                                return
                            if source is client:
                                passed += len(data)
                                if cut is not None and passed > cut:
                                    return
                            key.data.sendall(data)
                        except OSError:
                            return


class NarrowLine:
    """A slow line to a port on loopback while the block runs."""

    def __init__(self, port: int, bytes_a_second: int) -> None:
        self._target = port
        self._rate = bytes_a_second
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._ends: list[socket.socket] = []

    def __enter__(self) -> NarrowLine:
        self._start(self._accept)
        return self

    def __exit__(self, *_details: object) -> None:
        self._ended.set()
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="narrow", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _where = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._ends += [client, server]
            for source, sink in ((client, server), (server, client)):
                self._start(lambda source=source, sink=sink: self._pass(source, sink))  # type: ignore[misc]

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(self._rate // 10):
                sink.sendall(data)
                if self._ended.wait(len(data) / self._rate):
                    return
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
