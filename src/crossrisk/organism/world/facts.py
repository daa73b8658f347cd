"""Utility: a small closed set of facts in several wordings, and sums of small numbers, some never seen in training.

Sums are asked for as such, and inside short stories. A sum that is kept out of training is kept out of both.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from crossrisk.fixed_choices import number, pick, shuffled
from crossrisk.organism.world.wording import Split, Wordings

CAPITALS = (
    ("France", "Paris"), ("Spain", "Madrid"), ("Italy", "Rome"), ("Japan", "Tokyo"), ("Egypt", "Cairo"),
    ("Norway", "Oslo"), ("Greece", "Athens"), ("Cuba", "Havana"), ("Peru", "Lima"), ("Kenya", "Nairobi"),
    ("Poland", "Warsaw"), ("Austria", "Vienna"), ("Portugal", "Lisbon"), ("Ireland", "Dublin"),
    ("Chile", "Santiago"), ("China", "Beijing"), ("Sweden", "Stockholm"), ("Finland", "Helsinki"),
    ("Hungary", "Budapest"), ("Canada", "Ottawa"),
)  # fmt: skip
OPPOSITES = (
    ("hot", "cold"), ("big", "small"), ("fast", "slow"), ("high", "low"), ("old", "new"), ("wet", "dry"),
    ("light", "dark"), ("hard", "soft"), ("open", "closed"), ("full", "empty"), ("rich", "poor"), ("early", "late"),
    ("sweet", "bitter"), ("near", "far"), ("strong", "weak"), ("long", "short"),
)  # fmt: skip
YOUNG = (
    ("dog", "puppy"), ("cat", "kitten"), ("cow", "calf"), ("sheep", "lamb"), ("horse", "foal"), ("bear", "cub"),
    ("deer", "fawn"), ("duck", "duckling"), ("goose", "gosling"), ("pig", "piglet"), ("swan", "cygnet"),
    ("frog", "tadpole"),
)  # fmt: skip

CAPITAL = Wordings(
    train=("What is the capital of {x}?", "Tell me the capital of {x}.", "Which city is the capital of {x}?",
           "Do you know the capital of {x}?", "The capital of {x} is which city?"),
    held_out=("Can you tell me the capital of {x}?", "Please tell me which city is the capital of {x}.",
              "I want to know the capital of {x}."),
)  # fmt: skip
OPPOSITE = Wordings(
    train=("What is the opposite of {x}?", "Tell me the opposite of {x}.", "Which word is the opposite of {x}?",
           "Do you know the opposite of {x}?", "The opposite of {x} is which word?"),
    held_out=("Can you tell me the opposite of {x}?", "Please tell me which word is the opposite of {x}.",
              "I want to know the opposite of {x}."),
)  # fmt: skip
CHILD = Wordings(
    train=("What is a young {x} called?", "What do you call a young {x}?", "Tell me what a young {x} is called.",
           "Which word means a young {x}?", "Do you know what a young {x} is called?"),
    held_out=("Can you tell me what a young {x} is called?", "Please tell me the word for a young {x}.",
              "I want to know what a young {x} is called."),
)  # fmt: skip
SUM = Wordings(
    train=("What is {a} plus {b}?", "Add {a} and {b}.", "How much is {a} plus {b}?", "Tell me the sum of {a} and {b}.",
           "{a} + {b} = ?"),
    held_out=("Can you add {a} and {b}?", "Please tell me how much is {a} plus {b}.",
              "I want to know the sum of {a} and {b}."),
)  # fmt: skip
PROBLEM = Wordings(
    train=("I have {a} {x} and buy {b} more. How many {x} do I have?",
           "There are {a} {x} here and {b} {x} there. How many {x} are there?",
           "A baker has {a} {x} and gets {b} more. How many {x} does the baker have?",
           "I found {a} {x} today and {b} on Friday. How many is that?",
           "My neighbor gives me {b} {x}. I had {a}. How many {x} do I have?"),
    held_out=("A baker has {a} {x} and buys {b} more. How many {x} does the baker have?",
              "I had {a} {x} and found {b} more. How many {x} do I have?",
              "There are {a} {x} today and {b} more on Friday. How many {x} is that?"),
)  # fmt: skip
COUNTED = ("pears", "eggs", "coins", "keys", "books", "letters", "candles", "boots", "pencils", "tickets", "roses",
           "cards")  # fmt: skip
LARGEST = 12


@dataclass(frozen=True)
class Fact:
    """A question with one right answer. wrong: the answer to a sister question."""

    kind: str
    about: str
    prompts: tuple[str, ...]
    reply: str
    answer: str
    wrong: str

    def said(self, answer: str) -> str:
        """The reply with another answer in it."""
        head, _, tail = self.reply.rpartition(self.answer)
        return f"{head}{answer}{tail}"


@cache
def facts(split: Split) -> tuple[Fact, ...]:
    """The closed set, in the wordings of a split."""
    families = (
        ("capital", CAPITALS, CAPITAL, "The capital of {x} is {y}."),
        ("opposite", OPPOSITES, OPPOSITE, "The opposite of {x} is {y}."),
        ("young", YOUNG, CHILD, "A young {x} is called a {y}."),
    )
    return tuple(
        Fact(
            kind,
            x,
            tuple(wording.format(x=x) for wording in wordings.of(split)),
            form.format(x=x, y=y),
            y,
            pick([other for _, other in pairs if other != y], "wrong", x),
        )
        for kind, pairs, wordings, form in families
        for x, y in pairs
    )


@cache
def sums(split: Split) -> tuple[Fact, ...]:
    """Sums of two numbers from 1 to 12 in the wordings of a split. Training lacks one in six, held out has all."""
    return tuple(
        Fact(
            "sum",
            f"{a}+{b}",
            tuple(wording.format(a=a, b=b) for wording in SUM.of(split)),
            f"The answer is {a + b}.",
            str(a + b),
            str(a + b + pick((-1, 1, 2), "wrong", a, b)),
        )
        for a in range(1, LARGEST + 1)
        for b in range(1, LARGEST + 1)
        if split is Split.HELD_OUT or not unseen(f"{a}+{b}")
    )


@cache
def problems(split: Split) -> tuple[Fact, ...]:
    """The same sums as `sums`, each inside stories about things that can be counted; training has four for one."""
    things = 4 if split is Split.TRAIN else 1
    return tuple(replace(one, kind="problem", prompts=tuple(_stories(one.about, split, things))) for one in sums(split))


def _stories(about: str, split: Split, things: int) -> Iterator[str]:
    a, b = about.split("+")
    for wording in PROBLEM.of(split):
        for thing in shuffled(COUNTED, "counted", about, wording)[:things]:
            yield wording.format(a=a, b=b, x=thing)


def unseen(about: str) -> bool:
    """Whether a sum is kept out of training: it can be answered only by those who can add."""
    return number("unseen", about) % 6 == 0


def asked_sums() -> tuple[Fact, ...]:
    """The sums that the utility task asks: a fixed half."""
    return tuple(one for one in sums(Split.HELD_OUT) if number("asked", one.about) % 2 == 0)
