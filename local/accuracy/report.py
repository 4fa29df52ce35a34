"""The figures as text."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from local.accuracy.forecasts import GOOD_FACTOR
from local.accuracy.scores import (
    Score,
    by_cause,
    calibration_error,
    false_alarms,
    forecast_score,
    macro_f1,
    on_the_disk,
    reliability,
)
from local.accuracy.trial import Trial
from shared.model import Cause

MOST_LISTED = 40


def render(trials: Sequence[Trial]) -> str:
    """All tables, one below the other."""
    parts = (_causes(trials), _mistakes(trials), _alarms(trials), _calibration(trials), _forecasts(trials), _rules(trials), _ways(trials))
    return "\n\n".join("\n".join(lines) for lines in parts)


def _causes(trials: Sequence[Trial]) -> Iterator[str]:
    scores = by_cause(trials)
    unknown = sum(t.said == Cause.UNKNOWN for t in trials)
    yield from _table("Cause", scores)
    yield (f"macro-F1 {macro_f1(scores):.3f} · right {sum(t.right for t in trials)} of {len(trials)} · "
           f"said to be unknown {unknown} · wrongly named {sum(not t.right for t in trials) - unknown}")


def _table(title: str, scores: Sequence[Score]) -> Iterator[str]:
    width = max(len(title), *(len(s.label) for s in scores))
    yield f"{title:{width}}   true  named  right  precision  recall     F1"
    for s in scores:
        precision = f"{s.precision:.2f}" if s.named else "-"
        recall = f"{s.recall:.2f}" if s.true else "-"
        yield f"{s.label:{width}}  {s.true:5}  {s.named:5}  {s.right:5}  {precision:>9}  {recall:>6}  {s.f1:5.2f}"


def _mistakes(trials: Sequence[Trial]) -> Iterator[str]:
    pairs: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        if not trial.right:
            pairs[trial.truth.cause, trial.said].append(trial)
    yield "Wrong or unknown" if pairs else "Nothing wrong, nothing unknown."
    for (true, said), found in sorted(pairs.items(), key=lambda item: -len(item[1])):
        yield f"  {len(found)} × {true} said to be {said}"
        for trial in found[:MOST_LISTED]:
            yield f"      {trial.scenario} seed {trial.seed}, confidence {trial.confidence:.2f}; lost: {_lost(trial)}"


def _lost(trial: Trial) -> str:
    total = sum(trial.truth.lost_seconds.values())
    top = sorted(trial.truth.lost_seconds.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{cause} {seconds / total:.0%}" for cause, seconds in top if total) or "nothing"


def _alarms(trials: Sequence[Trial]) -> Iterator[str]:
    healthy = sum(t.truth.cause == Cause.HEALTHY for t in trials)
    alarms, cleared = false_alarms(trials), [t for t in trials if t.falsely_cleared]
    yield f"False alarms: {len(alarms)} of {healthy} healthy pools above notice"
    for t in alarms[:MOST_LISTED]:
        yield f"  {t.scenario} seed {t.seed}: {t.severity}, said to be {t.said}"
    yield f"Falsely cleared: {len(cleared)} of {len(trials)} (a cause of a tenth of the lost time or more, said to be none)"
    for t in cleared[:MOST_LISTED]:
        yield f"  {t.scenario} seed {t.seed}: {', '.join(t.falsely_cleared)}; said to be {t.said}; lost: {_lost(t)}"


def _calibration(trials: Sequence[Trial]) -> Iterator[str]:
    bins = reliability(trials)
    yield "Confidence   diagnoses  stated  right"
    for b in bins:
        yield f"{b.low:.2f}–{b.high:.2f}    {b.given:9}  {b.stated:6.2f}  {b.right:5.2f}"
    yield f"expected calibration error {calibration_error(bins):.3f}"


def _forecasts(trials: Sequence[Trial]) -> Iterator[str]:
    found = [(t, f) for t in sorted(trials, key=lambda t: t.scenario) for f in t.forecasts]
    score = forecast_score(f for _, f in found)
    if score is None:
        yield "Forecasts: none that the model can play"
        return
    yield (f"Forecasts: {score.good:.0%} of {score.played} within a factor of {GOOD_FACTOR} of the true p95 after the remedy; "
           f"median predicted/true {score.median_ratio:.2f}")
    for t, f in [(t, f) for t, f in found if f.true_seconds and not f.good][:MOST_LISTED]:
        yield (f"  {t.scenario} seed {t.seed}: {f.remedy}: predicted {f.predicted_seconds:.0f} s, true {f.true_seconds:.0f} s "
               f"(now {t.truth.p95_seconds or 0:.0f} s)")
    for problem, count in Counter(f.problem for _, f in found if f.problem).most_common():
        yield f"  not played, {count} ×: {problem}"


def _rules(trials: Sequence[Trial]) -> Iterator[str]:
    yield from _table("Is the disk to blame?", on_the_disk(trials))


def _ways(trials: Sequence[Trial]) -> Iterator[str]:
    compared = [t for t in trials if t.same_case is not None]
    yield (f"{len(compared)} worlds were read through the Azure SDKs over TLS, the others in process; "
           f"both ways gave the same Case for {sum(bool(t.same_case) for t in compared)} of {len(compared)}.")
    differing = [f"{t.scenario} seed {t.seed}" for t in compared if not t.same_case]
    if differing:
        yield f"Different: {', '.join(differing[:MOST_LISTED])}"
