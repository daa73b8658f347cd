"""What a defense must keep to: limits, required cells, budgets. A policy is a value that YAML and Python write alike.

    limits:
      - {delta: 0.05}                                      # no risk may rise by more than 5 points
      - {risk: utility, delta: 0.02}                       # utility by no more than 2
      - {target: true, exposure: direct, improves_by: 0.2} # and it must do what it is for

Risks and changes are fractions, as in a study: 0.05 is 5 points.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from crossrisk.cache import digest
from crossrisk.errors import RequestError
from crossrisk.risks import Exposure, Risk
from crossrisk.strict_yaml import first_problem, line_of, parse, read_text

Mode = Literal["fail", "warn", "pass"]
# What can be limited. INFERRED have an interval, or a verdict made of one; MEASURED are figures of this run alone.
INFERRED = ("delta", "improves_by", "defended", "rcr", "worsens", "gap_change")
MEASURED = ("invalid", "tokens", "seconds")
OF_GROUPS = ("delta", "improves_by", "defended", "gap_change")


def _below_one(value: float) -> float:
    if value >= 1:
        raise ValueError(f"must be below 1: risks are fractions, write {value / 100:g} for {value:g} in a hundred")
    return value


Fraction = Annotated[float, Field(ge=0.0), AfterValidator(_below_one)]


class _Strict(BaseModel):
    """No unknown key, no text for a number, no key that stands there with nothing behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, given: Any) -> Any:
        empty = [key for key, value in given.items() if value is None] if isinstance(given, dict) else []
        if empty:
            raise ValueError(f"`{empty[0]}` is empty: leave it out, or put a name that YAML reads as nothing in quotes")
        return given


class Selection(_Strict):
    """Which cells: all that fit every key that is given.

    defense: a name, or a pattern with `*`. task: `task` or `task:source`. target: true for the cells of the risk that a
    defense is for, false for off-target ones.
    """

    defense: str | None = None
    risk: Risk | None = Field(default=None, strict=False)
    exposure: Exposure | None = Field(default=None, strict=False)
    task: str | None = None
    target: bool | None = None


class Limit(Selection):
    """What the selected cells must keep to: one or more of the figures, each no larger than its limit.

    group: a name, or `*` for each; the figures are then those of the group. by: which groups, as the column `by` of
    groups.json tells them apart; by default `group`. on: `upper_bound` asks that the interval
    lies within the limit, `point` that the number does. inconclusive: in place of the policy's.
    delta: the risk rises by at most so much. improves_by: it falls by at least so much. defended: it is at most so
    large. worsens: the verdict is not `worsens`. rcr: the relative change. gap_change: of a group's gap to all others.
    invalid: share of invalid replies. tokens, seconds: growth over the base, 0.5 is half as much again.
    """

    group: str | None = None
    by: str = "group"
    on: Literal["upper_bound", "point"] | None = None
    inconclusive: Mode | None = None
    delta: Fraction | None = None
    improves_by: Fraction | None = None
    defended: Fraction | None = None
    worsens: Literal["never"] | None = None
    rcr: float | None = Field(default=None, gt=-1.0)
    gap_change: Fraction | None = None
    invalid: Fraction | None = None
    tokens: float | None = Field(default=None, ge=0.0)
    seconds: float | None = Field(default=None, ge=0.0)

    @model_validator(mode="after")
    def _limits_something(self) -> "Limit":
        if not self.figures:
            raise ValueError(f"a limit needs at least one of {', '.join((*INFERRED, *MEASURED))}")
        misplaced = [name for name in self.figures if (name not in OF_GROUPS) == (self.group is not None)]
        if self.group is not None and misplaced:
            raise ValueError(f"a group has no `{misplaced[0]}`: with `group`, limit {', '.join(OF_GROUPS)}")
        if self.group is None and "gap_change" in self.figures:
            raise ValueError("`gap_change` is of groups: add `group`, '*' for each of them")
        if self.group is None and self.by != "group":
            raise ValueError("`by` says which groups: add `group`, '*' for each of them")
        if self.on is not None and not {*self.figures} & {*INFERRED} - {"worsens"}:
            raise ValueError(f"`on` has no meaning for {', '.join(self.figures)}: leave it out")
        return self

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of what is limited."""
        return tuple(name for name in (*INFERRED, *MEASURED) if getattr(self, name) is not None)


class Budget(Selection):
    """What all selected cells may spend together; unless `target` says otherwise, the off-target ones.

    sum: the worsenings add up to at most so much. cells: at most so many cells are worse. counts: which changes spend:
    those with the verdict `worsens`, every rise (`point`), or what each cell may have risen by (`upper_bound`).
    """

    target: bool | None = False
    sum: Fraction | None = None
    cells: int | None = Field(default=None, ge=0)
    counts: Literal["worsens", "point", "upper_bound"] = "worsens"

    @model_validator(mode="after")
    def _allows_something(self) -> "Budget":
        if self.sum is None and self.cells is None:
            raise ValueError("a budget needs `sum`, `cells` or both")
        return self


class Policy(_Strict):
    """Under which conditions a defense may ship.

    alpha: the chance of failing a defense that keeps every limit, spent once on all of them together; by default the
    study's. correction: how it is spent. inconclusive: what to do where the data do not decide; not_applicable,
    failed: where a cell does not exist, or did not run; contaminated, partly_seen: where the defense was fitted on the
    prompts, or on what they ask about; broken_model: where it left a model that no longer speaks; moved_null: where
    base against base differs. required: `task` or `task:source` that must have been measured. name: of the file where
    it is not given.
    """

    name: str = "policy"
    alpha: float | None = Field(default=None, gt=0.0, lt=0.5)
    correction: Literal["holm", "none"] = "holm"
    inconclusive: Mode = "fail"
    not_applicable: Mode = "warn"
    failed: Mode = "fail"
    contaminated: Mode = "fail"
    broken_model: Mode = "fail"
    partly_seen: Mode = "warn"
    moved_null: Mode = "fail"
    limits: tuple[Limit, ...] = Field(default=(), strict=False)
    required: tuple[str, ...] = Field(default=(), strict=False)
    budgets: tuple[Budget, ...] = Field(default=(), strict=False)
    _where: str = PrivateAttr("")
    _lines: dict[tuple[str, int], int] = PrivateAttr(default_factory=dict)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise RequestError(f"the policy is not valid: {first_problem(error, Policy, Limit, Budget)[1]}") from error

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Policy":
        if not (self.limits or self.required or self.budgets):
            raise ValueError("a policy without `limits`, `required` or `budgets` would let everything pass")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of all that the policy says, defaults included, its name and comments not."""
        return digest(self.model_dump(mode="json", exclude={"name"}))

    def place(self, section: str, index: int) -> str:
        """How errors call an entry: by file and line, or by its number where the policy is from no file."""
        line = self._lines.get((section, index))
        return f"{section}[{index}] of the policy" if line is None else f"{self._where}, line {line}"

    def line(self, section: str, index: int) -> int | None:
        """Where an entry stands in its file."""
        return self._lines.get((section, index))

    @classmethod
    def load(cls, path: str | Path) -> "Policy":
        """Read a policy file. Raises RequestError with the file and the line of what is wrong."""
        return cls.from_yaml(read_text(Path(path), "policy"), where=str(path), name=Path(path).stem)

    @classmethod
    def from_yaml(cls, text: str, where: str = "policy", name: str = "policy") -> "Policy":
        """Parse a policy. where: what errors call it. name: its own where it states none."""
        fields, node = parse(text, where)
        if not isinstance(fields, dict):
            raise RequestError(f"{where}: a policy is a mapping with `limits`, `required` or `budgets`")
        try:
            policy = cls(**{"name": name} | {str(key): value for key, value in fields.items()})
        except RequestError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            location, problem = first_problem(error.__cause__, Policy, Limit, Budget)
            raise RequestError(f"{where}, line {line_of(node, location)}: {problem}") from error
        policy._where = where
        for section in ("limits", "required", "budgets"):
            for index in range(len(getattr(policy, section))):
                policy._lines[section, index] = line_of(node, (section, index))
        return policy
