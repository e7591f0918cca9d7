"""Hostile messages: a small form of `python3 -m tests.long messages`, and a check of its list."""

from __future__ import annotations

import itertools
import shutil

import msgspec
import pytest

from countersign.seal.stream import Stream, StreamReader
from countersign.session import status as st
from countersign.wire import messages as m
from countersign.wire.messages import Kind
from tests.hostile_peer import bobs_door
from tests.long.archives import right_archive
from tests.long.breaks import frame, out_of_place
from tests.long.messages import attack_receiver, attack_sender
from tests.long.to_receiver import ALWAYS, PLACES, receiver_cases
from tests.long.to_sender import sender_cases
from tests.transfers import Couple

pytestmark = pytest.mark.once

_EVERY = 20


def test_the_list_is_long_and_names_no_case_twice() -> None:
    names = [("receiver", case.name) for case in receiver_cases()] + [("sender", case.name) for case in sender_cases()]
    assert len(names) > 1000
    assert len(names) == len(set(names))


def test_hostile_messages_to_a_receiver(couple: Couple) -> None:
    assert attack_receiver(couple, itertools.islice(receiver_cases(), 0, None, _EVERY)) > 50


def test_hostile_messages_to_a_sender(couple: Couple) -> None:
    assert attack_sender(couple, itertools.islice(sender_cases(), 3, None, _EVERY)) > 25


def test_n9_hostile_messages_when_all_has_arrived(couple: Couple) -> None:
    """Too late for harm: what arrived intact is there, the peer is told, and the next one is served."""
    verdict = msgspec.msgpack.encode({"differing": b""})
    with bobs_door(couple) as scene:
        for number, (name, data) in enumerate(out_of_place(ALWAYS | {Kind.THANKS}), 1):
            visit = PLACES["data"][0](scene)
            visit.hostile.raw(frame(Kind.PACK, visit.seal(Stream.PACK, 0, True, right_archive())))
            reader = StreamReader(visit.ring, Stream.HASHES)
            while not reader.ended:
                heard = visit.hostile.hear()
                if isinstance(heard, m.Sealed):
                    reader.read(heard.token)
            visit.hostile.raw(frame(Kind.VERDICT, visit.seal(Stream.VERDICT, 0, True, verdict)))
            while not (isinstance(heard := visit.hostile.hear(), m.Sealed) and heard.kind is Kind.RECEIPT):
                pass
            visit.hostile.raw(data)
            assert visit.hostile.last_word() == "protocol", name
            visit.hostile.link.close()
            scene.heard.wait(st.Done, number)
            scene.heard.wait(st.Listening, number + 1)
            assert sorted(path.read_bytes() for path in couple.into.iterdir()) == [b"abc", b"abc"], name
            shutil.rmtree(couple.into)
