"""Why: the neurons behind side effects, from a study's `neurons/`. None where they were not looked for.

The word "because" is said only of a set that passed the causal test.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossrisk.errors import RequestError
from crossrisk.neurons.stage.files import read_study_digest, study_digest
from crossrisk.report.grid import RISKS
from crossrisk.wording import DASH, Row, counted, number, p_value, percent, points

SETS = {
    "conflict": "conflict neurons of the base",
    "moved": "neurons that the defense moved",
    "aligned": "aligned neurons of the base",
    "moved_alike": "neurons that the defense moved for both risks",
    "coupled": "coupled neurons",
    "all": "all neurons together",
}
STALE = (
    "The study has changed since its neurons were looked for: what stands here is of the earlier run. "
    "Run `crossrisk neurons` on this folder again."
)
CLAIMS = {True: ("conflict", "moved"), False: ("aligned", "moved_alike")}  # by whether the risk rose
CHANGED = ("worsens", "improves")  # verdicts of side effects; `--all` checks cells with others too
WIDTH = 168.0
LOW, HIGH = -0.5, 1.5  # shares at the edges of the picture


@dataclass(frozen=True)
class ShareView:
    """A mediated share drawn to scale: places in pixels from the left. random: from the 5th to the 95th of a hundred
    random sets; None where there are none."""

    low: float
    at: float
    high: float
    zero: float
    whole: float
    random: tuple[float, float] | None

    @property
    def length(self) -> float:
        """Of the interval; a hair at the least, so that it is seen."""
        return max(round(self.high - self.low, 1), 0.5)


@dataclass(frozen=True)
class TestedSet:
    """One set on one side effect. share: drawn, None where there is none. word: `because`, or why not."""

    row: Row
    name: str
    share: ShareView | None

    @property
    def said(self) -> str:
        """The mediated share with its interval."""
        return said_share(self.row)

    @property
    def beside(self) -> str:
        """What matched random sets carry."""
        row = self.row
        if row["random_median"] is None:
            return DASH
        ends = f"[{percent(row['random_low'], 0)}, {percent(row['random_high'], 0)}]"
        return f"{percent(row['random_median'], 0)}% {ends}"


@dataclass(frozen=True)
class EffectView:
    """One side effect. best: the set that says most; tested: all of them; context: the best set on the defense's own
    risk and on utility."""

    row: Row
    task: str
    best: TestedSet | None
    tested: tuple[TestedSet, ...]
    context: tuple[Row, ...]
    reason: str

    @property
    def because(self) -> bool:
        """Whether the causal test was passed."""
        return self.best is not None and bool(self.best.row["because"])

    @property
    def together(self) -> str:
        """The share that all neurons of the MLPs carry at once, in percent; empty where there is none."""
        share = next((one.row["share"] for one in self.tested if one.row["set"] == "all"), None)
        return "" if share is None else f"{percent(share, 0)}%"

    @property
    def sentence(self) -> str:
        """What was found, in plain words; "because" only where the test was passed."""
        row = self.row
        if row["verdict"] in CHANGED:
            by = points(abs(row["delta"])).removeprefix("+")
            moved = f"{row['defense']} {row['verdict']} {self.task} by {by} points"
        else:
            said = row["verdict"].replace("_", " ")
            moved = f"{row['defense']} on {self.task} ({said}, {points(row['delta'])} points)"
        together = f" (all neurons together: {self.together})" if self.together else ""
        if self.best is None or not self.because:
            return f"{moved}; no set of neurons is shown to be the cause: {self.reason}{together}."
        best, count = self.best, self.best.row["neurons"]
        name = best.name if count != 1 else best.name.replace("neurons", "neuron", 1)
        return (
            f"{moved} because of {count} {name}: put back to the base they undo {best.said} of the change, matched "
            f"random sets {best.beside}{together}."
        )

    @property
    def beside(self) -> str:
        """What the best set, put back, does to the defense's own risk and to utility; empty where that is not known."""
        if self.best is None:
            return ""
        told = [
            f"carry {percent(row['share'], 0)}% of the change of {row['task']} (the defense's own risk)"
            for row in self.context
            if row["role"] == "own risk" and row["share"] is not None
        ]
        utility = self.best.row["utility_change"]
        if utility is not None:
            told.append(f"move utility by {points(utility)} points when put back")
        return " and ".join(told)


@dataclass(frozen=True)
class Layer:
    """How many neurons of a set are in a layer; height: as a share of the fullest layer, in percent."""

    number: int
    count: int
    height: float


@dataclass(frozen=True)
class PairView:
    """Two risks in the base. row: by the test; paper, coupled: by the other methods, None where they were not run."""

    row: Row
    paper: Row | None
    coupled: Row | None
    layers: tuple[Layer, ...]

    @property
    def name(self) -> str:
        """Both risks."""
        return " and ".join(self.row["pair"])

    @property
    def counts(self) -> tuple[tuple[float | None, int], ...]:
        """How many neurons: in conflict, as many by chance, aligned, by the published rule, by chance, coupled; each
        with its decimals."""
        test = self.row if self.row["method"] == "test" else None
        asked = [(test, "count", 0), (test, "expected", 1), (test, "aligned", 0)]
        asked += [(self.paper, "count", 0), (self.paper, "expected", 1), (self.coupled, "count", 0)]
        return tuple((None if row is None else row[name], decimals) for row, name, decimals in asked)

    @property
    def sentence(self) -> str:
        """How many against how many by chance."""
        row = self.row
        if row["reason"] is not None:
            return f"{self.name}: {row['reason']}."
        if not row["count"]:
            return f"{self.name}: no neuron raises one and lowers the other beyond doubt."
        told = f"{self.name}: {counted(row['count'], 'neuron')} raise one and lower the other"
        if row["expected"] is None:
            return f"{told}."
        return (
            f"{told}; {number(row['expected'])} would be found by chance (p {p_value(row['p'])}, expected share of "
            f"false ones {_percent(row['fdr'])}).{_halves(row)}"
        )


@dataclass(frozen=True)
class TrendView:
    """What trends say. lines: a sentence each."""

    lines: tuple[str, ...]
    points: tuple[Row, ...]


@dataclass(frozen=True)
class NeuronsView:
    """The section. summary: k of m side effects. left_out: arms and tasks without numbers, a sentence each. notes: what
    limits the reading of pairs, each once. stale: said where the study is another than the one that was looked into.
    """

    stale: str | None
    summary: str
    effects: tuple[EffectView, ...]
    left_out: tuple[str, ...]
    pairs: tuple[PairView, ...]
    notes: tuple[str, ...]
    trends: TrendView

    @property
    def unmet(self) -> tuple[str, ...]:
        """Pairs without a set: those where none is there beyond doubt in one line, those that could not be tested in a
        line for each reason."""
        none = [pair.name for pair in self.pairs if pair.row["count"] == 0]
        reasons: dict[str, list[str]] = {}
        for pair in self.pairs:
            if pair.row["reason"] is not None:
                reasons.setdefault(pair.row["reason"], []).append(pair.name)
        told = [f"No neuron raises one and lowers the other beyond doubt: {', '.join(none)}."] if none else []
        return (*told, *(f"{', '.join(pairs)}: {reason}." for reason, pairs in reasons.items()))

    @property
    def beside(self) -> tuple[str, ...]:
        """Of side effects with a cause, what the same neurons do besides; those of which the same is said, together."""
        said: dict[str, list[str]] = {}
        for effect in self.effects:
            if effect.because and effect.beside:
                said.setdefault(effect.beside, []).append(f"{effect.row['defense']} on {effect.task}")
        return tuple(f"{', '.join(effects)}: the same neurons {told}." for told, effects in said.items())


def neurons_view(
    folder: Path, names: Mapping[tuple[str, str], str], study: Sequence[Row] | None = None
) -> NeuronsView | None:
    """Read a study's folder. names: what to call each (task, source). study: rows of `interactions.json`, by which it
    is seen whether the study is still the one whose neurons these are. Raises RequestError for a damaged file.
    """
    place = folder / "neurons"
    if not (place / "causal.json").exists():
        return None
    conflicts, causal, trends = (_rows(place / f"{name}.json", folder) for name in ("conflicts", "causal", "trends"))
    try:
        effects = _effects(causal, names)
        pairs = tuple(_pairs(conflicts))
        return NeuronsView(
            stale=None if study is None or read_study_digest(folder) == study_digest(study) else STALE,
            summary=summary_of(effects, _unasked(causal)),
            effects=tuple(effects),
            left_out=tuple(_left_out(causal)),
            pairs=pairs,
            notes=tuple(dict.fromkeys(_sentence(note) for pair in pairs for note in pair.row["notes"])),
            trends=_trends(trends),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(
            f"{place} is of another version ({error}): run `crossrisk neurons {folder}` again"
        ) from error


def summary_of(effects: Sequence[EffectView], unasked: int = 0) -> str:
    """How many side effects pass, in one line. unasked: how many more are of arms that have no neurons to ask."""
    passed = sum(effect.because for effect in effects)
    if not effects:
        return (
            f"No cause was tested: {counted(unasked, 'side effect')} of defenses whose neurons could not be asked."
            if unasked
            else "The study shows no side effect, so there was none to explain."
        )
    noun = "side effect" if all(effect.row["verdict"] in CHANGED for effect in effects) else "off-target cell"
    more = f" {counted(unasked, f'more {noun}')} could not be asked." if unasked else ""
    verb = "passes" if 1 in (passed, len(effects)) else "pass"
    return f"{passed} of {counted(len(effects), noun)} {verb} the causal test.{more}"


def said_share(row: Row) -> str:
    """A mediated share with its interval, in percent."""
    if row["share"] is None:
        return DASH
    return f"{percent(row['share'], 0)}% [{percent(row['share_low'], 0)}, {percent(row['share_high'], 0)}]"


def _rows(path: Path, folder: Path) -> list[Row]:
    try:
        rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{path} is damaged ({error}): run `crossrisk neurons {folder}` again") from error
    return rows


def _effects(causal: Sequence[Row], names: Mapping[tuple[str, str], str]) -> list[EffectView]:
    effects: dict[tuple[str, str, str], list[Row]] = {}
    for row in causal:
        if row["role"] == "side effect" and row["set"] is not None:
            effects.setdefault((row["defense"], row["task"], row["source"]), []).append(row)
    views = [
        _effect(
            rows, names.get((task, source), f"{task}:{source}"), [row for row in causal if row["defense"] == defense]
        )
        for (defense, task, source), rows in effects.items()
    ]
    return sorted(views, key=lambda view: (not view.because, -abs(view.row["delta"]), view.row["defense"], view.task))


def _effect(rows: Sequence[Row], task: str, of_defense: Sequence[Row]) -> EffectView:
    claims = CLAIMS[rows[0]["delta"] > 0]
    tested = [TestedSet(row, SETS[row["set"]], _drawn(row)) for row in rows if row["state"] == "checked"]
    candidates = [one for one in tested if one.row["set"] in claims]
    best = max(candidates, key=lambda one: (one.row["because"], one.row["share"] or 0.0), default=None)
    context = [
        row
        for row in of_defense
        if best is not None and row["role"] in ("own risk", "utility") and _same_set(row, best.row)
    ]
    return EffectView(rows[0], task, best, tuple(tested), tuple(context), _why_not(rows, claims, best))


def _same_set(row: Row, other: Row) -> bool:
    return bool(row["set"] == other["set"] and row["pair"] == other["pair"])


def _why_not(rows: Sequence[Row], claims: Sequence[str], best: TestedSet | None) -> str:
    if best is not None:
        return str(best.row["reason"])
    reasons = [str(row["reason"]) for row in rows if row["set"] in claims]
    return "; ".join(dict.fromkeys(reasons))


def _drawn(row: Row) -> ShareView | None:
    if row["share"] is None or row["share_low"] is None:
        return None
    low, at, high, zero, whole = map(_place, (row["share_low"], row["share"], row["share_high"], 0.0, 1.0))
    random = None
    if row["random_low"] is not None:
        random = (_place(row["random_low"]), _place(row["random_high"]))
    return ShareView(low, at, high, zero, whole, random)


def _place(share: float) -> float:
    return round(3 + (WIDTH - 6) * (min(HIGH, max(LOW, share)) - LOW) / (HIGH - LOW), 1)


def _unasked(causal: Sequence[Row]) -> int:
    return sum(row["role"] == "side effect" and row["set"] is None for row in causal)


def _left_out(causal: Sequence[Row]) -> list[str]:
    """Arms that could not be asked; those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for row in causal:
        if row["state"] == "not_applicable" and row["set"] is None:
            reason = row["reason"].removeprefix(f"'{row['defense']}' ").replace(f"'{row['defense']}'", "it")
            arms = reasons.setdefault(reason, [])
            if row["defense"] not in arms:
                arms.append(row["defense"])
    return [f"{', '.join(arms)}: {reason}" for reason, arms in reasons.items()]


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."


def _pairs(conflicts: Sequence[Row]) -> list[PairView]:
    base = [row for row in conflicts if row["arm"] == "base"]
    pairs = list(dict.fromkeys(tuple(row["pair"]) for row in base))
    pairs.sort(key=lambda pair: [RISKS.index(risk) for risk in pair])
    views = []
    for pair in pairs:
        rows = {row["method"]: row for row in base if tuple(row["pair"]) == pair}
        row = rows.get("test") or next(iter(rows.values()))
        layers = row["layers"] or []
        most = max((one["count"] for one in layers), default=0) or 1
        bars = tuple(Layer(one["layer"], one["count"], round(100 * one["count"] / most, 1)) for one in layers)
        views.append(PairView(row, rows.get("paper"), rows.get("coupled"), bars))
    return views


def _halves(row: Row) -> str:
    half = row["split_half"]
    if half is None:
        return ""
    return (
        f" Of those chosen on one half of the templates {_percent(half['agreement'])} keep both signs on the other, by "
        f"chance {_percent(half['null'])} would (p {p_value(half['p'])})."
    )


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{percent(share, 0)}%"


def _trends(rows: Sequence[Row]) -> TrendView:
    told = []
    figures = [row for row in rows if row["kind"] == "figures"]
    if figures and all(row["sign"]["points"] == 0 for row in figures):
        told.append(f"No set foretells anything here: {figures[0]['sign']['reason']}.")
        figures = []
    for row in (*figures, *(row for row in rows if row["kind"] != "figures")):
        if row["kind"] == "figures":
            told.append(_figures(row))
        elif row["kind"] == "completeness":
            told.append(
                f"All neurons, added up, against the change of F over {counted(row['points'], 'point')}: R² "
                f"{number(row['r_squared'], 2)} (1: the sum is the change){_because_of(row)}."
            )
        elif row["kind"] == "paper" and row["points"]:
            told.append(
                f"By the published measure (N_trend beside RCR) {row['agree']} of {row['points']} agree. On a conflict "
                "set the shares of the two risks sum to one whatever the defense did: it is shown for comparison only."
            )
    seen = [row for row in rows if row["kind"] == "point" and row["predicted"] is not None]
    return TrendView(tuple(told), tuple(seen))


def _figures(row: Row) -> str:
    sign, rank = row["sign"], row["rank"]
    what = {"change_f": "F", "change_risk": "the task's risk"}[row["against"]]
    told = f"{SETS[row['set']][0].upper()}{SETS[row['set']][1:]}, and which way {what} went: "
    if sign["points"] == 0:
        return f"{told}{sign['reason']}."
    told += f"{sign['agree']} of {sign['points']} signs right"
    if sign["random"] is not None:
        told += f", by matched random sets {percent(sign['random'], 0)}% (p {p_value(sign['p'])})"
    rho = "" if rank["rho"] is None else f"; rank correlation {number(rank['rho'], 2)}"
    p = f" (p {p_value(rank['p'])} over {counted(rank['defenses'], 'defense')})" if rank["p"] is not None else ""
    return f"{told}{rho}{p}{_because_of(rank) if rank['p'] is None else ''}."


def _because_of(row: Row) -> str:
    return f" ({row['reason']})" if row["reason"] else ""
