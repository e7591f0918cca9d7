"""Peers with a valid certificate, and some with the right code and key too, that break one rule at a time.

Whatever they do: one error, nothing published, nothing written outside staging, and the door stays open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from countersign.base import limits
from countersign.base.errors import Problem
from countersign.pack.archive import PackWriter
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.pack.plan import Answer, Piece, plan_packs
from countersign.seal.stream import Sealer, Stream, StreamReader
from countersign.session import status as st
from countersign.source.selection import Selection
from countersign.transport.addresses import Address
from countersign.transport.link import LinkLostError
from countersign.transport.listening import Listener
from countersign.transport.tls import TlsLink
from countersign.wire import messages as m
from countersign.wire.frames import HEADER
from tests.rude import Rude, Scene, Sending, bobs_door, file, sending
from tests.transfers import Couple, Heard
from tests.waiting import wait_until


@pytest.fixture
def scene(couple: Couple) -> Iterator[Scene]:
    with bobs_door(couple) as made:
        yield made


# --- before the code -------------------------------------------------------------------------------------------------

BEFORE_HELLO: list[m.Message] = [
    m.CodeProof(b"p" * 32), m.Offer(b"t" * 16, b"s" * 16), m.KeyAccepted(), m.Received(1, 1, 1), m.Stop("x"),
    m.Rejoin(b"t" * 16, b"p" * 32), m.Sealed(m.Kind.PACK, memoryview(b"x")), m.Sealed(m.Kind.THANKS, memoryview(b"x")),
]  # fmt: skip


@pytest.mark.parametrize("message", BEFORE_HELLO, ids=lambda message: m.kind_of(message).name)
def test_n9_anything_but_hello_first(scene: Scene, message: m.Message) -> None:
    rude = scene.enter()
    rude.hear()
    rude.say(message)
    assert rude.last_word() in ("protocol", "")
    rude.link.close()


@pytest.mark.parametrize(
    "message",
    [m.Hello([1], b"n" * 32), *BEFORE_HELLO[1:4], *BEFORE_HELLO[6:]],
    ids=lambda message: m.kind_of(message).name,
)
def test_n9_anything_but_a_proof_next(scene: Scene, message: m.Message) -> None:
    rude, _theirs, _own = scene.greeted()
    rude.say(message)
    assert rude.last_word() == "protocol"
    rude.link.close()
    scene.heard.wait(st.CodeWrong)  # N7: a proof was not given, and that is a try


def test_no_common_version(scene: Scene) -> None:
    rude = scene.enter()
    rude.hear()
    rude.say(m.Hello([2, 3], b"n" * 32))
    assert rude.last_word() == "version"
    rude.link.close()


@pytest.mark.parametrize("length", [1025, 2**31, 2**32 - 1])
def test_n2_lengths(scene: Scene, length: int) -> None:
    rude = scene.enter()
    rude.hear()
    rude.raw(HEADER.pack(m.Kind.HELLO, length) + b"x" * 100)
    assert rude.last_word() == "protocol"
    rude.link.close()


# --- guessing --------------------------------------------------------------------------------------------------------


def wrong_code(scene: Scene) -> str:
    return f"{(int(scene.heard.all(st.Listening)[-1].code) + 1) % 10000:04d}"


def test_n7_guesses_are_counted_over_connections_and_then_even_the_right_code_is_refused(scene: Scene) -> None:
    answers = []
    for _connection in range(4):
        rude, theirs, own = scene.greeted()
        for _try in range(3):
            rude.say(scene.proof(theirs, own, wrong_code(scene)))
            answers.append(rude.hear())
        assert rude.last_word() == "code_refused"
        rude.link.close()
    assert answers == [m.CodeRefused(2), m.CodeRefused(1), m.CodeRefused(0)] * 4
    looked_at = len(scene.heard.all(st.CodeWrong))
    assert looked_at == limits.CODE_FAILURES_AN_HOUR
    rude, theirs, own = scene.greeted()
    rude.say(scene.proof(theirs, own))
    assert rude.hear() == m.CodeRefused(2)
    rude.link.close()
    assert scene.heard.all(st.PeerLocked)
    bob = scene.couple.bob.device
    bob.guesses.allow(scene.couple.peer_alice().id, bob.now())
    scene.let_in().link.close()
    scene.heard.wait(st.Failed)


def test_n7_guesses_in_parallel_are_counted_too(scene: Scene) -> None:
    for _round in range(4):
        visits = [scene.greeted() for _n in range(limits.GUESTS_OF_ONE)]
        wrong = wrong_code(scene)
        for rude, theirs, own in visits:
            rude.say(scene.proof(theirs, own, wrong))
        for rude, _theirs, _own in visits:
            assert rude.hear() == m.CodeRefused(2)
            rude.link.close()
    assert len(scene.heard.all(st.CodeWrong)) == limits.CODE_FAILURES_AN_HOUR


def test_idle_guests_of_one_peer_make_room_for_its_next(scene: Scene) -> None:
    visits = [scene.greeted()[0] for _n in range(limits.GUESTS_OF_ONE)]
    rude = scene.let_in()
    assert visits[0].last_word() == "busy"
    assert not scene.heard.all(st.CodeWrong)
    for guest in [*visits, rude]:
        guest.link.close()


def test_a_proof_of_another_connection_is_worth_nothing(scene: Scene) -> None:
    first, theirs, own = scene.greeted()
    proof = scene.proof(theirs, own)
    second, _theirs, _own = scene.greeted()
    second.say(proof)
    assert second.hear() == m.CodeRefused(2)
    for rude in (first, second):
        rude.link.close()


def test_rejoining_a_session_that_is_not_there(scene: Scene) -> None:
    rude, _theirs, _own = scene.greeted()
    rude.say(m.Rejoin(b"t" * 16, b"p" * 32))
    assert rude.last_word() != ""
    rude.link.close()


# --- behind the code -------------------------------------------------------------------------------------------------


HOSTILE_LISTS: dict[str, list[object]] = {
    "P1 up": [file("../../.ssh/authorized_keys")],
    "P3 dots": [file("..")],
    "P4 sibling": [file("../received_folder_twin/f")],
    "P5 absolute": [file("/etc/cron.d/x")],
    "P5 windows": [file("C:\\x")],
    "P5 share": [file("\\\\srv\\s")],
    "P5 nul": [file("a\0b")],
    "P5 empty": [file("")],
    "P11 twice": [file("a"), file("a")],
    "P11 file and folder": [file("a"), [0, -1, "a", 0, 0, ""]],
    "P11 inside a file": [file("a"), file("b", 3, 0)],
    "order": [file("b"), file("a")],
    "link out": [[3, -1, "l", 0, 0, "/etc"]],
    "link up": [[3, -1, "l", 0, 0, "../x"]],
    "link through a link": [[3, -1, "l", 0, 0, "m/../../x"]],
    "folder with a size": [[0, -1, "d", 5, 0, ""]],
    "unknown kind": [[9, -1, "d", 0, 0, ""]],
    "negative size": [file("a", -1)],
    "not a list": [5],
}


@pytest.mark.parametrize("name", HOSTILE_LISTS)
def test_hostile_lists_refuse_the_whole_offer(scene: Scene, name: str) -> None:
    made = sending(scene)
    made.offer(1, 3, len(HOSTILE_LISTS[name]))
    made.manifest(HOSTILE_LISTS[name])
    assert made.rude.last_word() == "offer"
    made.rude.link.close()
    failed = scene.heard.wait(st.Failed)
    assert failed.problem.exit_code == 8
    assert not scene.couple.into.exists()


@pytest.mark.parametrize(("files", "total", "entries"), [(2, 3, 1), (1, 4, 1), (1, 3, 2), (0, 0, 1)])
def test_z3_counts_that_lie(scene: Scene, files: int, total: int, entries: int) -> None:
    made = sending(scene)
    made.offer(files, total, entries)
    made.manifest([file("a")])
    assert made.rude.last_word() == "offer"
    made.rude.link.close()


def test_z3_an_offer_of_a_billion_entries(scene: Scene) -> None:
    made = sending(scene)
    made.offer(1, 1, 10**9)
    assert made.rude.last_word() == "offer"
    made.rude.link.close()


def accepted(scene: Scene, names: list[str], content: bytes = b"abc") -> tuple[Sending, Manifest]:
    """A rude sender whose offer was accepted."""
    made = sending(scene)
    manifest = Manifest()
    for name in names:
        manifest.add(Entry(EntryKind.FILE, -1, name, len(content), 0, ""))
    made.offer(manifest.files, manifest.bytes, len(manifest))
    made.manifest([manifest.entry(i) for i in range(len(manifest))])
    answer = made.rude.hear()
    assert isinstance(answer, m.Sealed)
    StreamReader(made.ring, Stream.ANSWER).read(answer.token)
    return made, manifest


def pack(
    made: Sending, number: int, last: bool, pieces: list[Piece], content: bytes, stream: Stream = Stream.PACK
) -> m.Sealed:
    writer = PackWriter()
    for piece in pieces:
        writer.add(piece, content)
    return m.Sealed(m.Kind.PACK, Sealer(made.ring, stream).seal(number, last, writer.finish([]), 1))


def right_pack(made: Sending, manifest: Manifest) -> m.Sealed:
    [only] = plan_packs(manifest, Answer())
    return pack(made, 0, True, only.pieces, b"abc")


HOSTILE_PACKS: dict[str, Callable[[Sending, Manifest], m.Message]] = {
    "S1 not the last": lambda s, _m: pack(s, 0, False, [Piece(0, 0, 3), Piece(1, 0, 3)], b"abc"),
    "S1 another number": lambda s, _m: pack(s, 1, True, [Piece(0, 0, 3), Piece(1, 0, 3)], b"abc"),
    "S1 another stream": lambda s, _m: pack(s, 0, True, [Piece(0, 0, 3), Piece(1, 0, 3)], b"abc", Stream.MANIFEST),
    "S1 empty last": lambda s, _m: pack(s, 0, True, [], b""),
    "S2 flipped": lambda s, m_: m.Sealed(m.Kind.PACK, memoryview(bytes(right_pack(s, m_).token[:-1]) + b"\0")),
    "Z1 longer": lambda s, _m: pack(s, 0, True, [Piece(0, 0, 3), Piece(1, 0, 3)], b"abcd"),
    "Z1 shorter": lambda s, _m: pack(s, 0, True, [Piece(0, 0, 3), Piece(1, 0, 3)], b"ab"),
    "Z2 missing": lambda s, _m: pack(s, 0, True, [Piece(0, 0, 3)], b"abc"),
    "Z2 twice": lambda s, _m: pack(s, 0, True, [Piece(0, 0, 3), Piece(0, 0, 3)], b"abc"),
    "Z2 order": lambda s, _m: pack(s, 0, True, [Piece(1, 0, 3), Piece(0, 0, 3)], b"abc"),
    "Z2 not planned": lambda s, _m: pack(s, 0, True, [Piece(0, 0, 3), Piece(1, 0, 3), Piece(2, 0, 3)], b"abc"),
    "no token": lambda _s, _m: m.Sealed(m.Kind.PACK, memoryview(b"x" * 1000)),
    "a manifest": lambda s, _m: m.Sealed(m.Kind.MANIFEST, memoryview(b"x")),
    "thanks": lambda _s, _m: m.Sealed(m.Kind.THANKS, memoryview(b"x")),
    "hello": lambda _s, _m: m.Hello([1], b"n" * 32),
}


@pytest.mark.parametrize("name", HOSTILE_PACKS)
def test_hostile_packs_end_the_transfer_and_leave_nothing(scene: Scene, name: str) -> None:
    made, manifest = accepted(scene, ["a", "b"])
    made.rude.say(HOSTILE_PACKS[name](made, manifest))
    assert made.rude.last_word() in ("seal", "protocol")
    made.rude.link.close()
    assert scene.heard.wait(st.Failed).problem.exit_code == 8
    device = scene.couple.bob.device
    wait_until(lambda: not list(device.transfers.iterdir()), 10, "the journal to be removed")
    assert not list((device.state / "staging").iterdir())


def test_s1_a_pack_after_the_last(scene: Scene) -> None:
    made, manifest = accepted(scene, ["a", "b"])
    only = right_pack(made, manifest)
    made.rude.say(only)
    made.rude.say(only)
    word = made.rude.last_word()
    made.rude.link.close()
    assert word in ("protocol", "seal", "")
    wait_until(lambda: bool(scene.heard.all(st.Failed)) or bool(scene.heard.all(st.Done)), 30, "an end")
    if scene.heard.all(st.Done):  # all was there and right before the extra one was read
        for name in scene.couple.visible():
            (scene.couple.into / name).unlink()


def test_n8_a_sender_that_falls_silent(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALL_SECONDS", 0.3)
    made, _manifest = accepted(scene, ["a", "b"])
    assert scene.heard.wait(st.Failed).problem.code == "interrupted"
    made.rude.link.close()


def test_n8_a_byte_now_and_then_is_no_progress(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALL_SECONDS", 0.5)
    made, _manifest = accepted(scene, ["a", "b"])
    made.rude.raw(HEADER.pack(m.Kind.PACK, 1000))

    def drip() -> bool:
        try:
            made.rude.raw(b"x")
        except LinkLostError:
            return True
        made.rude.link.wait(0.05)
        return bool(scene.heard.all(st.Failed))

    wait_until(drip, 20, "the receiver to give up")
    scene.heard.wait(st.Failed)
    made.rude.link.close()


def test_a_peer_removed_while_connected(scene: Scene) -> None:
    made = sending(scene)
    scene.couple.bob.device.peers.forget("alice")
    made.offer(1, 3, 1)
    made.manifest([file("a")])
    assert made.rude.last_word() == "peer_stopped"
    made.rude.link.close()
    assert scene.heard.wait(st.Failed).problem.code == "peer_forgotten"
    assert not scene.couple.into.exists()


# --- a hostile receiver ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [*BEFORE_HELLO[:4], m.CodeAccepted()], ids=lambda message: m.kind_of(message).name)
def test_n9_a_receiver_that_does_not_say_hello(couple: Couple, first: m.Message) -> None:
    (couple.folder / "secret").write_text("content that must not leave")
    heard = Heard()
    done = threading.Event()

    def welcome(link: TlsLink) -> None:
        rude = Rude(link)
        rude.say(first)
        rude.last_word()
        link.close()
        done.set()

    device = couple.bob.device
    listener = Listener(device.identity, device.peers, "127.0.0.1", 0, welcome, lambda: None)
    session = couple.alice.sending(Selection((couple.folder,)), Address("127.0.0.1", listener.port), None, heard.report)
    session.run()
    assert heard.code() in ("protocol", "peer_stopped")
    assert done.wait(20)
    listener.close()
    listener.join(10)


@pytest.mark.parametrize(
    "word", ["cancelled", "busy", "declined", "disk", "seal", "something from a later version", ""]
)
def test_every_word_of_an_end_is_understood(couple: Couple, word: str) -> None:
    (couple.folder / "x").write_text("x")
    heard = Heard()

    def welcome(link: TlsLink) -> None:
        rude = Rude(link)
        rude.say(m.Stop(word))
        rude.last_word()
        link.close()

    device = couple.bob.device
    listener = Listener(device.identity, device.peers, "127.0.0.1", 0, welcome, lambda: None)
    session = couple.alice.sending(Selection((couple.folder,)), Address("127.0.0.1", listener.port), None, heard.report)
    session.run()
    end = heard.end()
    assert isinstance(end, st.Failed)
    assert end.problem.message
    assert end.problem.hint
    listener.close()
    listener.join(10)


def test_somebody_let_in_as_the_receiver_is_closed_is_sent_away(couple: Couple) -> None:
    """Their connection was left open, and they were told nothing."""
    told: list[Problem] = []

    class Waiting:
        def end(self, problem: Problem) -> None:
            told.append(problem)

    with bobs_door(couple) as scene:
        first = scene.let_in()
        wait_until(
            lambda: scene.reception.turn.session_of(couple.peer_alice()),
            10,
            "the first to be served: the next one has to wait",
        )
        scene.reception.turn.let_in(Waiting(), couple.peer_alice())  # type: ignore[arg-type]
        scene.reception.controls.cancel()
        assert first.last_word() == "cancelled"
        first.link.close()
    assert [problem.code for problem in told] == ["cancelled"]
