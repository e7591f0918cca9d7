"""What is fuzzed: each target takes any bytes, and either parses them or raises the one problem of its kind. Anything else is a fault.

Seeds with certificates are made at run time: the repository holds none. Names of files in the corpus are names of targets.
"""

from __future__ import annotations

import atexit
import datetime
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.base.errors import (
    BadAddress,
    BadCode,
    BadKey,
    NotACertificate,
    OfferRefused,
    Problem,
    ProtocolProblem,
    ReceiptProblem,
    SealBroken,
)
from countersign.base.figures import moment_text
from countersign.base.handles import Handle
from countersign.base.printable import printable
from countersign.pack.archive import read_pack
from countersign.pack.arrival import Arrival, Arrived, Verdict, decode_verdict, encode, runs
from countersign.pack.manifest import Entry, EntryKind, Manifest, ManifestReader
from countersign.pack.names import System, check_component, check_target, collision_key, local_problem
from countersign.pack.plan import Answer, decode_answer, encode_answer, plan_packs
from countersign.pack.reasons import Reason
from countersign.pack.summary import Summary, decode_summary, encode_summary
from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.receipts.checking import check_receipt
from countersign.receipts.format import FORMAT
from countersign.receipts.history import ReceiptLines, list_past_transfers
from countersign.seal.code import parse_code
from countersign.seal.keys import KeyRing
from countersign.seal.keytext import grouped, new_key, parse_key, spelled
from countersign.seal.stream import Opener, Sealer, Stream
from countersign.seal.token import open_token, seal
from countersign.target.journal import VERSION, About, Journal, Past, Record, list_interrupted, tidy
from countersign.transfer.states import TABLE
from countersign.transport.addresses import parse_address
from countersign.trust.certificate import check_dates, read_certificate, signature_fits
from countersign.trust.fingerprint import DeviceId
from countersign.trust.guesses import Guesses
from countersign.ui.preferences import LOOKS, PreferenceStore
from countersign.wire.frames import FrameReader
from countersign.wire.messages import CAPS, CONTROL_TYPES, Kind, Role, decode
from countersign.wire.states import Conversation
from tests.long.archives import PIECES, archive, right_archive
from tests.long.breaks import GOOD, bodies, good_frame
from tests.long.lists import hostile_lists

Run = Callable[[bytes], None]
CORPUS = Path(__file__).parent / "corpus"
ROOM = "COUNTERSIGN_FUZZ_ROOM"
MEMORY = Path("/dev/shm")
_KEY = b"k" * 32


def in_memory() -> Path | None:
    """A folder of the system that lies in memory, where there is one."""
    return MEMORY if MEMORY.is_dir() else None


@dataclass(frozen=True)
class Target:
    """`run` returns for bytes that parse and for bytes that are refused as they should. weight: its share of a long run."""

    run: Run
    seeds: Callable[[], list[bytes]]
    weight: float = 1.0


def corpus(name: str) -> list[bytes]:
    """What is kept in the tree: a line of hexadecimal digits for each input."""
    file = CORPUS / f"{name}.txt"
    return [bytes.fromhex(line) for line in file.read_text().splitlines()] if file.exists() else []


def _told(problem: Problem, exit_code: int | None = None) -> None:
    """A problem that a person can be told."""
    assert problem.message
    assert exit_code in (None, problem.exit_code)


# --- wire -------------------------------------------------------------------------------------------------------------


def frames(data: bytes) -> None:
    for conversation in (Conversation(Role.RECEIVER, TABLE), Conversation(Role.SENDER, TABLE)):
        if conversation.role is Role.RECEIVER:
            conversation.sending(Kind.HELLO)
        try:
            FrameReader(conversation.cap_of).feed(data)
            FrameReader(lambda kind: CAPS[kind], lambda _kind, n: bytearray(min(n, limits.PACK_CAP))).feed(data)
        except ProtocolProblem:
            pass


def messages(data: bytes) -> None:
    kinds = sorted(CONTROL_TYPES)
    try:
        decode(kinds[data[0] % len(kinds)] if data else Kind.STOP, data[1:])
    except ProtocolProblem:
        pass


def conversation(data: bytes) -> None:
    one = Conversation(Role.RECEIVER, TABLE)
    one.sending(Kind.HELLO)
    for byte in data:
        try:
            one.received(Kind(byte))
        except (ProtocolProblem, ValueError):
            return


# --- packs and lists --------------------------------------------------------------------------------------------------


def manifest(data: bytes) -> None:
    entries, files, total = (
        (data[0] if data else 0),
        (data[1] if len(data) > 1 else 0),
        (data[2] if len(data) > 2 else 0),
    )
    reader = ManifestReader(entries, files, total)
    try:
        reader.add_batch(data[3:])
    except OfferRefused:
        return
    for index in range(len(reader.manifest)):
        for part in reader.manifest.components(index):
            assert part not in ("", ".", "..")
            assert not set(part) & set("/\\\0")
    try:
        list(plan_packs(reader.finish(), Answer()))
    except OfferRefused:
        pass


def names(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape" if data[:1] == b"s" else "replace")
    check_target(text, data[0] % 5 if data else 0)
    try:
        check_component(text)
    except OfferRefused:
        return
    assert os.path.basename(text) == text
    assert Path("x", text).parent == Path("x")
    for system in System:
        local_problem(text, system)
        collision_key(text, True, system)


def answers(data: bytes) -> None:
    made = _manifest_of_nine()
    try:
        list(plan_packs(made, decode_answer(data, made)))
    except ProtocolProblem:
        pass


@lru_cache
def _manifest_of_nine() -> Manifest:
    made = Manifest()
    for number in range(9):
        made.add(Entry(EntryKind.FILE, -1, str(number), number * 100, 0, ""))
    return made


def packs(data: bytes) -> None:
    try:
        opened = read_pack(memoryview(data), PIECES)
    except SealBroken:
        return
    assert all(len(content) == piece.length for piece, content in opened.members)


# --- seals and secrets ------------------------------------------------------------------------------------------------


def tokens(data: bytes) -> None:
    try:
        open_token(_KEY, data)
    except SealBroken:
        pass


def plaintexts(data: bytes) -> None:
    """What is inside a token that a hostile peer has sealed rightly."""
    ring = KeyRing(b"m" * 32, b"t" * 16, b"a" * 32, b"b" * 32)
    try:
        Opener(ring, Stream.PACK).open_frame(0, seal(_stream_key(), [data], 1))
    except SealBroken:
        pass


@lru_cache
def _stream_key() -> bytes:
    ring = KeyRing(b"m" * 32, b"t" * 16, b"a" * 32, b"b" * 32)
    return Sealer(ring, Stream.PACK)._key


def keytexts(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        key = parse_key(text)
    except BadKey:
        return
    assert parse_key(grouped(key)) == key
    assert spelled(key)


def codes(data: bytes) -> None:
    try:
        assert len(parse_code(data.decode("utf-8", "replace"))) == 4
    except BadCode:
        pass


# --- what people type and see -----------------------------------------------------------------------------------------


def addresses(data: bytes) -> None:
    try:
        parse_address(data.decode("utf-8", "replace"))
    except BadAddress as problem:
        _told(problem)


def shown(data: bytes) -> None:
    text = printable(data.decode("utf-8", "surrogateescape" if data[:1] == b"s" else "replace"))
    assert not set(text) & set("\x1b\n\r\x07\u202e\u200b\u2066\ufeff")
    assert len(text) <= 10 * limits.KIB


# --- certificates, receipts, files of our own ---------------------------------------------------------------------------


@lru_cache
def _room() -> Path:
    """A folder that is gone at the end: the one that a fuzzer is given, since it ends without a word, or our own."""
    given = os.environ.get(ROOM)
    if given:
        return Path(given)
    room = Path(tempfile.mkdtemp(prefix="countersign-fuzz-", dir=in_memory()))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    return room


@lru_cache
def _profile() -> Profile:
    return open_profile(Home(_room() / "home"))


def certificates(data: bytes) -> None:
    try:
        found = read_certificate(data, "x")
        check_dates(found, datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), "x")
        assert not signature_fits(found, b"0" * 70, b"data")
    except Problem as problem:
        _told(problem, NotACertificate.exit_code)


def peers(data: bytes) -> None:
    profile = _profile()
    (profile.home.peers / "x.pem").write_bytes(data)
    for peer in profile.device.peers.all():
        assert peer.name == "x"
    for problem in profile.device.peers.problems():
        _told(problem)


def receipts(data: bytes) -> None:
    """Read from a file, for checking and for showing."""
    file = _room() / "x.receipt"
    file.write_bytes(data)
    try:
        check_receipt(file, None)
    except ReceiptProblem as problem:
        _told(problem)
    try:
        ReceiptLines(file).close()
    except ReceiptProblem as problem:
        _told(problem)


def arrivals(data: bytes) -> None:
    """What a receiver says it has, read by a sender; the first byte cuts it into payloads."""
    made = _manifest_of_nine()
    arrived = Arrived(made)
    cut = data[0] if data else 0
    try:
        for payload in (data[1 : 1 + cut], data[1 + cut :]):
            arrived.add(payload)
        arrived.finish()
        assert len(arrived.differing(bytearray(32 * 9))) <= 9
    except ProtocolProblem as problem:
        _told(problem)
    try:
        decode_verdict(data, made, {})
        decode_summary(data)
    except (ProtocolProblem, OfferRefused) as problem:
        _told(problem)


def history(data: bytes) -> None:
    """A receipt in the list of what was sent and received."""
    device = _profile().device
    (device.receipts / "x.receipt").write_bytes(data)
    for exchange in list_past_transfers(device.receipts, device.identity.ids):
        assert exchange.time.tzinfo is not None
        moment_text(exchange.time)


def preferences(data: bytes) -> None:
    file = _room() / "preferences.json"
    file.write_bytes(data)
    store = PreferenceStore(_room())
    assert store.read().looks in LOOKS
    for aside in _room().glob("preferences.json.damaged-*"):
        assert store.note
        aside.unlink()


def journals(data: bytes) -> None:
    """Whichever of the three files is damaged, the others are as they were."""
    transfers, folder = _journal()
    which = ("about.json", "manifest", "log")[data[0] % 3 if data else 0]
    whole = (folder / which).read_bytes()
    (folder / which).write_bytes(data[1:])
    try:
        for item in list_interrupted(transfers):
            assert item.bytes_there >= 0
        tidy(transfers, _room() / "staging", 2e9)
        try:
            Past(folder, Handle(os.open(folder / "lock", os.O_RDWR))).close()
        except (OSError, ValueError):
            pass
    finally:
        for spare in transfers.iterdir():
            if spare != folder and folder.exists():
                shutil.rmtree(spare)
        _restore(transfers, folder)
        (folder / which).write_bytes(whole)


@lru_cache
def _journal() -> tuple[Path, Path]:
    transfers = _room() / "transfers"
    (_room() / "staging").mkdir()
    about = About(VERSION, "00" * 32, "x", "x", b"/nowhere", b"/nowhere/staging", 1e9, 9, 9, 3600)
    journal = Journal.begin(transfers, about, _manifest_of_nine())
    journal.add(Record([(0, bytes(32))], [(1, 50, bytes(32))]))
    journal.close()
    return transfers, journal.folder


def _restore(transfers: Path, folder: Path) -> None:
    """A journal that was set aside comes back."""
    if not folder.exists():
        [aside] = transfers.iterdir()
        aside.rename(folder)


def guesses(data: bytes) -> None:
    """Whatever is in the file, nobody gets more tries than an empty one would give, and what can't be read locks."""
    state = _room() / "guesses"
    state.mkdir(exist_ok=True)
    (state / "guesses.json").write_bytes(data)
    peer = DeviceId(b"p" * 32)
    counter = Guesses(state)
    given = sum(counter.begin_try(peer, 1e9) for _n in range(limits.CODE_FAILURES_AN_HOUR + 2))
    assert given <= limits.CODE_FAILURES_AN_HOUR
    for aside in state.glob("guesses.json.damaged-*"):
        assert given == 0
        aside.unlink()


# --- seeds --------------------------------------------------------------------------------------------------------------


def _frames() -> list[bytes]:
    return [good_frame(kind) for kind in Kind] + [data for kind in GOOD for _name, data in bodies(kind)][::7]


def _messages() -> list[bytes]:
    kinds = sorted(CONTROL_TYPES)
    return [bytes([kinds.index(kind)]) + msgspec.msgpack.encode(GOOD[kind]) for kind in kinds]


def _lists() -> list[bytes]:
    found = [b"\x01\x01\x03\x91\x96\x01\xff\xa1a\x03\x00\xa0"]
    for _name, entries, (files, total, count) in hostile_lists():
        found.append(
            bytes([min(255, count), min(255, files), min(255, total)]) + msgspec.msgpack.encode(entries)[:2000]
        )
    return found[::5]


def _names() -> list[bytes]:
    names = ("a", "..", "a/b", "C:\\x", "nul", "é", "x" * 300, "../../x", "a:b", "con.txt. ")
    return [*(name.encode() for name in names), b"s\xed\xa0\x80"]


def _packs() -> list[bytes]:
    return [
        right_archive(),
        archive(PIECES[:1], withdrawn=[(1, "changed")]),
        archive([], withdrawn=[(0, "changed"), (1, "vanished")]),
    ]


def _answers() -> list[bytes]:
    return [encode_answer(answer) for answer in (Answer(), Answer(b"\x01\x00", b"\x02\x00", [(3, 5)]))]


def _certificates() -> list[bytes]:
    pem = _profile().device.identity.pem
    import base64

    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    return [pem, der, pem * 2, pem.replace(b"CERTIFICATE", b"PRIVATE KEY"), pem[: len(pem) // 2]]


def _receipts() -> list[bytes]:
    from tests.long.signing import facts_of, signed_receipt

    identity, made = _profile().device.identity, _manifest_of_nine()
    pem = identity.pem.decode()
    first, lines = facts_of(made, pem, pem)
    whole = signed_receipt(first, lines, identity.sign, identity.sign)
    return [whole, msgspec.json.encode(first) + b"\n", b'{"received":"AA=="}\n', whole + b'{"here":"x","name":"0"}\n']


def _arrivals() -> list[bytes]:
    made = _manifest_of_nine()
    first = encode(Arrival("2026-01-01T00:00:00+00:00"))
    found = [bytes([len(first)]) + first + encode(run) for run in runs(made, {2: Reason.CHANGED}, bytearray(32 * 9))]
    summary = encode_summary(Summary("x", 9, 9, 9))
    return [*found, encode(Verdict(b"\x01\x00")), summary]


def _history() -> list[bytes]:
    own = _profile().device.identity.id.hex()
    facts = {"format": FORMAT, "transfer_id": "x", "name": "x", "sender": own, "receiver": "b", "sender_certificate": "",
             "receiver_certificate": "", "entries": 1, "files": 1, "bytes": 1, "skipped": 0}  # fmt: skip
    times = ("2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01")
    return [msgspec.json.encode({**facts, "time": time}) + b"\n" for time in times]


def _preferences() -> list[bytes]:
    return [
        b"{}",
        b'{"looks":"dark","language":"de","windows":{"sender":"700x660+10+10"},"into":"/x"}',
        b'{"version":2}',
    ]


def _journals() -> list[bytes]:
    _transfers, folder = _journal()
    return [
        bytes([number]) + (folder / name).read_bytes() for number, name in enumerate(("about.json", "manifest", "log"))
    ]


def _guesses() -> list[bytes]:
    peer = (b"p" * 32).hex()
    return [
        json.dumps({"version": 1, "failures": failures}).encode()
        for failures in ({}, {peer: [1e9] * 5}, {"*": [1e9] * 6}, {peer: [2e9, 1.0, -1]})
    ] + [b"", b"{}", b'{"version": 2, "failures": {}}', b'{"version":1,"failures":{"x":[1e999]}}']


TARGETS: dict[str, Target] = {
    "frames": Target(frames, _frames),
    "messages": Target(messages, _messages, 3.0),
    "conversation": Target(conversation, lambda: [bytes(range(1, 17))], 2.0),
    "manifest": Target(manifest, _lists, 2.0),
    "names": Target(names, _names),
    "answers": Target(answers, _answers, 2.0),
    "packs": Target(packs, _packs, 2.0),
    "tokens": Target(tokens, lambda: [bytes(seal(_KEY, [b"x" * size], 1)) for size in (0, 15, 100)]),
    "plaintexts": Target(plaintexts, lambda: [b"t" * 16 + b"\x03" + bytes(8) + b"\x01" + b"x" * 9]),
    "keytexts": Target(keytexts, lambda: [grouped(new_key()).encode(), b"O0-iL " * 4], 2.0),
    "codes": Target(codes, lambda: [b"1234", b"12 34", b" 1-2-3-4 ", "１２３４".encode()], 2.0),
    "addresses": Target(addresses, lambda: [b"10.0.0.1:80", b"[::1]:5", b"fe80::1%eth0", b"laptop.local"]),
    "shown": Target(shown, lambda: [b"a\x1b[2K", "\u202egpj.exe".encode(), b"s\xed\xa0\x80", b"x" * 400]),
    "certificates": Target(certificates, _certificates, 0.3),
    "peers": Target(peers, _certificates, 0.05),
    "receipts": Target(receipts, _receipts, 0.05),
    "arrivals": Target(arrivals, _arrivals, 0.05),
    "history": Target(history, _history, 0.05),
    "preferences": Target(preferences, _preferences, 0.1),
    "journals": Target(journals, _journals, 0.05),
    "guesses": Target(guesses, _guesses, 0.02),
}  # fmt: skip
