"""The sender's own hashes: of the pieces in order, whichever thread reads first. No thread waits for a piece that never comes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest

from countersign.base import limits
from countersign.base.errors import DiskProblem
from countersign.base.hashing import DIGEST, digest_of
from countersign.pack.plan import Answer, Piece, bitmap, plan_packs
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Sealer, Stream
from countersign.session import status as st
from countersign.session.stats import SENDERS, Stats
from countersign.source import packing as packings
from countersign.source.hashing import SentHashes
from countersign.source.packing import Packing
from countersign.source.reading import Source, WithdrawnError
from countersign.source.scanning import Scan, scan_selection
from countersign.source.selection import Selection
from countersign.target import intake
from countersign.transfer import connections
from tests.endings import done_once
from tests.proxy import Proxy
from tests.transfers import Couple, Exchange, fill
from tests.waiting import wait_until

PACK = 64 * limits.KIB
SIZES = [0, 1, PACK - 1, PACK, PACK + 1, 2 * PACK - 1, 2 * PACK, 2 * PACK + 1, 9 * PACK + 7]
Read = Callable[[Source, Piece, memoryview], memoryview]


@pytest.fixture(autouse=True)
def _small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACK_BYTES", PACK)


class Pieces:
    """A folder whose packs several threads build."""

    def __init__(self, couple: Couple, sizes: list[int], answer: Callable[[Scan], Answer] = lambda _scan: Answer()):
        chance = random.Random(5)
        for number, size in enumerate(sizes):
            (couple.folder / f"{number:02d}").write_bytes(chance.randbytes(size))
        self.folder = couple.folder
        selection = Selection((couple.folder,))
        device = couple.alice.device
        self.scan = scan_selection(selection, lambda *_a: None, lambda: False, device.own)
        self.answer = answer(self.scan)
        self.hashes = SentHashes(self.scan.manifest)
        self.hashes.begin([index for index, _size in self.answer.partial])
        ring = KeyRing(b"k" * 32, b"t" * 16, device.identity.id, couple.bob.device.identity.id)
        self.packing = Packing(
            selection,
            self.scan.manifest,
            plan_packs(self.scan.manifest, self.answer),
            Sealer(ring, Stream.PACK),
            lambda: 1.0,
            Stats(SENDERS),
            self.hashes,
        )

    def run(self) -> list[tuple[int, str]]:
        """Builds all packs. Returns what was withdrawn."""
        withdrawn: list[tuple[int, str]] = []
        try:
            while not self.packing.finished:
                pack = wait_until(lambda: self.packing.next(0.05), 20, "a pack")
                withdrawn += pack.withdrawn
                self.packing.give_back(pack)
        finally:
            self.packing.close()
        return withdrawn

    def right(self, index: int) -> bool:
        """Whether this file's hash is that of the file on the disk."""
        name = self.scan.manifest.names[index]
        there = digest_of((self.folder / name).read_bytes())
        return bytes(self.hashes.digests[DIGEST * index : DIGEST * (index + 1)]) == there


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[Read], None]:
    """Reads pieces through a function that may call the original."""
    return lambda read: monkeypatch.setattr(Source, "read", read)


@pytest.fixture(params=range(3))
def out_of_step(request: pytest.FixtureRequest, reading: Callable[[Read], None]) -> None:
    """Pieces take different times to read, so later ones are often first."""
    chance, read = random.Random(request.param), Source.read

    def slow(self: Source, piece: Piece, buffer: memoryview) -> memoryview:
        threading.Event().wait(chance.random() * 0.02)
        return read(self, piece, buffer)

    reading(slow)


def test_f9_hashes_are_of_the_pieces_in_their_order(couple: Couple, out_of_step: None) -> None:
    made = Pieces(couple, SIZES)
    assert made.run() == []
    assert all(made.right(index) for index in range(len(SIZES)))
    assert all(made.hashes.known(index) for index in range(len(SIZES)))


def test_f9_a_file_of_which_a_part_is_sent_says_nothing_of_the_whole(couple: Couple, out_of_step: None) -> None:
    made = Pieces(couple, SIZES, lambda _scan: Answer(partial=[(8, 2 * PACK)]))
    made.run()
    assert [index for index in range(len(SIZES)) if not made.hashes.known(index)] == [8]


def test_f4_a_piece_that_cannot_be_read_holds_nobody_up(couple: Couple, reading: Callable[[Read], None]) -> None:
    read = Source.read
    for at in range(10):

        def failing(self: Source, piece: Piece, buffer: memoryview, at: int = at) -> memoryview:
            if piece.index == 8 and -(-piece.offset // PACK) == at:  # whole packs before it, rounded up
                threading.Event().wait(0.03)  # by then the others wait for their turn
                raise WithdrawnError("changed")
            return read(self, piece, buffer)

        reading(failing)
        made = Pieces(couple, SIZES)
        withdrawn = made.run()
        assert {index for index, _reason in withdrawn} == {8}
        assert [index for index in range(len(SIZES)) if not made.right(index)] == [8]


def test_ending_in_the_middle_leaves_no_thread_that_waits_for_its_turn(
    couple: Couple, reading: Callable[[Read], None]
) -> None:
    read = Source.read
    made: list[Pieces] = []

    def stuck(self: Source, piece: Piece, buffer: memoryview) -> memoryview:
        if piece.index == 8 and piece.offset < PACK:  # the first piece never comes
            wait_until(lambda: made and made[0].hashes._abandoned, 20, "the end")
        return read(self, piece, buffer)

    reading(stuck)
    made.append(Pieces(couple, SIZES))
    packing = made[0].packing
    wait_until(lambda: packing.next(0.01) is None and made[0].hashes._running, 20, "somebody to wait")
    began = time.monotonic()
    packing.close()
    assert time.monotonic() - began < 2


def test_a_trouble_of_ours_ends_those_that_wait_for_their_turn(couple: Couple, reading: Callable[[Read], None]) -> None:
    read = Source.read

    def failing(self: Source, piece: Piece, buffer: memoryview) -> memoryview:
        if piece.index == 8 and piece.offset < PACK:
            threading.Event().wait(0.05)
            raise DiskProblem(path=couple.folder, reason="too many open files")
        return read(self, piece, buffer)

    reading(failing)
    made = Pieces(couple, SIZES)
    with pytest.raises(DiskProblem):
        made.run()


def test_a_new_connection_begins_every_file_anew(couple: Couple) -> None:
    """What was hashed before the connection was lost says nothing about what is read now."""
    made = Pieces(couple, [3 * PACK])
    made.packing.close()
    content = memoryview((couple.folder / "00").read_bytes())
    made.hashes.begin([])
    made.hashes.take([(Piece(0, 0, PACK), content[:PACK])])
    made.hashes.withdraw(0)
    made.hashes.begin([])
    for offset in range(0, 3 * PACK, PACK):
        made.hashes.take([(Piece(0, offset, PACK), content[offset : offset + PACK])])
    assert made.right(0)


def test_what_is_read_again_is_unknown_where_it_changed_meanwhile(couple: Couple) -> None:
    made = Pieces(couple, [*SIZES, 3 * limits.MIB + 5], lambda scan: Answer(bitmap(10, list(range(10)))))
    made.packing.close()
    (couple.folder / "04").write_bytes(b"changed")
    (couple.folder / "05").unlink()
    selection, manifest = Selection((couple.folder,)), made.scan.manifest
    made.hashes.read_again(selection, manifest, range(10), lambda: False)
    assert [index for index in range(10) if not made.hashes.known(index)] == [4, 5]
    assert all(made.right(index) for index in range(10) if index not in (4, 5))
    made.hashes.forget([1, 2])
    assert [index for index in range(10) if not made.hashes.known(index)] == [1, 2, 4, 5]


@pytest.mark.once
def test_f3_three_cuts_in_a_row_with_threads_out_of_step(
    couple: Couple, out_of_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PACK_BYTES", 4 * limits.MIB)
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[9_000_000, 14_000_000, 23_000_000]) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.run()
    assert len(exchange.sender.all(st.Reconnecting)) >= 3
    done_once(couple, exchange)


def test_the_first_reason_for_a_withdrawal_is_the_one_that_counts(
    couple: Couple, reading: Callable[[Read], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads found two reasons: once the receiver was told the first, and the sender remembered the last."""
    read = Source.read
    both = threading.Barrier(2)

    def failing(self: Source, piece: Piece, buffer: memoryview) -> memoryview:
        if self._manifest.names[piece.index] == "twice":
            number = piece.offset // PACK
            if number < 2:
                both.wait(20)
            raise WithdrawnError("changed" if number == 0 else "vanished")
        return read(self, piece, buffer)

    (couple.folder / "twice").write_bytes(b"x" * 2 * PACK)
    reading(failing)
    monkeypatch.setattr(packings, "_MANY", 1000)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert [path for path, _reason in end.skipped] == ["twice"]
