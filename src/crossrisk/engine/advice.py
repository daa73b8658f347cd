"""What to set for a large model: defaults of defenses are tuned on the built-in one, of a million parameters."""

from crossrisk.engine.arms import build
from crossrisk.study import DefenseSpec, Study
from crossrisk.targets.locations import SHIPPED


def for_large_models(study: Study) -> list[str]:
    """A line for each defense without settings whose card has advice; none where the base is a model that we ship.

    Parts of a composition count as defenses. Raises RequestError for a name that is not known.
    """
    if study.base.model in SHIPPED:
        return []
    single = [arm for arm in study.defenses if not arm.steps]
    named = {arm.arm for arm in single}
    # A part that has the name of an arm is that arm's defense, with its settings.
    parts = [step for arm in study.defenses for step in arm.steps if step.name not in named]
    plain = {spec.name for spec in (*single, *parts) if spec.name and not spec.settings}
    cards = {name: build(study, DefenseSpec(name=name), hashed=False).card for name in sorted(plain)}
    return [
        f"{name} has no settings here; for models of billions of parameters its card says: {card.large}"
        for name, card in cards.items()
        if card.large
    ]
