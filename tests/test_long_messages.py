"""Hostile messages: a small form of `python3 -m tests.long messages`, and that its list is what it says."""

from __future__ import annotations

import itertools

import pytest

from tests.long.messages import attack_receiver, attack_sender
from tests.long.to_receiver import receiver_cases
from tests.long.to_sender import sender_cases
from tests.transfers import Couple

_EVERY = 20


def test_the_list_is_long_and_names_no_case_twice() -> None:
    names = [("receiver", case.name) for case in receiver_cases()] + [("sender", case.name) for case in sender_cases()]
    assert len(names) > 1000
    assert len(names) == len(set(names))


def test_hostile_messages_to_a_receiver(couple: Couple) -> None:
    assert attack_receiver(couple, itertools.islice(receiver_cases(), 0, None, _EVERY)) > 50


def test_hostile_messages_to_a_sender(couple: Couple) -> None:
    assert attack_sender(couple, itertools.islice(sender_cases(), 3, None, _EVERY)) > 25


@pytest.mark.parametrize(
    "case", [case for case in sender_cases() if "certificate" in case.name], ids=lambda case: case.name
)
def test_a_receipt_that_holds_no_certificate_is_a_receipt_that_does_not_fit(couple: Couple, case: object) -> None:
    """Found by the list: the sender's person was told of a file that is no certificate."""
    assert attack_sender(couple, [case]) == 1  # type: ignore[list-item]
