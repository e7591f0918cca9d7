"""Status values in words, the same in the window and in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from countersign.base import limits
from countersign.base.figures import number_text, size_text, time_text
from countersign.base.i18n import N_, _, ngettext
from countersign.base.never import assert_never
from countersign.base.printable import printable
from countersign.pack.manifest import EntryKind
from countersign.receipts.checking import Checked
from countersign.session import status as st
from countersign.session.device import Device
from countersign.session.proposal import Proposal
from countersign.transport.addresses import Address
from countersign.trust.fingerprint import DeviceId

_REASONS_SHOWN = 20
_RECORDS_TOLD = 64 * limits.MIB
_EXISTING_SHOWN = 3
_KEYS_SHOWN = 3
_BETWEEN = "  ·  "

WAITING = {
    "connection": N_("Connecting …"),
    "code": N_("Waiting for the code …"),
    "key": N_("Waiting for them to type the key …"),
    "answer": N_("Waiting for them to accept …"),
    "check": N_("Looking at what is here already …"),
    "disk": N_("Putting everything in its place …"),
    "compare": N_("Comparing what was there already with your files …"),
    "receipt": N_("Waiting for the receipt …"),
}


def amount_text(files: int, size: int) -> str:
    """`12 files, 3.4 MB`."""
    return ngettext("{n} file, {size}", "{n} files, {size}", files).format(n=number_text(files), size=size_text(size))


def taken_out_text(count: int) -> str:
    """How much the sender's person has left out."""
    return ngettext("{n} entry stays here, as you chose", "{n} entries stay here, as you chose", count).format(
        n=number_text(count)
    )


def keys_text(paths: Sequence[str]) -> str:
    """A warning that private keys are among what will be sent; nothing where there are none."""
    if not paths:
        return ""
    names = ", ".join(printable(path, 400) for path in paths[:_KEYS_SHOWN])
    if len(paths) > _KEYS_SHOWN:
        names += ", " + _("… and {n} more").format(n=number_text(len(paths) - _KEYS_SHOWN))
    return _("These look like private keys. Take them out if the other person should not have them: {names}").format(
        names=names
    )


def inexact_lines(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """What has another date than its own."""
    if not pairs:
        return []
    count = len(pairs)
    text = ngettext(
        "{n} entry is whole, but its date could not be kept:",
        "{n} entries are whole, but their dates could not be kept:",
        count,
    )
    lines = [text.format(n=number_text(count)), *(f"  {path}: {_(reason)}" for path, reason in pairs[:_REASONS_SHOWN])]
    return [*lines, "  …"] if count > _REASONS_SHOWN else lines


def interface_text(name: str) -> str:
    """What kind of connection an interface is, as far as its name tells (systemd.net-naming-scheme(7) and older names)."""
    kinds = {
        ("wl", "wifi", "Wi-Fi", "WLAN"): _("Wi-Fi"),
        ("en", "eth", "Ethernet"): _("cable"),
        ("tun", "tap", "wg", "utun", "tailscale", "zt", "ppp"): _("private network"),
        ("docker", "br-", "veth", "virbr", "vmnet", "vbox", "lxc"): _("inside this computer"),
    }
    shown = printable(name)
    if sys.platform == "darwin":  # en0 is Wi-Fi on one Mac and a cable on another
        return shown
    kind = next((kind for starts, kind in kinds.items() if name.startswith(starts)), "")
    return f"{kind}, {shown}" if kind else shown


def amounts_text(status: st.Progress) -> str:
    """Bytes and files on one line."""
    parts = (
        _("{done} of {total}").format(done=size_text(status.bytes_done), total=size_text(status.bytes_total)),
        _("{done} of {total} files").format(done=number_text(status.files_done), total=number_text(status.files_total)),
    )
    return _BETWEEN.join(parts)


def rate_text(status: st.Progress) -> str:
    """How fast it goes."""
    return _("{rate} a second").format(rate=size_text(status.rate))


def left_text(status: st.Progress) -> str:
    """How long it takes from now on, or nothing while nobody can know."""
    if status.eta is None or status.bytes_done >= status.bytes_total:
        return ""
    return _("{time} left").format(time=time_text(status.eta))


def progress_text(status: st.Progress) -> str:
    """Bytes, files, rate and time left on one line."""
    parts = (amounts_text(status), rate_text(status), left_text(status))
    return _BETWEEN.join(part for part in parts if part)


SLOW = {
    "disk": N_("The disk sets the pace."),
    "processor": N_("The processor sets the pace."),
    "network": N_("The network sets the pace, or the other computer."),
}


def slow_text(status: st.Progress) -> str:
    """What holds a transfer up, in a sentence, or nothing."""
    return _(SLOW[status.slow]) if status.slow in SLOW else ""


def done_text(status: st.Done) -> str:
    """What happened, in a sentence."""
    amount = amount_text(status.files, status.bytes)
    if status.seconds < 1:
        return _("{amount}, in less than a second.").format(amount=amount)
    return _("{amount}, in {time}.").format(amount=amount, time=time_text(status.seconds))


def done_details(status: st.Done) -> list[str]:
    """What the person should know beside that all went well."""
    lines = [_("“{name}” was here already, with the same content.").format(name=printable(n)) for n in status.kept]
    lines += [
        _("“{name}” is there already with other content; the new one is “{new}”.").format(
            name=printable(old), new=printable(new)
        )
        for old, new in status.renamed
    ]
    if status.renamed_there:
        lines.append(_("Some of it arrived under another name, since that name was taken there."))
    if status.left_out:
        lines.append(taken_out_text(status.left_out))
    if status.skipped:
        count = len(status.skipped)
        lines.append(ngettext("{n} entry could not go:", "{n} entries could not go:", count).format(n=count))
        lines += [f"  {path}: {_(reason)}" for path, reason in status.skipped[:_REASONS_SHOWN]]
        if count > _REASONS_SHOWN:
            lines.append("  …")
    return lines + inexact_lines(status.inexact)


STAGES = {
    "listing": N_("listing"),
    "reading": N_("reading"),
    "zipping": N_("zipping"),
    "sealing": N_("sealing"),
    "sending": N_("sending (TLS)"),
    "next_pack": N_("nothing ready to send"),
    "receiving": N_("receiving (TLS)"),
    "opening": N_("opening"),
    "inflating": N_("inflating"),
    "hashing": N_("hashing"),
    "writing": N_("writing"),
    "room": N_("too much under way"),
    "publishing": N_("publishing"),
    "receipt": N_("receipt"),
}


def stage_lines(status: st.StageTimes) -> list[str]:
    """Where the time went, as a small table. Seconds of threads that work side by side add up."""
    names = {stage.name: _(STAGES.get(stage.name, stage.name)) for stage in status.stages}
    wide = max(len(name) for name in names.values())
    lines = [_("Where the time went, in seconds of work and of waiting:")]
    lines += [f"  {names[stage.name]:{wide}}  {stage.work:8.2f}  {stage.waiting:8.2f}" for stage in status.stages]
    return lines


def proposal_notes(proposal: Proposal) -> list[str]:
    """What would become of an offer here: room, resume, names."""
    lines = [
        _("It goes to {path}, where {free} are free.").format(
            path=printable(str(proposal.into)), free=size_text(proposal.free)
        )
    ]
    if proposal.records >= _RECORDS_TOLD:
        lines.append(_("Its list and receipt take {size} more.").format(size=size_text(proposal.records)))
    if not proposal.fits:
        lines.append(_("That is not enough room."))
    if proposal.held_bytes or proposal.held_files:
        lines.append(
            _("{size} of it are here already, from an interrupted try; only the rest will be sent.").format(
                size=size_text(proposal.held_bytes)
            )
        )
    if len(proposal.existing) > _EXISTING_SHOWN:
        count = len(proposal.existing)
        lines.append(
            _("{n} names are there already. What differs arrives beside them under another name.").format(
                n=number_text(count)
            )
        )
    for name in proposal.existing if len(proposal.existing) <= _EXISTING_SHOWN else ():
        lines.append(
            _("“{name}” is there already. If it differs, the new one arrives beside it under another name.").format(
                name=printable(name)
            )
        )
    if proposal.impossible:
        count = len(proposal.impossible)
        lines.append(
            ngettext(
                "{n} entry cannot be kept on this computer:", "{n} entries cannot be kept on this computer:", count
            ).format(n=count)
        )
        for index, reason in list(proposal.impossible.items())[:_REASONS_SHOWN]:
            lines.append(f"  {printable(proposal.manifest.path(index))}: {_(reason)}")
    return lines


def entry_text(proposal: Proposal, index: int) -> tuple[str, str]:
    """(path, size or kind) of an entry, fit for eyes."""
    manifest = proposal.manifest
    kind = manifest.kinds[index]
    path = printable(manifest.path(index), 400)
    if kind == EntryKind.FOLDER:
        return path + "/", ""
    if kind == EntryKind.LINK:
        return path, _("link to {target}").format(target=printable(manifest.targets[index]))
    return path, size_text(manifest.sizes[index])


def proposal_lines(proposal: Proposal, most: int) -> list[str]:
    """An offer for the terminal: the list, then what would become of it."""
    count = len(proposal.manifest)
    lines = []
    for index in range(min(count, most)):
        path, size = entry_text(proposal, index)
        lines.append(f"  {path}  {size}".rstrip())
    if count > most:
        lines.append("  " + _("… and {n} more").format(n=number_text(count - most)))
    return lines + proposal_notes(proposal)


def lines_of(status: st.Status) -> list[str]:
    """What a status says in the terminal; nothing for what is only progress."""
    match status:
        case st.Listening():
            return _listening_lines(status)
        case st.KeyShown():
            spelled = (f"  {group}" for group in status.spelled.split(", "))
            return [_("Read this key to them:"), f"  {status.key}", *spelled]
        case st.Done():
            return _done_lines(status)
        case st.StageTimes():
            return stage_lines(status)
        case st.Failed():
            return [status.problem.message, status.problem.hint]
        case _:
            text = sentence_of(status)
            return [text] if text else []


def _listening_lines(status: st.Listening) -> list[str]:
    addresses = ", ".join(str(Address(host, status.port)) for host in status.addresses)
    return [
        _("Ready to receive."),
        _("  Address   {addresses}   (port {port})").format(addresses=addresses, port=status.port),
        _("  Code      {code}").format(code=status.code),
        _("  You are   {fingerprint}").format(fingerprint=status.fingerprint),
    ]


def _done_lines(status: st.Done) -> list[str]:
    lines = [_("Done. ") + done_text(status), *done_details(status), f"  {printable(str(status.path), 4096)}"]
    if status.receipt is not None:
        lines.append(_("  Receipt: {path}").format(path=status.receipt))
    return lines


def is_known(device: Device, identity: DeviceId) -> bool:
    """Whether this is our own device or somebody we trust."""
    return identity in device.identity.ids or device.peers.by_id(identity) is not None


def device_text(device: Device, identity: DeviceId) -> str:
    """How a device is called here."""
    if identity in device.identity.ids:
        return _("this computer")
    known = device.peers.by_id(identity)
    return printable(known.name) if known is not None else _("an unknown device")


def signatures_text(checked: Checked) -> str:
    """Who has signed a receipt, with braces for sender, receiver and time."""
    if checked.countersigned:
        return _("Sent by {sender}, received by {receiver} on {time}. Both have signed it.")
    return _(
        "Sent by {sender}, received by {receiver} on {time}. Only the receiver has signed it: the line was lost before."
    )


def tries_text(left: int) -> str:
    """How many tries are left."""
    return ngettext("{n} try left.", "{n} tries left.", left).format(n=left)


def _wrong_code_text(status: st.CodeWrong) -> str:
    them = printable(status.peer)
    if status.without_code:
        text = _("{peer} left without typing the code, which counts as a try.").format(peer=them)
    elif status.by_them:
        text = _("{peer} typed a wrong code.").format(peer=them)
    else:
        text = _("That code is wrong.")
    if status.by_them and not status.tries_left:
        return text + " " + _("Now there is a new one.")
    return f"{text} {tries_text(status.tries_left)}"


def _strangers_text(status: st.StrangerRefused) -> str:
    if status.count == 1:
        return _("Somebody unknown tried to connect and was refused.")
    text = _("Unknown computers tried to connect {n} times and were refused.")
    return text.format(n=number_text(status.count))


def _ready_text(status: st.Ready) -> str:
    text = _("To be sent: {amount}.").format(amount=amount_text(status.files, status.bytes))
    if status.left_out:
        text += "\n  " + taken_out_text(status.left_out)
    for path, reason in status.skipped[:_REASONS_SHOWN]:
        text += "\n" + _("  cannot be sent: {path}: {reason}").format(path=path, reason=_(reason))
    parts = [text, *inexact_lines(status.inexact), keys_text(status.private_keys)]
    return "\n".join(part for part in parts if part)


def _wrong_key_text(status: st.KeyWrong) -> str:
    if status.slip:
        return _("That cannot be the key: one character is off. Compare it again.")
    return _("That key is wrong.") + " " + tries_text(status.tries_left)


def sentence_of(status: st.Status) -> str:
    """The one sentence of a simple status; nothing for one that says more, or that each face shows in its own way."""
    match status:
        case st.StrangerRefused():
            return _strangers_text(status)
        case st.Connected():
            return _("Connected with {peer}.").format(peer=printable(status.peer))
        case st.CodeWrong():
            return _wrong_code_text(status)
        case st.PeerLocked():
            return _(
                "{peer} has used up all tries for the next hour. If it was really them, remove them from your people and add them again."
            ).format(peer=printable(status.peer))
        case st.Ready():
            return _ready_text(status)
        case st.OfferSeen():
            return _("{peer} offers something. What it is opens with the key.").format(peer=printable(status.peer))
        case st.OfferOpened():
            return _("{peer} offers “{name}”: {amount}.").format(
                peer=printable(status.peer), name=status.name, amount=amount_text(status.files, status.bytes)
            )
        case st.KeyWrong():
            return _wrong_key_text(status)
        case st.WaitingFor():
            return _(WAITING.get(status.what, status.what))
        case st.Reconnecting():
            return _("The connection was lost; looking for the other computer for {time} more.").format(
                time=time_text(status.seconds_left)
            )
        case st.Note():
            return status.text
        case (
            st.Listening() | st.NeedCode() | st.Scanning() | st.KeyShown() | st.NeedKey() | st.KeyChecking()
            | st.NeedDecision() | st.Progress() | st.Paused() | st.Done() | st.StageTimes() | st.Failed()
        ):  # fmt: skip
            return ""
        case _:
            assert_never(status)
