"""The vocabulary: frozen values that every part of Pullwatch passes on.

Two of them carry everything: a ``Case`` is the evidence about one node pool in one window, a
``Diagnosis`` is what it means. Both travel as JSON (``encode`` and ``decode``).

Times are aware UTC datetimes. Units stand in the field names; ``None`` means *not known*, never
zero. "MB/s" in texts is 10^6 bytes a second, as Azure's size and disk pages use it.
"""

from shared.model.base import (
    Cause,
    Severity,
    Thresholds,
    Value,
    Verdict,
    decode,
    encode,
)
from shared.model.case import (
    CASE_VERSION,
    Baseline,
    Case,
    Cluster,
    Coverage,
    DiskTier,
    EgressHop,
    NodePool,
    Operation,
    OsDisk,
    Pull,
    Registry,
    RegistryMinute,
    Series,
    Typical,
    VmLimits,
    Window,
)
from shared.model.diagnosis import (
    DIAGNOSIS_VERSION,
    Chart,
    Diagnosis,
    Evidence,
    Finding,
    Impact,
    Remedy,
    SlowPull,
)
from shared.model.notice import (
    Bulletin,
    Content,
    Delivery,
    Group,
    Incident,
    Item,
    Notice,
    Wake,
)

__all__ = [
    "CASE_VERSION",
    "DIAGNOSIS_VERSION",
    "Baseline",
    "Bulletin",
    "Case",
    "Cause",
    "Chart",
    "Cluster",
    "Content",
    "Coverage",
    "Delivery",
    "Diagnosis",
    "DiskTier",
    "EgressHop",
    "Evidence",
    "Finding",
    "Group",
    "Impact",
    "Incident",
    "Item",
    "NodePool",
    "Notice",
    "Operation",
    "OsDisk",
    "Pull",
    "Registry",
    "RegistryMinute",
    "Remedy",
    "Series",
    "Severity",
    "SlowPull",
    "Thresholds",
    "Typical",
    "Value",
    "Verdict",
    "VmLimits",
    "Wake",
    "Window",
    "decode",
    "encode",
]
