"""The section on neurons: the word "because" only where the causal test was passed, and the same bytes every time."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.neurons.stage.files import write, write_results
from crossrisk.report.neurons import HIGH, LOW, STALE, WIDTH, NeuronsView, neurons_view
from crossrisk.report.neurons_table import print_causes
from crossrisk.report.page import write_page
from tests.report.test_page import Page

NAMES = {("over_refusal", "world"): "over_refusal", ("misuse", "world"): "misuse"}
NUMBERS = {
    "neurons": 37, "prompts": 64, "clusters": 20, "base": -3.0, "defended": 1.0, "patched": -1.4, "change": 4.0,
    "change_low": 3.0, "change_high": 5.0, "undone": 2.4, "undone_low": 2.0, "undone_high": 2.9, "share": 0.6,
    "share_low": 0.5, "share_high": 0.72, "random_sets": 20, "random_low": -0.01, "random_median": 0.02,
    "random_high": 0.05, "p_random": 1 / 21, "reverse_share": 0.4, "reverse_low": 0.3, "reverse_high": 0.5,
    "ablation_share": 0.2, "ablation_low": 0.1, "ablation_high": 0.3, "utility_change": 0.0, "utility_low": -0.01,
    "utility_high": 0.01, "replies": None, "replies_change": None, "replies_undone": None, "replies_share": None,
    "replies_low": None, "replies_high": None,
}  # fmt: skip


LAYERS = [{"layer": n, "neurons": 64, "count": n, "expected": 1.0, "p": 0.5} for n in range(3)]


def effect(**fields: Any) -> dict[str, Any]:
    row = {
        "defense": "dpo", "mechanism": "training", "target_risk": "safety", "task": "over_refusal", "source": "world",
        "risk": "service", "pair": ["safety", "service"], "role": "side effect", "verdict": "worsens", "delta": 0.36,
        "set": "moved", "state": "checked", **NUMBERS, "because": True, "reason": "all holds", "notes": [],
    }  # fmt: skip
    return row | fields


def without(**fields: Any) -> dict[str, Any]:
    return effect(**dict.fromkeys(NUMBERS), because=False) | fields


def conflict(**fields: Any) -> dict[str, Any]:
    row = {
        "pair": ["safety", "service"], "arm": "base", "method": "test", "tasks": {}, "clusters": [27, 20],
        "tested": 256, "count": 3, "expected": 0.4, "p": 0.005, "fdr": 0.02,
        "split_half": {"chosen": [3, 3], "agreement": 0.9, "null": 0.5, "p": 0.01}, "aligned": 5, "layers": LAYERS,
        "overlap": {}, "stability": {"halves": None, "methods": {}}, "neurons": [[1, 0], [2, 3], [2, 9]],
        "aligned_neurons": [], "warnings": [], "notes": [], "reason": None,
    }  # fmt: skip
    return row | fields


FIGURES = {
    "kind": "figures",
    "set": "moved",
    "against": "change_risk",
    "sign": {"agree": 7, "points": 9, "random": 0.6, "p": 0.1, "p_binomial": 0.2, "reason": None},
    "rank": {"rho": 0.5, "points": 9, "defenses": 3, "p": None, "exact": None, "reason": "3 defenses are too few"},
}
COMPLETE = {"kind": "completeness", "r_squared": 0.89, "slope": 1.1, "points": 9, "reason": None}
PAPER = {"kind": "paper", "agree": 3, "points": 4}


def put(
    folder: Path,
    causal: list[dict[str, Any]],
    conflicts: list[dict[str, Any]] | None = None,
    trends: list[dict[str, Any]] | None = None,
) -> NeuronsView:
    write(folder, "causal", causal)
    write(folder, "conflicts", [conflict()] if conflicts is None else conflicts)
    write(folder, "trends", trends or [])
    view = neurons_view(folder, NAMES)
    assert view is not None
    return view


def test_a_study_whose_neurons_were_not_looked_for_has_no_such_section(tmp_path: Path) -> None:
    assert neurons_view(tmp_path, NAMES) is None


def test_because_is_said_of_what_passed_the_causal_test(tmp_path: Path) -> None:
    view = put(tmp_path, [effect()])
    assert view.summary == "1 of 1 side effect passes the causal test."
    assert view.effects[0].sentence == (
        "dpo worsens over_refusal by 36.0 points because of 37 neurons that the defense moved: put back to the base "
        "they undo 60% [50, 72] of the change, matched random sets 2% [−1, 5]."
    )


def test_what_all_neurons_carry_stands_beside_either_verdict(tmp_path: Path) -> None:
    """A set that undoes half of a change does much where all neurons together undo hardly more."""
    whole = effect(set="all", share=0.93, because=None, reason=None)
    (passed,) = put(tmp_path, [effect(neurons=1), whole]).effects
    assert "because of 1 neuron that the defense moved" in passed.sentence
    assert passed.sentence.endswith("(all neurons together: 93%).")
    (failed,) = put(tmp_path, [effect(because=False, reason="it may be 0"), whole]).effects
    assert failed.sentence.endswith("to be the cause: it may be 0 (all neurons together: 93%).")
    (unknown,) = put(tmp_path, [effect(), whole | {"share": None}]).effects
    assert "together" not in unknown.sentence


def test_what_the_cause_does_besides_is_said_once_and_without_numbers_that_are_none(tmp_path: Path) -> None:
    own = effect(role="own risk", task="misuse", because=None, share=0.2)
    rows = [effect(), effect(task="misuse", source="core"), own, own | {"task": "jailbreak", "share": None}]
    assert put(tmp_path, rows).beside == (
        "dpo on misuse:core, dpo on over_refusal: the same neurons carry 20% of the change of misuse (the defense's "
        "own risk) and move utility by 0.0 points when put back.",
    )


STUDY = [{"defense": "dpo", "task": "misuse", "source": "world", "delta": -0.5, "verdict": "improves"}]


def test_a_study_that_changed_since_is_told(tmp_path: Path) -> None:
    put(tmp_path, [effect()])
    unknown = neurons_view(tmp_path, NAMES, STUDY)
    write_results(tmp_path, STUDY, {"limit": 9}, {"causal": [effect()]})
    same, changed = (neurons_view(tmp_path, NAMES, [STUDY[0] | {"delta": delta}]) for delta in (-0.5, -0.4))
    assert unknown is not None and same is not None and changed is not None
    assert (unknown.stale, same.stale, changed.stale) == (STALE, None, STALE)
    assert json.loads((tmp_path / "neurons" / "about.json").read_text())["options"] == {"limit": 9}


def test_because_is_said_of_nothing_else(tmp_path: Path) -> None:
    view = put(tmp_path, [effect(because=False, reason="matched random sets undo as much (p = 0.4)", share=0.9)])
    assert view.summary == "0 of 1 side effect passes the causal test."
    assert "because" not in view.effects[0].sentence
    assert "no set of neurons is shown to be the cause: matched random sets undo as much" in view.effects[0].sentence


def test_a_set_that_is_there_to_compare_with_is_never_the_cause(tmp_path: Path) -> None:
    """Aligned neurons that carry a worsened risk do not explain why it rose while the other fell."""
    rows = [
        effect(set="aligned", share=0.99, because=None, reason=None),
        effect(set="conflict", share=0.1, because=False, reason="the share of 10% is under 20%"),
    ]
    (found,) = put(tmp_path, rows).effects
    assert not found.because and found.best is not None and found.best.row["set"] == "conflict"


def test_of_an_improved_risk_the_neurons_that_lower_both_are_asked(tmp_path: Path) -> None:
    rows = [effect(set="moved", delta=-0.3, because=None, share=0.9), effect(set="moved_alike", delta=-0.3, share=0.5)]
    (found,) = put(tmp_path, [row | {"verdict": "improves"} for row in rows]).effects
    assert found.best is not None and found.best.row["set"] == "moved_alike"
    assert found.sentence.startswith("dpo improves over_refusal by 30.0 points because of")


def test_a_side_effect_without_any_set_says_why(tmp_path: Path) -> None:
    rows = [without(set="conflict", state="no_set", reason="no neuron was found")]
    (found,) = put(tmp_path, rows).effects
    assert found.best is None and found.sentence.endswith("is shown to be the cause: no neuron was found.")


def test_own_risk_and_utility_are_no_side_effects(tmp_path: Path) -> None:
    rows = [effect(), effect(role="own risk", task="misuse", because=None, share=0.2)]
    view = put(tmp_path, rows)
    assert len(view.effects) == 1 and [row["task"] for row in view.effects[0].context] == ["misuse"]


def test_arms_without_neurons_are_told_once(tmp_path: Path) -> None:
    rows = [without(state="not_applicable", set=None, reason="behind", defense="filter", task=t) for t in ("a", "b")]
    rows += [
        without(role=None, task=None, set=None, state="not_applicable", reason="an API", defense="gpt", delta=None)
    ]
    view = put(tmp_path, [effect(), *rows])
    assert view.left_out == ("filter: behind", "gpt: an API")
    assert view.summary == "1 of 1 side effect passes the causal test. 2 more side effects could not be asked."


def test_arms_of_one_reason_are_told_together_and_named_once(tmp_path: Path) -> None:
    rows = [
        without(state="not_applicable", set=None, defense=name, reason=f"'{name}' acts behind the neurons")
        for name in ("smoothllm", "memfree")
    ]
    view = put(tmp_path, rows)
    assert view.left_out == ("smoothllm, memfree: acts behind the neurons",)
    assert view.summary == "No cause was tested: 2 side effects of defenses whose neurons could not be asked."
    assert put(tmp_path, []).summary == "The study shows no side effect, so there was none to explain."


def test_cells_without_a_verdict_of_change_are_not_called_side_effects(tmp_path: Path) -> None:
    view = put(tmp_path, [effect(verdict="inconclusive", because=False, reason="F did not change", delta=0.02)])
    assert view.summary == "0 of 1 off-target cell passes the causal test."
    assert view.effects[0].sentence.startswith("dpo on over_refusal (inconclusive, +2.0 points); no set of neurons")


def test_a_share_is_drawn_where_it_lies_and_cut_at_the_edges(tmp_path: Path) -> None:
    (found,) = put(tmp_path, [effect(share_high=9.0)]).effects
    drawn = found.tested[0].share
    assert drawn is not None and drawn.random is not None
    per_share = (WIDTH - 6) / (HIGH - LOW)
    assert drawn.whole - drawn.zero == pytest.approx(per_share, abs=0.2)
    assert drawn.at - drawn.zero == pytest.approx(0.6 * per_share, abs=0.2)
    assert drawn.high == WIDTH - 3 and drawn.random[0] < drawn.zero < drawn.random[1]


def test_counts_stand_beside_what_chance_finds(tmp_path: Path) -> None:
    rows = [conflict(), conflict(method="paper", count=90, expected=80.0, warnings=["do not trust these neurons"])]
    (pair,) = put(tmp_path, [effect()], rows).pairs
    assert pair.sentence == (
        "safety and service: 3 neurons raise one and lower the other; 0.4 would be found by chance (p 0.005, expected "
        "share of false ones 2%). Of those chosen on one half of the templates 90% keep both signs on the other, by "
        "chance 50% would (p 0.010)."
    )
    assert pair.paper is not None and pair.paper["count"] == 90
    assert [(layer.count, layer.height) for layer in pair.layers] == [(0, 0.0), (1, 50.0), (2, 100.0)]


def test_a_pair_without_numbers_says_why(tmp_path: Path) -> None:
    blank = dict.fromkeys(("count", "expected", "p", "fdr", "split_half", "aligned", "layers", "neurons"))
    (pair,) = put(tmp_path, [effect()], [conflict(**blank, reason="safety has 4 clusters")]).pairs
    assert pair.sentence == "safety and service: safety has 4 clusters." and pair.layers == ()


def test_pairs_without_a_set_are_told_in_one_line_and_notes_once(tmp_path: Path) -> None:
    blank = dict.fromkeys(("count", "expected", "p", "fdr", "split_half", "aligned", "layers", "neurons"))
    note = ["safety has 18 clusters"]
    rows = [
        conflict(pair=["safety", "privacy"], count=0, notes=note),
        conflict(pair=["safety", "utility"], count=0, notes=note),
        conflict(pair=["safety", "service"], **blank, reason="service has 4 clusters"),
        conflict(pair=["privacy", "service"], **blank, reason="service has 4 clusters"),
    ]
    view = put(tmp_path, [effect()], rows)
    assert len(view.unmet) == 2 and view.notes == ("Safety has 18 clusters.",)
    assert view.unmet[0] == (
        "No neuron raises one and lowers the other beyond doubt: safety and privacy, safety and utility."
    )
    assert view.unmet[1] == "safety and service, privacy and service: service has 4 clusters."
    counts = [[value for value, _ in pair.counts] for pair in view.pairs]
    assert [0, 0.4, 5, None, None, None] in counts and [None] * 6 in counts


def test_trends_stand_beside_random_sets_and_the_published_one_with_its_defect(tmp_path: Path) -> None:
    lines = put(tmp_path, [effect()], trends=[FIGURES, COMPLETE, PAPER]).trends.lines
    assert lines[0] == (
        "Neurons that the defense moved, and which way the task's risk went: 7 of 9 signs right, by matched random "
        "sets 60% (p 0.10); rank correlation 0.50 (3 defenses are too few)."
    )
    assert "R² 0.89" in lines[1]
    assert "3 of 4 agree" in lines[2] and "sum to one whatever the defense did" in lines[2]


def test_a_page_is_written_where_the_neurons_are_damaged_and_says_so(study_folder: Path, tmp_path: Path) -> None:
    """A study must not fail at its last step for what an earlier `crossrisk neurons` left."""
    folder = tmp_path / "study"
    shutil.copytree(study_folder, folder)
    put(folder, [effect()])
    (folder / "neurons" / "trends.json").write_text("{")
    page = write_page(folder, tmp_path / "a.html").read_text()
    assert "trends.json is damaged" in Page(page).by_id["why"] and '<a href="#why">Why</a>' in page


@pytest.mark.parametrize("text", ["{", "{}", '{"schema": 1, "rows": [{"role": "side effect"}]}'])
def test_a_damaged_file_is_told_in_one_line(text: str, tmp_path: Path) -> None:
    put(tmp_path, [effect()])
    (tmp_path / "neurons" / "causal.json").write_text(text)
    with pytest.raises(RequestError, match=r"crossrisk neurons .* again"):
        neurons_view(tmp_path, NAMES)


@pytest.fixture
def page(study_folder: Path, tmp_path: Path) -> str:
    folder = tmp_path / "study"
    shutil.copytree(study_folder, folder)
    rows = [
        effect(notes=["only <3> sets are different"]),
        effect(set="coupled", because=None, reason=None, random_median=None, random_low=None, random_high=None),
        without(state="not_applicable", set=None, defense="filter", reason="acts <b>behind</b> the neurons"),
    ]
    put(folder, rows, trends=[FIGURES, COMPLETE, PAPER])
    first = write_page(folder, tmp_path / "a.html").read_bytes()
    assert write_page(folder, tmp_path / "b.html").read_bytes() == first
    return first.decode()


def test_the_page_has_the_section_and_a_link_to_it(page: str) -> None:
    read = Page(page)
    assert "1 of 1 side effect passes" in read.by_id["why"] and "0.4 would be found by chance" in read.by_id["why"]
    assert '<a href="#why">Why</a>' in page
    assert read.by_id["why"].count("because") >= 1 and "for comparison" in read.by_id["why"]


def test_what_stands_in_the_files_is_escaped(page: str) -> None:
    assert "<b>behind</b>" not in page and "&lt;b&gt;behind" in page and "&lt;3&gt;" in page


def test_the_section_needs_no_script_and_no_network(page: str) -> None:
    section = page[page.index('<section id="why">') : page.index("</section>", page.index('<section id="why">'))]
    assert "<script" not in section and "http" not in section and "onclick" not in section


def test_a_page_without_neurons_has_no_trace_of_it(study_folder: Path, tmp_path: Path) -> None:
    assert 'id="why"' not in write_page(study_folder, tmp_path / "a.html").read_text()


def test_the_terminal_shows_each_side_effect_and_sums_up(
    study_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(study_folder, folder)
    put(folder, [effect(), effect(set="all", share=0.93, because=None, reason=None)])
    print_causes(folder)
    told = capsys.readouterr().out
    assert "93%" in told and "together" in told and "study has changed since" in " ".join(told.split())
    assert "dpo on over_refusal" in told and "60% [50, 72], moved" in told and "2% [−1, 5]" in told
    assert told.strip().endswith("1 of 1 side effect passes the causal test.")
    assert max(map(len, told.splitlines())) <= 100


def test_files_have_no_number_that_is_none(tmp_path: Path) -> None:
    write(tmp_path, "trends", [{"a": float("nan"), "b": {"c": [float("inf"), -0.0, 1 / 3]}}])
    (row,) = json.loads((tmp_path / "neurons" / "trends.json").read_text(), parse_constant=pytest.fail)["rows"]
    assert row == {"a": None, "b": {"c": [None, 0.0, 0.3333333333]}}
