"""The arms of a study: each defense built, fitted once, and known by a fingerprint before any model is loaded.

An artifact is keyed by its recipe (defense, settings, base, data, seed, strength) and kept in the shared cache, so that
a defense is fitted once for all studies.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crossrisk.cache import cache_folder, digest
from crossrisk.defenses.defense import Artifact, Defense, FitData
from crossrisk.errors import RequestError, unknown
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk
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
            _keep(self.defense.fit(target, self.data, seed=self.seed, strength=self.strength), self.recipe)
            stored = cache_folder("artifacts", self.recipe)
        return Artifact.load(stored)  # also after a fit: another process may have put its own there first

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
    data = _data(study, mirrored or spec, defense)
    return Arm(spec.arm, defense, size.strength, seed, data, base_fingerprint, known, spec.trained_on)


def build(study: Study, spec: DefenseSpec) -> Defense:
    """The defense that a spec names. Raises RequestError for a name or a setting that is not known."""
    if spec.checkpoint or spec.adapter:
        name = "checkpoint" if spec.checkpoint else "adapter"
        settings = {"model": spec.checkpoint or spec.adapter, **spec.settings}
    else:
        name, settings = spec.name, dict(spec.settings)
    if name == "sham":
        mirrored = _mirrored(study, spec)
        settings["like"] = mirrored and build(study, mirrored)
    defense: Defense = DEFENSES.get(name)(**settings)
    return defense


def _mirrored(study: Study, spec: DefenseSpec) -> DefenseSpec | None:
    """What a sham mirrors: the defense it names, else the first of the study that is fitted, else nothing."""
    candidates = {other.arm: other for other in study.defenses if other.name not in ("null", "sham")}
    if spec.like is not None and spec.like not in candidates:
        raise unknown("defense to mirror", spec.like, candidates)
    if spec.like is not None:
        return candidates[spec.like]
    return next((other for other in candidates.values() if other.name and build(study, other).needs.data), None)


def _data(study: Study, spec: DefenseSpec, defense: Defense) -> FitData:
    """What a defense is fitted on. A ready one was fitted elsewhere: what is known of it is the hash of its files."""
    if spec.checkpoint:
        from crossrisk.targets.fingerprints import weights_fingerprint

        return FitData(source="elsewhere", checksum=weights_fingerprint(spec.checkpoint))
    if spec.adapter:
        from crossrisk.targets.fingerprints import weights_fingerprint

        return FitData(source="elsewhere", checksum=weights_fingerprint(study.base.model, spec.adapter))
    if not defense.needs.data:
        return FitData(source="none", checksum="")
    if spec.data != "world":
        raise unknown("source to fit on", spec.data, ["world"])
    from crossrisk.sources.world import fitting_data

    return fitting_data(_aimed_at(defense))


def _aimed_at(defense: Defense) -> Risk:
    """The risk whose data a defense is fitted on; a sham's is that of the defense it mirrors."""
    risk = defense.risk or getattr(getattr(defense, "mimicked", None), "risk", None)
    if risk is None:
        raise RequestError(f"defense '{defense.name}' needs data but aims at no risk: give it the setting `risk`")
    return risk
