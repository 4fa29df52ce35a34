"""From trials to figures: precision, recall, F1, calibration, forecast error."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import fsum
from statistics import median
from typing import NamedTuple

from local.accuracy.forecasts import Forecast
from local.accuracy.rules import RULES
from local.accuracy.trial import Trial
from shared.model import Cause, Severity

BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)


class Score(NamedTuple):
    """How well one answer was given: ``true`` worlds had it, ``named`` were said to, ``right`` both."""

    label: str
    true: int
    named: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.named if self.named else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.true + self.named) if self.true + self.named else 0.0


class Bin(NamedTuple):
    """Diagnoses whose stated confidence fell between two bounds."""

    low: float
    high: float
    given: int
    stated: float
    """Mean of what was stated."""
    right: float
    """Part that was right."""


def by_cause(trials: Sequence[Trial]) -> list[Score]:
    """A score for each cause that is the truth somewhere, or was named somewhere.

    ``unknown`` is no cause but the admission of having none: it costs the true cause its recall, and
    nobody precision.
    """
    true, named = Counter(t.truth.cause for t in trials), Counter(t.said for t in trials)
    right = Counter(t.said for t in trials if t.right)
    labels = [c.value for c in Cause if c is not Cause.UNKNOWN and (true[c] or named[c])]
    return [Score(label, true[label], named[label], right[label]) for label in labels]


def macro_f1(scores: Sequence[Score]) -> float:
    return fsum(s.f1 for s in scores) / len(scores) if scores else 0.0


def on_the_disk(trials: Sequence[Trial]) -> list[Score]:
    """Is the disk to blame? The product's score, then each static rule's."""
    blames = [("Pullwatch", [_is_disk(t.said) for t in trials])]
    blames += [(rule.name, [t.rules[n] for t in trials]) for n, rule in enumerate(RULES)]
    truth = [_is_disk(t.truth.cause) for t in trials]
    return [_score(label, truth, answers) for label, answers in blames]


def _score(label: str, truth: Sequence[bool], answers: Sequence[bool]) -> Score:
    return Score(label, sum(truth), sum(answers), sum(t and a for t, a in zip(truth, answers, strict=True)))


def _is_disk(cause: str) -> bool:
    return Cause(cause).layer == "disk"


def false_alarms(trials: Iterable[Trial]) -> list[Trial]:
    """Healthy pools about which somebody would have been woken."""
    return [t for t in trials if t.truth.cause == Cause.HEALTHY and Severity(t.severity).rank > Severity.NOTICE.rank]


def reliability(trials: Iterable[Trial]) -> list[Bin]:
    """Stated confidence against how often it was right; ``unknown`` states none."""
    stated = [t for t in trials if t.said != Cause.UNKNOWN]
    bins = []
    for low, high in pairwise(BINS):
        found = [t for t in stated if low <= t.confidence < high or t.confidence == high == BINS[-1]]
        if found:
            bins.append(Bin(low, high, len(found), fsum(t.confidence for t in found) / len(found), sum(t.right for t in found) / len(found)))
    return bins


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: by how much the stated confidence is off, on average."""
    given = sum(b.given for b in bins)
    return fsum(b.given * abs(b.stated - b.right) for b in bins) / given if given else 0.0


class ForecastScore(NamedTuple):
    played: int
    good: float
    """Part within the factor."""
    median_ratio: float
    """Predicted over true."""


def forecast_score(forecasts: Iterable[Forecast]) -> ForecastScore | None:
    """None if the model could play none of them."""
    played = [(f.good, f.ratio) for f in forecasts if f.ratio is not None]
    if not played:
        return None
    return ForecastScore(len(played), sum(good for good, _ in played) / len(played), median(ratio for _, ratio in played))
