"""What a study would do, told before it does it: cells, samples, what it could see."""

from dataclasses import asdict, fields
from typing import Any

from crossrisk.defenses.defense import Defense
from crossrisk.engine.advice import for_large_models
from crossrisk.engine.arms import build, fitting_data_of
from crossrisk.engine.contamination import without_seen
from crossrisk.engine.plan import Question, check_judges, check_names, questions
from crossrisk.interactions.controls import is_control
from crossrisk.interactions.foresight import Foresight, foresee
from crossrisk.stopping import ESTIMANDS
from crossrisk.study import Study
from crossrisk.targets.locations import local_folder, locate

FEW_CLUSTERS = 100  # below it the fixed design finds several times as much: docs/stopping.md


def preview(study: Study) -> dict[str, Any]:
    """Resolve all of a study but weights: nothing is downloaded or hashed. Raises RequestError as `run` would."""
    check_judges(study)
    asked = questions(study)
    check_names(study, asked)
    for model in (study.base.model, *(spec.checkpoint for spec in study.defenses if spec.checkpoint)):
        if local_folder(model) is not None:
            locate(model)
    defended = [(spec.arm, build(study, spec, hashed=False)) for spec in study.arms]
    fits = [
        (defense, fitting_data_of(study, spec, defense))
        for spec, (_, defense) in zip(study.arms, defended, strict=True)
        if defense.needs.data
    ]
    if study.contamination == "leave_out":
        asked = without_seen(asked, fits)
    family = _family(study, asked, defended)
    return {
        "study": study.name,
        "base": study.base.model,
        "arms": ["base", *(arm for arm, _ in defended)],
        "family": family,
        "margin": study.margin,
        "stopping": None if study.stopping is None else study.stopping.model_dump(),
        "tasks": [_task(question, study, family) for question in asked],
        "replies": (1 + len(defended)) * sum(len(question.samples) for question in asked),
        "advice": for_large_models(study),
    }


def _family(study: Study, asked: tuple[Question, ...], defended: list[tuple[str, Defense]]) -> int:
    """How many cells the declared family has; without one, how many are off-target."""
    if study.primary is not None:
        return len(study.primary)
    tested = [each for arm, each in defended if not is_control(arm, each.mechanism)]
    return sum(question.task.risk != each.risk for each in tested for question in asked)


def _task(question: Question, study: Study, family: int) -> dict[str, Any]:
    counted = [sample for sample in question.samples if question.task.metric.counts(sample.meta)]
    clusters = len({sample.cluster for sample in counted})
    mean = question.task.metric.statistic is None
    seen = foresee(len(counted), clusters, family=family, alpha=study.alpha) if mean else None
    return {
        "task": question.name,
        "risk": question.task.risk,
        "exposure": question.task.exposure,
        "samples": len(question.samples),
        "counted": len(counted),
        "clusters": clusters,
        "judge": question.judge_name,
        "metric": question.task.metric.name,
        **(dict.fromkeys(field.name for field in fields(Foresight)) if seen is None else asdict(seen)),
    }


def preview_lines(found: dict[str, Any]) -> list[str]:
    """A preview in plain words."""
    lines = [f"{found['study']}: {found['base']} against {', '.join(found['arms'][1:]) or 'nothing'}"]
    for task in found["tasks"]:
        lines += [
            f"  {task['task']} ({task['risk']}, {task['exposure']}): {task['samples']} samples in "
            f"{task['clusters']} clusters, judged by {task['judge']}",
            f"    {_foreseen(task, found)}",
        ]
    lines.append(
        f"{found['replies']} replies in all. 'Sees': power 80 % where 5 % of the pairs flip each way by chance; the "
        f"second figure is for the hardest of the {found['family']} cells of the family (Holm), the third where "
        "templates flip as a whole."
    )
    if found["stopping"] is not None:
        lines += _rule_lines(found)
    return [*lines, *found["advice"]]


def _rule_lines(found: dict[str, Any]) -> list[str]:
    """What the stopping rule promises, and for which tasks it is the wrong one."""
    about = found["stopping"]["estimand"]
    lines = [
        "Stopping: defended cells end once decided, so these are the most replies. Verdicts are about "
        f"{ESTIMANDS[about]}; the sizes above are those of the fixed design, a rule about prompts in general sees less."
    ]
    few = [task["task"] for task in found["tasks"] if task["clusters"] < FEW_CLUSTERS]
    if about == "population" and few:
        lines.append(
            f"Fewer than {FEW_CLUSTERS} clusters: {', '.join(few)}. A rule about prompts in general seldom decides "
            "there: ask in full, or declare `estimand: benchmark`."
        )
    return lines


def _foreseen(task: dict[str, Any], found: dict[str, Any]) -> str:
    if task["margin"] is None:
        return f"what it can see is not foretold: `{task['metric']}` is no mean of risks, or there is nothing to count"
    single, family, whole = (_points(task[figure]) for figure in ("mde", "mde_family", "mde_clusters"))
    beyond = "" if task["margin"] <= found["margin"] else f" (the margin is {_points(found['margin'])})"
    return (
        f"sees changes from {single} points (family {family}, whole templates {whole}); can show `no effect` within "
        f"{_points(task['margin'])}{beyond}"
    )


def _points(change: float | None) -> str:
    return "–" if change is None else f"{100 * change:.1f}"
