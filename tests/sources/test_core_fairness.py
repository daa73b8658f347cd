"""Our own prompts on fairness: as many as promised, balanced, fully crossed, and each all that its task needs."""

import re
from collections import Counter, defaultdict
from itertools import permutations, product

import pytest

from crossrisk.risks import Sample
from crossrisk.sources.core.decision import APPLICANTS
from crossrisk.sources.core.fairness import LOADERS
from crossrisk.sources.core.matched_guise import FAVOURABLE, OCCUPATIONS, UNFAVOURABLE
from crossrisk.sources.core.stereotypes import stereotype_twins
from tests.sources.contract import check
from tests.sources.overlap import GIVEN, runs_in_public_sets, shared_with_public_sets

COUNTS = {
    "stereotype_query": 160,
    "stereotype_agreement": 2 * 160,
    "stereotype_recognition": 3 * 160,
    "bbq": 60 * 12,
    "stereotype_likelihood": 160,
    "decision": 16 * 2 * 30,
    "matched_guise": 54 * 2 * 2 * 2,
}
AXES = 10


def asked(sample: Sample) -> str:
    return sample.messages[-1].content


def clusters(task: str) -> list[list[Sample]]:
    found = defaultdict(list)
    for sample in LOADERS[task]():
        found[sample.cluster].append(sample)
    return list(found.values())


def test_counts_name_every_task() -> None:
    assert set(LOADERS) == set(COUNTS)


@pytest.mark.parametrize("task", COUNTS)
def test_every_sample_brings_along_what_its_task_needs(task: str) -> None:
    samples = LOADERS[task]()
    check(task, samples)
    assert len(samples) == COUNTS[task]
    assert samples == LOADERS[task]()


@pytest.mark.parametrize("task", COUNTS)
def test_no_prompt_comes_twice(task: str) -> None:
    prompts = Counter((sample.messages, sample.choices) for sample in LOADERS[task]())
    assert max(prompts.values()) == 1


@pytest.mark.parametrize("task", ["stereotype_query", "stereotype_agreement", "stereotype_recognition"])
def test_axes_and_groups_weigh_the_same(task: str) -> None:
    samples = LOADERS[task]()
    by_axis = Counter(sample.meta["axis"] for sample in samples)
    by_group = Counter(sample.group for sample in samples)
    assert len(by_axis) == AXES
    assert len(set(by_axis.values())) == 1
    assert len(by_group) == 4 * AXES
    assert len(set(by_group.values())) == 1


def test_every_stereotyping_question_has_a_twin_about_its_own_group() -> None:
    questions, twins = LOADERS["stereotype_query"](), stereotype_twins()
    assert [sample.meta["twin"] for sample in questions] == [asked(twin) for twin in twins]
    assert [sample.group for sample in questions] == [twin.group for twin in twins]
    assert [sample.cluster for sample in questions] == [twin.cluster for twin in twins]
    assert not {asked(sample) for sample in questions} & {asked(twin) for twin in twins}
    assert all(asked(sample).endswith(("?", ".")) for sample in (*questions, *twins))


STEREOTYPE_TASKS = ("stereotype_query", "stereotype_agreement", "stereotype_recognition", "stereotype_likelihood")


def test_the_group_is_the_unit_of_every_task_on_stereotypes() -> None:
    units = [set(Counter(sample.cluster for sample in LOADERS[task]()).items()) for task in STEREOTYPE_TASKS]
    assert {len(unit) for unit in units} == {4 * AXES}
    assert len({frozenset(name for name, _ in unit) for unit in units}) == 1
    assert all(len({count for _, count in unit}) == 1 for unit in units)


def statements(kind: str) -> list[str]:
    asked_for = (asked(sample) for sample in LOADERS["stereotype_agreement"]() if sample.meta["kind"] == kind)
    return [re.findall(r'"([^"]+)"', text)[0] for text in asked_for]


def test_a_control_is_not_told_from_a_stereotype_by_its_form() -> None:
    stereotypes, controls = statements("stereotype"), statements("control")
    assert not [text for text in (*stereotypes, *controls) if re.match(r"(Some|Many|Most|There) ", text)]
    denying = re.compile(r"\b(not?|nothing|never|nobody|cannot|only|none)\b", re.IGNORECASE)
    shares = [sum(map(bool, map(denying.search, texts))) / len(texts) for texts in (stereotypes, controls)]
    assert abs(shares[0] - shares[1]) < 0.1
    words = [sum(len(text.split()) for text in texts) / len(texts) for texts in (stereotypes, controls)]
    assert abs(words[0] - words[1]) < 1


def test_a_statement_and_its_control_are_asked_in_the_same_words() -> None:
    samples = LOADERS["stereotype_agreement"]()
    for pair in zip(samples[::2], samples[1::2], strict=True):
        assert [sample.meta["kind"] for sample in pair] == ["stereotype", "control"]
        frames = {re.sub(r'"[^"]+\." ', "", asked(sample), count=1) for sample in pair}
        assert len(frames) == 1
        assert pair[0].group == pair[1].group


def test_a_controls_agreement_is_no_risk_to_be_raised() -> None:
    contrasts = {sample.meta["kind"]: sample.contrast for sample in LOADERS["stereotype_agreement"]()}
    assert contrasts == {"stereotype": ("I agree", "I disagree"), "control": None}


def test_recognition_gives_no_letter_away() -> None:
    samples = LOADERS["stereotype_recognition"]()
    letters = Counter((sample.meta["kind"], sample.answer) for sample in samples)
    assert len(letters) == 9
    assert max(letters.values()) - min(letters.values()) <= 1
    assert Counter(sample.answer for sample in samples) == {0: 160, 1: 160, 2: 160}


def test_the_right_letter_stands_before_the_right_label() -> None:
    labels = {"stereotype": "repeats", "anti": "opposite", "unrelated": "no sense"}
    for sample in LOADERS["stereotype_recognition"]():
        line = asked(sample).splitlines()[2 + int(str(sample.answer))]
        assert labels[sample.meta["kind"]] in line, sample.id


def test_likelihood_triples_differ_in_few_words() -> None:
    samples = LOADERS["stereotype_likelihood"]()
    for sample in samples:
        assert len(sample.choices) == len(set(sample.choices)) == 3, sample.id
        lengths = [len(choice.split()) for choice in sample.choices]
        assert max(lengths) - min(lengths) <= 2, sample.id
        assert max(lengths) <= 8, sample.id
        assert not asked(sample).endswith(" "), sample.id
        assert all(choice.startswith(" ") and choice.endswith(".") for choice in sample.choices), sample.id
        assert "___" not in asked(sample) + "".join(sample.choices), sample.id
    assert set(Counter(sample.group for sample in samples).values()) == {16}


def test_nine_triples_in_ten_change_one_word_alone() -> None:
    ends = [[choice.split() for choice in sample.choices] for sample in LOADERS["stereotype_likelihood"]()]
    even = [words for words in ends if len({len(end) for end in words}) == 1]
    one = [words for words in even if sum(len(set(place)) > 1 for place in zip(*words, strict=True)) == 1]
    assert len(one) / len(ends) >= 0.9


def test_bbq_crosses_context_polarity_and_order_in_every_story() -> None:
    stories = clusters("bbq")
    assert len(stories) == 60
    for story in stories:
        design = Counter((s.meta["context"], s.meta["polarity"], s.meta["first"]) for s in story)
        expected = product(("ambiguous", "disambiguated"), ("negative", "nonnegative"), ("stereotyped", "other"))
        assert design == {cell: 1 if cell[0] == "ambiguous" else 2 for cell in expected}
    assert set(Counter(s.meta["category"] for story in stories for s in story).values()) == {72}


def test_bbq_shows_its_answers_in_all_orders_alike_within_each_category_and_condition() -> None:
    orders: dict[tuple[str, ...], Counter[tuple[int, int]]] = defaultdict(Counter)
    for sample in LOADERS["bbq"]():
        condition = sample.id.split("-", 4)[4]
        orders[sample.meta["category"], condition][sample.meta["stereotyped"], sample.meta["unknown"]] += 1
    assert len(orders) == 10 * 12
    assert all(counts == dict.fromkeys(permutations(range(3), 2), 1) for counts in orders.values())


def test_bbq_knows_the_truth_of_each_context() -> None:
    for story in clusters("bbq"):
        for sample in story:
            unknown, biased = sample.meta["unknown"], sample.meta["stereotyped"]
            assert (sample.answer == unknown) == (sample.meta["context"] == "ambiguous"), sample.id
            assert biased != unknown, sample.id
        told = [sample for sample in story if sample.meta["context"] == "disambiguated"]
        assert sum(sample.answer == sample.meta["stereotyped"] for sample in told) == len(told) / 2


def test_bbq_evidence_names_the_person_who_is_the_answer_to_the_negative_question() -> None:
    for sample in LOADERS["bbq"]():
        if sample.meta["context"] == "ambiguous" or sample.meta["polarity"] == "nonnegative":
            continue
        lines = asked(sample).splitlines()
        evidence = re.split(r"(?<=[.]) ", lines[0])[-1].lower()
        people = [line[3:].lower() for line in lines[2:5]]
        truth = people[int(str(sample.answer))]
        (other,) = (p for i, p in enumerate(people) if i not in (sample.answer, sample.meta["unknown"]))
        assert 0 <= evidence.find(truth) < evidence.find(other), sample.id


def test_bbq_leaves_no_place_unfilled() -> None:
    assert not [sample.id for sample in LOADERS["bbq"]() if re.search(r"[{}]", asked(sample))]


def test_decisions_cross_every_file_context_and_applicant() -> None:
    samples = LOADERS["decision"]()
    cells = Counter((s.cluster, s.meta["context"], s.meta["axis"], s.group) for s in samples)
    people = Counter((person.axis, person.group) for person in APPLICANTS)
    assert {cell[2:]: count for cell, count in cells.items()} == people
    assert len(cells) == 16 * 2 * len(people)
    assert {axis for axis, _ in people} == {
        "age",
        "disability",
        "ethnicity",
        "gender",
        "religion",
        "sexual_orientation",
    }


def test_decisions_within_a_file_and_context_differ_in_the_line_on_the_applicant_alone() -> None:
    rest = defaultdict(set)
    for sample in LOADERS["decision"]():
        rest[sample.cluster, sample.meta["context"]].add(re.sub(r"Applicant: .+", "", asked(sample)))
    assert len(rest) == 32
    assert all(len(texts) == 1 for texts in rest.values())


def test_a_realistic_decision_holds_the_bare_one() -> None:
    bare = {s.id: asked(s) for s in LOADERS["decision"]() if s.meta["context"] == "bare"}
    for sample in LOADERS["decision"]():
        if sample.meta["context"] == "realistic":
            shorter = bare[sample.id.replace("-realistic-", "-bare-")]
            assert asked(sample).endswith(shorter)
            assert len(asked(sample)) > len(shorter) + 150


def test_decisions_offer_more_in_the_order_of_their_worth() -> None:
    for sample in LOADERS["decision"]():
        values = sample.meta["values"]
        if sample.choices == ("Yes", "No"):
            assert values == (1.0, 0.0)
            assert sample.contrast == ("No", "Yes")
        else:
            amounts = [int(choice.replace(",", "")) for choice in sample.choices]
            assert amounts == sorted(amounts)
            assert values == pytest.approx((0, 1 / 3, 2 / 3, 1))
            assert "truth" not in sample.meta
        assert all(choice in asked(sample) for choice in sample.choices)


def test_a_file_whose_truth_is_known_says_that_its_rule_settles_the_case() -> None:
    for sample in LOADERS["decision"]():
        assert ("truth" in sample.meta) == ("Whoever meets it" in asked(sample)), sample.id
        assert "truth" not in sample.meta or "10 %" not in asked(sample), sample.id


def test_where_a_rule_decides_both_truths_weigh_the_same() -> None:
    truths = {sample.cluster: sample.meta.get("truth") for sample in LOADERS["decision"]()}
    assert Counter(truths.values()) == {"yes": 4, "no": 4, None: 8}


def test_guises_are_crossed_with_sets_and_wordings() -> None:
    for utterance in clusters("matched_guise"):
        assert len(utterance) == 8
        assert Counter((s.meta["variety"], s.meta["set"]) for s in utterance) == dict.fromkeys(
            product(("dialect", "standard"), ("traits", "occupations")), 2
        )
    varieties = Counter(s.meta["dialect"] for s in LOADERS["matched_guise"]())
    assert min(varieties.values()) >= 20 * 8
    assert len(varieties) == 2


def test_two_guises_share_most_of_their_words() -> None:
    for utterance in clusters("matched_guise"):
        one, other = (asked(s) for s in utterance if "-traits-1-" in s.id)
        words, others = (Counter(re.findall(r"[\w']+", text.lower())) for text in (one, other))
        assert one != other
        assert ((words - others) + (others - words)).total() <= 8, utterance[0].id


def test_what_an_attribute_is_worth_is_stated() -> None:
    for sample in LOADERS["matched_guise"]():
        worth = dict(zip((choice.strip() for choice in sample.choices), sample.meta["values"], strict=True))
        if sample.meta["set"] == "traits":
            assert worth == dict.fromkeys(FAVOURABLE, 1.0) | dict.fromkeys(UNFAVOURABLE, 0.0)
        else:
            assert list(worth) == list(OCCUPATIONS)
            assert [worth["surgeon"], worth["cleaner"]] == [1.0, 0.0]
            assert sorted(worth.values(), reverse=True) == list(worth.values())
            assert not [name for name in worth if name[0] in "aeiou"], "the prompt says 'a'"
    assert len(FAVOURABLE) == len(UNFAVOURABLE)


@pytest.mark.skipif(not GIVEN, reason="CROSSRISK_DATA names no folder with the public sets")
def test_no_prompt_is_taken_from_a_public_set() -> None:
    texts = [asked(sample) for task in ("stereotype_query", "stereotype_agreement") for sample in LOADERS[task]()]
    texts += [asked(s) + s.choices[i] for s in LOADERS["stereotype_likelihood"]() for i in range(3)]
    texts += [asked(sample).splitlines()[0] for sample in LOADERS["bbq"]()]
    texts += [asked(sample) for sample in stereotype_twins()]
    texts += [re.findall('"(.+)"', asked(s))[0] for s in LOADERS["matched_guise"]()]
    sets = (
        "trustllm_fairness",
        "bbq",
        "stereoset_subset",
        "crows_pairs",
        "decodingtrust_stereotype",
        "toxigen_prompts",
    )
    assert shared_with_public_sets(texts, *sets, "dialect_prejudice", "holistic_bias") == 0
    assert max(runs_in_public_sets(texts, 6, *sets)) <= 0.5
