"""`python -m benchmarks`: time ours against the plain way in one run, and write `benchmarks/RESULTS.md`."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.contest import Result
from benchmarks.generation import NEW_TOKENS, generation, plain_generate
from benchmarks.interactions import cells_beside_others, matrix_of_ten_million
from benchmarks.judging import judging
from benchmarks.models import Question, targets
from benchmarks.scoring import naive_scores, scoring
from benchmarks.whole_runs import HEADING, public_sources, world_suite
from crossrisk.risks import Chat
from crossrisk.targets.target import GenerationConfig, Target

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    results: list[tuple[str, Result]] = []
    for target, chats, questions in targets():
        check_agreement(target, chats, questions)
        for result in (*generation(target, chats), *scoring(target, questions)):
            results.append((target.name, result))
            print(*rows(target.name, result), sep="\n", flush=True)
    judged = judging()
    results.append(("refusal", judged))
    print(*rows("refusal", judged), sep="\n", flush=True)
    for result in cells_beside_others():
        results.append(("statistics", result))
        print(*rows("statistics", result), sep="\n", flush=True)
    whole = [world_suite(), matrix_of_ten_million(), *([public_sources()] if os.environ.get("CROSSRISK_DATA") else [])]
    print(*(run.row() for run in whole), sep="\n", flush=True)
    lines = [*heading(), *(row for result in results for row in rows(*result))]
    RESULTS.write_text("\n".join([*lines, "", *HEADING, *(run.row() for run in whole), ""]))
    print(f"written to {RESULTS}")


def check_agreement(target: Target, chats: list[Chat], questions: list[Question]) -> None:
    """Speed counts only where the results are the same."""
    ours = [reply.text for reply in target.generate(chats, GenerationConfig(NEW_TOKENS))]
    plain = plain_generate(target, chats, 1)
    differing = sum(a != b for a, b in zip(ours, plain, strict=True))
    asked = [chat for chat, options in questions for _ in options]
    options = [option for _, options in questions for option in options]
    totals = naive_scores(target, asked, options, 1)
    worst = max(abs(score.total - total) for score, total in zip(target.score(asked, options), totals, strict=True))
    if differing or worst > 1e-3:
        raise SystemExit(f"{target.name}: {differing} replies differ, and scores by up to {worst:.1e} nats")


def heading() -> list[str]:
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    if torch.cuda.is_available():
        machine += f", {torch.cuda.get_device_name()}"
    return [
        "# Side by side",
        "",
        f"`make bench` on {machine}, {torch.get_num_threads()} threads, Python {platform.python_version()}, "
        f"torch {version('torch')}, transformers {version('transformers')}. Contenders take turns in one run; "
        "before it, ours are checked to give the replies and scores of the plain way, one by one. Seconds are medians "
        "of five rounds; a ratio above 1 says how many times as long the plain way takes.",
        "",
        "| model | work | contender | seconds | ratio |",
        "|---|---|---|---:|---:|",
    ]


def rows(model: str, result: Result) -> list[str]:
    return [
        f"| {model} | {result.work} | {name} | {seconds:.3f} | {result.ratio(name):.2f} |"
        for name, seconds in result.seconds.items()
    ]


if __name__ == "__main__":
    main()
