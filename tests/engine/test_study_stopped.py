"""A study that broke, was stopped or was killed keeps what is done and goes on from there."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crossrisk.engine import execute
from crossrisk.errors import RequestError, StudyStopped
from crossrisk.pipeline import report
from tests.engine import fakes
from tests.engine.fakes import SAMPLES, FakeTarget, fake_study
from tests.engine.stored import asked, rows_of

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_stopped_study_keeps_what_it_did_not_come_to_and_can_be_reported(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    fake_study(tasks=["chosen:fake"]).run(tmp_path / "s")
    rows = len(rows_of(tmp_path / "s"))

    def interrupted(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(execute, "ask", interrupted)
    with pytest.raises(StudyStopped):
        fake_study().run(tmp_path / "s")
    report(tmp_path / "s")
    assert len(rows_of(tmp_path / "s")) == rows


def test_an_arm_that_breaks_keeps_its_finished_cells(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    fake_study(tasks=["asked:fake"]).run(tmp_path / "s")
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "another-cache"))

    def broken(*arguments: Any, **named: Any) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(fakes.FakeDefense, "fit", broken)
    results = fake_study().run(tmp_path / "s")
    assert {(cell["arm"], cell["task"]) for cell in results.failures} == {("calm", "chosen"), ("calmer", "chosen")}
    assert all("smaller batch_size" in cell["problem"] for cell in results.failures)
    rows = {(row["defense"], row["task"]): row for row in rows_of(tmp_path / "s")}
    assert rows["calmer", "asked"]["n"] == SAMPLES


def test_a_cell_that_breaks_is_told_and_does_not_stop_the_others(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget(breaks_on="asked question 7"))
    results = fake_study().run(tmp_path / "s")
    assert {(cell["arm"], cell["task"]) for cell in results.failures} == {
        (arm, "asked") for arm in ("base", "null", "sham", "calm", "calmer")
    }
    assert all("the fake model broke" in cell["problem"] for cell in results.failures)
    rows = {(row["defense"], row["task"]): row for row in rows_of(tmp_path / "s")}
    assert rows["calmer", "chosen"]["n"] == SAMPLES
    assert rows["calmer", "asked"]["verdict"] == "not_applicable"
    assert rows["calmer", "asked"]["delta"] is None


def test_a_repaired_study_goes_on_where_it_broke(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget(breaks_on="asked question 7"))
    study = fake_study(tasks=["asked:fake"], defenses=[], controls=False)
    study.run(tmp_path / "s")
    stored = list((tmp_path / "s" / "outcomes").rglob("*.parquet"))
    kept = {sample for path in stored for sample in pl.read_parquet(path)["sample_id"]}
    log = tmp_path / "log"
    fake(FakeTarget(log=log))
    assert not study.run(tmp_path / "s").failures
    again = {f"asked-{line.rsplit(' ', 1)[1]}" for line in asked(log)}
    assert again == {f"asked-{n}" for n in range(SAMPLES)} - kept


def test_an_interrupt_keeps_what_is_done(fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(FakeTarget())
    calls = []

    def interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    real = execute.ask
    monkeypatch.setattr(execute, "ask", interrupted)
    with pytest.raises(StudyStopped, match="Run the same command to go on") as caught:
        fake_study().run(tmp_path / "s")
    assert caught.value.exit_code == 3
    assert len(list((tmp_path / "s" / "outcomes").rglob("*.parquet"))) == 3
    assert json.loads((tmp_path / "s" / "manifest.json").read_text())["state"] == "stopped"


def test_a_full_disk_is_told_in_one_line_and_keeps_what_is_done(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    import crossrisk.engine.store as store

    real, written = store.write_atomically, []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) > 6:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(store, "write_atomically", full)
    with pytest.raises(StudyStopped, match="the disk is full") as caught:
        fake_study().run(tmp_path / "s")
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(store, "write_atomically", real)
    assert not fake_study().run(tmp_path / "s").failures


def test_a_second_process_on_the_folder_says_so_and_stops(fake: Any, tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.fakes", str(tmp_path / "s"), str(tmp_path / "log"), "0.2"],
        stdout=subprocess.PIPE,
    )
    try:
        while not (tmp_path / "log").exists():
            time.sleep(0.02)
        fake(FakeTarget())
        with pytest.raises(RequestError, match="another process is running a study"):
            fake_study().run(tmp_path / "s")
    finally:
        first.kill()
        first.wait()


def test_a_study_killed_at_twenty_random_moments_ends_as_an_undisturbed_one_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    """`kill -9` again and again on one folder; each life must leave a folder from which the next goes on."""

    def command(folder: str, log: Path) -> list[str]:
        return [sys.executable, "-m", "tests.engine.fakes", str(tmp_path / folder), str(log), "0.05"]

    def environment(name: str) -> dict[str, str]:
        return {**os.environ, "CROSSRISK_CACHE": str(tmp_path / name)}

    undisturbed = tmp_path / "whole-log"
    started = time.monotonic()
    subprocess.run(command("whole", undisturbed), env=environment("cache-a"), check=True, stdout=subprocess.DEVNULL)
    life = time.monotonic() - started
    moments, log = random.Random(7), tmp_path / "log"
    for _ in range(20):
        stored = stored_samples(tmp_path / "killed")
        before = asked(log)
        process = subprocess.Popen(
            command("killed", log), env=environment("cache-b"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.3, 1.0) * life)
        process.send_signal(signal.SIGKILL)
        process.wait()
        repeated = {line for line in asked(log) - before if line in stored and line not in canaries()}
        assert not repeated
    subprocess.run(command("killed", log), env=environment("cache-b"), check=True, stdout=subprocess.DEVNULL)
    for name in ("interactions.json", "groups.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list((tmp_path / "killed").rglob(".writing-*"))


def canaries() -> set[str]:
    """The guard asks its few prompts in every life; they are no cells."""
    first = [f"asked question {n}" for n in range(8)] + ["chosen question 0"]
    return {f"{arm} {prompt}" for arm in ("0.0/0", "0.0/1", "-0.2/0") for prompt in first}


def stored_samples(folder: Path) -> set[str]:
    """Log lines of all samples that are stored; those of the plain model only where base and null both have them."""
    stored = {arm: stored_in(folder, arm) for arm in ("base", "null", "sham", "calm")}
    return (
        {f"0.0/0 {prompt}" for prompt in stored["base"] & stored["null"]}
        | {f"0.0/1 {prompt}" for prompt in stored["sham"]}
        | {f"-0.2/0 {prompt}" for prompt in stored["calm"]}
    )


def stored_in(folder: Path, arm: str) -> set[str]:
    """Prompts of the generating task whose outcomes are stored; those that only score are not logged one by one."""
    files = (folder / "outcomes" / arm / "asked").glob("[!.]*.parquet")
    return {
        f"asked question {sample.rsplit('-', 1)[1]}" for file in files for sample in pl.read_parquet(file)["sample_id"]
    }
