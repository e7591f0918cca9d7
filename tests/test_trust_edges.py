"""Trust at its outer edges: which file a problem names, what a full file holds, and files that vanish or are none of ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from countersign.base import errors, limits
from countersign.trust import certificate as certificates, peers as people_module, renewal as renewals
from countersign.trust.fingerprint import DeviceId, fingerprint
from countersign.trust.guesses import Guesses
from countersign.trust.identity import open_identity
from countersign.trust.private_keys import holds_key, public_half, public_halves
from countersign.trust.renewal import Renewal, check_renewal, make_renewal
from tests.patched import patched
from tests.renewals import DesktopUser, der_of, home as home_that_ends, own_pair, pinned, signed_anyhow
from tests.test_trust import NOW, home, store

ONE = DeviceId(b"1" * 32)


# --- which file is named ---------------------------------------------------------------------------------------------


def test_a_counter_that_cannot_be_locked_names_the_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "guesses.lock").mkdir()
    with pytest.raises(errors.DiskProblem, match=r"guesses\.lock"):
        Guesses(tmp_path).allow(ONE, 1000.0)


def test_an_identity_that_cannot_be_locked_names_the_file_in_the_way(tmp_path: Path) -> None:
    certs = home(tmp_path)
    (certs / ".lock").mkdir()
    with pytest.raises(errors.DiskProblem, match=r"\.lock"):
        open_identity(certs, NOW)


def test_people_that_cannot_be_locked_name_the_file_in_the_way(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, people = store(certs)
    (certs / ".lock").unlink()
    (certs / ".lock").mkdir()
    with pytest.raises(errors.DiskProblem, match=r"\.lock"):
        people.forget("Ada")


def test_a_file_in_the_place_of_the_folder_of_people_is_named(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, people = store(certs)
    (certs / "peers").rmdir()
    (certs / "peers").write_bytes(b"")
    with pytest.raises(errors.DiskProblem, match="peers"):
        people.all()


# --- keys of another kind --------------------------------------------------------------------------------------------


def an_rsa_key() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_somebodys_own_key_without_its_certificate_gets_no_other(tmp_path: Path) -> None:
    """Where we make the certificate, the key is EC: this one came with a certificate, and that is lost."""
    certs = home(tmp_path)
    (certs / "key.pem").write_bytes(an_rsa_key())
    with pytest.raises(errors.IdentityDamaged, match=r"cert\.pem is missing"):
        open_identity(certs, NOW)
    assert not (certs / "cert.pem").exists()


def test_somebodys_own_next_key_without_its_certificate_is_set_aside(tmp_path: Path) -> None:
    certs, own = home_that_ends(tmp_path), an_rsa_key()
    (certs / "next-key.pem").write_bytes(own)
    identity = open_identity(certs, NOW)
    assert identity.successor is not None
    assert any("next-key.pem" in note and "set aside" in note for note in identity.notes)
    assert [path.read_bytes() for path in certs.glob("*damaged*")] == [own]


def test_nothing_is_signed_by_a_kind_of_key_that_we_do_not_use() -> None:
    key = ed448.Ed448PrivateKey.generate()
    theirs = x509.load_der_x509_certificate(signed_anyhow(key.public_key()))
    assert certificates.signature_fits(theirs, key.sign(b"data"), b"data") is False


# --- people ----------------------------------------------------------------------------------------------------------


def test_hidden_and_other_files_are_nobodys(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, people = store(certs)
    for name in (".carol.pem", "notes.txt", "pem"):
        (certs / "peers" / name).write_bytes(own_pair()[1].public_bytes(Encoding.PEM))
    assert people.all() == []
    assert people.problems() == []


def test_what_looks_like_a_file_of_somebody_and_is_none_is_told(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, people = store(certs)
    (certs / "peers" / "carol.pem").mkdir()
    [problem] = people.problems()
    assert isinstance(problem, errors.NotACertificate)
    assert "carol.pem" in problem.message
    assert people.all() == []


@pytest.mark.skipif(sys.platform == "win32", reason="not everybody may make links on Windows")
def test_a_link_to_nothing_is_told_and_hides_nobody(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, people = store(certs)
    ada = pinned(people, DesktopUser(), "Ada")
    (certs / "peers" / "carol.pem").symlink_to(certs / "gone.pem")
    [problem] = people.problems()
    assert isinstance(problem, errors.DiskProblem)
    assert "carol.pem" in problem.message
    assert people.all() == [ada]


def test_a_copied_file_that_cannot_be_used_is_not_offered(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, people = store(certs)
    (certs / "a.pem").write_bytes(b"hello")
    good = own_pair()[1]
    (certs / "b.pem").write_bytes(good.public_bytes(Encoding.PEM))
    [(path, candidate)] = people.found_by_hand(NOW)
    assert path.name == "b.pem"
    assert candidate.pem == good.public_bytes(Encoding.PEM)
    assert candidate.fingerprint == fingerprint(candidate.id)


def test_the_folder_of_people_is_made_for_the_first_of_them(tmp_path: Path) -> None:
    certs = home(tmp_path)
    (certs / "peers").rmdir()
    _own, people = store(certs)
    ada = pinned(people, DesktopUser(), "Ada")
    assert people.all() == [ada]


def test_somebody_whose_file_vanishes_is_forgotten_all_the_same(tmp_path: Path) -> None:
    _own, people = store(home(tmp_path))
    ada = pinned(people, DesktopUser(), "Ada")
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        os.unlink(path)  # the other app, or a file manager
        real(path, missing_ok)

    with patched(Path, unlink=unlink):
        assert people.forget("Ada") == ada
    assert people.all() == []


def test_a_persons_file_may_be_filled_to_its_last_byte(tmp_path: Path) -> None:
    _own, people = store(home(tmp_path))
    ada = DesktopUser()
    first, renewal = pinned(people, ada, "Ada"), ada.next()
    full = b"".join(own.public_bytes(Encoding.PEM) for _key, own in ada.pairs)
    with (
        patched(people_module, CERTIFICATE_FILE_CAP=len(full) - 1),
        pytest.raises(errors.RenewalRefused, match="large"),
    ):
        people.renew(first, renewal)
    with patched(people_module, CERTIFICATE_FILE_CAP=len(full)):
        people.renew(first, renewal)
    assert first.path.read_bytes() == full


def test_a_suggested_name_leaves_room_for_a_number_and_no_more(tmp_path: Path) -> None:
    _own, people = store(home(tmp_path))
    path = tmp_path / ("\u5199" * 38 + "x" * 10 + ".pem")
    path.write_bytes(own_pair()[1].public_bytes(Encoding.PEM))
    assert people.examine(path, NOW).suggested == "\u5199" * 38 + "xx"


# --- renewals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["certificate", "signature"])
def test_how_long_the_parts_of_a_renewal_may_be(field: str) -> None:
    most = limits.RENEWAL_CAP if field == "certificate" else limits.SIGNATURE_CAP
    for size in (0, 1, most, most + 1):
        data = msgspec.msgpack.encode({"certificate": b"x", "signature": b"x", field: bytes(size)})
        if 1 <= size <= most:
            assert len(getattr(msgspec.msgpack.decode(data, type=Renewal), field)) == size
        else:
            with pytest.raises(msgspec.ValidationError):
                msgspec.msgpack.decode(data, type=Renewal)


def test_a_renewal_may_be_just_as_long_as_it_may_be() -> None:
    (key, old), (_key, new) = own_pair(), own_pair()
    renewal = make_renewal(key, der_of(old), der_of(new))
    certificate, signature = len(renewal.certificate), len(renewal.signature)
    with patched(renewals, RENEWAL_CAP=certificate, SIGNATURE_CAP=signature):
        assert check_renewal(old, renewal, (), lambda _pem: True) == new
    for caps in ({"RENEWAL_CAP": certificate - 1}, {"SIGNATURE_CAP": signature - 1}):
        with patched(renewals, **caps), pytest.raises(errors.RenewalRefused, match="large"):
            check_renewal(old, renewal, (), lambda _pem: True)


# --- private keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_key_whose_numbers_do_not_fit_is_one_all_the_same(encoding: Encoding) -> None:
    """Its holder may have mended it elsewhere; what counts is the public half, and that looking costs no time."""
    good = rsa.generate_private_key(65537, 2048).private_numbers()
    numbers = rsa.RSAPrivateNumbers(good.p, good.q, good.d + 2, good.dmp1, good.dmq1, good.iqmp, good.public_numbers)
    key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    data = key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())
    assert holds_key(data) is True
    assert public_halves(data) == {public_half(key.public_key())}


def test_only_the_whole_words_tell_a_private_key() -> None:
    for whole in (b"PRIVATE KEY", b"PuTTY-User-Key-File-"):
        assert holds_key(whole) is True
        assert holds_key(whole[:-1]) is False
