"""The error family. Each problem that a person can meet is one class: a stable code, one sentence, one next step.

Our own bugs stay ordinary exceptions (`AssertionError`, `TypeError`) and are never turned into one of these.
A leaf: imports only the texts.
"""

from __future__ import annotations

from typing import ClassVar

from countersign.i18n import N_, _

EXIT_DONE = 0
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_NOT_TRUSTED = 4
EXIT_CODE_REFUSED = 5
EXIT_DECLINED = 6
EXIT_INTERRUPTED = 7
EXIT_CONTENT_REFUSED = 8
EXIT_DISK = 9


class Problem(Exception):
    """Base of all problems that are told to a person. `facts` fill the braces of sentence and hint."""

    code: ClassVar[str] = "problem"
    exit_code: ClassVar[int] = EXIT_USAGE
    sentence: ClassVar[str] = N_("Something went wrong.")
    next_step: ClassVar[str] = N_("Try again.")

    def __init__(self, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts

    @property
    def message(self) -> str:
        """One plain sentence."""
        return _(self.sentence).format(**self.facts)

    @property
    def hint(self) -> str:
        """What to do next."""
        return _(self.next_step).format(**self.facts)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


class OwnBug(Problem):
    code = "bug"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Countersign made a mistake of its own and had to stop.")
    next_step = N_(
        "Please report it with the file {file}; it holds no secrets. Then try again: what has arrived is kept."
    )


# --- usage and settings (2) ------------------------------------------------------------------------------------------


class BadAddress(Problem):
    code = "bad_address"
    sentence = N_("“{address}” is not an address.")
    next_step = N_("Type the address that the other computer shows, such as 192.168.1.20.")


class BadOption(Problem):
    code = "usage"
    sentence = N_("{detail}.")
    next_step = N_("See --help.")


class BadCode(Problem):
    code = "bad_code"
    sentence = N_("The code has four digits.")
    next_step = N_("Type the four digits that the other computer shows.")


class BadKey(Problem):
    code = "bad_key"
    sentence = N_("That key has a slip in it.")
    next_step = N_("Compare it letter by letter: sixteen letters and digits, no letter U.")


class NoSuchPeer(Problem):
    code = "no_such_peer"
    sentence = N_("There is nobody called “{name}” among your people.")
    next_step = N_("--peers lists them.")


class NoSuchTransfer(Problem):
    code = "no_such_transfer"
    sentence = N_("There is no interrupted transfer “{id}”.")
    next_step = N_("--interrupted lists them.")


class TransferUnderWay(Problem):
    code = "under_way"
    sentence = N_("The transfer “{id}” is under way.")
    next_step = N_("Cancel it first.")


class NoPeers(Problem):
    code = "no_peers"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("You have nobody to exchange folders with yet.")
    next_step = N_("Give the other person your certificate, and add theirs.")


class NameTaken(Problem):
    code = "name_taken"
    sentence = N_("You already have somebody called “{name}”.")
    next_step = N_("Choose another name.")


class BadName(Problem):
    code = "bad_name"
    sentence = N_("“{name}” cannot be used as a name.")
    next_step = N_(
        "Use letters, digits, spaces, dots and hyphens, sixty at most; thirty in scripts whose letters need more room."
    )


# --- reaching the other computer (3) ---------------------------------------------------------------------------------


class Unreachable(Problem):
    code = "unreachable"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("Nobody answers at {address}.")
    next_step = N_("Is the receiver open there, on the same network, and let through by its firewall?")


class UnknownHost(Unreachable):
    code = "unknown_host"
    sentence = N_("There is no computer called {address}.")
    next_step = N_("Type the number that the receiver shows as its address.")


class NotCountersign(Problem):
    code = "not_countersign"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("Something else answers at {address}.")
    next_step = N_("Check address and port with the other person.")


class PortTaken(Problem):
    code = "port_taken"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("Port {port} is in use by {owner}.")
    next_step = N_("Close it, or choose another port; {free} is free.")


class CannotListen(Problem):
    code = "cannot_listen"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("This computer cannot wait at {address}: {reason}.")
    next_step = N_("Choose another address or port.")


class Busy(Problem):
    code = "busy"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("The other computer is busy with another transfer.")
    next_step = N_("Try again when it is done.")


class PeerSilent(Problem):
    code = "peer_silent"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("The connection ended before the transfer began.")
    next_step = N_("Connect again.")


# --- trust (4) -------------------------------------------------------------------------------------------------------


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


# --- code, key, decline (5, 6) ---------------------------------------------------------------------------------------


class CodeRefused(Problem):
    code = "code_refused"
    exit_code = EXIT_CODE_REFUSED
    sentence = N_("The code was refused.")
    next_step = N_("Ask for the code that is shown now. After several wrong ones the receiver has to allow you again.")


class Declined(Problem):
    code = "declined"
    exit_code = EXIT_DECLINED
    sentence = N_("The other person declined.")
    next_step = N_("Nothing was sent.")


class DeclinedHere(Problem):
    code = "declined_here"
    exit_code = EXIT_DECLINED
    sentence = N_("You declined.")
    next_step = N_("Nothing was received.")


class KeyRefused(Problem):
    code = "key_refused"
    exit_code = EXIT_DECLINED
    sentence = N_("The key was wrong five times.")
    next_step = N_("Start again; there will be a new key.")


class Cancelled(Problem):
    code = "cancelled"
    exit_code = EXIT_DECLINED
    sentence = N_("Cancelled.")
    next_step = N_("Nothing was sent or received.")


class PeerCancelled(Problem):
    code = "peer_cancelled"
    exit_code = EXIT_DECLINED
    sentence = N_("The other person cancelled.")
    next_step = N_("Nothing was sent or received.")


class TookTooLong(Problem):
    code = "too_long"
    exit_code = EXIT_DECLINED
    sentence = N_("Nobody answered for too long.")
    next_step = N_("Start again when both of you are there.")


# --- interrupted (7) -------------------------------------------------------------------------------------------------


class Interrupted(Problem):
    code = "interrupted"
    exit_code = EXIT_INTERRUPTED
    sentence = N_("The connection was lost.")
    next_step = N_("When the same folder is sent again, only the rest will be.")


class CancelledMidway(Interrupted):
    code = "cancelled_midway"
    sentence = N_("Cancelled.")


class PeerCancelledMidway(Interrupted):
    code = "peer_cancelled_midway"
    sentence = N_("The other person cancelled.")


class PeerStopped(Interrupted):
    code = "peer_stopped"
    sentence = N_("The other computer stopped.")


class PeerFoundDifference(Interrupted):
    code = "peer_differs"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Some of what arrived is not what was sent, more than once.")
    next_step = N_(
        "They were not kept. Check the disks of both computers, then send again: only the rest will be sent."
    )


class PeerDiskProblem(Interrupted):
    code = "peer_disk"
    sentence = N_("The other computer has a problem with its folder or disk.")
    next_step = N_("Ask the other person what it says there; then send again, only the rest will be sent.")


# --- content (8) -----------------------------------------------------------------------------------------------------


class ProtocolProblem(Problem):
    code = "protocol"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The other computer sent something that makes no sense.")
    next_step = N_("Make sure that both have the same version of Countersign.")


class VersionProblem(Problem):
    code = "version"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The two versions of Countersign do not understand each other.")
    next_step = N_("Update both to the newest one.")


class SealBroken(Problem):
    code = "seal"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Something that arrived was not what was sent.")
    next_step = N_("Nothing was kept of it. Try again; if it happens again, somebody may be in between.")


class ContentDiffers(Problem):
    code = "differs"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Some of what arrived ({count}) is not what was sent, more than once.")
    next_step = N_(
        "They were not kept. Check the disks of both computers, then send again: only the rest will be sent."
    )


class OfferRefused(Problem):
    code = "offer"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The list of files is not one that this program accepts.")
    next_step = N_("Nothing was received. Make sure that both have the same version of Countersign.")


class ReceiptProblem(Problem):
    code = "receipt"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The receipt does not fit: {detail}.")
    next_step = N_("Do not rely on it; ask for the one that the other computer keeps.")


# --- disk and permission (9) -----------------------------------------------------------------------------------------


class DiskProblem(Problem):
    code = "disk"
    exit_code = EXIT_DISK
    sentence = N_("“{path}” cannot be used: {reason}.")
    next_step = N_("Check that it is there and that you may use it.")


class DiskFull(DiskProblem):
    code = "disk_full"
    sentence = N_("The disk is full.")
    next_step = N_("Make room and send again: what has arrived is kept, only the rest will be sent.")


class NotEnoughSpace(DiskProblem):
    code = "not_enough_space"
    sentence = N_("There is not enough room: {needed} are needed, {free} are free.")
    next_step = N_("Make room, or choose another folder to receive into.")


class FolderMissing(DiskProblem):
    code = "folder_missing"
    sentence = N_("There is no folder “{path}”.")
    next_step = N_("Choose a folder that is there.")


class FolderUnreadable(DiskProblem):
    code = "folder_unreadable"
    sentence = N_("The folder “{path}” cannot be read: {reason}.")
    next_step = N_("Choose another folder, or allow reading it.")


class FolderEmpty(DiskProblem):
    code = "folder_empty"
    sentence = N_("There is nothing in “{path}” to send.")
    next_step = N_("Put the files that you want to send into it.")


class OwnPlace(DiskProblem):
    code = "own_place"
    sentence = N_("“{path}” belongs to Countersign itself and is never sent.")
    next_step = N_("Choose a folder or files of your own.")


class TargetRefused(DiskProblem):
    code = "bad_target"
    sentence = N_("Nothing is received into “{path}”: {reason}.")
    next_step = N_("Choose another folder, such as a new one on the Desktop or in Documents.")


class TooMuch(DiskProblem):
    code = "too_much"
    sentence = N_("“{path}” holds more than one transfer takes: {detail}.")
    next_step = N_("Send it in parts.")


def all_problems() -> dict[str, type[Problem]]:
    """Every problem by its code."""
    found: dict[str, type[Problem]] = {}
    todo: list[type[Problem]] = [Problem]
    while todo:
        cls = todo.pop()
        found[cls.code] = cls
        todo.extend(cls.__subclasses__())
    return found


# What a `stop` on the wire tells its reader. Several local problems share one word: the other side learns
# whose turn it is to act, and nothing about this computer.
STOP_READS_AS: dict[str, type[Problem]] = {
    "busy": Busy,
    "version": VersionProblem,
    "protocol": ProtocolProblem,
    "seal": SealBroken,
    "offer": OfferRefused,
    "differs": PeerFoundDifference,
    "code_refused": CodeRefused,
    "declined": Declined,
    "key_refused": KeyRefused,
    "cancelled": PeerCancelled,
    "cancelled_midway": PeerCancelledMidway,
    "too_long": TookTooLong,
    "disk": PeerDiskProblem,
    "receipt": ReceiptProblem,
    "peer_stopped": PeerStopped,
}


def stop_code(problem: Problem) -> str:
    """The word for `stop` that tells the other side of this problem."""
    if isinstance(problem, DeclinedHere):
        return "declined"
    if isinstance(problem, DiskProblem):
        return "disk"
    return problem.code if problem.code in STOP_READS_AS else "peer_stopped"


def problem_of_stop(code: str) -> Problem:
    """The problem that a `stop` with this word is to its reader; an unknown word reads as `peer_stopped`."""
    cls = STOP_READS_AS.get(code, PeerStopped)
    return ReceiptProblem(detail=_("the other computer refused it")) if cls is ReceiptProblem else cls()
