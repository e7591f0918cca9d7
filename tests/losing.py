"""Loses the connection at a message of one kind."""

from __future__ import annotations

import pytest

from countersign.session.channel import Channel
from countersign.transport.link import LinkLostError
from countersign.wire import messages as m
from countersign.wire.messages import Kind


def is_kind(message: m.Message, kind: Kind) -> bool:
    return isinstance(message, m.Sealed) and message.kind is kind


def losing(monkeypatch: pytest.MonkeyPatch, kind: Kind, times: int, *, sent: bool = False) -> list[m.Message]:
    """Loses the connection when this message is sent, so many times. sent: the message went out, as far as its sender knows."""
    send = Channel.send
    lost: list[m.Message] = []

    def sending_(self: Channel, message: m.Message) -> None:
        if is_kind(message, kind) and len(lost) < times:
            lost.append(message)
            self.lose()
            if sent:
                return
            raise LinkLostError
        send(self, message)

    monkeypatch.setattr(Channel, "send", sending_)
    return lost
