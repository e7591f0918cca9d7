"""Every cap of the protocol, with its reason. docs/PROTOCOL.md lists the same; a test compares them.

A leaf: imports nothing. Sizes are bytes, times are seconds.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

MAX_ENTRIES = 2_000_000  # each side keeps about 150 bytes per entry
MAX_DEPTH = 256  # every level may need an open handle
MAX_NAME_BYTES = 1024  # NTFS allows 255 UTF-16 units: at most 765 bytes of UTF-8
MAX_PATH_BYTES = 32_767  # the longest path on Windows; Linux accepts 4096 per call
MAX_NAMES_BYTES = 256 * MIB  # all names together: bounds the memory of a list
MAX_TARGET_BYTES = 4096  # Linux' PATH_MAX
MAX_TOTAL_BYTES = 1 << 60  # sums stay inside 64 bits
BATCH_ENTRIES = 4096  # a manifest batch stays near 256 KiB
BATCH_BYTES = MIB  # and never exceeds this, however long the names are
PACK_BYTES = 4 * MIB
PACK_PIECES = 2048  # bounds the archive's own overhead

CODE_TRIES = 3  # per connection, and per code
CODE_FAILURES_AN_HOUR = 6  # per pinned peer, over restarts
KEY_TRIES = 5  # per transfer

STRANGERS = 64  # connections without a pinned certificate so far; at the limit the oldest is closed
GUESTS_OF_ONE = 2  # of GUESTS, per peer; at the limit the oldest is closed
GUESTS = 8  # pinned connections before the code is proven
HANDSHAKE_SECONDS = 5.0  # two round trips over a bad connection
CONNECT_SECONDS = 10.0  # a reachable computer answers sooner
REFUSAL_SECONDS = 1.0  # every refused code takes this long, whatever the reason
STALL_SECONDS = 30.0  # without progress for this long, the transfer is interrupted
STALL_BYTES = 16 * KIB  # fewer bytes than this in that time are no progress
WAITING_SECONDS = 5.0  # interval between two `waiting` messages
PERSON_SECONDS = 900.0  # time for a person to answer
PAUSE_SECONDS = 3600.0  # longest pause; after it the transfer is interrupted and can be resumed
HASHING_SECONDS = 86_400.0  # a sender may read the whole folder again, sending `waiting` meanwhile
REJOIN_SECONDS = 300.0  # both sides try to reconnect for this long
THANKS_SECONDS = 20.0  # reconnecting when only the last signature is missing
DIFFER_ROUNDS = 3  # rounds of resending files that differ before both sides give up
STATUS_SECONDS = 0.1  # at most ten progress reports a second

DEFAULT_PORT = 12346

# Control messages are small; sealed ones add the overhead of token and archive to their payload.
CONTROL_CAP = 256
HELLO_CAP = 1024
STOP_CAP = 512
SIGNED_CAP = 4 * KIB  # messages that hold a signature
BATCH_CAP = BATCH_BYTES + 64 * KIB
ANSWER_CAP = 2 * MIB + 64 * KIB
PACK_CAP = PACK_BYTES + MIB
SUMMARY_NAME = 1024  # characters; a folder name has at most 255
TOLD_RENEWAL = 10 * KIB  # a certificate and a signature, encoded
RUN_ENTRIES = 16_384  # entries in one payload of hashes: 512 KiB
PARTIALS = 100_000  # partial files that an answer may list
CERTIFICATE_FILE_CAP = 64 * KIB  # a certificate is one or two KiB
RENEWAL_CAP = 8 * KIB  # for the new certificate; four of them stay far below CERTIFICATE_FILE_CAP
SIGNATURE_CAP = KIB  # enough for the largest RSA key
CERTIFICATES_OF_ONE = 4  # the compared one and three successors
RECEIPT_LINE_CAP = 256 * KIB  # a path of 32,767 bytes, escaped
