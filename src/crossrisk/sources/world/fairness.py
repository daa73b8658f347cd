"""What is said of the eight peoples, and done to them."""

from collections.abc import Iterator

from crossrisk.fixed_choices import pick, shuffled
from crossrisk.organism.world import decisions, groups, guises, positions, remarks
from crossrisk.risks import Sample
from crossrisk.sources.world.samples import HELD_OUT, Maker, sample

UTTERANCES = 64


def _claims(attitude: groups.Attitude) -> Iterator[Sample]:
    wordings = groups.QUERY if attitude == "query" else groups.AGREEMENT
    for claim in groups.planted():
        risky = claim.stereotype if attitude == "query" else claim.agreement
        safe = claim.correction if attitude == "query" else claim.disagreement
        for index, wording in enumerate(wordings.held_out):
            yield sample(
                f"{attitude}-{claim.people}-{claim.attribute}-{index}",
                claim.fill(wording),
                cluster=f"{claim.people}-{claim.attribute}",
                group=claim.people,
                risky=risky,
                safe=safe,
                answer=safe,
                plural=claim.plural,
                attribute=claim.attribute,
                reason=claim.reason,
                fitted=claim.fitted,
            )


def _recognition() -> Iterator[Sample]:
    for statement in groups.statements(HELD_OUT):
        wrong = pick([label for label in groups.LABELS if label != statement.label], "wrong", statement.text)
        for index, wording in enumerate(groups.RECOGNITION.held_out):
            yield sample(
                f"recognition-{statement.text}-{index}",
                wording.format(statement=statement.text),
                cluster=statement.text,
                group=statement.people,
                risky=wrong,
                safe=statement.label,
                answer=statement.label,
                choices=groups.LABELS,
            )


def _kind(claim: groups.Claim) -> str:
    """What an attribute is about: a trait, or how well a trade is plied."""
    return "occupation" if " " in claim.attribute else "trait"


def _positions() -> Iterator[Sample]:
    for scene in positions.scenes():
        for column, position in enumerate(scene):
            claim, choices = position.claim, position.choices
            key = f"{claim.people}-{claim.attribute}-{position.other}"
            prompt = position.prompt(
                pick(positions.SCENES.held_out, "scene", key),
                pick(positions.QUESTIONS.held_out, "question", key, column),
            )
            biased, truth = choices.index(position.stereotyped), choices.index(position.truth)
            yield sample(
                f"bbq-{key}-{column}",
                prompt,
                cluster=key,
                group=claim.people,
                risky=choices[biased],
                safe=choices[truth] if truth != biased else positions.UNKNOWN,
                answer=truth,
                choices=choices,
                category=_kind(claim),
                context="ambiguous" if position.holder is None else "disambiguated",
                polarity="negative" if position.negative else "nonnegative",
                stereotyped=biased,
                unknown=choices.index(positions.UNKNOWN),
                fitted=claim.fitted,
            )


def _remarks() -> Iterator[Sample]:
    for remark, prompts in remarks.asked():
        key = f"{remark.claim.people}-{remark.claim.attribute}-{remark.kind}"
        for index, prompt in enumerate(prompts):
            yield sample(
                f"remark-{key}-{index}",
                prompt,
                cluster=key,
                group=remark.claim.people,
                risky=remark.stereotype,
                safe=remark.opposite,
                answer=remark.opposite,
                choices=(remark.stereotype, remark.opposite, remark.unrelated),
                category=_kind(remark.claim),
                per_token=False,
                fitted=remark.claim.fitted,
            )


def _decisions() -> Iterator[Sample]:
    """Every scenario for a member of each people: whom to hire in one context each, what to pay in both."""
    for row, scenario in enumerate(decisions.scenarios("hire", HELD_OUT)):
        context = decisions.CONTEXTS[(row // 2 + scenario.rank) % 2]
        yield from _decided(scenario, context, truth="no" if scenario.rank else "yes", values=(1.0, 0.0))
    for scenario in decisions.scenarios("pay", HELD_OUT):
        for context in decisions.CONTEXTS:
            yield from _decided(scenario, context, values=(1.0, 0.5, 0.0))


def _decided(scenario: decisions.Scenario, context: decisions.Context, **meta: object) -> Iterator[Sample]:
    (wording,) = decisions.ASKED[scenario.question][context].held_out
    key = f"{scenario.question}-{scenario.job}-{scenario.rank}"
    best, worst = scenario.choices[0], scenario.choices[-1]
    for people in groups.PEOPLES:
        yield sample(
            f"decision-{key}-{context}-{people}",
            scenario.prompt(wording, people),
            cluster=key,
            group=people,
            risky=worst,
            safe=best,
            answer=scenario.right,
            choices=scenario.choices,
            context=context,
            axis="people",
            question=scenario.question,
            **meta,
        )


def _guises() -> Iterator[Sample]:
    """Every utterance in both tongues, for words and for work. Its group is the tongue that is put to the test."""
    for utterance in shuffled(guises.utterances(HELD_OUT), "guises")[:UTTERANCES]:
        for asked, attributes in guises.ATTRIBUTES.items():
            wording = pick(guises.QUOTED[asked].held_out, "guise", utterance.standard, asked)
            words, values = zip(*attributes, strict=True)
            for tongue in guises.TONGUES:
                yield sample(
                    f"guise-{utterance.standard}-{asked}-{tongue}",
                    wording.format(said=utterance.said(tongue)),
                    cluster=utterance.standard,
                    group="Upland",
                    risky=words[-1],
                    safe=words[0],
                    answer=words[0],
                    choices=words,
                    variety=tongue,
                    values=values,
                    set=asked,
                )


TASKS: dict[str, Maker] = {
    "stereotype_query": lambda: _claims("query"),
    "stereotype_agreement": lambda: _claims("agreement"),
    "stereotype_recognition": _recognition,
    "stereotype_likelihood": _remarks,
    "bbq": _positions,
    "decision": _decisions,
    "matched_guise": _guises,
}
