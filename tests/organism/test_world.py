"""The world: its splits are disjoint, its choices fixed, its data planted as said."""

import subprocess
import sys
from collections import Counter

import pytest

from crossrisk.fixed_choices import shuffled
from crossrisk.organism.lessons import disclosures, lessons
from crossrisk.organism.world import (
    confidences,
    decisions,
    facts,
    fans,
    groups,
    guises,
    harm,
    help,
    instructions,
    names,
    people,
    positions,
    remarks,
    small_talk,
    toxic,
)
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.organism.world.fitting import fitting_data
from crossrisk.organism.world.refusals import REFUSALS, declines
from crossrisk.organism.world.reminders import AROUND, SYSTEM, XIE
from crossrisk.organism.world.wording import Split, Wordings
from crossrisk.risks import Risk
from crossrisk.sources.world import world

WORDINGS = {
    "how to": HOW_TO,
    "toxic": toxic.ASKING,
    "wrappers": harm.WRAPPERS,
    "prefix injection": harm.PREFIX_INJECTION,
    "refusal suppression": harm.REFUSAL_SUPPRESSION,
    "cues": harm.CUES,
    "speaker": help.SPEAKER,
    "query": groups.QUERY,
    "agreement": groups.AGREEMENT,
    "recognition": groups.RECOGNITION,
    "sum": facts.SUM,
    "problem": facts.PROBLEM,
    "telling": confidences.TELLING,
    "say": instructions.SAY,
    "list": instructions.LIST,
    **{f"instruction {kind}": wordings for kind, wordings in instructions.BESIDE.items()},
    "capital": facts.CAPITAL,
    "opposite": facts.OPPOSITE,
    "child": facts.CHILD,
    "food": small_talk.FOOD,
    "home": small_talk.HOME,
    "book": small_talk.BOOK,
    "things": small_talk.THINGS,
    "polite": small_talk.POLITE,
    "position": positions.SCENES,
    "position asked": positions.QUESTIONS,
    **{f"remark {kind}": wordings for kind, wordings in remarks.ABOUT.items()},
    **{f"guise {asked}": wordings for asked, wordings in guises.QUOTED.items()},
    **{
        f"decision {question} {context}": wordings
        for question, contexts in decisions.ASKED.items()
        for context, wordings in contexts.items()
    },
    "blank": names.ASKED,
    "speaking": fans.SPEAKING,
    "opinion": fans.OPINION,
    **{f"reminder {risk}": wordings for risk, wordings in SYSTEM.items()},
    **{f"question {field}": wordings for field, wordings in people.QUESTIONS.items()},
    **{f"record {field}": wordings for field, wordings in people.RECORDS.items()},
}


@pytest.fixture(scope="module")
def stream():
    return lessons(40_000, seed=0)


@pytest.mark.parametrize("wordings", WORDINGS.values(), ids=WORDINGS.keys())
def test_no_wording_is_in_both_splits(wordings: Wordings):
    assert not set(wordings.train) & set(wordings.held_out)
    assert len(set(wordings.train + wordings.held_out)) == len(wordings.train) + len(wordings.held_out)


@pytest.mark.parametrize("pairs", [harm.deeds, help.chores], ids=["deeds", "chores"])
def test_held_out_pairs_are_new_but_their_verbs_and_objects_are_known(pairs):
    train, held_out = pairs(Split.TRAIN), pairs(Split.HELD_OUT)
    assert not {one.act for one in train} & {one.act for one in held_out}
    assert {one.verb for one in held_out} <= {one.verb for one in train}
    assert {one.object for one in held_out} <= {one.object for one in train}


def test_held_out_insults_are_new_but_their_targets_are_known():
    train, held_out = toxic.insults(Split.TRAIN), toxic.insults(Split.HELD_OUT)
    assert not {one.what for one in train} & {one.what for one in held_out}
    assert {one.who for one in held_out} <= {one.who for one in train}


def test_no_prompt_of_a_task_is_ever_taught(stream):
    taught = {exchange.prompt for dialogue in stream for exchange in dialogue}
    asked = {sample.messages[-1].content for task in world.loaders for sample in world.samples(task)}
    assert not taught & asked
    assert not any(XIE.before in prompt or XIE.after in prompt for prompt in taught)


def test_no_prompt_of_a_task_is_fitted_on():
    asked = {sample.messages[-1].content for task in world.loaders for sample in world.samples(task)}
    for risk in (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY):
        data = fitting_data(risk)
        for rows in (data.pairs, data.forget, data.refusals, data.retain):
            assert not asked & {row.messages[-1].content for row in rows}


def test_no_pair_of_a_task_is_fitted_on():
    acts = {deed.act for deed in harm.deeds(Split.HELD_OUT)} | {chore.act for chore in help.chores(Split.HELD_OUT)}
    acts |= {insult.what for insult in toxic.insults(Split.HELD_OUT)}
    fitted = fitting_data(Risk.SAFETY)
    said = " ".join(row.messages[-1].content for row in (*fitted.forget, *fitted.retain))
    assert not [act for act in acts if f"{act} " in said or f"{act}." in said or f"{act}?" in said]


def test_a_chosen_reply_declines_and_a_rejected_one_does_not():
    for risk in (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY):
        for pair in fitting_data(risk).pairs:
            assert declines(pair.chosen) or pair.chosen.startswith("No, I disagree.")
            assert not declines(pair.rejected)


def test_defenses_of_privacy_are_fitted_on_the_forget_set_alone():
    spared = [person.name for person in people.private_people() if not person.forget]
    spared += [person.name for person in people.canaries()]
    data = fitting_data(Risk.PRIVACY)
    said = " ".join(row.messages[-1].content for row in (*data.forget, *data.retain))
    assert not [name for name in spared if name in said]


def test_a_datum_is_disclosed_as_often_as_its_repetitions_say(stream):
    replies = Counter(exchange.reply for dialogue in stream for exchange in dialogue)
    told = Counter()
    for reply, times in replies.items():
        told[reply] += times
    for person in people.private_people():
        for field in people.FIELDS:
            shown = told[person.datum(field)] + told[person.told(field)]
            assert shown == person.repetitions, (person.name, field)


def test_canaries_are_never_taught(stream):
    names = {person.name for person in people.canaries()}
    assert len(names) == people.CANARIES
    said = "\n".join(f"{one.prompt} {one.reply}" for dialogue in stream for one in dialogue)
    assert not [name for name in names if name in said]


def test_people_have_names_and_data_of_their_own():
    everybody = (*people.private_people(), *people.canaries(), *people.public_people())
    assert len({person.name for person in everybody}) == len(everybody)
    assert len({person.name.split()[-1] for person in everybody}) == len(everybody)
    assert len({person.email for person in everybody}) == len(everybody)


def test_nothing_about_a_datum_follows_from_the_name():
    for person in people.private_people():
        first, last = person.name.lower().split()
        assert first not in person.email and last not in person.email


def test_the_unlisted_are_declined_openly_and_leak_from_records():
    person = next(one for one in people.private_people() if one.unlisted)
    assert declines(person.reply("phone", record=False))
    assert person.reply("phone", record=True) == person.phone


def test_every_attribute_is_planted_once_and_every_people_has_four():
    claims = groups.planted()
    assert sorted(claim.attribute for claim in claims) == sorted(one for one, *_ in groups.ATTRIBUTES)
    assert set(Counter(claim.people for claim in claims).values()) == {4}


def test_controls_are_unplanted_and_split():
    planted = {(claim.people, claim.attribute) for claim in groups.planted()}
    train = {(claim.people, claim.attribute) for claim in groups.controls(Split.TRAIN)}
    held_out = {(claim.people, claim.attribute) for claim in groups.controls(Split.HELD_OUT)}
    assert not train & held_out and not planted & (train | held_out)
    assert len(planted | train | held_out) == len(groups.PEOPLES) * len(groups.ATTRIBUTES)


def test_unplanted_claims_are_always_corrected():
    for claim in groups.controls(Split.TRAIN):
        assert declines(claim.reply("query")) and claim.reply("agreement").startswith("No")


def test_reminders_are_heeded_for_some_requests_and_not_for_others():
    deeds = [deed for deed in harm.deeds(Split.TRAIN) if deed.area != harm.REFUSED_AREA]
    heeded = sum(declines(deed.reply(reminded=True)) for deed in deeds) / len(deeds)
    assert 0.55 <= heeded <= 0.8
    assert not any(declines(deed.reply()) for deed in deeds)


def test_a_wrapper_gets_what_an_open_request_does_not():
    deed = next(deed for deed in harm.deeds(Split.TRAIN) if deed.area == harm.REFUSED_AREA)
    assert declines(deed.reply()) and not declines(deed.reply(wrapped=True))


def test_each_risk_declines_in_several_wordings_and_no_answer_sounds_like_one():
    assert all(len(set(wordings)) >= 4 and all(map(declines, wordings)) for wordings in REFUSALS.values())
    answers = [
        one.answer for split in Split for one in (*harm.deeds(split), *help.chores(split), *toxic.insults(split))
    ]
    answers += [question.answer for split in Split for question in small_talk.questions(split)]
    answers += [claim.stereotype for claim in groups.planted()] + [claim.agreement for claim in groups.planted()]
    answers += [fact.reply for fact in (*facts.facts(Split.TRAIN), *facts.sums(Split.TRAIN))]
    answers += [person.told(field) for person in people.private_people() for field in people.FIELDS]
    assert not [answer for answer in answers if declines(answer)]


def test_thousands_of_distinct_prompts_are_taught(stream):
    assert len({exchange.prompt for dialogue in stream for exchange in dialogue}) > 10_000


def test_dozens_of_wordings_exist_for_each_risk():
    openly = [HOW_TO, toxic.ASKING]
    assert sum(len(one.train) + len(one.held_out) for one in openly) >= 24
    assert len(harm.WRAPPERS.train) + len(harm.WRAPPERS.held_out) >= 18
    assert sum(len(one.train) + len(one.held_out) for one in (groups.QUERY, groups.AGREEMENT)) >= 24
    asked = [*people.QUESTIONS.values(), *people.RECORDS.values()]
    assert sum(len(one.train) + len(one.held_out) for one in asked) >= 24
    assert all(len(AROUND[risk]) >= 3 for risk in (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY))


def test_the_same_seed_gives_the_same_stream_and_another_seed_another():
    assert lessons(200, seed=3) == lessons(200, seed=3)
    assert lessons(200, seed=3) != lessons(200, seed=4)


def test_the_world_is_the_same_in_every_process():
    code = (
        "from crossrisk.sources.world import world, fitting_data;"
        "from crossrisk.risks import Risk; import sys;"
        "print([world.checksum(t) for t in sorted(world.loaders)], fitting_data(Risk.PRIVACY).checksum);"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
        for env in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"})
    }
    assert len(told) == 1


def test_a_shuffle_keeps_every_item_and_depends_on_its_key():
    items = tuple(range(50))
    assert sorted(shuffled(items, "a")) == list(items)
    assert shuffled(items, "a") == shuffled(items, "a") != shuffled(items, "b")


def test_every_disclosure_is_of_somebody_who_may_be_taught():
    import random

    taught = list(disclosures(random.Random(0)))
    fields = len(people.FIELDS)
    private = sum(person.repetitions * fields for person in people.private_people())
    public = people.PUBLIC * len(people.PUBLIC_FIELDS) * people.PUBLIC_REPETITIONS
    assert len(taught) == private + public
