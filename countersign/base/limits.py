"""Every cap of the protocol, with its reason. docs/PROTOCOL.md lists the same; a test compares them.

A leaf: imports nothing. Sizes are bytes, times are seconds.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

MAX_ENTRIES = 2_000_000  # both sides keep about 150 bytes for each
MAX_DEPTH = 256  # a handle may be open for every level
MAX_NAME_BYTES = 1024  # 255 UTF-16 units of NTFS are at most 765 bytes of UTF-8
MAX_PATH_BYTES = 32_767  # the longest path of Windows; Linux has 4096 for one call
MAX_NAMES_BYTES = 256 * MIB  # of all names together: what a list may cost in memory
MAX_TARGET_BYTES = 4096  # PATH_MAX of Linux
MAX_TOTAL_BYTES = 1 << 60  # sums stay inside 64 bits
BATCH_ENTRIES = 4096  # a manifest batch stays near 256 KiB
BATCH_BYTES = MIB  # and never passes this, however long the names
PACK_BYTES = 4 * MIB
PACK_PIECES = 2048  # bounds the archive's own overhead

CODE_TRIES = 3  # per connection, and per code
CODE_FAILURES_AN_HOUR = 6  # per pinned peer, over restarts
KEY_TRIES = 5  # per transfer

STRANGERS = 64  # connections that have not shown a pinned certificate; the oldest makes room
GUESTS_OF_ONE = 2  # of these; the oldest makes room
GUESTS = 8  # pinned connections before the code is proven
HANDSHAKE_SECONDS = 5.0  # two round trips of a bad line
CONNECT_SECONDS = 10.0  # a computer that is there answers sooner
REFUSAL_SECONDS = 1.0  # every refusal of a code takes this long, whatever its reason
STALL_SECONDS = 30.0  # no progress for so long is an interruption
STALL_BYTES = 16 * KIB  # what counts as progress within that time
WAITING_SECONDS = 5.0  # how often `waiting` is said
PERSON_SECONDS = 900.0  # how long a person may think
PAUSE_SECONDS = 3600.0  # how long a transfer may be paused; after that it is interrupted, and can be resumed
HASHING_SECONDS = 86_400.0  # a sender may read a whole folder once more, saying `waiting` all the time
REJOIN_SECONDS = 300.0  # how long both sides try to find each other again
THANKS_SECONDS = 20.0  # how long a side for which all is done looks for the other, for the last signature's sake
DIFFER_ROUNDS = 3  # how often files that differ are sent again before both sides give up
STATUS_SECONDS = 0.1  # progress is reported ten times a second at most

DEFAULT_PORT = 12346

# Control messages are small; sealed ones hold their payload plus what token and archive add.
CONTROL_CAP = 256
HELLO_CAP = 1024
STOP_CAP = 512
SIGNED_CAP = 4 * KIB  # of the messages that hold a signature
BATCH_CAP = BATCH_BYTES + 64 * KIB
ANSWER_CAP = 2 * MIB + 64 * KIB
PACK_CAP = PACK_BYTES + MIB
SUMMARY_NAME = 1024  # characters; a folder name has 255 at the most
TOLD_RENEWAL = 10 * KIB  # a certificate and a signature, encoded
RUN_ENTRIES = 16_384  # entries that one payload of hashes tells of: 512 KiB
PARTIALS = 100_000  # files that an answer may report as begun
CERTIFICATE_FILE_CAP = 64 * KIB  # a certificate is one or two KiB
RENEWAL_CAP = 8 * KIB  # of the new certificate; four of them are far below CERTIFICATE_FILE_CAP
SIGNATURE_CAP = KIB  # the largest RSA key's
CERTIFICATES_OF_ONE = 4  # the one that was compared, and three that came after it
RECEIPT_LINE_CAP = 256 * KIB  # a path of 32,767 bytes, escaped
