"""Strangers and guesses: small forms of `python3 -m tests.long strangers` and `guesses`."""

from __future__ import annotations

import random

import pytest

from countersign.base import limits
from tests.long.guesses import MOST, hours_of_guessing, patient_guessing
from tests.long.strangers import GREETED_WITHIN, crowd_of
from tests.transfers import Couple

pytestmark = pytest.mark.once


def test_n1_a_crowd_of_strangers_and_a_paired_sender(couple: Couple) -> None:
    """No bytes to a stranger beyond the alert. The wait allows for a busy machine; the long run has the figure."""
    longest, beyond, inside, away = crowd_of(couple, 150, 3)
    assert longest < GREETED_WITHIN * 5
    assert (beyond, inside) == (0, 0)
    assert away > limits.STRANGERS


def test_n7_hours_of_guessing_over_restarts(couple: Couple) -> None:
    watch = hours_of_guessing(couple, 40, random.Random(3))
    assert 0 < watch.most_in_an_hour() <= MOST
    assert watch.refused


def test_n7_guessing_whenever_the_owner_has_sent_something(couple: Couple) -> None:
    assert 0 < patient_guessing(couple, 4).most_in_an_hour() <= limits.CODE_FAILURES_AN_HOUR
