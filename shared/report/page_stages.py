"""The pull as a pipeline of five stages, and what became of each."""

from typing import Literal, NamedTuple

from shared import units
from shared.model import Diagnosis, Evidence, Finding, Verdict
from shared.report.layers import CAUSE_NAMES
from shared.report.literal import one_line

type State = Literal["culprit", "contributing", "cleared", "partly", "unknown"]

STAGES = {"kubelet": "Kubelet queue", "registry": "Registry", "network": "Network", "cpu": "CPU unpack", "disk": "OS disk"}
"""Layer → its stage, in the order in which a pull passes them."""
WORDS: dict[State, str] = {
    "culprit": "Bottleneck", "contributing": "Contributes", "cleared": "Clear", "partly": "Partly seen", "unknown": "Not seen",
}
MOST_PERCENT = 100.0
TEXT_CHARACTERS = 400


class Stage(NamedTuple):
    name: str
    state: State
    word: str
    text: str
    """What was seen, in a few words."""
    used_percent: float | None
    """Of its limit, at most 100; None: not measured, or not a share of a limit."""
    used: str


def stages(diagnosis: Diagnosis) -> tuple[Stage, ...]:
    """The five stages in order."""
    by_layer = {layer: [f for f in diagnosis.findings if f.cause.layer == layer] for layer in STAGES}
    return tuple(_stage(name, by_layer[layer]) for layer, name in STAGES.items())


def _stage(name: str, findings: list[Finding]) -> Stage:
    state = _state(findings)
    used = max((e.value for f in findings for e in f.evidence if e.value is not None and _is_share(e)), default=None)
    told = "" if used is None else f"{units.number(round(used))} %"
    text = _text(findings, state)
    return Stage(name, state, WORDS[state], "" if text == told else one_line(text, TEXT_CHARACTERS), None if used is None else min(MOST_PERCENT, max(0.0, used)), told)


def _state(findings: list[Finding]) -> State:
    verdicts = {f.verdict for f in findings}
    if Verdict.CULPRIT in verdicts:
        return "culprit"
    if Verdict.CONTRIBUTING in verdicts:
        return "contributing"
    if verdicts == {Verdict.CLEARED}:
        return "cleared"
    return "partly" if Verdict.CLEARED in verdicts else "unknown"


def _text(findings: list[Finding], state: State) -> str:
    if state in ("culprit", "contributing"):
        blamed = next(f for f in findings if f.verdict.value == state)
        told = blamed.evidence[0].text if blamed.evidence else ""
        why = told.partition(" the bottleneck: ")[2] or told
        return f"{CAUSE_NAMES[blamed.cause]}: {why}" if why else CAUSE_NAMES[blamed.cause]
    texts = [f.evidence[0].text for f in findings if f.evidence and f.evidence[0].text]
    return "; ".join(list(dict.fromkeys(texts))[:2]) or "no evidence"


def _is_share(evidence: Evidence) -> bool:
    return evidence.unit.lower() in ("percent", "%")
