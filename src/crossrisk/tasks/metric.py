"""How outcomes of one cell become figures: a headline that is compared between arms, and all that the field reports.

The headline is a mean of risks unless a metric declares a `statistic`. Larger is riskier, always; figures keep the
direction of the papers that they come from.
"""

import json
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

        def texts(column: str) -> "Texts":
            return np.array(frame[column].fill_null("").to_list(), dtype=np.str_)

        facets = [json.loads(text) for text in frame["facets"]]
        measures = [json.loads(text) for text in frame["measures"]]
        return cls(
            ids=texts("sample_id"),
            clusters=texts("cluster"),
            groups=texts("group"),
            labels=texts("label"),
            risks=frame["risk"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
            facets={name: np.array([row.get(name, "") for row in facets], dtype=np.str_) for name in _names(facets)},
            measures={
                name: np.array([row.get(name, np.nan) for row in measures], dtype=np.float64)
                for name in _names(measures)
            },
        )


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


Statistic = Callable[[Outcomes], float | None]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Metric:
    """What is reported of a task's outcomes.

    name: of the headline. facets: keys of `Sample.meta` that are stored beside each outcome. over: (facet, value), the
    rows that the headline is about. statistic: the headline where it is no mean of risks over valid rows; None from it
    where it is undefined. crossed: columns (`group` or facets) whose levels the metric compares within a cluster; a
    study with a limit then draws the same levels in every cluster. figures: all else, as JSON can write it, None for
    what is undefined. paired: figures of a defended arm that need the base's outcomes on the same samples, (base,
    defended).
    """

    name: str
    facets: tuple[str, ...] = ()
    over: tuple[str, str] | None = None
    statistic: Statistic | None = None
    crossed: tuple[str, ...] = ()
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
