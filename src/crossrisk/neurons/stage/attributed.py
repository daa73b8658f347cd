"""The attributions of one arm on one task: computed once, kept by their key, written for readers.

What statistics need are the mean attributions of every cluster, which for a large model are too many for a study's
folder: they lie in the cache, under a key of all that they hang on, and are computed again where it is gone. The folder
gets one row a neuron (`attribution_table`).
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crossrisk.cache import cache_folder, digest
from crossrisk.engine.plan import Question
from crossrisk.neurons.conflicts.cluster_means import Gathering, second_half
from crossrisk.risks import Sample

if TYPE_CHECKING:
    from crossrisk.neurons.attribution.contrasts import Contrast
    from crossrisk.neurons.attribution.first_order import Piece
    from crossrisk.targets.target import Target

VERSION = 1  # raise it whenever an attribution can change
GRADIENT = "gradient x activation"
AGAINST = "base against defended"
_AT_ONCE = 64  # prompts whose attributions are held until both of their continuations have come
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """One task's prompts with a contrast, and which of their clusters judge (CHECK). notes: what was left out."""

    question: Question
    samples: tuple[Sample, ...]
    check: frozenset[str]
    seed: int
    notes: tuple[str, ...] = ()

    def key(self, base: str, arm: str) -> str:
        """Of the attributions of one arm: fingerprints, task, samples, method, split.

        base, arm: fingerprints; equal ones name the base's own attributions.
        """
        task, source = self.question.task, self.question.source
        ids = [sample.id for sample in self.samples]
        split = [self.seed, sorted(self.check & {sample.cluster for sample in self.samples})]
        method = GRADIENT if base == arm else AGAINST
        what = [task.name, task.version, task.risk, source.name, source.version, self.question.checksum, ids]
        return digest("attribution", VERSION, method, base, arm, what, split)


@dataclass(frozen=True)
class Attributed:
    """Attributions of one arm on one task.

    means: of each cluster, in the unit of F (nats), [clusters, all neurons]. sizes: neurons of each layer. prompts: one
    row each, with cluster, F of base and defended model, `size` (sum of |attribution| over neurons) and, of prompts
    that judge, `held` (sum of attributions with other neurons held at their values). absolute: mean |attribution| of a
    prompt in the parts that choose (first and second half) and in the one that judges, [3, neurons]. activation:
    mean value of each neuron at this arm's tokens whose next one is scored, [neurons]. written: of the base alone, how
    much each neuron writes (`activity`), [neurons].
    """

    key: str
    names: tuple[str, ...]
    means: Floats
    sizes: tuple[int, ...]
    prompts: pl.DataFrame
    absolute: Floats
    activation: Floats
    written: Floats | None
    asked: Asked = field(repr=False)

    @property
    def judges(self) -> NDArray[np.bool_]:
        """Which clusters judge, [clusters]."""
        return np.array([name in self.asked.check for name in self.names], dtype=np.bool_)

    @property
    def scale(self) -> float:
        """Mean over the prompts that choose of the sum of |attribution| over neurons, by which tasks are made alike."""
        return float(self.prompts.filter(~pl.col("judges"))["size"].mean() or 0.0)  # type: ignore[arg-type]

    def on_check(self, column: str) -> float:
        """Mean of one of the prompts' numbers over the clusters that judge, each cluster counting once."""
        means = self.prompts.filter("judges").group_by("cluster").agg(pl.col(column).mean())
        return float(means.sort("cluster")[column].mean())  # type: ignore[arg-type]


def load(key: str, asked: Asked) -> Attributed | None:
    """What is kept under a key, None where nothing is, or what is there is damaged."""
    folder = _folder(key)
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("means", "absolute", "activation")]
        prompts = pl.read_parquet(folder / "prompts.parquet")
        names, sizes = tuple(about["clusters"]), tuple(about["sizes"])
        written = np.load(folder / "written.npy", mmap_mode="r") if about["base"] else None
    except (OSError, ValueError, EOFError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None
    if arrays[0].shape != (len(names), sum(sizes)) or not {"sample_id", "held"} <= set(prompts.columns):
        return None
    return Attributed(key, names, arrays[0], sizes, prompts, arrays[1], arrays[2], written, asked)


def attribute(
    asked: Asked, key: str, base: "Target", defended: "Target | None", advance: Callable[[int], None]
) -> Attributed:
    """Attribute one task and keep it. defended None: the base's own, gradient x activation.

    advance: told how many prompts are done. Raises RequestError that names a sample, NotScorable for an arm whose
    defense acts behind the neurons.
    """
    from crossrisk.neurons.attribution.contrasts import contrasts_of
    from crossrisk.neurons.cause.activity import activity
    from crossrisk.targets.neuron_passes import check_neurons, neurons_of

    for target in (base, *([defended] if defended else [])):
        check_neurons(target)
    # Alike in length, so that little is padded; the order is no part of the result.
    samples = sorted(asked.samples, key=lambda sample: (-sum(len(m.content) for m in sample.messages), sample.id))
    risk = asked.question.task.risk
    arms = [contrasts_of(target, samples, risk) for target in (base, defended) if target is not None]
    sizes = tuple(neurons_of(base.model))
    cache_folder("attributions").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=cache_folder("attributions")) as unfinished:
        folder = Path(unfinished, "attribution")
        folder.mkdir()
        counts = Counter(sample.cluster for sample in samples)
        gathering = Gathering(counts, sum(sizes), seed=asked.seed, file=folder / "means.npy")
        absolute = np.zeros((3, sum(sizes)))
        parts = parts_of(asked)
        rows: list[dict[str, object]] = []
        activation = _Activation(sum(sizes))
        for start in range(0, len(samples), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            chunk = [contrasts[some] for contrasts in arms]
            for prompt in _of_prompts(_pieces(base, defended, chunk, held=False), chunk[0], parts):
                gathering.add([prompt.cluster], prompt.attributions[None])
                absolute[parts[prompt.cluster]] += np.abs(prompt.attributions)
                rows.append(prompt.row)
            judging = [[one for one in contrasts if one.sample.cluster in asked.check] for contrasts in chunk]
            if defended is not None and judging[0]:
                held = _of_prompts(_pieces(base, defended, judging, held=True), judging[0], parts)
                totals = {prompt.row["sample_id"]: prompt.row["total"] for prompt in held}
                rows = [row | {"held": totals.get(row["sample_id"], row["held"])} for row in rows]
            activation.add(defended or base, chunk[-1])
            advance(len(chunk[0]))
        gathering.finished()
        order = {sample.id: place for place, sample in enumerate(asked.samples)}
        frame = pl.DataFrame(rows, schema=_PROMPTS).sort(
            pl.col("sample_id").replace_strict(order, return_dtype=pl.Int64)
        )
        of_part = np.bincount([parts[sample.cluster] for sample in samples], minlength=3)
        np.save(folder / "absolute.npy", (absolute / np.maximum(of_part, 1)[:, None]).astype(np.float32))
        np.save(folder / "activation.npy", activation.mean)
        if defended is None:
            np.save(folder / "written.npy", activity(base, arms[0]).written.astype(np.float32))
        frame.write_parquet(folder / "prompts.parquet")
        about = {"clusters": gathering.names, "sizes": sizes, "base": defended is None}
        (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        del gathering  # it holds the file that is moved
        _keep(folder, key)
    found = load(key, asked)
    assert found is not None
    return found


_PROMPTS = pl.Schema(
    {
        "sample_id": pl.String(),
        "cluster": pl.String(),
        "judges": pl.Boolean(),
        "base": pl.Float64(),
        "defended": pl.Float64(),
        "size": pl.Float64(),
        "total": pl.Float64(),
        "held": pl.Float64(),
    }
)


def parts_of(asked: Asked) -> dict[str, int]:
    """Part of each cluster: 0 and 1 the halves that choose, 2 the one that judges."""
    choosing = sorted({sample.cluster for sample in asked.samples} - asked.check)
    halves = dict(zip(choosing, second_half(choosing, asked.seed), strict=True))
    names = {sample.cluster for sample in asked.samples}
    return {name: 2 if name in asked.check else int(halves[name]) for name in names}


def _pieces(
    base: "Target", defended: "Target | None", arms: "Sequence[Sequence[Contrast]]", *, held: bool
) -> "Iterator[Piece]":
    from crossrisk.neurons.attribution.first_order import base_against_defended, gradient_times_activation

    if defended is None:
        return gradient_times_activation(base, arms[0], held=held)
    return base_against_defended(base, defended, (arms[0], arms[1]), held=held)


@dataclass
class _Prompt:
    cluster: str
    attributions: Floats
    row: dict[str, object]


def _of_prompts(pieces: "Iterator[Piece]", contrasts: "Sequence[Contrast]", parts: dict[str, int]) -> Iterator[_Prompt]:
    """Whole prompts: the rows of both continuations added up."""
    waiting: dict[int, tuple[Floats, float, float | None]] = {}
    for piece in pieces:
        for place, number in enumerate(piece.contrasts):
            after = None if piece.defended_scores is None else float(piece.defended_scores[place])
            row = (piece.attributions[place].numpy(), float(piece.scores[place]), after)
            if number not in waiting:
                waiting[number] = row
                continue
            other = waiting.pop(number)
            whole = row[0] + other[0]
            sample = contrasts[number].sample
            yield _Prompt(
                sample.cluster,
                whole,
                {
                    "sample_id": sample.id,
                    "cluster": sample.cluster,
                    "judges": parts[sample.cluster] == 2,
                    "base": row[1] + other[1],
                    "defended": None if after is None or other[2] is None else after + other[2],
                    "size": float(np.abs(whole).sum(dtype=np.float64)),
                    "total": float(whole.sum(dtype=np.float64)),
                    "held": None,
                },
            )


class _Activation:
    """Mean of every neuron at the tokens whose next one is scored, over both continuations: there two arms read the
    same tokens, whatever a defense puts before them."""

    def __init__(self, neurons: int) -> None:
        self.total, self.tokens = np.zeros(neurons), 0

    def add(self, target: "Target", contrasts: "Sequence[Contrast]") -> None:
        import torch

        from crossrisk.neurons.cause.reading import continuations, read, tokens_together
        from crossrisk.targets.neuron_passes import batches_of

        rows = continuations(contrasts)
        for places in batches_of(rows, tokens_together(target)):
            with torch.no_grad():
                one = read(target, contrasts, rows, places)
            at = [values[one.predicting.to(values.device)].double() for values in one.neurons]
            self.total += torch.cat([values.sum(dim=0).cpu() for values in at]).numpy()
            self.tokens += len(at[0])

    @property
    def mean(self) -> Floats:
        return np.asarray(self.total / max(self.tokens, 1), dtype=np.float32)


def _keep(folder: Path, key: str) -> None:
    """Move into the cache in one step; what another process put there, or is damaged, is replaced."""
    place = _folder(key)
    if place.exists():
        shutil.rmtree(place, ignore_errors=True)
    folder.rename(place)


def _folder(key: str) -> Path:
    return cache_folder("attributions", key)
