"""Both sides send hello: their versions and a nonce. The receiver goes first, so a refused client learns of it here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from countersign.base.errors import VersionProblem
from countersign.session.channel import Channel
from countersign.wire.messages import PROTOCOL_VERSION, Hello, Role, common_version

_NONCE = 32  # bytes


@dataclass(frozen=True)
class Nonces:
    """Each side's random bytes for this connection: every proof uses both."""

    receiver: bytes
    sender: bytes


def greet(channel: Channel, limit: float | None = None) -> Nonces:
    """Sends hello and receives the peer's. limit: seconds to wait for it.

    Raises VersionProblem without a common version, and what a channel raises.
    """
    own = secrets.token_bytes(_NONCE)
    if channel.role is Role.RECEIVER:
        channel.send(Hello([PROTOCOL_VERSION], own))
    theirs = channel.expect(Hello, limit)
    if common_version(theirs.versions) is None:
        raise VersionProblem
    if channel.role is Role.SENDER:
        channel.send(Hello([PROTOCOL_VERSION], own))
        return Nonces(theirs.nonce, own)
    return Nonces(own, theirs.nonce)
