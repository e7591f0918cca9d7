"""Very many people among one's own, and files that change beside the program."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import errors
from countersign.transport.addresses import Address
from countersign.transport.tls import make_context
from countersign.trust import certificate as certificates, peer_files
from countersign.trust.peers import PeerStore
from tests.certificates import NOW, a_certificate
from tests.doors import hall, visit
from tests.transfers import Couple

MANY = 2500  # OpenSSL's time for all of them grows with the square


@pytest.fixture
def many(couple: Couple) -> Couple:
    """Bob has very many people; Alice is one of them. Nobody's file has changed for long."""
    key = certificates.new_key()
    for number in range(MANY):
        (couple.bob.home.peers / f"{number}.pem").write_bytes(
            certificates.self_signed(key, NOW).public_bytes(Encoding.PEM)
        )
    for path in couple.bob.home.peers.iterdir():
        os.utime(path, (1e9, 1e9))
    return couple


def counted_reads(monkeypatch: pytest.MonkeyPatch, store: PeerStore) -> list[str]:
    """The names of files that are read from now on."""
    read = store._files._read
    names: list[str] = []

    def seen(path: Path) -> bytes:
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(store._files, "_read", seen)
    return names


def test_one_of_very_many_people_is_greeted(many: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    read = counted_reads(monkeypatch, many.bob.device.peers)
    with hall(many.bob) as bob:
        assert len(read) == MANY + 1, "everything is read before the first connection"
        assert [visit(many.alice, bob.address) for _n in range(3)] == [b"!"] * 3
        assert len(read) == MANY + 1, "and nothing again where nothing has changed"


def test_a_context_of_very_many_people_is_made_before_the_first_connects(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def seen(*arguments: object, **named: object) -> ssl.SSLContext:
        made.append(threading.current_thread().name)
        return make_context(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("countersign.transport.listening.make_context", seen)
    with hall(couple.bob) as bob:
        assert made == ["MainThread"]
        assert visit(couple.alice, bob.address) == b"!"
        assert made == ["MainThread"]


def test_a_sender_makes_its_context_before_the_receiver_counts_its_seconds(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def making(*arguments: object, **named: object) -> ssl.SSLContext:
        order.append("context")
        return make_context(*arguments, **named)  # type: ignore[arg-type]

    def opening(address: Address, cancelled: Callable[[], bool]) -> socket.socket:
        order.append("connection")
        return socket.create_connection((address.host, address.port))

    monkeypatch.setattr("countersign.transport.dialing.make_context", making)
    monkeypatch.setattr("countersign.transport.dialing._open", opening)
    with hall(couple.bob) as bob:
        assert visit(couple.alice, bob.address) == b"!"
    assert order == ["context", "connection"]


def test_a_look_at_very_many_people_costs_milliseconds(many: Couple) -> None:
    peers = many.bob.device.peers
    assert len(peers.all()) == MANY + 1
    began = time.process_time()
    for _n in range(5):
        peers.all()
    assert (time.process_time() - began) / 5 < 0.1


def test_a_file_copied_in_by_hand_is_seen_at_once(many: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    peers, folder = many.bob.device.peers, many.bob.home.peers
    assert len(peers.all()) == MANY + 1
    read = counted_reads(monkeypatch, peers)
    (folder / "zoe.pem").write_bytes(a_certificate().public_bytes(Encoding.PEM))
    assert peers.by_name("zoe")
    (folder / "0.pem").unlink()
    with pytest.raises(errors.NoSuchPeer):
        peers.by_name("0")
    assert set(read) == {"zoe.pem"}


@pytest.mark.parametrize("same", ["nothing", "everything but the time"])
def test_another_file_under_the_same_name_is_seen(couple: Couple, same: str) -> None:
    """All of them were changed long ago, so they are not read twice."""
    file = couple.bob.home.peers / "carol.pem"
    seen = []
    for number, pem in enumerate(_equally_long(3)):
        if same == "nothing":
            file.unlink(missing_ok=True)
        file.write_bytes(pem)
        os.utime(file, (1e9 + number, 1e9 + number))
        seen.append(couple.bob.device.peers.by_name("carol").id)
        assert couple.bob.device.peers.by_name("carol").id == seen[-1]
    assert len(set(seen)) == 3


def _equally_long(count: int) -> list[bytes]:
    key = certificates.new_key()
    made: dict[int, list[bytes]] = {}
    while not (enough := [found for found in made.values() if len(found) == count]):
        pem = certificates.self_signed(key, NOW).public_bytes(Encoding.PEM)
        made.setdefault(len(pem), []).append(pem)
    return enough[0]


@pytest.mark.parametrize("field", ["st_ino", "st_size", "st_mtime_ns", "st_ctime_ns"])
def test_a_stamp_differs_where_the_file_does(field: str) -> None:
    class Entry:
        def __init__(self, **other: int) -> None:
            self.found = {"st_ino": 1, "st_size": 2, "st_mtime_ns": 3, "st_ctime_ns": 4, **other}

        def stat(self) -> SimpleNamespace:
            return SimpleNamespace(**self.found)

    assert peer_files._stamp(Entry()) != peer_files._stamp(Entry(**{field: 9}))  # type: ignore[arg-type]


def test_a_file_that_changes_within_one_tick_of_the_file_system_is_seen(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size, times and place stay as they were: only the content says that it is somebody else."""
    moment = int(couple.bob.device.now() * 1e9)
    monkeypatch.setattr(peer_files, "_stamp", lambda _entry: (1, 2, moment, moment))
    file = couple.bob.home.peers / "carol.pem"
    seen = []
    for pem in _equally_long(2):
        file.write_bytes(pem)
        seen.append(couple.bob.device.peers.by_name("carol").id)
    assert len(set(seen)) == 2
