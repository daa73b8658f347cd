"""What is compared: a base model, its defenses, its tasks. A study is a value that YAML and Python write alike.

    base: organism
    defenses: [self_reminder, {name: dpo, strength: 0.5, label: half_dpo}]
    tasks: [misuse, "over_refusal:xstest"]

`null` and `sham` join every study as controls unless `controls: false`.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from crossrisk.errors import RequestError

if TYPE_CHECKING:
    from crossrisk.pipeline import Results

DEFENSE_KEYS = {"name", "checkpoint", "adapter", "label", "strength", "seed", "data", "like", "trained_on"}
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
    """One defense with its settings, or a ready checkpoint or adapter.

    label: the name of its arm. strength: 0 is the identity, 1 the published setting. seed: of its fit, default the
    study's. data: the source that it is fitted on. like: the defense that a `sham` mirrors. trained_on: sources that
    a ready checkpoint has seen, so that its cells on them are flagged. settings: everything else, passed on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    checkpoint: str | None = None
    adapter: str | None = None
    label: str = ""
    strength: float = Field(default=1.0, ge=0.0)
    seed: int | None = None
    data: str = "world"
    like: str | None = None
    trained_on: tuple[str, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_short_forms(cls, value: Any) -> Any:
        if value is None:
            return {"name": "null"}  # YAML reads the bare word null as nothing
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, Mapping):
            given = dict(value)
            settings = given.pop("settings", None) or {}
            if not isinstance(settings, Mapping):
                raise ValueError("`settings` is a mapping of names and values")
            extra = {key: given.pop(key) for key in list(given) if key not in DEFENSE_KEYS}
            return given | {"settings": dict(settings) | extra}
        return value

    @model_validator(mode="after")
    def _names_one_thing(self) -> "DefenseSpec":
        if sum(bool(part) for part in (self.name, self.checkpoint, self.adapter)) != 1:
            raise ValueError("give exactly one of name, checkpoint and adapter")
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

    @property
    def arm(self) -> str:
        """The name of its arm in every table and folder."""
        ready = self.checkpoint or self.adapter
        return self.label or self.name or Path(str(ready).rstrip("/")).name.replace("@", "-")


def _control(arm: str) -> str:
    """`null` or `sham` where an arm's name says that it is one, else nothing."""
    return "null" if arm == "null" else "sham" if re.match(r"sham($|[_-])", arm) else ""


class Study(BaseModel):
    """A base, its defenses, its tasks, and how their differences are judged.

    limit: at most so many samples a task, drawn by seed (a smaller limit is a subset of a larger one). margin: the
    change of risk below which two arms count as equivalent. primary: the declared family, as `defense/task:source`;
    none means every off-target cell. judges: another grade for a kind of judge. batch_size: prompts run together,
    part of what is measured because sums of floats depend on it. max_new_tokens: a cap on every task's budget.
    attacks: put around the `misuse` prompts of a source for `jailbreak`, in place of those that it has ready.
    temperature, attempts: tasks that write greedily sample at this temperature instead, every prompt so many times;
    a task that samples by its own definition keeps it.
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
    primary: tuple[str, ...] | None = None
    judges: dict[str, str] = Field(default_factory=dict)
    batch_size: int = Field(default=64, ge=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    attacks: tuple[str, ...] | None = Field(default=None, min_length=1)
    temperature: float = Field(default=0.0, ge=0.0, le=10.0)
    attempts: int = Field(default=1, ge=1, le=1_000)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise RequestError(f"the study is not valid: {_first_problem(error)[1]}") from error

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

    @property
    def arms(self) -> tuple[DefenseSpec, ...]:
        """The defenses with the controls in front."""
        named = {defense.name for defense in self.defenses}
        missing = [name for name in ("null", "sham") if self.controls and name not in named]
        return (*(DefenseSpec(name=name) for name in missing), *self.defenses)

    @classmethod
    def load(cls, path: str | Path) -> "Study":
        """Read a study file. Raises RequestError with the file and the line of what is wrong."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise RequestError(f"there is no study file {path}") from None
        except IsADirectoryError:
            raise RequestError(f"{path} is a folder: name the study file in it") from None
        except UnicodeDecodeError as error:
            raise RequestError(f"{path}: byte {error.start} is not UTF-8: save the file as UTF-8") from None
        return cls.from_yaml(text, where=str(path))

    @classmethod
    def from_yaml(cls, text: str, where: str = "study") -> "Study":
        """Parse a study. where: what errors call it."""
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            fields = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            raise RequestError(f"{where}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error
        if not isinstance(fields, dict):
            raise RequestError(f"{where}: a study is a mapping with at least `base` and `tasks`")
        try:
            return cls(**{str(key): value for key, value in fields.items()})
        except RequestError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            location, problem = _first_problem(error.__cause__)
            raise RequestError(f"{where}, line {_line(node, location)}: {problem}") from error

    def to_yaml(self) -> str:
        """The study with every default written out; `from_yaml` gives it back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def run(self, folder: str | Path, *, progress: bool | None = None) -> "Results":
        """Run what is missing, analyse, write the report. See `crossrisk.pipeline.run`."""
        # The pipeline stands to the right of the study; it is imported here so that a study can be made without it.
        from crossrisk.pipeline import run

        return run(self, folder, progress=progress)


def _first_problem(error: ValidationError) -> tuple[Sequence[int | str], str]:
    """(location, one line) of the first thing that is wrong."""
    detail = error.errors()[0]
    location = detail["loc"]
    name = ".".join(str(part) for part in location) or "study"
    if detail["type"] == "extra_forbidden":
        known = {*Study.model_fields, *ModelSpec.model_fields}
        near = difflib.get_close_matches(str(location[-1]), sorted(known), n=1)
        hint = f": did you mean `{near[0]}`?" if near else f": known are {', '.join(Study.model_fields)}"
        return location, f"unknown key `{name}`{hint}"
    if detail["type"] == "missing":
        return location, f"`{name}` is missing"
    message = detail["msg"].removeprefix("Value error, ")
    return location, f"`{name}`: {message[0].lower()}{message[1:]} (got {str(detail['input'])[:60]})"


def _line(node: yaml.Node | None, location: Sequence[int | str]) -> int:
    """The line on which a location stands: of its key in a mapping, of its item in a list, else of what holds it."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
