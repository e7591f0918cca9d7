"""The state table of a one-shot transfer, one for both roles. docs/PROTOCOL.md repeats it; a test compares them."""

from __future__ import annotations

from enum import Enum

from countersign.wire.messages import Kind, Role
from countersign.wire.states import Table


class State(Enum):
    """The states of a transfer, the same on both sides."""

    START = "start"
    GREETED = "greeted"
    CODE = "code"
    JUDGING = "judging"
    OFFER = "offer"
    FIRST_BATCH = "first_batch"
    KEY = "key"
    MANIFEST = "manifest"
    DATA = "data"
    HASHES = "hashes"
    VERDICT = "verdict"
    RECEIPT = "receipt"
    CLOSED = "closed"


_S, _R = Role.SENDER, Role.RECEIVER

TABLE = Table(
    start=State.START,
    closed=State.CLOSED,
    data=State.DATA,
    moves={
        (State.START, _R, Kind.HELLO): State.GREETED,
        (State.GREETED, _S, Kind.HELLO): State.CODE,
        (State.CODE, _S, Kind.CODE_PROOF): State.JUDGING,
        (State.JUDGING, _R, Kind.CODE_REFUSED): State.CODE,
        (State.JUDGING, _R, Kind.CODE_ACCEPTED): State.OFFER,
        (State.CODE, _S, Kind.REJOIN): State.OFFER,
        (State.OFFER, _S, Kind.OFFER): State.FIRST_BATCH,
        (State.FIRST_BATCH, _S, Kind.MANIFEST): State.KEY,
        (State.KEY, _R, Kind.KEY_REFUSED): State.KEY,
        (State.KEY, _R, Kind.KEY_ACCEPTED): State.MANIFEST,
        (State.MANIFEST, _S, Kind.MANIFEST): State.MANIFEST,
        (State.MANIFEST, _R, Kind.ANSWER): State.DATA,
        (State.DATA, _S, Kind.PACK): State.DATA,
        (State.DATA, _R, Kind.RECEIVED): State.DATA,
        (State.DATA, _R, Kind.HASHES): State.HASHES,
        (State.HASHES, _R, Kind.HASHES): State.HASHES,
        (State.HASHES, _S, Kind.VERDICT): State.VERDICT,
        (State.VERDICT, _R, Kind.RECEIPT): State.RECEIPT,
        (State.RECEIPT, _S, Kind.THANKS): State.CLOSED,
    },
)
