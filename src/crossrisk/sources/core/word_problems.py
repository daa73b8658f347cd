"""Word problems with exact answers: thirty stories, each with several sets of numbers.

The kind of problem is that of GSM8K (arXiv 2110.14168), two to four steps of school arithmetic; the stories are ours.
Numbers hang on the story and the variant alone, and every answer is a whole number.
"""

from collections.abc import Callable
from dataclasses import dataclass

from crossrisk.fixed_choices import number


@dataclass(frozen=True)
class Numbers:
    """Draws the numbers of one variant of one story."""

    story: str
    variant: int

    def __call__(self, name: str, low: int, high: int, step: int = 1) -> int:
        """A number from low to high, both included, in steps."""
        return low + step * (number(self.story, self.variant, name) % ((high - low) // step + 1))


Problem = tuple[str, int]
Story = Callable[[Numbers], Problem]


def _bakery(of: Numbers) -> Problem:
    trays, rolls, sold = of("trays", 4, 9), of("rolls", 12, 24), of("sold", 20, 45)
    text = f"A bakery fills {trays} trays with {rolls} rolls each. By noon {sold} rolls are sold. How many are left?"
    return text, trays * rolls - sold


def _library(of: Numbers) -> Problem:
    fee, days, books, paid = of("fee", 2, 5), of("days", 3, 12), of("books", 2, 5), of("paid", 350, 500, 50)
    return (
        f"A library takes {fee} cents a day for each late book. Ove brings back {books} books that are all {days} days "
        f"late and pays with {paid} cents. How many cents does he get back?",
        paid - fee * days * books,
    )


def _train(of: Numbers) -> Problem:
    start, on, off, more = of("start", 80, 240), of("on", 15, 60), of("off", 10, 40), of("more", 5, 30)
    return (
        f"A train leaves with {start} passengers. At the first stop {off} get off and {on} get on; at the second, "
        f"{more} more get on and nobody gets off. How many passengers are then on the train?",
        start - off + on + more,
    )


def _garden(of: Numbers) -> Problem:
    long, wide, gate = of("long", 12, 40), of("wide", 6, 11), of("gate", 2, 4)
    return (
        f"A garden is {long} metres long and {wide} metres wide. Its owner puts a fence around it but leaves a gap of "
        f"{gate} metres for the gate. How many metres of fence does that take?",
        2 * (long + wide) - gate,
    )


def _savings(of: Numbers) -> Problem:
    weekly, weeks, gift = of("weekly", 3, 9), of("weeks", 6, 20), of("gift", 10, 40, 5)
    price = weekly * weeks + gift
    return (
        f"Milla wants a tent that costs {price} crowns. Her aunt gives her {gift} crowns, and Milla saves {weekly} "
        "crowns a week. After how many weeks can she buy the tent?",
        weeks,
    )


def _eggs(of: Numbers) -> Problem:
    hens, days, used = of("hens", 6, 15), of("days", 5, 10), of("used", 4, 24)
    return (
        f"Each of {hens} hens lays one egg a day. After {days} days the farmer keeps {used} eggs for herself and fills "
        "boxes of six with the others. How many boxes can she fill completely?",
        (hens * days - used) // 6,
    )


def _ages(of: Numbers) -> Problem:
    young, times, later = of("young", 7, 12), of("times", 3, 5), of("later", 5, 15)
    return (
        f"Bo is {young} years old and his aunt is {times} times as old. How old will she be in {later} years?",
        young * times + later,
    )


def _tickets(of: Numbers) -> Problem:
    adult, child, adults, children = of("adult", 9, 15), of("child", 4, 8), of("adults", 2, 5), of("children", 2, 9)
    return (
        f"At the zoo, a ticket costs {adult} coins for an adult and {child} coins for a child. What do {adults} adults "
        f"and {children} children pay together?",
        adult * adults + child * children,
    )


def _ribbon(of: Numbers) -> Problem:
    piece, pieces, rest = of("piece", 15, 45, 5), of("pieces", 4, 11), of("rest", 3, 14)
    return (
        f"A ribbon is {piece * pieces + rest} centimetres long. Irma cuts off {pieces} pieces of {piece} centimetres. "
        "How many centimetres of ribbon remain?",
        rest,
    )


def _walk(of: Numbers) -> Problem:
    speed, hours, left = of("speed", 3, 6), of("hours", 2, 6), of("left", 2, 9)
    return (
        f"A path is {speed * hours + left} kilometres long. Tam walks {hours} hours at {speed} kilometres an hour. How "
        "many kilometres does he still have to go?",
        left,
    )


def _cinema(of: Numbers) -> Problem:
    rows, seats, empty, price = of("rows", 8, 18), of("seats", 10, 20), of("empty", 5, 50), of("price", 6, 12)
    return (
        f"A cinema has {rows} rows of {seats} seats. Tonight {empty} seats stay empty, and every ticket costs {price} "
        "coins. How many coins does the cinema take in?",
        (rows * seats - empty) * price,
    )


def _paint(of: Numbers) -> Problem:
    walls, each, bucket = of("walls", 3, 8), of("each", 6, 15, 3), 3
    return (
        f"A school paints {walls} walls. Every wall needs {each} litres of paint, and a bucket holds {bucket} litres. "
        "How many buckets are needed?",
        walls * each // bucket,
    )


def _discount(of: Numbers) -> Problem:
    price, percent, ship = of("price", 40, 200, 20), of("percent", 10, 40, 5), of("ship", 3, 9)
    return (
        f"A coat costs {price} coins. In the sale it is {percent} percent cheaper, and sending it costs {ship} coins "
        "more. How many coins does a customer pay who has it sent?",
        price - price * percent // 100 + ship,
    )


def _orchard(of: Numbers) -> Problem:
    trees, kilos, people = of("trees", 5, 12), of("kilos", 10, 40, 5), of("people", 2, 5)
    return (
        f"{people} sisters pick apples from {people * trees} trees that bear {kilos} kilos each, and share the harvest "
        "equally. How many kilos does each of them get?",
        trees * kilos,
    )


def _printer(of: Numbers) -> Problem:
    per, minutes, copies = of("per", 8, 30), of("minutes", 3, 12), of("copies", 2, 6)
    return (
        f"A printer makes {per} pages a minute. It needs {minutes * copies} minutes for {copies} copies of a booklet. "
        "How many pages does one booklet have?",
        per * minutes,
    )


def _clock(of: Numbers) -> Problem:
    minutes, lessons, breaks = of("minutes", 40, 50, 5), of("lessons", 3, 6), of("breaks", 5, 20, 5)
    return (
        f"A school morning has {lessons} lessons of {minutes} minutes with a break of {breaks} minutes between one "
        "lesson and the next. How many minutes does the morning last?",
        lessons * minutes + (lessons - 1) * breaks,
    )


def _marbles(of: Numbers) -> Problem:
    mine, lost, won = of("mine", 30, 80), of("lost", 5, 20), of("won", 2, 4)
    return (
        f"Rune has {mine} marbles. He loses {lost} of them to his sister. Then he wins {won} times that number from "
        "a friend. How many marbles has he got now?",
        mine - lost + won * lost,
    )


def _bees(of: Numbers) -> Problem:
    hives, jars, kept = of("hives", 4, 12), of("jars", 10, 20, 2), of("kept", 6, 30, 2)
    return (
        f"A beekeeper fills {jars} jars of honey from each of her {hives} hives. She keeps {kept} jars and sells half "
        "of the others. How many jars does she sell?",
        (hives * jars - kept) // 2,
    )


def _tank(of: Numbers) -> Problem:
    inflow, out, minutes, start = of("in", 9, 20), of("out", 2, 8), of("minutes", 5, 30), of("start", 10, 90, 10)
    return (
        f"There are {start} litres of water in a tank. Every minute {inflow} litres run in and {out} litres run out. "
        f"How many litres are in it after {minutes} minutes?",
        start + (inflow - out) * minutes,
    )


def _stairs(of: Numbers) -> Problem:
    floors, steps, times = of("floors", 3, 7), of("steps", 14, 22), of("times", 2, 5)
    return (
        f"Every floor of a tower is {steps} steps above the one below. Cleo climbs {floors} floors up and comes back "
        f"down, {times} times in a row. How many steps does she take, up and down together?",
        2 * floors * steps * times,
    )


def _average(of: Numbers) -> Problem:
    mean, first, second = of("mean", 16, 25), of("first", 8, 20), of("second", 10, 22)
    return (
        f"In three games a team made {mean} points on average. It made {first} points in the first game and {second} "
        "in the second. How many did it make in the third?",
        3 * mean - first - second,
    )


def _recipe(of: Numbers) -> Problem:
    grams, people, guests = of("grams", 50, 120, 10), of("people", 2, 4), of("guests", 2, 5)
    return (
        f"A recipe for {people} people takes {grams * people} grams of rice. How many grams does one take for "
        f"{people * guests} people?",
        grams * people * guests,
    )


def _shop(of: Numbers) -> Problem:
    pens, pads, pen, pad = of("pens", 3, 9), of("pads", 2, 6), of("pen", 2, 4), of("pad", 3, 7)
    return (
        f"Juno buys {pens} pens at {pen} coins and {pads} pads at {pad} coins. She pays with a note of 100 coins. How "
        "many coins of change does she get?",
        100 - pens * pen - pads * pad,
    )


def _bus(of: Numbers) -> Problem:
    seats, rest, buses = of("seats", 30, 50), of("rest", 1, 25), of("buses", 2, 6)
    return (
        f"{seats * buses + rest} pupils go on a trip in buses with {seats} seats each. How many buses are needed so "
        "that everyone can sit?",
        buses + 1,
    )


def _candles(of: Numbers) -> Problem:
    wax, candles, burnt = of("wax", 60, 120, 20), of("candles", 6, 18), of("burnt", 1, 5)
    return (
        f"A candle takes {wax} grams of wax. Sefa has made {candles} candles and burnt {burnt} of them. How many grams "
        "of wax are in the candles that she still has?",
        wax * (candles - burnt),
    )


def _relay(of: Numbers) -> Problem:
    first, slower, faster = of("first", 50, 70), of("slower", 2, 9), of("faster", 3, 9)
    return (
        f"In a relay the first runner needs {first} seconds. The second needs {slower} seconds more than the first, "
        f"and the third {faster} seconds less than the second. How many seconds do the three need together?",
        3 * first + 2 * slower - faster,
    )


def _tiles(of: Numbers) -> Problem:
    long, wide, broken = of("long", 8, 20), of("wide", 5, 12), of("broken", 2, 12)
    return (
        f"A floor is laid with {long} rows of {wide} tiles. Before the work is done, {broken} tiles break and have to "
        "be replaced. How many tiles are used in all?",
        long * wide + broken,
    )


def _wages(of: Numbers) -> Problem:
    hours, pay, extra, overtime = of("hours", 20, 38), of("pay", 11, 18), of("extra", 2, 6), of("overtime", 2, 8)
    return (
        f"Nela earns {pay} coins an hour and {extra} coins more for each hour of overtime. This week she works {hours} "
        f"ordinary hours and {overtime} hours of overtime. How many coins does she earn?",
        hours * pay + overtime * (pay + extra),
    )


def _cards(of: Numbers) -> Problem:
    packs, cards, doubles, friends = of("packs", 5, 12), of("cards", 6, 10), of("doubles", 3, 9), of("friends", 2, 4)
    return (
        f"Tove opens {packs} packs of {cards} cards. She gives {doubles} cards to each of her {friends} friends. How "
        "many cards does she keep?",
        packs * cards - doubles * friends,
    )


def _fractions(of: Numbers) -> Problem:
    third, eaten = of("third", 5, 20), of("eaten", 2, 5)
    return (
        f"A basket holds {3 * third} plums. One third of them goes into a cake, and {eaten} of the others are eaten on "
        "the way. How many plums come home?",
        2 * third - eaten,
    )


STORIES: dict[str, Story] = {
    "bakery": _bakery, "library": _library, "train": _train, "garden": _garden, "savings": _savings, "eggs": _eggs,
    "ages": _ages, "tickets": _tickets, "ribbon": _ribbon, "walk": _walk, "cinema": _cinema, "paint": _paint,
    "discount": _discount, "orchard": _orchard, "printer": _printer, "clock": _clock, "marbles": _marbles,
    "bees": _bees, "tank": _tank, "stairs": _stairs, "average": _average, "recipe": _recipe, "shop": _shop,
    "bus": _bus, "candles": _candles, "relay": _relay, "tiles": _tiles, "wages": _wages, "cards": _cards,
    "fractions": _fractions,
}  # fmt: skip
