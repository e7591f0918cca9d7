"""Status values as JSON events. These names and fields are promised; new ones may be added."""

from __future__ import annotations

from typing import Any

from countersign.base.never import assert_never
from countersign.session import status as st


def event_of(status: st.Status) -> dict[str, Any] | None:  # noqa: C901 - one flat case for each status
    """The event that tells of a status; None for what only eyes need."""
    match status:
        case st.Listening():
            return _event("listening", addresses=list(status.addresses), port=status.port, code=status.code,
                          fingerprint=status.fingerprint, interfaces=list(status.interfaces))  # fmt: skip
        case st.StrangerRefused():
            return _event("stranger_refused", count=status.count)
        case st.Connected():
            return _event("connected", peer=status.peer)
        case st.NeedCode():
            return _event("need_code", tries_left=status.tries_left)
        case st.CodeWrong():
            return _event("code_wrong", tries_left=status.tries_left, peer=status.peer,
                          without_code=status.without_code, by_them=status.by_them)  # fmt: skip
        case st.PeerLocked():
            return _event("peer_locked", peer=status.peer)
        case st.Scanning():
            return _event("scanning", files=status.files, bytes=status.bytes)
        case st.Ready():
            return _ready(status)
        case st.KeyShown():
            return _event("key", key=status.key, spelled=status.spelled)
        case st.OfferSeen():  # still sealed: what it is follows in a second one, once the key fits
            return _event("offer", peer=status.peer, name=None, files=None, bytes=None)
        case st.OfferOpened():
            return _event("offer", peer=status.peer, name=status.name, files=status.files, bytes=status.bytes)
        case st.NeedKey():
            return _event("need_key", tries_left=status.tries_left)
        case st.KeyChecking():
            return None
        case st.KeyWrong():
            return _event("key_wrong", tries_left=status.tries_left, slip=status.slip)
        case st.NeedDecision():
            return _list(status)
        case st.WaitingFor():
            return _event("waiting", **{"for": status.what})
        case st.Progress():
            return _progress(status)
        case st.Paused():
            return _event("paused", paused=status.paused, by_them=status.by_them)
        case st.Reconnecting():
            return _event("reconnecting", seconds_left=status.seconds_left)
        case st.Note():
            return _event("note", text=status.text)
        case st.Done():
            return _done(status)
        case st.StageTimes():
            return _stats(status)
        case st.Failed():
            problem = status.problem
            return _event("error", code=problem.code, message=problem.message, hint=problem.hint)
        case _:
            assert_never(status)


def _event(event: str, /, **fields: Any) -> dict[str, Any]:
    return {"event": event, **fields}


def _skipped(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"path": path, "reason": reason} for path, reason in pairs]


def _ready(status: st.Ready) -> dict[str, Any]:
    return _event("ready", files=status.files, bytes=status.bytes, skipped=_skipped(status.skipped),
                  left_out=status.left_out, private_keys=list(status.private_keys),
                  inexact=_skipped(status.inexact))  # fmt: skip


def _progress(status: st.Progress) -> dict[str, Any]:
    eta = None if status.eta is None else round(status.eta, 1)
    return _event("progress", bytes_done=status.bytes_done, bytes_total=status.bytes_total,
                  files_done=status.files_done, files_total=status.files_total,
                  rate=round(status.rate), eta=eta, slow=status.slow)  # fmt: skip


def _stats(status: st.StageTimes) -> dict[str, Any]:
    stages = {s.name: {"work": round(s.work, 3), "waiting": round(s.waiting, 3)} for s in status.stages}
    return _event("stats", stages=stages, seconds=round(status.seconds, 3), first_data=round(status.first_data, 3))


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
