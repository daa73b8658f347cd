"""How outcomes of one cell become figures: a headline that is compared between arms, and all that the field reports.

The headline is a mean of risks unless a metric declares a `statistic`. Larger is riskier, always; figures keep the
direction of the papers that they come from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Texts = NDArray[np.str_]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The outcomes of one cell as columns of one length, in the order of its samples.

    groups: empty text where a sample has none. risks: NaN where the reply is invalid. facets: what the metric wants to
    know of each sample, as text, empty where the sample does not say. measures: raw figures of the replies, NaN where a
    reply has none.
    """

    ids: "Texts"
    clusters: "Texts"
    groups: "Texts"
    labels: "Texts"
    risks: "Floats"
    facets: Mapping[str, "Texts"]
    measures: Mapping[str, "Floats"]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def valid(self) -> "NDArray[np.bool_]":
        """Which replies could be scored."""
        import numpy as np

        return ~np.isnan(self.risks)

    def where(self, mask: "NDArray[np.bool_]") -> Self:
        """The rows of a mask."""
        return self.take(mask)

    def take(self, rows: "NDArray[Any]", clusters: "NDArray[Any] | None" = None) -> Self:
        """Rows by index (repeated ones included), or by mask; under other cluster labels, if given."""
        columns = {name: getattr(self, name)[rows] for name in ("ids", "clusters", "groups", "labels", "risks")}
        if clusters is not None:
            columns["clusters"] = clusters
        facets = {name: column[rows] for name, column in self.facets.items()}
        measures = {name: column[rows] for name, column in self.measures.items()}
        return type(self)(**columns, facets=facets, measures=measures)

    def facet(self, name: str) -> "Texts":
        """One facet, empty everywhere where no sample has it."""
        import numpy as np

        found = self.facets.get(name)
        return np.full(len(self), "", dtype=np.str_) if found is None else found

    def measure(self, name: str) -> "Floats":
        """One measure, NaN everywhere where no reply has it."""
        import numpy as np

        found = self.measures.get(name)
        return np.full(len(self), np.nan) if found is None else found

    @classmethod
    def of_frame(cls, frame: "pl.DataFrame") -> Self:
        """From stored outcomes, whose columns `facets` and `measures` hold JSON."""
        import numpy as np
        import polars as pl

        def texts(column: "pl.Series") -> "Texts":
            return np.array(column.fill_null("").to_list(), dtype=np.str_)

        facets, facets_of = _decoded(frame["facets"])
        measures, measures_of = _decoded(frame["measures"])
        numbers = measures.cast(pl.Float64).fill_null(float("nan"))
        return cls(
            ids=texts(frame["sample_id"]),
            clusters=texts(frame["cluster"]),
            groups=texts(frame["group"]),
            labels=texts(frame["label"]),
            risks=frame["risk"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
            facets={name: texts(facets[name])[facets_of] for name in facets.columns},
            measures={name: numbers[name].to_numpy()[measures_of] for name in numbers.columns},
        )


def _decoded(column: "pl.Series") -> tuple["pl.DataFrame", "NDArray[Any]"]:
    """JSON objects as columns, texts that are alike being read once: objects, and which of them each row has."""
    import numpy as np
    import polars as pl

    if column.is_empty():
        return pl.DataFrame(), np.arange(0)
    objects, places = column, np.arange(len(column))
    if 2 * column.n_unique() < len(column):
        objects, places = column.unique().sort(), (column.rank("dense") - 1).to_numpy()
    return objects.str.json_decode(infer_schema_length=None).struct.unnest(), places


Statistic = Callable[[Outcomes], float | None]
Weighing = Callable[["NDArray[Any]"], "Floats"]
Figures = dict[str, Any]


@dataclass(frozen=True)
class WeightedStatistic:
    """A statistic that is also known where clusters have weights, so that a resample need not be built row by row.

    plain: the statistic of one arm. weighing: of outcomes whose clusters are numbers from 0, gives a function from
    weights (draws, clusters) to the statistic of every draw, (draws,), NaN where it is undefined. A cluster of weight k
    is there k times, as k clusters, and one of weight 0 is not. At weights of 1 both agree.
    """

    plain: Statistic
    weighing: Callable[[Outcomes], Weighing]

    def __call__(self, outcomes: Outcomes) -> float | None:
        """The plain statistic."""
        return self.plain(outcomes)


@dataclass(frozen=True)
class Secondary:
    """A statistic that is compared between the arms beside the headline.

    larger_is_riskier: False where the field's own direction is the other one, as of d'. counted: over the rows that the
    headline is about; False for all rows.
    """

    name: str
    statistic: Statistic
    larger_is_riskier: bool = True
    counted: bool = True


@dataclass(frozen=True)
class Metric:
    """What is reported of a task's outcomes.

    name: of the headline. facets: keys of `Sample.meta` that are stored beside each outcome. over: (facet, value), the
    rows that the headline is about. statistic: the headline where it is no mean of risks over valid rows; None from it
    where it is undefined. crossed: columns (`group` or facets) whose levels the metric compares within a cluster; a
    study with a limit then draws the same levels in every cluster. people: facets that describe the person whom a
    sample speaks of (`name` among them, where samples have names); groups are told apart by them, too. reference_group:
    the group that all others are compared with, instead of with each other. secondary: what else is compared between
    the arms, with interval and p. figures: all else, as JSON can write it, None for what is undefined. paired: figures
    of a defended arm that need the base's outcomes on the same samples, (base, defended).
    """

    name: str
    facets: tuple[str, ...] = ()
    over: tuple[str, str] | None = None
    statistic: Statistic | None = None
    crossed: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    reference_group: str | None = None
    secondary: tuple[Secondary, ...] = ()
    figures: Callable[[Outcomes], Figures] | None = None
    paired: Callable[[Outcomes, Outcomes], Figures] | None = None

    def counted(self, outcomes: Outcomes) -> Outcomes:
        """The rows that the headline is about; a sample that does not say is one of them."""
        if self.over is None:
            return outcomes
        name, value = self.over
        said = outcomes.facet(name)
        return outcomes.where((said == value) | (said == ""))

    def counts(self, meta: Mapping[str, Any]) -> bool:
        """Whether the headline is about a sample of this meta, as in `counted`."""
        return self.over is None or meta.get(self.over[0], "") in (self.over[1], "")

    def headline(self, outcomes: Outcomes) -> float | None:
        """The headline of one arm; None where no row is valid, or the statistic is undefined."""
        rows = self.counted(outcomes)
        if not rows.valid.any():
            return None
        return float(rows.risks[rows.valid].mean()) if self.statistic is None else self.statistic(rows)


def rate(name: str, **declared: Any) -> Metric:
    """A mean of risks, under the name by which the field knows it. declared: further fields of `Metric`."""
    return Metric(name, **declared)
