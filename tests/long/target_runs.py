"""What each target does with its bytes, and the home in memory in which some of them need files."""

from __future__ import annotations

import atexit
import datetime
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

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
from countersign.pack.arrival import Arrived, decode_verdict
from countersign.pack.manifest import Entry, EntryKind, Manifest, ManifestReader
from countersign.pack.names import System, check_component, check_target, collision_key, local_problem
from countersign.pack.plan import Answer, decode_answer, plan_packs
from countersign.pack.summary import decode_summary
from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.receipts.checking import check_receipt
from countersign.receipts.history import ReceiptLines, list_past_transfers
from countersign.seal.code import parse_code
from countersign.seal.keys import KeyRing
from countersign.seal.keytext import grouped, parse_key, spelled
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
from tests.long.archives import PIECES

ROOM = "COUNTERSIGN_FUZZ_ROOM"
MEMORY = Path("/dev/shm")
KEY = b"k" * 32


def in_memory() -> Path | None:
    """A folder of the system that lies in memory, where there is one."""
    return MEMORY if MEMORY.is_dir() else None


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
    made = manifest_of_nine()
    try:
        list(plan_packs(made, decode_answer(data, made)))
    except ProtocolProblem:
        pass


@lru_cache
def manifest_of_nine() -> Manifest:
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
        open_token(KEY, data)
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
def setting_in_room() -> Profile:
    return open_profile(Home(_room() / "home"))


def certificates(data: bytes) -> None:
    try:
        found = read_certificate(data, "x")
        check_dates(found, datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), "x")
        assert not signature_fits(found, b"0" * 70, b"data")
    except Problem as problem:
        _told(problem, NotACertificate.exit_code)


def peers(data: bytes) -> None:
    setting = setting_in_room()
    (setting.home.peers / "x.pem").write_bytes(data)
    for peer in setting.device.peers.all():
        assert peer.name == "x"
    for problem in setting.device.peers.problems():
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
    made = manifest_of_nine()
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
    device = setting_in_room().device
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
    transfers, folder = journal_in_room()
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
def journal_in_room() -> tuple[Path, Path]:
    transfers = _room() / "transfers"
    (_room() / "staging").mkdir()
    about = About(VERSION, "00" * 32, "x", "x", b"/nowhere", b"/nowhere/staging", 1e9, 9, 9, 3600)
    journal = Journal.begin(transfers, about, manifest_of_nine())
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
