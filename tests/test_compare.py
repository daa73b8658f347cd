"""`crossrisk compare`: the statistics of a study on scores that were recorded anywhere, and what is said of them."""

import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossrisk.cli import main
from crossrisk.comparison import FILES, compare_files
from crossrisk.errors import RequestError
from crossrisk.interactions import InteractionRow, compare
from crossrisk.interactions.corrections import holm
from crossrisk.logs import Columns
from crossrisk.logs.orientation import Scale

RUNS = Path(__file__).parent / "logs" / "lm_eval"
Rows = list[dict[str, Any]]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `crossrisk compare` and gives its exit code, output and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["crossrisk", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def write(path: Path, rows: Rows) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def arms(folder: Path, first: Sequence[float | None], second: Sequence[float | None], **more: Any) -> tuple[Path, Path]:
    """Both arms as plain rows of risks. more: further columns, the same in both, a value a row."""
    paths = []
    for name, risks in (("a.jsonl", first), ("b.jsonl", second)):
        rows = [{"id": f"q{n}", "risk": risk} for n, risk in enumerate(risks)]
        paths.append(write(folder / name, [row | {c: v[n] for c, v in more.items()} for n, row in enumerate(rows)]))
    return paths[0], paths[1]


def drawn(kind: str, n: int = 60) -> tuple[list[float | None], list[float | None]]:
    rng = np.random.default_rng(7)
    if kind == "graded":
        first, second = rng.beta(2, 5, n), rng.beta(3, 5, n)
    else:
        first, second = (rng.random(n) < 0.2).astype(float), (rng.random(n) < 0.5).astype(float)
    known: list[list[float | None]] = [[float(value) for value in arm] for arm in (first, second)]
    known[1][3] = None
    return known[0], known[1]


@pytest.mark.parametrize("kind", ["yes or no", "graded"])
@pytest.mark.parametrize("clustered", [False, True])
def test_the_numbers_are_those_of_the_arrays(kind: str, clustered: bool, tmp_path: Path) -> None:
    first, second = drawn(kind)
    clusters = [f"template {n // 5}" for n in range(len(first))]
    paths = arms(tmp_path, first, second, **({"cluster": clusters} if clustered else {}))
    (row,) = compare_files(*paths, alpha=0.1, margin=0.2).rows
    before, after = (np.array([np.nan if risk is None else risk for risk in arm]) for arm in (first, second))
    effect = compare(
        before, after, clusters=clusters if clustered else None, alpha=0.1, margin=0.2, smallest_effect=0.03
    )
    for name in ("n", "clusters", "p", "verdict", "mde", "flips_up", "flips_down"):
        assert getattr(row, name) == getattr(effect, name), name
    for name in ("base", "defended", "delta", "ci_low", "ci_high", "equivalence_low", "equivalence_high", "rcr"):
        assert getattr(row, name) == pytest.approx(getattr(effect, name), abs=1e-12), name
    assert (row.invalid_base, row.invalid_defended) == (0, 1)


def test_all_cells_that_are_compared_are_the_family_of_holm(tmp_path: Path) -> None:
    tasks, rng = [f"task {n % 4}" for n in range(200)], random.Random(3)
    first = [float(rng.random() < 0.3) for _ in tasks]
    second = [float(rng.random() < 0.3 + 0.15 * (n % 4)) for n in range(len(tasks))]
    rows = compare_files(*arms(tmp_path, first, second, task=tasks)).rows
    assert [row.p_adjusted for row in rows] == holm([row.p for row in rows])
    assert {row.family for row in rows} == {"primary"}


@pytest.mark.parametrize("name", ["null", "sham_dpo"])
def test_an_arm_is_no_control_because_of_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    for samples in (RUNS / "after").glob("samples_*"):
        shutil.copy(samples, tmp_path / name)
    rows = compare_files(RUNS / "before", tmp_path / name).rows
    assert {(row.defense, row.family) for row in rows} == {(name, "primary")}


def test_the_order_of_rows_changes_no_byte_and_an_exchange_of_arms_turns_the_change(tmp_path: Path) -> None:
    first, second = arms(tmp_path, *drawn("graded"), cluster=[f"t{n % 9}" for n in range(60)])
    here = compare_files(first, second)
    shuffled = first.read_text(encoding="utf-8").splitlines()
    random.Random(1).shuffle(shuffled)
    first.write_text("\n".join(shuffled), encoding="utf-8")
    assert compare_files(first, second).to_json() == here.to_json()
    (row,), (turned,) = here.rows, compare_files(second, first).rows
    assert turned.p == row.p
    for name, other in (("delta", "delta"), ("ci_low", "ci_high"), ("ci_high", "ci_low")):
        assert getattr(turned, name) == pytest.approx(-getattr(row, other), abs=1e-12)


def test_of_a_score_of_which_larger_is_better_a_loss_is_a_risk(tmp_path: Path) -> None:
    first, second = (
        write(tmp_path / f"{n}.jsonl", [{"id": i, "score": s} for i in range(20)]) for n, s in ((1, 9), (2, 3))
    )
    with pytest.raises(RequestError, match="nothing says whether a larger score is riskier or better"):
        compare_files(first, second)
    found = compare_files(first, second, scale=Scale(("better",), 1, 10))
    (row,) = found.rows
    assert (row.metric, row.verdict) == ("(10 − score) / 9", "worsens")
    assert (row.base, row.defended) == (pytest.approx(1 / 9), pytest.approx(7 / 9))
    assert found.notes == ["score: risk is (10 − score) / 9, since a larger score is better: as --larger-is says"]


NOTHING = {"n": 0, "base": None, "delta": None, "p": None, "verdict": "not_applicable"}
OPEN = {"p": 1.0, "mde": None, "verdict": "inconclusive"}
DEGENERATE: list[tuple[str, list[float | None], list[float | None], dict[str, Any], dict[str, Any]]] = [
    ("one pair", [0.0], [1.0], {}, OPEN | {"n": 1, "delta": 1.0}),
    ("one graded pair", [0.5], [0.75], {}, OPEN | {"n": 1, "delta": 0.25, "ci_low": None}),
    ("one cluster", [0.0] * 9, [1.0] * 9, {"cluster": ["t"] * 9}, OPEN | {"n": 9, "clusters": 1, "ci_low": None}),
    ("all of B invalid", [0.0] * 3, [None] * 3, {}, NOTHING | {"invalid_base": 0, "invalid_defended": 3}),
    ("no pair valid in both", [0.0, None], [None, 1.0], {}, NOTHING),
    ("identical arms", [0.0, 1.0] * 100, [0.0, 1.0] * 100, {}, {"delta": 0.0, "p": 1.0, "verdict": "no_effect"}),
]


@pytest.mark.parametrize(
    ("first", "second", "columns", "answer"), [case[1:] for case in DEGENERATE], ids=[c[0] for c in DEGENERATE]
)
def test_degenerate_comparisons_have_defined_answers(
    first: list[float | None],
    second: list[float | None],
    columns: dict[str, Any],
    answer: dict[str, Any],
    tmp_path: Path,
    command: Command,
) -> None:
    paths = arms(tmp_path, first, second, **columns)
    (row,) = compare_files(*paths).rows
    assert {name: getattr(row, name) for name in answer} == answer
    code, out, _ = command(*paths)
    assert (code, "nan" in out.lower(), "None" in out) == (0, False, False)


def test_replies_that_b_lost_withdraw_an_improvement(tmp_path: Path) -> None:
    rows = compare_files(*arms(tmp_path, [1.0] * 40 + [0.0] * 60, [0.0] * 30 + [None] * 70)).rows
    assert (rows[0].verdict, rows[0].invalid_defended) == ("inconclusive", 70)


def test_groups_are_compared_where_there_are_any(tmp_path: Path, command: Command) -> None:
    first, second = drawn("yes or no")
    paths = arms(tmp_path, first, second, group=["north" if n % 2 else None for n in range(60)], who=["x", "y"] * 30)
    assert [(row.group, row.n) for row in compare_files(*paths).groups.rows] == [("north", 29)]
    by_who = compare_files(*paths, columns=Columns(group="who")).groups.rows
    assert [(row.group, row.n) for row in by_who] == [("x", 30), ("y", 29)]
    assert "By group" in command(*paths)[1]
    with pytest.raises(RequestError, match="60 of 60 samples have no region, such as 'q0'"):
        compare_files(*paths, columns=Columns(group="region"))


def test_json_is_that_of_interactions_and_notes_go_elsewhere(tmp_path: Path, command: Command) -> None:
    paths = arms(tmp_path, *drawn("yes or no"))
    code, out, err = command(*paths, "--json")
    found = json.loads(out)
    assert (code, found["schema"], list(found["rows"][0])) == (0, 1, [field.name for field in fields(InteractionRow)])
    assert found["rows"][0]["defense"] == "b.jsonl"
    assert (
        err == "crossrisk: risk: risk is the score itself, since a larger score is riskier: 'risk' is called a risk\n"
    )


def test_the_table_says_what_was_found_in_words(tmp_path: Path, command: Command) -> None:
    code, out, err = command(*arms(tmp_path, [0.0] * 50, [0.0] * 30 + [1.0] * 20))
    assert (code, err) == (0, "")
    assert "b.jsonl worsens scores:risk by +40.0 points" in out
    assert "▲ scores:risk" in out
    assert max(map(len, out.splitlines())) <= 100


def test_results_are_written_to_a_folder_of_their_own(tmp_path: Path, command: Command) -> None:
    paths, out = arms(tmp_path, *drawn("yes or no"), group=["x"] * 60), tmp_path / "out"
    for _ in range(2):  # a comparison may be made anew
        assert command(*paths, "--out", out)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert (out / "interactions.json").read_text(encoding="utf-8") == compare_files(*paths).to_json()
    about = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert (about["first"], about["second"], about["alpha"]) == (*map(str, paths), 0.05)
    assert json.loads((out / "groups.json").read_text(encoding="utf-8"))["rows"][0]["group"] == "x"


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path, command: Command) -> None:
    paths, out = arms(tmp_path, [0.0], [1.0]), tmp_path / "study"
    out.mkdir()
    for name in ("manifest.json", "interactions.json"):
        (out / name).write_text("{}", encoding="utf-8")
        code, _, err = command(*paths, "--out", out)
        assert (code, err) == (
            2,
            f"crossrisk: {out} holds files that are no comparison: choose an empty or a new folder\n",
        )
        assert [path.name for path in out.iterdir()] == [name]
        (out / name).unlink()
    assert "is a file" in command(*paths, "--out", paths[0])[2]


def test_logs_of_lm_eval_are_compared_task_by_task(command: Command) -> None:
    code, out, _ = command(RUNS / "before", RUNS / "after")
    assert code == 0
    assert "toy_colours:acc_norm" in out and "toy_sums:exact_match,strict" in out
    assert "B: toy_prose:word_perplexity is left out" in out
    code, out, _ = command(RUNS / "before", RUNS / "after", "--metric", "acc", "--json")
    (row,) = json.loads(out)["rows"]
    accuracies = results("before")["acc,none"], results("after")["acc,none"]
    assert (row["task"], row["source"], row["metric"]) == ("toy_colours", "acc", "1 − acc")
    assert (row["base"], row["defended"]) == tuple(pytest.approx(1 - accuracy) for accuracy in accuracies)


def results(run: str) -> dict[str, float]:
    """What lm-eval itself reports of the toy task."""
    found = json.loads(next((RUNS / run).glob("results_*.json")).read_text(encoding="utf-8"))
    return dict(found["results"]["toy_colours"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--metric", "acd"], "unknown metric in A, 'acd': did you mean acc?"),
        (["--metric", "word_perplexity"], "its rows hold a list, no score of one document: choose others by --metric"),
        (["--metric", "acc", "--cluster", "seed"], "24 of 24 samples have no seed, such as '0'"),
        (["--despite", "decodings"], "unknown kind of difference in --despite 'decodings'"),
        (["--larger-is", "worse"], "unknown direction in --larger-is 'worse'"),
        (["--range", "1", "0"], "--range 1 0: give the lowest score first"),
        (["--range", "0", "inf"], "--range 0 inf: give the lowest score first"),
        (["--alpha", "0.7"], "alpha must lie in (0, 0.5) and margin in (0, 1), got 0.7 and 0.05"),
        (["--margin", "0"], "alpha must lie in (0, 0.5) and margin in (0, 1)"),
        (["--arms", "base,dpo"], "name two logs, A and B, or the folder of one study"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(arguments: list[str], says: str, command: Command) -> None:
    code, out, err = command(RUNS / "before", RUNS / "after", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_arms_of_lm_eval_that_were_asked_otherwise_are_compared_only_on_request(command: Command) -> None:
    first, second = (next((RUNS / run).glob("samples_toy_sums_*")) for run in ("before", "shots"))
    code, _, err = command(first, second)
    assert code == 2
    assert "decoding: generation max_gen_toks 16 and 32; prompt: num_fewshot 0 and 1, text of prompts (in 8 of 8" in err
    assert command(first, second, "--despite", "decoding")[0] == 2
    code, out, _ = command(first, second, "--despite", "decoding,prompt")
    assert code == 0
    assert "compared despite another decoding" in out


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["yes or no", "graded"])
def test_a_hundred_thousand_rows_are_compared_in_seconds(kind: str, tmp_path: Path) -> None:
    paths = arms(tmp_path, *drawn(kind, 100_000))
    started = time.process_time()
    assert compare_files(*paths).rows[0].n == 99_999
    assert time.process_time() - started < 30
