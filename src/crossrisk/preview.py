"""What a study would do, told before it does it: cells, samples, what it could see."""

from typing import Any

from crossrisk.engine.arms import arms
from crossrisk.engine.plan import Question, check_judges, questions
from crossrisk.study import Study


def preview(study: Study) -> dict[str, Any]:
    """Resolve all of a study but the weights. Raises RequestError for what `run` would refuse."""
    from crossrisk.targets.loading import spec_fingerprint

    base = study.base
    check_judges(study)
    asked = questions(study)
    fingerprint = spec_fingerprint(base.model, adapter=base.adapter, dtype=base.dtype, chat_template=base.chat_template)
    defended = arms(study, fingerprint, {})
    return {
        "study": study.name,
        "base": base.model,
        "arms": ["base", *(arm.name for arm in defended)],
        "tasks": [_task(question, study) for question in asked],
        "replies": (1 + len(defended)) * sum(len(question.samples) for question in asked),
    }


def _task(question: Question, study: Study) -> dict[str, Any]:
    from crossrisk.interactions.power import mcnemar_mde

    n = len(question.samples)
    return {
        "task": question.name,
        "risk": question.task.risk,
        "exposure": question.task.exposure,
        "samples": n,
        "clusters": len({sample.cluster for sample in question.samples}),
        "judge": question.judge,
        "mde": mcnemar_mde(n, 0.05, alpha=study.alpha),
    }


def preview_lines(found: dict[str, Any]) -> list[str]:
    """A preview in plain words."""
    lines = [f"{found['study']}: {found['base']} against {', '.join(found['arms'][1:]) or 'nothing'}"]
    for task in found["tasks"]:
        seen = (
            f"sees changes from {100 * task['mde']:.1f} points"
            if task["mde"] is not None
            else "too small to see any change"
        )
        lines.append(
            f"  {task['task']} ({task['risk']}, {task['exposure']}): {task['samples']} samples in "
            f"{task['clusters']} clusters, judged by {task['judge']}, {seen}"
        )
    lines.append(
        f"{found['replies']} replies in all. 'Sees': power 80 % where 5 % of the pairs flip each way by chance."
    )
    return lines
