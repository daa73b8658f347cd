"""From a study to its cells: which samples, in which batches, under which key.

A cell is one arm asked one question (task and source). Its key is made of all that its outcomes depend on, so the same
key drives resume, the shared cache and the report. Batches are cut by the length of the plain prompts, never by what a
defense makes of them: both arms run the same prompts, in the same order, in the same batches.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from crossrisk.cache import digest
from crossrisk.engine.drawing import draw
from crossrisk.errors import RequestError, unknown
from crossrisk.judges.judge import GRADES, Judge
from crossrisk.judges.lookup import find_judge
from crossrisk.registry import SOURCES
from crossrisk.risks import Sample
from crossrisk.sources.source import Source
from crossrisk.study import Study
from crossrisk.targets.locations import SHIPPED
from crossrisk.tasks.lookup import find_question
from crossrisk.tasks.task import Generate, JudgedBy, Task, with_grade


@dataclass(frozen=True)
class Question:
    """One task on one source, with the samples that the study asks."""

    task: Task
    source: Source
    samples: tuple[Sample, ...]
    checksum: str
    opinions: tuple[Judge, ...] = ()  # who else judges its replies

    @property
    def name(self) -> str:
        """`task:source`, as users write it."""
        return f"{self.task.name}:{self.source.name}"

    @property
    def counted(self) -> int:
        """How many of its samples the headline is about."""
        return sum(self.task.metric.counts(sample.meta) for sample in self.samples)

    @cached_property
    def judges(self) -> tuple[Judge, ...]:
        """Who judges its replies, by name; none where the score knows the truth by itself. No model is touched yet."""
        score = self.task.score
        if not isinstance(score, JudgedBy):
            return ()
        return tuple(find_judge(name) for name in sorted({score.judge_name(sample) for sample in self.samples}))

    @property
    def weakest(self) -> Judge | None:
        """The least trusted of its judges, the first by name of equals; None where it has none."""
        return max(self.judges, key=lambda judge: GRADES.index(judge.grade), default=None)

    @property
    def grade(self) -> str:
        """Of its judge, the least trusted of several: `exact`, `model`, `builtin` or `rules`."""
        return "exact" if self.weakest is None else self.weakest.grade

    @property
    def judge_name(self) -> str:
        """`kind:grade@version`, joined by `+` where mixed: what can be told of its judge before a run."""
        return self._joined([f"{judge.name}@{judge.version}" for judge in self.judges])

    @cached_property
    def judge(self) -> str:
        """`kind:grade@version#hash`, joined by `+` where mixed. A judge that is a model is hashed for it, which may
        download it. Raises RequestError for one that is not at hand."""
        return self._joined([judge.identity for judge in self.judges])

    def _joined(self, judges: list[str]) -> str:
        return "+".join(judges) if isinstance(self.task.score, JudgedBy) else f"exact@{self.task.version}"

    @property
    def key(self) -> str:
        """Of everything but the arm and the batches: what the replies depend on, and who else judges them."""
        heard = [judge.identity for judge in self.opinions]
        return digest(self.reply_key, heard) if heard else self.reply_key

    @property
    def reply_key(self) -> str:
        """Task, score, source, samples, decoding, judge: second opinions change no reply, and no draw of a sampler."""
        asked = [sample.id for sample in self.samples]
        ask = [type(self.task.ask).__name__, vars(self.task.ask)]
        source = [self.source.name, self.source.version, self.checksum]
        return digest(self.task.name, self.task.version, ask, source, asked, self.judge)


@dataclass(frozen=True)
class Cell:
    """One arm asked one question, in batches of sample indices.

    looks: after how many batches the cell may be ended by a stopping rule; none where it is asked in full.
    """

    arm: str
    question: Question
    key: str
    batches: tuple[tuple[int, ...], ...]
    looks: tuple[int, ...] = ()


def questions(study: Study) -> tuple[Question, ...]:
    """Every question of a study, its samples read and drawn. Raises RequestError for what cannot be asked."""
    default = "world" if study.base.model in SHIPPED else "core"
    asked = tuple(_question(study, name, default) for name in study.tasks)
    names = [question.name for question in asked]
    for name in names:
        if names.count(name) > 1:
            raise RequestError(f"task '{name}' is named twice: name it once")
    return asked


def check_names(study: Study, asked: tuple[Question, ...]) -> None:
    """Raises RequestError for a cell of the declared family, a source trained on or a group that is not known."""
    cells = {f"{arm.arm}/{question.name}" for arm in study.arms for question in asked}
    for name in study.primary or ():
        if name not in cells:
            raise RequestError(f"`primary` names '{name}', which is no cell of this study: write defense/task:source")
    sources = {*SOURCES, *(question.source.name for question in asked)}
    for defense in study.defenses:
        for source in defense.trained_on:
            if source not in sources:
                raise unknown("source in `trained_on`", source, sources)
    tasks = {name for question in asked for name in (question.task.name, question.name)}
    for name in (*study.reference, *study.exchangeable_templates):
        if name not in tasks:
            raise unknown("task in `reference` or `exchangeable_templates`", name, tasks)
    for question in asked:
        group = study.reference.get(question.name, study.reference.get(question.task.name))
        groups = {sample.group for sample in question.samples if sample.group}
        if group is not None and group not in groups:
            raise unknown(f"group of {question.name} in `reference`", group, groups)


def _question(study: Study, name: str, default_source: str) -> Question:
    task, source = find_question(name, default=default_source, attacks=study.attacks)
    if isinstance(task.ask, Generate):
        task = replace(task, ask=_decoding(task.ask, study))
    if isinstance(task.score, JudgedBy) and task.score.kind in study.judges:
        task = with_grade(task, study.judges[task.score.kind])
    samples = draw(source.samples(task.name), study.limit, study.seed, task.metric)
    if isinstance(task.ask, Generate) and task.ask.attempts > 1:
        samples = attempted(samples, task.ask.attempts)
    question = Question(task, source, samples, source.checksum(task.name))
    return replace(question, opinions=_opinions(question, study))


def _opinions(question: Question, study: Study) -> tuple[Judge, ...]:
    """Who else judges the replies of a question; none where no judge scores it."""
    score = question.task.score
    if not isinstance(score, JudgedBy):
        return ()
    grades = sorted(study.second_opinions.get(score.kind, ()))
    others = tuple(find_judge(f"{score.kind}:{grade}") for grade in grades)
    for name in sorted({judge.name for judge in others} & {judge.name for judge in question.judges}):
        raise RequestError(f"`second_opinions` names {name}, which judges {question.name} anyway: leave it out")
    return others


def _decoding(ask: Generate, study: Study) -> Generate:
    """How a study lets a task write. Greedy decoding gives way to the study's, sampling is a task's own."""
    if study.max_new_tokens is not None:
        ask = replace(ask, max_new_tokens=min(ask.max_new_tokens, study.max_new_tokens))
    return replace(ask, temperature=study.temperature, attempts=study.attempts) if ask.temperature == 0 else ask


def check_judges(study: Study) -> None:
    """Raises RequestError where the study names a kind or a grade of judge, or a file of labels, that is not there."""
    for kind, grade in study.judges.items():
        find_judge(f"{kind}:{grade}")
    for kind, grades in study.second_opinions.items():
        for grade in grades:
            find_judge(f"{kind}:{grade}")
            if grades.count(grade) > 1:
                raise RequestError(f"`second_opinions` names {kind}:{grade} twice: name it once")
    if study.labels is not None and not Path(study.labels).is_file():
        raise RequestError(f"`labels` names {study.labels}, which is no file: write the path of a file of labels")


def attempted(samples: tuple[Sample, ...], attempts: int) -> tuple[Sample, ...]:
    """Every sample as often as it is asked, under the ids `<id>#1`, `<id>#2`, …; all of them are of its cluster."""
    return tuple(replace(sample, id=f"{sample.id}#{n}") for sample in samples for n in range(1, attempts + 1))


def attempt_of(sample_id: str) -> int:
    """Which attempt an id names, counted from 0; 0 where samples are asked once."""
    _, mark, number = sample_id.rpartition("#")
    return int(number) - 1 if mark and number.isdigit() else 0


def batches(samples: tuple[Sample, ...], size: int) -> tuple[tuple[int, ...], ...]:
    """Indices of samples of like length, longest first, in lists of at most `size`."""
    lengths = [
        sum(len(message.content) for message in sample.messages) + max(map(len, sample.choices), default=0)
        for sample in samples
    ]
    ordered = sorted(range(len(samples)), key=lambda index: (-lengths[index], index))
    return tuple(tuple(ordered[start : start + size]) for start in range(0, len(ordered), size))


def cell(arm: str, arm_fingerprint: str, question: Question, batch_size: int) -> Cell:
    """The cell of one arm and one question. arm_fingerprint: of the base and of all that the defense puts on it."""
    key = digest(arm_fingerprint, question.key, batch_size)
    return Cell(arm, question, key, batches(question.samples, batch_size))


def prompt_text(sample: Sample) -> str:
    """The last turn of a sample that stands before any reply, by which contamination is found."""
    return sample.messages[-1].content
