"""The messages, as docs/PROTOCOL.md lists them. Control messages are MessagePack maps, decoded strictly."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Annotated, Any, TypeAlias

import msgspec

from countersign.base import limits
from countersign.base.errors import ProtocolProblem

PROTOCOL_VERSION = 1

Nonce = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Short = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_TOTAL_BYTES)]
Few = Annotated[int, msgspec.Meta(ge=0, le=255)]


class Role(Enum):
    """The two ends of a conversation."""

    SENDER = "sender"
    RECEIVER = "receiver"

    @property
    def other(self) -> Role:
        return Role.RECEIVER if self is Role.SENDER else Role.SENDER


class Kind(IntEnum):
    """Message types, one byte on the wire."""

    HELLO = 1
    CODE_PROOF = 2
    CODE_ACCEPTED = 3
    CODE_REFUSED = 4
    OFFER = 5
    MANIFEST = 6
    KEY_ACCEPTED = 7
    KEY_REFUSED = 8
    ANSWER = 9
    PACK = 10
    RECEIVED = 11
    RECEIPT = 12
    THANKS = 13
    WAITING = 14
    STOP = 15
    REJOIN = 16
    HASHES = 17
    VERDICT = 18


class Control(msgspec.Struct, frozen=True):
    """Base of the control messages."""


class Hello(Control, frozen=True):
    versions: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=65535)]], msgspec.Meta(min_length=1, max_length=32)]
    nonce: Nonce


class CodeProof(Control, frozen=True):
    proof: Nonce


class CodeAccepted(Control, frozen=True):
    pass


class CodeRefused(Control, frozen=True):
    tries_left: Few


class Offer(Control, frozen=True):
    transfer_id: Short
    salt: Short


class KeyAccepted(Control, frozen=True):
    pass


class KeyRefused(Control, frozen=True):
    tries_left: Few


class Received(Control, frozen=True):
    packs: Count
    files: Count
    bytes: Count


class Waiting(Control, frozen=True):
    paused: bool = False


class Stop(Control, frozen=True):
    code: Annotated[str, msgspec.Meta(max_length=64)]


class Rejoin(Control, frozen=True):
    transfer_id: Short
    proof: Nonce


class Sealed(msgspec.Struct, frozen=True):
    """A frame of one of the sealed kinds: the token, in binary."""

    kind: Kind
    token: memoryview


Message: TypeAlias = Control | Sealed

CONTROL_TYPES: dict[Kind, type[Control]] = {
    Kind.HELLO: Hello,
    Kind.CODE_PROOF: CodeProof,
    Kind.CODE_ACCEPTED: CodeAccepted,
    Kind.CODE_REFUSED: CodeRefused,
    Kind.OFFER: Offer,
    Kind.KEY_ACCEPTED: KeyAccepted,
    Kind.KEY_REFUSED: KeyRefused,
    Kind.RECEIVED: Received,
    Kind.WAITING: Waiting,
    Kind.STOP: Stop,
    Kind.REJOIN: Rejoin,
}
KIND_OF: dict[type[Control], Kind] = {cls: kind for kind, cls in CONTROL_TYPES.items()}

CAPS: dict[Kind, int] = {
    **dict.fromkeys(Kind, limits.CONTROL_CAP),
    Kind.HELLO: limits.HELLO_CAP,
    Kind.STOP: limits.STOP_CAP,
    Kind.REJOIN: limits.STOP_CAP,
    Kind.MANIFEST: limits.BATCH_CAP,
    Kind.RECEIPT: limits.SIGNED_CAP,
    Kind.THANKS: limits.SIGNED_CAP,
    Kind.HASHES: limits.BATCH_CAP,
    Kind.VERDICT: limits.ANSWER_CAP,
    Kind.ANSWER: limits.ANSWER_CAP,
    Kind.PACK: limits.PACK_CAP,
}

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Kind, msgspec.msgpack.Decoder[Any]] = {
    kind: msgspec.msgpack.Decoder(cls, strict=True) for kind, cls in CONTROL_TYPES.items()
}


def kind_of(message: Message) -> Kind:
    """The type byte of a message."""
    return message.kind if isinstance(message, Sealed) else KIND_OF[type(message)]


def encode_body(message: Message) -> bytes | memoryview:
    """The body of the frame that carries `message`."""
    return message.token if isinstance(message, Sealed) else _encoder.encode(message)


def decode(kind: Kind, body: bytes | bytearray | memoryview) -> Message:
    """The message in a frame. Raises ProtocolProblem if the body does not fit its type."""
    decoder = _decoders.get(kind)
    if decoder is None:
        return Sealed(kind, memoryview(body))
    try:
        message: Control = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProtocolProblem from None
    return message


def common_version(theirs: list[int]) -> int | None:
    """The highest protocol version that both sides speak, or None."""
    return PROTOCOL_VERSION if PROTOCOL_VERSION in theirs else None
