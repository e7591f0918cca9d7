"""One harm to one TLS record of a transfer, for every record in both directions. Every frame begins a record, so every boundary
of the protocol is covered, and so is the middle of every frame.

Every fault has a random tree of about the same size, so that it has about the same records.

A harmless fault must end well. Any other fault must end well by itself once the key is accepted; before that, it must end in an
error that a person understands, and the next try must work. In every case only the whole folder is ever visible.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from countersign.base import limits
from countersign.session import status as st
from countersign.source.selection import Selection
from countersign.target import intake
from countersign.transfer import connections, receiving
from tests.long.figures import Figure, quick_couple
from tests.long.records import HARMLESS, HARMS, Fault, RecordProxy
from tests.long.trees import RandomTree
from tests.patched import patched
from tests.transfers import Couple, Exchange, snapshot

_PACK = 16 * limits.KIB
_LARGE = 60_000
# how a sender may end that was cut off before its key was accepted
BEFORE_THE_KEY = frozenset({"peer_silent", "not_countersign"})


@contextmanager
def quick_times() -> Iterator[None]:
    """Shortens every wait for a bad line."""
    with (
        patched(
            limits, PACK_BYTES=_PACK, STALL_SECONDS=6.0, WAITING_SECONDS=0.2, HANDSHAKE_SECONDS=3.0, REJOIN_SECONDS=30.0
        ),
        patched(connections, _PAUSES=(0.05,)),
        patched(intake, _SILENCE_SECONDS=20.0),
        patched(receiving, _THANKS_SECONDS=3.0),
    ):
        yield


def count_records(couple: Couple) -> dict[bool, int]:
    """How many records a whole transfer has, to the receiver (True) and from it (False)."""
    _exchange, proxy = _through(couple, None)
    shutil.rmtree(couple.into)
    return proxy.counted


def harm(couple: Couple, fault: Fault) -> str:
    """One transfer with this fault, and another if it did not end well: `done`, or the sender's first error."""
    before = snapshot(couple.folder)
    device = couple.bob.device
    device.guesses.allow(couple.alice.device.identity.id, device.now())
    exchange, proxy = _through(couple, fault)
    code = exchange.sender.code()
    assert snapshot(couple.folder) == before, fault
    if code != "done":
        assert proxy.harmed.is_set(), f"{fault}: {code}"
        assert fault.harm not in HARMLESS, f"{fault}: {code}"
        assert couple.visible() == [], fault
        assert code in BEFORE_THE_KEY, f"{fault}: {code}"
        assert not any(isinstance(s, st.WaitingFor) and s.what == "answer" for s in exchange.sender.statuses), (
            f"{fault}: {code}"
        )
        exchange = Exchange(couple).run()
        assert exchange.codes == ("done", "done"), f"{fault}: then {exchange.codes}"
    assert snapshot(couple.into) == before, fault
    shutil.rmtree(couple.into)
    return code


def _through(couple: Couple, fault: Fault | None) -> tuple[Exchange, RecordProxy]:
    exchange = Exchange(couple)
    with RecordProxy(exchange.port, fault) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.start().join(receiver=False)
        if exchange.sender.code() == "done":
            exchange.join()
            assert exchange.receiver.code() == "done", f"{fault}: {exchange.receiver.code()}"
        else:
            exchange.stop_receiver()
            assert exchange.receiver.code() != "done", fault
    return exchange, proxy


def faults(counted: dict[bool, int]) -> list[Fault]:
    """Every harm to every record, in a fixed order; any prefix of it is a sample."""
    whole = [
        Fault(name, to_server, index)
        for to_server in (True, False)
        for index in range(counted[to_server])
        for name in HARMS
    ]
    random.Random(11).shuffle(whole)
    return whole


def prepare(couple: Couple, number: int = 0) -> None:
    """Makes the tree for one fault."""
    tree = RandomTree(couple.folder, f"cut {number}", pack=_PACK, room=_LARGE // 2, most_folders=60)
    there = sum(path.lstat().st_size for path in couple.folder.rglob("*") if path.is_file())
    tree.add_file("large.bin", max(_PACK + 1, _LARGE - there))


def run(runs: int | None, first: int = 0) -> Figure:
    """All faults, or `runs` of them from `first`."""
    ends: dict[str, int] = {}
    with quick_couple() as couple, quick_times():
        prepare(couple)
        counted = count_records(couple)
        chosen = list(enumerate(faults(counted)))[first : None if runs is None else first + runs]
        for number, fault in chosen:
            prepare(couple, number)
            code = harm(couple, fault)
            ends[code] = ends.get(code, 0) + 1
    done = ends.pop("done", 0)
    early = ", ".join(f"{code} {count}" for code, count in sorted(ends.items()))
    text = (
        f"{len(chosen)} faults in transfers of as many random trees, each of about {counted[True]} + {counted[False]} TLS records: "
        f"{done} went on by themselves, {sum(ends.values())} before the key ended in an error ({early}) and then worked; "
        "half-written names 0, unequal folders 0"
    )
    return Figure(text, done + sum(ends.values()) == len(chosen))
