"""Certificates and who is trusted."""

from __future__ import annotations

from countersign.base.errors.problem import EXIT_NOT_TRUSTED, Problem
from countersign.base.i18n import N_


class NotTrusted(Problem):
    code = "not_trusted"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("The computer at {address} is not one of your people.")
    next_step = N_("Add the certificate of that computer, if you know whose it is.")


class TheyDoNotTrustUs(Problem):
    code = "they_do_not_trust_us"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("The other computer does not know you.")
    next_step = N_("Give its owner your certificate; they add it and try again.")


class PeerForgotten(Problem):
    code = "peer_forgotten"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("{name} was removed from your people.")
    next_step = N_("Add their certificate again if that was a mistake.")


class CertificateNotYetValid(Problem):
    code = "certificate_dates"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("A certificate is expired or not valid yet.")
    next_step = N_("Check the date and time of both computers; an expired certificate must be made anew.")


class NotACertificate(Problem):
    code = "not_a_certificate"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("“{file}” is not a certificate.")
    next_step = N_("Ask the other person for the file that “Save my certificate” makes.")


class HoldsPrivateKey(Problem):
    code = "private_key"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("“{file}” holds a private key, which must never leave its computer.")
    next_step = N_("Ask for cert.pem instead. Whoever sent this should delete its certs folder and start anew.")


class CertificateExpired(Problem):
    code = "certificate_expired"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("The certificate in “{file}” is expired, or not valid yet.")
    next_step = N_("Check the date of this computer, or ask for a new certificate.")


class OwnCertificate(Problem):
    code = "own_certificate"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("“{file}” is your own certificate.")
    next_step = N_("Give it to the other person, and add the one that they give you.")


class AlreadyKnown(Problem):
    code = "already_known"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("This is the certificate of {name}, whom you already have.")
    next_step = N_("Nothing needs to be done.")


class WeakCertificate(Problem):
    code = "weak_certificate"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("The certificate in “{file}” uses a key that is too weak or of an unknown kind.")
    next_step = N_("Ask for the certificate that Countersign makes by itself.")


class UnsupportedKey(WeakCertificate):
    code = "unsupported_key"
    sentence = N_("The key of the certificate in “{file}” is of a kind that cannot connect.")
    next_step = N_(
        "Ask for the certificate that Countersign makes by itself, or for one with a key on P-256, P-384 or P-521, an Ed25519 key, "
        "or an RSA key of 2048 to 8192 bits."
    )


class UnusableCertificate(Problem):
    code = "unusable_certificate"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("The certificate in “{file}” is damaged: it cannot be used for a connection.")
    next_step = N_("Ask the other person to save their certificate again and to send that file.")


class RenewalRefused(Problem):
    code = "renewal"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("A new certificate was refused: {detail}.")
    next_step = N_("Nothing has changed. Ask its owner for it, compare on the phone, and add it by hand.")


class IdentityDamaged(Problem):
    code = "identity_damaged"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("The files of your own identity do not fit together: {detail}.")
    next_step = N_("Put key.pem and cert.pem back, or delete both in {folder} to become a new computer to everybody.")


class SuccessorDamaged(IdentityDamaged):
    code = "successor_damaged"
    next_step = N_(
        "Put next-key.pem and next-cert.pem back, or delete both in {folder} to become a new computer to everybody."
    )
