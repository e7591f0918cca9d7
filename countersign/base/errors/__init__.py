"""The error family: every problem that a person can meet, by what it is about. See `problem` for what each of them has."""

from countersign.base.errors.content import (
    ContentDiffers as ContentDiffers,
    OfferRefused as OfferRefused,
    ProtocolProblem as ProtocolProblem,
    ReceiptProblem as ReceiptProblem,
    SealBroken as SealBroken,
    VersionProblem as VersionProblem,
)
from countersign.base.errors.disk import (
    DiskFull as DiskFull,
    DiskProblem as DiskProblem,
    FolderEmpty as FolderEmpty,
    FolderMissing as FolderMissing,
    FolderUnreadable as FolderUnreadable,
    NotEnoughSpace as NotEnoughSpace,
    OwnPlace as OwnPlace,
    TargetRefused as TargetRefused,
    TooMuch as TooMuch,
)
from countersign.base.errors.interrupted import (
    CancelledMidway as CancelledMidway,
    Interrupted as Interrupted,
    PeerCancelledMidway as PeerCancelledMidway,
    PeerDiskProblem as PeerDiskProblem,
    PeerFoundDifference as PeerFoundDifference,
    PeerStopped as PeerStopped,
)
from countersign.base.errors.problem import (
    EXIT_CODE_REFUSED as EXIT_CODE_REFUSED,
    EXIT_CONTENT_REFUSED as EXIT_CONTENT_REFUSED,
    EXIT_DECLINED as EXIT_DECLINED,
    EXIT_DISK as EXIT_DISK,
    EXIT_DONE as EXIT_DONE,
    EXIT_INTERRUPTED as EXIT_INTERRUPTED,
    EXIT_NOT_TRUSTED as EXIT_NOT_TRUSTED,
    EXIT_UNREACHABLE as EXIT_UNREACHABLE,
    EXIT_USAGE as EXIT_USAGE,
    OwnBug as OwnBug,
    Problem as Problem,
    all_problems as all_problems,
)
from countersign.base.errors.reaching import (
    Busy as Busy,
    CannotListen as CannotListen,
    NotCountersign as NotCountersign,
    PeerSilent as PeerSilent,
    PortTaken as PortTaken,
    UnknownHost as UnknownHost,
    Unreachable as Unreachable,
)
from countersign.base.errors.spoken import (
    Cancelled as Cancelled,
    CodeRefused as CodeRefused,
    Declined as Declined,
    DeclinedHere as DeclinedHere,
    KeyRefused as KeyRefused,
    PeerCancelled as PeerCancelled,
    TookTooLong as TookTooLong,
)
from countersign.base.errors.trusting import (
    AlreadyKnown as AlreadyKnown,
    CertificateExpired as CertificateExpired,
    CertificateNotYetValid as CertificateNotYetValid,
    HoldsPrivateKey as HoldsPrivateKey,
    IdentityDamaged as IdentityDamaged,
    NotACertificate as NotACertificate,
    NotTrusted as NotTrusted,
    OwnCertificate as OwnCertificate,
    PeerForgotten as PeerForgotten,
    RenewalRefused as RenewalRefused,
    SuccessorDamaged as SuccessorDamaged,
    TheyDoNotTrustUs as TheyDoNotTrustUs,
    UnsupportedKey as UnsupportedKey,
    UnusableCertificate as UnusableCertificate,
    WeakCertificate as WeakCertificate,
)
from countersign.base.errors.usage import (
    BadAddress as BadAddress,
    BadCode as BadCode,
    BadKey as BadKey,
    BadName as BadName,
    BadOption as BadOption,
    NameTaken as NameTaken,
    NoPeers as NoPeers,
    NoSuchPeer as NoSuchPeer,
    NoSuchTransfer as NoSuchTransfer,
    TransferUnderWay as TransferUnderWay,
)
