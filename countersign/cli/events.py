"""Status values as JSON events. These names and fields are promised; new ones may be added."""

from __future__ import annotations

from typing import Any

from countersign.session import status as st


def event_of(status: st.Status) -> list[dict[str, Any]]:
    """The events that tell of a status; none for what only eyes need."""
    if isinstance(status, st.Listening):
        return [_event("listening", addresses=list(status.addresses), port=status.port, code=status.code,
                       fingerprint=status.fingerprint, interfaces=list(status.interfaces))]  # fmt: skip
    if isinstance(status, st.Progress):
        return [_event("progress", bytes_done=status.bytes_done, bytes_total=status.bytes_total,
                       files_done=status.files_done, files_total=status.files_total,
                       rate=round(status.rate), eta=None if status.eta is None else round(status.eta, 1),
                       slow=status.slow)]  # fmt: skip
    if isinstance(status, st.Done):
        return [_done(status)]
    if isinstance(status, st.StageTimes):
        stages = {s.name: {"work": round(s.work, 3), "waiting": round(s.waiting, 3)} for s in status.stages}
        return [
            _event("stats", stages=stages, seconds=round(status.seconds, 3), first_data=round(status.first_data, 3))
        ]
    if isinstance(status, st.Failed):
        problem = status.problem
        return [_event("error", code=problem.code, message=problem.message, hint=problem.hint)]
    if isinstance(status, st.Ready):
        return [_event("ready", files=status.files, bytes=status.bytes, skipped=_skipped(status.skipped),
                       left_out=status.left_out, private_keys=list(status.private_keys),
                       inexact=_skipped(status.inexact))]  # fmt: skip
    if isinstance(status, st.NeedDecision):
        return [_list(status)]
    if isinstance(status, st.OfferSeen):  # still sealed: what it is follows in a second one, once the key fits
        return [_event("offer", peer=status.peer, name=None, files=None, bytes=None)]
    if isinstance(status, st.WaitingFor):
        return [_event("waiting", **{"for": status.what})]
    simple = _SIMPLE.get(type(status))
    if simple is None:
        return []
    name, fields = simple
    return [_event(name, **{field: getattr(status, field) for field in fields})]


_SIMPLE: dict[type[st.Status], tuple[str, tuple[str, ...]]] = {
    st.StrangerRefused: ("stranger_refused", ("count",)),
    st.Connected: ("connected", ("peer",)),
    st.NeedCode: ("need_code", ("tries_left",)),
    st.CodeWrong: ("code_wrong", ("tries_left", "peer", "without_code", "by_them")),
    st.PeerLocked: ("peer_locked", ("peer",)),
    st.Scanning: ("scanning", ("files", "bytes")),
    st.KeyShown: ("key", ("key", "spelled")),
    st.OfferOpened: ("offer", ("peer", "name", "files", "bytes")),
    st.NeedKey: ("need_key", ("tries_left",)),
    st.KeyWrong: ("key_wrong", ("tries_left", "slip")),
    st.Reconnecting: ("reconnecting", ("seconds_left",)),
    st.Note: ("note", ("text",)),
    st.Paused: ("paused", ("paused", "by_them")),
}


def _event(event: str, /, **fields: Any) -> dict[str, Any]:
    return {"event": event, **fields}


def _skipped(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"path": path, "reason": reason} for path, reason in pairs]


def _done(status: st.Done) -> dict[str, Any]:
    return _event(
        "done",
        path=str(status.path),
        files=status.files,
        bytes=status.bytes,
        wire_bytes=status.wire_bytes,
        seconds=round(status.seconds, 3),
        skipped=_skipped(status.skipped),
        left_out=status.left_out,
        receipt=None if status.receipt is None else str(status.receipt),
        renamed=dict(status.renamed),
        renamed_there=status.renamed_there,
        kept=list(status.kept),
        inexact=_skipped(status.inexact),
    )


def _list(status: st.NeedDecision) -> dict[str, Any]:
    proposal = status.proposal
    return _event(
        "list",
        name=proposal.name,
        files=proposal.manifest.files,
        bytes=proposal.manifest.bytes,
        into=str(proposal.into),
        free=proposal.free,
        held_files=proposal.held_files,
        held_bytes=proposal.held_bytes,
        impossible=len(proposal.impossible),
        existing=len(proposal.existing),
    )
