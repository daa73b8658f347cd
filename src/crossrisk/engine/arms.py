"""The arms of a study: each defense built, fitted once, and known by a fingerprint before any model is loaded.

An artifact is keyed by its recipe (defense, settings, base, data, seed, strength) and kept in the shared cache, so that
a defense is fitted once for all studies.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crossrisk.cache import cache_folder, digest
from crossrisk.defenses.composed import Composed, Step
from crossrisk.defenses.defense import Artifact, Defense, FitData, joined_data
from crossrisk.defenses.fitting import require_data
from crossrisk.defenses.provenance import FittedOn, provenance
from crossrisk.errors import RequestError, unknown
from crossrisk.registry import DEFENSES
from crossrisk.risks import Mechanism, Risk
from crossrisk.sources.fitting import default_source, fitting_data
from crossrisk.study import DefenseSpec, Study

if TYPE_CHECKING:
    from crossrisk.targets.target import Target


@dataclass(frozen=True)
class Arm:
    """One defended arm. known_artifacts: recipe -> hash, from the study's own manifest, for when the cache is gone."""

    name: str
    defense: Defense
    strength: float
    seed: int
    data: FitData
    base_fingerprint: str
    known_artifacts: Mapping[str, str] = field(default_factory=dict)
    trained_on: tuple[str, ...] = ()

    @cached_property
    def recipe(self) -> str:
        """Key of the artifact: all that its fit depends on."""
        return digest(_identity(self.defense), self.base_fingerprint, self.data.checksum, self.seed, self.strength)

    def artifact_hash(self) -> str | None:
        """Hash of the artifact, None where it has not been fitted yet."""
        stored = self._folder()
        return _noted_hash(stored) if stored else self.known_artifacts.get(self.recipe)

    def fingerprint(self) -> str | None:
        """Of the base with this defense on it, None where the defense has not been fitted yet."""
        artifact = self.artifact_hash()
        return artifact and digest(self.base_fingerprint, _identity(self.defense), artifact)

    def artifact(self, target: "Target") -> Artifact:
        """The artifact, fitted now where the cache has none."""
        stored = self._folder()
        if stored is None:
            _keep(self._fitted(target), self.recipe)
            stored = cache_folder("artifacts", self.recipe)
        return Artifact.load(stored)  # also after a fit: another process may have put its own there first

    def _fitted(self, target: "Target") -> Artifact:
        if isinstance(self.defense, Composed):
            return self.defense.put_together(target, self._part())
        return self.defense.fit(target, self.data, seed=self.seed, strength=self.strength)

    def _part(self) -> "Callable[[Step, Target], Artifact]":
        """Gives the steps of a composition in turn. Each is an arm on what stands before it, so it is fitted once for
        all compositions that begin alike, and the first once with the arm of that defense alone."""
        standing = self.base_fingerprint

        def fitted(step: Step, target: "Target") -> Artifact:
            nonlocal standing
            arm = Arm(step.defense.name, step.defense, step.strength, step.seed, step.data, standing)
            artifact = arm.artifact(target)
            standing = digest(standing, _identity(step.defense), artifact.sha256)
            return artifact

        return fitted

    def _folder(self) -> Path | None:
        folder = cache_folder("artifacts", self.recipe)
        return folder if _noted_hash(folder) else None


def _noted_hash(folder: Path) -> str | None:
    """The hash that an artifact was stored under; None where there is none, or what is there is damaged."""
    try:
        noted: str = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError):
        return None
    return noted


def _identity(defense: Defense) -> list[object]:
    return [defense.name, defense.version, dict(defense.settings)]


def _keep(artifact: Artifact, recipe: str) -> None:
    """Put an artifact into the cache in one move, so that a kill leaves all of it or nothing."""
    folder = cache_folder("artifacts")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as unfinished:
        artifact.save(Path(unfinished, "artifact"))
        if (folder / recipe).exists() and _noted_hash(folder / recipe) is None:
            shutil.rmtree(folder / recipe)  # damaged
        try:
            Path(unfinished, "artifact").rename(folder / recipe)
        except OSError:
            if _noted_hash(folder / recipe) is None:  # else another process was faster, and its artifact stands
                raise


def arms(study: Study, base_fingerprint: str, known_artifacts: Mapping[str, str]) -> tuple[Arm, ...]:
    """All defended arms of a study, controls first. Raises RequestError for a name or a setting that is not known."""
    return tuple(_arm(study, spec, base_fingerprint, known_artifacts) for spec in study.arms)


def _arm(study: Study, spec: DefenseSpec, base_fingerprint: str, known: Mapping[str, str]) -> Arm:
    defense = build(study, spec)
    mirrored = _mirrored(study, spec) if spec.name == "sham" else None
    size = mirrored or spec  # a sham is as strong as what it mirrors, and scrambles the same fit
    seed = study.seed if size.seed is None else size.seed
    data = fitting_data_of(study, mirrored or spec, defense)
    return Arm(spec.arm, defense, size.strength, seed, data, base_fingerprint, known, spec.trained_on)


def build(study: Study, spec: DefenseSpec, *, hashed: bool = True) -> Defense:
    """The defense that a spec names. Raises RequestError for a name or a setting that is not known, parts that cannot
    stand on each other, and a part without fitting data.

    hashed: hash ready models that are parts, which may download them.
    """
    if spec.steps:
        return Composed(tuple(_step(study, spec, step, hashed) for step in spec.steps))
    if spec.checkpoint or spec.adapter:
        name, model = ("checkpoint", spec.checkpoint) if spec.checkpoint else ("adapter", str(spec.adapter))
        told = provenance(model)
        known_of_it = {"risk": told.risk, "threat": told.threat} if told else {}
        settings = {**known_of_it, "model": model, **spec.settings}
    else:
        name, settings = spec.name, dict(spec.settings)
    if name == "sham":
        mirrored = _mirrored(study, spec)
        settings["like"] = mirrored and build(study, mirrored, hashed=hashed)
    defense: Defense = DEFENSES.get(name)(**settings)
    return defense


def _step(study: Study, whole: DefenseSpec, part: DefenseSpec, hashed: bool) -> Step:
    """One part of a composition. One that is a name and no more, and the name of an arm, is that arm's defense."""
    named = {arm.arm: arm for arm in study.defenses if not arm.steps}
    spec = named.get(part.name, part) if part == DefenseSpec(name=part.name or "null") else part
    defense = build(study, spec)
    seeds = (spec.seed, whole.seed, study.seed)
    seed = next(seed for seed in seeds if seed is not None)
    ready = bool(spec.checkpoint or spec.adapter)
    data = fitting_data_of(study, spec, defense) if hashed or not ready else FitData("elsewhere", "")
    return Step(defense, data, seed, spec.strength)


def _mirrored(study: Study, spec: DefenseSpec) -> DefenseSpec | None:
    """What a sham mirrors: the defense it names, else the first of the study that changes weights or vectors, else
    nothing."""
    candidates = {other.arm: other for other in study.defenses if other.name not in ("null", "sham")}
    if spec.like is not None and spec.like not in candidates:
        raise unknown("defense to mirror", spec.like, candidates)
    if spec.like is not None:
        return candidates[spec.like]
    return next((other for other in candidates.values() if other.name and _has_size(build(study, other))), None)


def _has_size(defense: Defense) -> bool:
    """Whether what a defense learns are weights or vectors, which a sham can take the size of."""
    return bool(defense.needs.data) and defense.mechanism in (
        Mechanism.TRAINING,
        Mechanism.WEIGHTS,
        Mechanism.ACTIVATION,
    )


def fitting_data_of(study: Study, spec: DefenseSpec, defense: Defense) -> FitData:
    """What a defense is fitted on. A ready one was fitted elsewhere: what is known of it is the hash of its files.

    Raises RequestError for a source that is not known, a file that is not right, and data that lack what is needed.
    """
    whole = getattr(defense, "mimicked", defense)
    if isinstance(whole, Composed):
        return whole.data
    if spec.checkpoint or spec.adapter:
        return _fitted_elsewhere(study, spec)
    if not defense.needs.data:
        return FitData(source="none", checksum="")
    source = spec.data or default_source(study.base.model)
    data = fitting_data(source, _aimed_at(defense), defense.needs.risks)
    require_data(defense, data)
    return data


def _fitted_elsewhere(study: Study, spec: DefenseSpec) -> FitData:
    """Of a ready model: the data that it was fitted on, where it tells them and they are still at hand, else none.

    They are there for the flag of contamination alone; what the model is, the hash of its files tells.
    """
    from crossrisk.targets.fingerprints import weights_fingerprint

    if spec.checkpoint:
        checksum = weights_fingerprint(spec.checkpoint)
    else:
        checksum = weights_fingerprint(study.base.model, spec.adapter)
    told = provenance(str(spec.checkpoint or spec.adapter))
    sets = [data for part in (told.parts if told else ()) if (data := _at_hand(part))]
    return joined_data(sets, checksum) if sets else FitData(source="elsewhere", checksum=checksum)


def _at_hand(part: FittedOn) -> FitData | None:
    """The data that a record tells of, without a corpus that was not trained on; None where they are gone or others."""
    with suppress(RequestError):
        data = fitting_data(part.source, part.risks[0], part.risks[1:])
        if data.checksum == part.checksum:
            whole = joined_data([data], data.checksum)
            return whole if part.corpus else replace(whole, corpus=())
    return None


def fitted_on(defense: Defense, data: FitData) -> list[FittedOn]:
    """What a record tells of the data of a defense; nothing of ready parts, which were fitted elsewhere."""
    if isinstance(defense, Composed):
        return [part for step in defense.steps for part in fitted_on(step.defense, step.data)]
    if not defense.needs.data:
        return []
    risks = (_aimed_at(defense), *defense.needs.risks)
    return [FittedOn(data.source, risks, data.checksum, "corpus" in defense.needs.data)]


def _aimed_at(defense: Defense) -> Risk:
    """The risk whose data a defense is fitted on; a sham's is that of the defense it mirrors."""
    whole = getattr(defense, "mimicked", defense)
    risk: Risk | None = whole.risk or getattr(whole, "fitted_against", None)
    if risk is None:
        raise RequestError(f"defense '{defense.name}' needs data but aims at no risk: give it the setting `risk`")
    return risk
