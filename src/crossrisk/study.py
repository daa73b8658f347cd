"""What is compared: a base model, its defenses, its tasks. A study is a value that YAML and Python write alike.

    base: organism
    defenses: [self_reminder, {name: dpo, strength: 0.5, label: half_dpo}]
    tasks: [misuse, "over_refusal:xstest"]

`null` and `sham` join every study as controls unless `controls: false`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from crossrisk.errors import RequestError
from crossrisk.stopping import Stopping
from crossrisk.strict_yaml import first_problem, line_of, parse, read_text

if TYPE_CHECKING:
    from crossrisk.pipeline import Results

DEFENSE_KEYS = {"name", "checkpoint", "adapter", "label", "strength", "seed", "data", "like", "trained_on", "steps"}
ARM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")  # it names a folder


class ModelSpec(BaseModel):
    """Which model, and how it is loaded. model: Hub id with optional `@revision`, folder, or `organism`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    adapter: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str | None = None
    chat_template: Literal["auto", "none"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"model": str(value)} if isinstance(value, str | Path) else value


class DefenseSpec(BaseModel):
    """One defense with its settings, a ready checkpoint or adapter, or several defenses on top of each other.

    label: the name of its arm. strength: 0 is the identity, 1 the published setting. seed: of its fit, default the
    study's. data: what it is fitted on, `world`, `core` or a .jsonl file; default the world for the models of that
    world, else core. like: the defense that a `sham` mirrors. trained_on: sources that a ready checkpoint has seen, so
    that its cells on them are flagged. steps: the parts of a composition in order, `dpo+npo` for short; a part that is
    named like another arm of the study is that arm's defense. settings: everything else, passed on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    checkpoint: str | None = None
    adapter: str | None = None
    label: str = ""
    strength: float = Field(default=1.0, ge=0.0)
    seed: int | None = None
    data: str | None = None
    like: str | None = None
    trained_on: tuple[str, ...] = ()
    steps: tuple["DefenseSpec", ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_short_forms(cls, value: Any) -> Any:
        if value is None:
            return {"name": "null"}  # YAML reads the bare word null as nothing
        if isinstance(value, str):
            value = {"name": value}
        if isinstance(value, Mapping):
            given = dict(value)
            if isinstance(given.get("name"), str) and "+" in given["name"]:
                given["steps"] = [part.strip() for part in given.pop("name").split("+")]
            settings = given.pop("settings", None) or {}
            if not isinstance(settings, Mapping):
                raise ValueError("`settings` is a mapping of names and values")
            # Many defenses have a setting `steps`, a number; a list of steps is a composition.
            own = DEFENSE_KEYS if isinstance(given.get("steps"), Sequence) else DEFENSE_KEYS - {"steps"}
            extra = {key: given.pop(key) for key in list(given) if key not in own}
            return given | {"settings": dict(settings) | extra}
        return value

    @model_validator(mode="after")
    def _names_one_thing(self) -> "DefenseSpec":
        if sum(bool(part) for part in (self.name, self.checkpoint, self.adapter, self.steps)) != 1:
            raise ValueError("give exactly one of name, checkpoint, adapter and steps")
        if self.steps:
            self._composes()
        if self.like is not None and self.name != "sham":
            raise ValueError("only a sham is `like` another defense")
        if not ARM_NAME.fullmatch(self.arm):
            raise ValueError(f"its arm would be called '{self.arm}': give a `label` of letters, digits and _.+-")
        kind = self.name if self.name in ("null", "sham") else ""
        if self.arm == "base" or (_control(self.arm) or kind) != kind or (kind and not _control(self.arm)):
            raise ValueError(
                f"its arm would be called '{self.arm}': base, null and sham are the names of base and controls, "
                "a sham's begins with sham; give another `label`"
            )
        return self

    def _composes(self) -> None:
        """Raise ValueError for what no composition can be."""
        own = self.model_fields_set & {"strength", "data", "like"} | ({"settings"} if self.settings else set())
        default = DefenseSpec.model_construct(steps=self.steps)
        for name in sorted(own):
            if getattr(self, name) != getattr(default, name):
                what = next(iter(self.settings)) if name == "settings" else name
                raise ValueError(f"`{what}` belongs to a step of the composition: write it there")
        if len(self.steps) < 2:
            raise ValueError("a composition has two `steps` or more")
        for step in self.steps:
            if step.steps or _control(step.arm):
                kind = "composition" if step.steps else "control"
                raise ValueError(f"step '{step.arm}' is a {kind}: name one defense")

    @property
    def arm(self) -> str:
        """The name of its arm in every table and folder."""
        if self.steps:
            return self.label or "+".join(step.arm for step in self.steps)
        ready = self.checkpoint or self.adapter
        return self.label or self.name or Path(str(ready).rstrip("/")).name.replace("@", "-")


def _control(arm: str) -> str:
    """`null` or `sham` where an arm's name says that it is one, else nothing."""
    return "null" if arm == "null" else "sham" if re.match(r"sham($|[_-])", arm) else ""


class Study(BaseModel):
    """A base, its defenses, its tasks, and how their differences are judged.

    limit: at most so many samples a task, drawn by seed (a smaller limit is a subset of a larger one). margin: the
    change of risk below which two arms count as equivalent. smallest_effect: the smallest change that is called
    `worsens` or `improves`, by default 3 points or the margin, if that is less. primary: the declared family, as
    `defense/task:source`; none means every off-target cell. exploration: how all other cells are corrected, `BH`
    (Benjamini-Hochberg) or `BY` (-Yekutieli: under any dependence). judges: another grade for a kind of judge.
    batch_size: prompts run together, part of what is measured because sums of floats depend on it. max_new_tokens: a
    cap on every task's budget. attacks: put around the `misuse` prompts of a source for `jailbreak`, in place of those
    that it has ready. temperature, attempts: tasks that write greedily sample at this temperature instead, every prompt
    so many times; a task that samples by its own definition keeps it. stopping: ask defended cells only until they are
    decided. second_opinions: further judges of the same replies, as grades by kind of judge. labels: a file of labels
    that people gave to replies of this study. reference: by task, or task:source, the group that all others are
    compared with. exchangeable_templates: tasks whose templates speak of one group each and are alike in all else.
    contamination: what becomes of cells whose samples a defense was fitted on: `flag` them, `refuse` the study, or
    `leave_out` these samples for all arms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "study"
    base: ModelSpec
    defenses: tuple[DefenseSpec, ...] = ()
    tasks: tuple[str, ...] = Field(min_length=1)
    controls: bool = True
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    alpha: float = Field(default=0.05, gt=0.0, lt=0.5)
    margin: float = Field(default=0.05, gt=0.0, lt=1.0)
    smallest_effect: float | None = Field(default=None, ge=0.0, lt=1.0)
    primary: tuple[str, ...] | None = None
    exploration: Literal["BH", "BY"] = "BH"
    judges: dict[str, str] = Field(default_factory=dict)
    batch_size: int = Field(default=64, ge=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    attacks: tuple[str, ...] | None = Field(default=None, min_length=1)
    temperature: float = Field(default=0.0, ge=0.0, le=10.0)
    attempts: int = Field(default=1, ge=1, le=1_000)
    stopping: Stopping | None = None
    second_opinions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    labels: str | None = None
    reference: dict[str, str] = Field(default_factory=dict)
    exchangeable_templates: tuple[str, ...] = ()
    contamination: Literal["flag", "refuse", "leave_out"] = "flag"

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            problem = first_problem(error, Study, ModelSpec, Stopping)[1]
            raise RequestError(f"the study is not valid: {problem}") from error

    @field_validator("defenses")
    @classmethod
    def _arms_differ(cls, defenses: tuple[DefenseSpec, ...]) -> tuple[DefenseSpec, ...]:
        arms = [defense.arm for defense in defenses]
        for arm in arms:
            if arms.count(arm) > 1:
                raise ValueError(f"two arms are called '{arm}': give one of them another `label`")
        return defenses

    @field_validator("tasks", "attacks")
    @classmethod
    def _names_differ(cls, names: tuple[str, ...] | None, about: ValidationInfo) -> tuple[str, ...] | None:
        repeated = [name for name in names or () if (names or ()).count(name) > 1]
        if repeated:
            raise ValueError(f"{str(about.field_name).removesuffix('s')} '{repeated[0]}' is named twice")
        return names

    @model_validator(mode="after")
    def _attempts_differ(self) -> "Study":
        if self.attempts > 1 and self.temperature == 0:
            raise ValueError("`attempts` above 1 need a `temperature` above 0: greedy replies are all the same")
        return self

    @model_validator(mode="after")
    def _stops_at_single_replies(self) -> "Study":
        if self.stopping is not None and self.attempts > 1:
            raise ValueError("`stopping` needs `attempts` 1: prompts that are asked several times are asked in full")
        return self

    @model_validator(mode="after")
    def _margin_holds_the_smallest_effect(self) -> "Study":
        if self.smallest_effect is not None and self.smallest_effect > self.margin:
            raise ValueError(
                f"`smallest_effect` {self.smallest_effect} is above the `margin` {self.margin}: a change that counts "
                "as none cannot be of interest"
            )
        return self

    @property
    def least(self) -> float:
        """The smallest change that is called `worsens` or `improves`."""
        return min(0.03, self.margin) if self.smallest_effect is None else self.smallest_effect

    @property
    def arms(self) -> tuple[DefenseSpec, ...]:
        """The defenses with the controls in front."""
        named = {defense.name for defense in self.defenses}
        missing = [name for name in ("null", "sham") if self.controls and name not in named]
        return (*(DefenseSpec(name=name) for name in missing), *self.defenses)

    @classmethod
    def load(cls, path: str | Path) -> "Study":
        """Read a study file. Raises RequestError with the file and the line of what is wrong."""
        return cls.from_yaml(read_text(Path(path), "study"), where=str(path))

    @classmethod
    def from_yaml(cls, text: str, where: str = "study") -> "Study":
        """Parse a study. where: what errors call it."""
        fields, node = parse(text, where)
        if not isinstance(fields, dict):
            raise RequestError(f"{where}: a study is a mapping with at least `base` and `tasks`")
        try:
            return cls(**{str(key): value for key, value in fields.items()})
        except RequestError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            location, problem = first_problem(error.__cause__, Study, ModelSpec, Stopping)
            raise RequestError(f"{where}, line {line_of(node, location)}: {problem}") from error

    def to_yaml(self) -> str:
        """The study with every default written out; `from_yaml` gives it back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def run(self, folder: str | Path, *, progress: bool | None = None) -> "Results":
        """Run what is missing, analyse, write the report. See `crossrisk.pipeline.run`."""
        # The pipeline stands to the right of the study; it is imported here so that a study can be made without it.
        from crossrisk.pipeline import run

        return run(self, folder, progress=progress)
