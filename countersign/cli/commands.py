"""What both programs do instead of a transfer: certificates in and out, people, receipts, interrupted transfers."""

from __future__ import annotations

import datetime
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countersign.base.errors import (
    EXIT_CONTENT_REFUSED,
    EXIT_DONE,
    EXIT_NOT_TRUSTED,
    AlreadyKnown,
    DiskProblem,
    NoSuchTransfer,
    TransferUnderWay,
)
from countersign.base.figures import moment_text, number_text, size_text
from countersign.base.files import PUBLIC_FILE, replace_file
from countersign.base.i18n import _, ngettext
from countersign.base.printable import printable
from countersign.profile import Profile
from countersign.receipts.checking import check_receipt
from countersign.target.journal import discard, journals, list_interrupted
from countersign.wording import device_text, is_known, signatures_text

Say = Callable[[str, dict[str, Any]], None]


def speaker(as_json: bool) -> Say:
    """A function that says one thing: as a line for people, or as an event for programs."""

    def say(text: str, event: dict[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=True) if as_json else text, flush=True)

    return say


def run_command(options: Namespace, profile: Profile) -> int:
    """Does the one thing that is asked for; gives the exit code. Raises Problem."""
    say = speaker(options.json)
    if options.export_cert:
        return export_certificate(profile, options.export_cert, say, options.json)
    if options.import_cert:
        return import_certificate(profile, Path(os.path.expanduser(options.import_cert)), options.name, say)
    if options.peers:
        return show_peers(profile, say)
    if options.forget:
        peer = profile.device.peers.forget(options.forget)
        profile.device.guesses.allow(peer.person, profile.device.now())
        say(_("{name} is forgotten.").format(name=printable(peer.name)), {"event": "forgotten", "name": peer.name})
        return EXIT_DONE
    if options.verify_receipt:
        file, *folder = [Path(os.path.expanduser(part)) for part in options.verify_receipt]
        sums = Path(os.path.expanduser(options.export_checksums)) if options.export_checksums else None
        return verify_receipt(profile, file, folder[0] if folder else None, sums, say)
    if options.discard:
        return discard_interrupted(profile, options.discard, say)
    return show_interrupted(profile, say)


def discard_interrupted(profile: Profile, wanted: str, say: Say) -> int:
    """Removes what has arrived of one interrupted transfer."""
    transfers = profile.device.transfers
    found = next((folder for folder in journals(transfers) if folder.name == wanted), None)
    if found is None:
        raise NoSuchTransfer(id=printable(wanted))
    try:
        if not discard(found):
            raise TransferUnderWay(id=wanted)
    except (OSError, ValueError) as error:
        raise DiskProblem(path=found, reason=error) from error
    say(_("{id} is discarded.").format(id=wanted), {"event": "discarded", "id": wanted})
    return EXIT_DONE


def export_certificate(profile: Profile, target: str, say: Say, as_json: bool) -> int:
    """Writes our certificate, never the key."""
    identity = profile.device.identity
    if target == "-":
        if not as_json:
            sys.stdout.write(identity.pem.decode())
        else:
            say("", {"event": "exported", "certificate": identity.pem.decode(), "fingerprint": identity.fingerprint})
        return EXIT_DONE
    path = Path(os.path.expanduser(target))
    try:
        replace_file(path, identity.pem, PUBLIC_FILE)
    except OSError as error:
        raise DiskProblem(path=path, reason=error.strerror or error) from error
    say(
        _("Your certificate is in {path}. Give it to the other person.\nYou are {fingerprint}").format(
            path=path, fingerprint=identity.fingerprint
        ),
        {"event": "exported", "path": str(path), "fingerprint": identity.fingerprint},
    )
    return EXIT_DONE


def import_certificate(profile: Profile, path: Path, name: str | None, say: Say) -> int:
    """Adds somebody."""
    device = profile.device
    now = datetime.datetime.fromtimestamp(device.now(), datetime.timezone.utc)
    try:
        candidate = device.peers.examine(path, now)
    except AlreadyKnown as known:  # what was asked for is so
        say(str(known), {"event": "already_known", "name": known.facts["name"]})
        return EXIT_DONE
    peer = device.peers.add(candidate, name)
    device.guesses.allow(peer.id, device.now())
    say(
        _("{name} is among your people now.\nCompare on the phone: {fingerprint}").format(
            name=printable(peer.name), fingerprint=peer.fingerprint
        ),
        {"event": "imported", "name": peer.name, "fingerprint": peer.fingerprint},
    )
    return EXIT_DONE


def show_peers(profile: Profile, say: Say) -> int:
    """Lists ourselves and everybody we trust."""
    identity = profile.device.identity
    event: dict[str, Any] = {"event": "self", "fingerprint": identity.fingerprint}
    if identity.successor is not None:
        event["renews"] = identity.successor.since.isoformat()
    say(_("You are  {fingerprint}").format(fingerprint=identity.fingerprint), event)
    for peer in profile.device.peers.all():
        say(
            f"{peer.fingerprint}  {printable(peer.name)}",
            {"event": "peer", "name": peer.name, "fingerprint": peer.fingerprint},
        )
    for problem in profile.device.peers.problems():
        say(str(problem), {"event": "error", "code": problem.code, "message": problem.message, "hint": problem.hint})
    return EXIT_DONE


def show_interrupted(profile: Profile, say: Say) -> int:
    """Lists what can be resumed."""
    found = list_interrupted(profile.device.transfers)
    for item in found:
        about = item.about
        began = datetime.datetime.fromtimestamp(about.began).astimezone()
        say(
            _("{id}  {began}  {peer}  “{name}”  {there} of {total}").format(
                id=item.id,
                began=moment_text(began),
                peer=printable(about.peer_name),
                name=printable(about.name),
                there=size_text(item.bytes_there),
                total=size_text(about.bytes),
            ),
            {
                "event": "interrupted",
                "id": item.id,
                "peer": about.peer_name,
                "name": about.name,
                "into": str(about.into_path),
                "began": began.isoformat(timespec="seconds"),
                "bytes_there": item.bytes_there,
                "bytes": about.bytes,
                "files": about.files,
            },
        )
    if not found:
        say(
            _("Nothing was interrupted here. What has arrived of a transfer is kept at the computer that receives."),
            {"event": "none_interrupted"},
        )
    return EXIT_DONE


def verify_receipt(profile: Profile, path: Path, folder: Path | None, sums: Path | None, say: Say) -> int:
    """Checks a receipt: both signatures, whether we know the devices, and the folder's content where one is given.

    sums: where to write the SHA-256 of every file, once the folder is found to hold all of it.
    """
    device = profile.device
    lines: list[str] = []
    checked = check_receipt(path, folder, lambda name, sha256: lines.append(checksum_line(name, sha256)))
    known = all(is_known(device, side) for side in (checked.sender, checked.receiver))
    sender, receiver = device_text(device, checked.sender), device_text(device, checked.receiver)
    event: dict[str, Any] = {
        "event": "receipt",
        "signer": receiver,
        "sender": sender,
        "receiver": receiver,
        "countersigned": checked.countersigned,
        "known": known,
        "files": checked.files,
        "skipped": [{"path": p, "reason": r} for p, r in checked.skipped],
        "differing": [{"path": p, "reason": r} for p, r in checked.differing],
        "time": checked.header.time,
    }
    time = moment_text(datetime.datetime.fromisoformat(checked.header.time))
    text = [
        ngettext("The receipt is genuine: {n} file.", "The receipt is genuine: {n} files.", checked.files).format(
            n=number_text(checked.files)
        ),
        signatures_text(checked).format(sender=sender, receiver=receiver, time=time),
    ]
    if folder is not None:
        text.append(
            _("The folder holds all of this, unchanged.") if not checked.differing else _("The folder differs from it:")
        )
        text += [f"  {item}: {reason}" for item, reason in checked.differing]
    if sums is not None and not checked.differing:
        _write_sums(sums, lines)
        event["checksums"] = str(sums)
        text.append(
            _("The SHA-256 of every file is in {path}; sha256sum -c checks it in that folder.").format(path=sums)
        )
    say(os.linesep.join(text), event)
    if checked.differing:
        return EXIT_CONTENT_REFUSED
    return EXIT_DONE if known else EXIT_NOT_TRUSTED


def _write_sums(path: Path, lines: list[str]) -> None:
    try:
        replace_file(path, "".join(lines).encode("utf-8", "surrogateescape"), PUBLIC_FILE)
    except OSError as error:
        raise DiskProblem(path=path, reason=error.strerror or error) from error


def checksum_line(name: str, sha256: str) -> str:
    """A line as `sha256sum` writes it: a name with a line end or a backslash is escaped, and so marked by a backslash in front.

    https://www.gnu.org/software/coreutils/manual/html_node/cksum-output-modes.html
    """
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != name else ""
    return f"{mark}{sha256}  {escaped}\n"
