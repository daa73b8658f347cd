"""`docs/sources.md` says of every source what the registry says. `python -m tests.sources.test_docs` writes it anew."""

from pathlib import Path

from crossrisk.registry import SOURCES
from crossrisk.sources.source import Source

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
BEGIN, END = "<!-- made from the registry: begin -->", "<!-- made from the registry: end -->"


def public() -> list[Source]:
    return [source for source in (SOURCES.get(name) for name in SOURCES) if source.files]


def made() -> str:
    """The part of the page that the registry knows: a table, then what each source is good for and where it is from."""
    table = [
        "| source | tasks | licence | reference | download |",
        "|---|---|---|---|---|",
        *(
            f"| [`{source.name}`](#{source.name}) | {', '.join(f'`{task}`' for task in source.loaders)} "
            f"| {source.licence} | {source.citation} | {_size(source)} |"
            for source in public()
        ),
    ]
    return "\n".join([*table, "", *(line for source in public() for line in _about(source))]).rstrip()


def _size(source: Source) -> str:
    by_hand = any(file.extract is not None and file.extract.of is None for file in source.files)
    files = f"{len(source.files)} file{'s' if len(source.files) > 1 else ''}"
    return f"{files}, {sum(file.size for file in source.files) / 1e6:.2f} MB{', one by hand' if by_hand else ''}"


def _about(source: Source) -> list[str]:
    origins = dict.fromkeys((file.repository, file.revision) for file in source.files)
    pinned = ", ".join(f"[{repository.split('/', 3)[3]}]({repository}) at `{rev[:12]}`" for repository, rev in origins)
    return [
        *(f"### {source.name}", "", f"Good for: {source.good_for}.", "", f"Flaws: {source.flaws}.", ""),
        *(f"From {pinned}.", ""),
    ]


def test_the_page_is_what_the_registry_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(f"{BEGIN}\n")[2].partition(f"\n{END}")[0] == made(), (
        "docs/sources.md is not what the registry says: run python -m tests.sources.test_docs"
    )


def test_a_sentence_of_a_source_is_one_sentence_without_a_full_stop() -> None:
    assert [s.name for s in public() if s.good_for.endswith(".") or s.flaws.endswith(".")] == []
    assert [s.name for s in public() if "\n" in s.good_for + s.flaws or "|" in s.licence + s.citation] == []


if __name__ == "__main__":
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    PAGE.write_text(f"{head}{BEGIN}\n{made()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
