"""A certificate that ends has a successor: made in time, kept private, in use when the first has ended."""

from __future__ import annotations

import datetime
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import errors
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import device_id
from countersign.trust.identity import NEAR_END, open_identity
from tests.renewals import DAY, NOW, home, killed_at_each_write
from tests.together import at_once

OWN_FILES = ("key.pem", "cert.pem", "next-key.pem", "next-cert.pem")


def content(certs: Path) -> dict[str, bytes]:
    return {name: (certs / name).read_bytes() for name in OWN_FILES if (certs / name).exists()}


def test_a_successor_is_made_ninety_days_before_the_end_and_not_sooner(tmp_path: Path) -> None:
    certs = home(tmp_path, left=NEAR_END + DAY)
    first = open_identity(certs, NOW)
    assert first.successor is None
    assert set(content(certs)) == {"key.pem", "cert.pem"}
    later = open_identity(certs, NOW + 2 * DAY)
    assert later.id == first.id, "the first stays in use"
    assert later.successor is not None
    assert set(content(certs)) == set(OWN_FILES)
    new = x509.load_der_x509_certificate(later.successor.certificate)
    assert new == x509.load_pem_x509_certificate((certs / "next-cert.pem").read_bytes())
    assert new.not_valid_after_utc > NOW + 40 * 365 * DAY
    assert later.ids == {first.id, device_id(later.successor.certificate)}
    assert open_identity(certs, NOW + 3 * DAY).successor == later.successor, "it is made once"


def test_the_successor_takes_its_place_when_the_first_has_ended(tmp_path: Path) -> None:
    certs = home(tmp_path)
    before = open_identity(certs, NOW)
    assert before.successor is not None
    files_before = content(certs)
    after = open_identity(certs, NOW + 31 * DAY)
    assert after.id == device_id(before.successor.certificate)
    assert (after.certificate_path.name, after.key_path.name) == ("next-cert.pem", "next-key.pem")
    assert after.pem == (certs / "next-cert.pem").read_bytes()
    assert after.successor is None
    assert after.ids == before.ids
    new = x509.load_pem_x509_certificate(after.pem)
    assert certificates.signature_fits(new, after.sign(b"receipt"), b"receipt"), "the key is the one that belongs to it"
    assert content(certs) == files_before, "nothing is switched on the disk"


def test_a_certificate_that_ended_before_the_program_was_opened_again(tmp_path: Path) -> None:
    certs = home(tmp_path, left=-DAY)
    identity = open_identity(certs, NOW)
    assert identity.certificate_path.name == "next-cert.pem"
    assert identity.successor is None
    assert "ended" in identity.notes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, no modes")
def test_the_successors_key_is_private_from_its_first_moment_and_mended_later(tmp_path: Path) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    key = certs / "next-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    assert any("next-key.pem" in note for note in open_identity(certs, NOW).notes)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_the_notes_say_when_it_ends_and_who_takes_the_new_one_over(tmp_path: Path) -> None:
    certs = home(tmp_path, left=NEAR_END + DAY)
    assert not open_identity(certs, NOW).notes
    [note] = open_identity(certs, NOW + 2 * DAY).notes
    assert "2026" in note
    assert "by themselves" in note
    [note] = open_identity(certs, NOW + NEAR_END + 2 * DAY).notes
    assert "ended" in note
    assert not open_identity(certs, NOW + 3 * NEAR_END).notes, "after a while it is no news"


@pytest.mark.parametrize("days", [-365 * 60, -40, -10, 25, 40, 365 * 10, 365 * 60])
@pytest.mark.parametrize("left", [NEAR_END + 10 * DAY, 30 * DAY])
def test_f6_one_opening_with_a_wrong_clock_changes_nothing(tmp_path: Path, days: int, left: datetime.timedelta) -> None:
    certs = home(tmp_path, left=left)
    before, known = open_identity(certs, NOW), content(certs)
    open_identity(certs, NOW + days * DAY)
    assert {name: (certs / name).read_bytes() for name in known} == known, "what people may have is still there"
    after = open_identity(certs, NOW)
    assert after.id == before.id
    assert after.successor == before.successor
    assert list(certs.glob("*damaged*")) == []


@pytest.mark.parametrize("days", [-365 * 60, -40, 365 * 60])
def test_f6_a_wrong_clock_after_the_successor_has_taken_over(tmp_path: Path, days: int) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    in_use, known = open_identity(certs, NOW + 40 * DAY), content(certs)
    wrong = open_identity(certs, NOW + 40 * DAY + days * DAY)
    assert content(certs) == known
    if abs(days) > 365:
        assert wrong.certificate_path.name == "cert.pem", "where neither is valid, the first"
        assert any("clock" in note for note in wrong.notes)
    assert open_identity(certs, NOW + 40 * DAY).id == in_use.id


def test_f6_a_successor_from_a_wrong_clock_serves_when_its_time_has_come(tmp_path: Path) -> None:
    """Opened once with a clock that is sixty years ahead, long before the end; then that end comes."""
    certs = home(tmp_path, left=1000 * DAY)
    open_identity(certs, NOW + 365 * 60 * DAY)
    made = content(certs)["next-cert.pem"]
    assert open_identity(certs, NOW).successor is None, "nobody is told of it while the first is good for long"
    near = open_identity(certs, NOW + 950 * DAY)
    assert near.successor is not None
    assert content(certs)["next-cert.pem"] == made
    assert open_identity(certs, NOW + 1001 * DAY).id == device_id(near.successor.certificate)


def test_a_successor_that_has_ended_is_made_anew_while_the_first_is_valid(tmp_path: Path) -> None:
    certs = home(tmp_path)
    key = certificates.new_key()
    (certs / "next-key.pem").write_bytes(certificates.key_pem(key))
    over = certificates.self_signed(key, NOW - certificates.LIFE - DAY)
    (certs / "next-cert.pem").write_bytes(over.public_bytes(Encoding.PEM))
    identity = open_identity(certs, NOW)
    assert identity.successor is not None
    new = x509.load_der_x509_certificate(identity.successor.certificate)
    assert new.not_valid_before_utc <= NOW <= new.not_valid_after_utc


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no key": lambda certs: (certs / "next-key.pem").unlink(),
    "no key text": lambda certs: (certs / "next-key.pem").write_text("hello"),
    "no certificate text": lambda certs: (certs / "next-cert.pem").write_text("hello"),
    "other key": lambda certs: (certs / "next-key.pem").write_bytes(certificates.key_pem(certificates.new_key())),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_successor_is_replaced_while_the_first_is_valid(tmp_path: Path, damage: str) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    DAMAGES[damage](certs)
    damaged = {content(certs).get("next-key.pem"), content(certs).get("next-cert.pem")} - {None}
    identity = open_identity(certs, NOW)
    assert identity.successor is not None
    assert any("set aside" in note for note in identity.notes)
    assert {path.read_bytes() for path in certs.glob("*damaged*")} == damaged
    assert open_identity(certs, NOW).successor == identity.successor


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_successor_that_is_in_use_is_told_and_never_replaced(tmp_path: Path, damage: str) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    DAMAGES[damage](certs)
    before = content(certs)
    with pytest.raises(errors.SuccessorDamaged) as caught:
        open_identity(certs, NOW + 31 * DAY)
    assert "next-" in caught.value.message
    assert "next-cert.pem" in caught.value.hint
    assert content(certs) == before


def test_a_damaged_successor_is_left_alone_while_nobody_needs_it(tmp_path: Path) -> None:
    certs = home(tmp_path, left=1000 * DAY)
    (certs / "next-key.pem").write_text("hello")
    assert open_identity(certs, NOW).successor is None
    assert (certs / "next-key.pem").read_text() == "hello"


@pytest.mark.parametrize("left", [30 * DAY, -DAY])
def test_f1_killed_between_any_two_writes_of_a_successor(tmp_path: Path, left: datetime.timedelta) -> None:
    folders = iter(tmp_path / str(n) for n in range(100))
    certs = Path()

    def begin() -> None:
        nonlocal certs
        certs = home(next(folders), left=left)

    steps = 0
    for _step in killed_at_each_write(lambda: open_identity(certs, NOW), begin):
        steps += 1
        identity = open_identity(certs, NOW)
        assert len(identity.ids) == 2
        assert set(content(certs)) == set(OWN_FILES)
        assert open_identity(certs, NOW).ids == identity.ids
    assert steps == 3, "two files are written"


def _open_in_a_process(certs: str, answers: object) -> None:
    answers.put(sorted(open_identity(Path(certs), NOW).ids))  # type: ignore[attr-defined]


def test_f8_both_apps_at_once_make_one_successor(tmp_path: Path) -> None:
    certs = home(tmp_path)
    found = at_once(_open_in_a_process, [(str(certs),)] * 4)
    assert found == [sorted(open_identity(certs, NOW).ids)] * 4


def test_no_text_form_of_a_successor_shows_a_key(tmp_path: Path) -> None:
    assert "PrivateKey" not in repr(open_identity(home(tmp_path), NOW))
