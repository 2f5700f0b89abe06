"""Tables of results: for a screen with one Python, and for the page with several."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import compress

from tabulate import tabulate

from bench.estimate import FEWEST_PROCESSES, Estimate
from bench.group import Group, Row
from bench.results import Results

UNITS = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1.0, 1e3, "ms"))  # below so many seconds; how many in a second; name

GIVEN_UP = "Given up in some processes, because not all ran at the same time"
MISSING = "-"  # too few rounds counted, or it is not installed


def screen(group: Group, results: Results) -> str | None:
    """Return the group's table for one Python, with the time of each benchmark, or None if it is empty."""
    results, body = results.of(group.name), []
    for row in group.rows:
        if any(map(results.times, row.times)):
            ratios = [str(results.ratio(*names) or MISSING) for names in row.ratios]
            empty = [""] * (len(group.ratios) - len(ratios))
            body.append([row.label, *times(group, row, results), *ratios, *empty])
    return figures(["", *group.times, *group.ratios], body, "simple")


def page(group: Group, all_results: Sequence[Results]) -> Iterator[str]:
    """Return the group's tables for the page: of ratios, with a column for each Python, or of times."""
    measured = [each.of(group.name) for each in all_results if group.name in each.groups]
    if not group.ratios:
        yield from filter(None, [page_of_times(group, measured)])
        return
    with_gil, without = ([each for each in measured if each.has_gil == has] for has in (True, False))
    pythons = with_gil + without[-1:]
    if not pythons:
        return
    newest = without_jit(with_gil or without)[-1]
    for index, heading in enumerate(group.ratios):
        body = []
        for row in group.rows:
            names = row.ratios[index] if index < len(row.ratios) else ()
            ratios = [each.ratio(*names) for each in pythons]
            if any(ratios):
                cells = [each.brief() if each else MISSING for each in ratios]
                body.append([row.label, times(group, row, newest)[0], *cells])
        columns = [heading, f"{group.times[0]}, {newest.short}", *(each.short for each in pythons)]
        yield from filter(None, [figures(columns, body, "github")])


def without_jit(all_results: Sequence[Results]) -> Sequence[Results]:
    """Return those that show what most users have, as far as there are any."""
    return [each for each in all_results if not each.has_jit] or all_results


def page_of_times(group: Group, measured: Sequence[Results]) -> str | None:
    """Return the table of times on the newest Python, and of two threads on the others."""
    if not measured:
        return None
    newest = without_jit(measured)[-1]
    others = [each for each in measured if each is not newest]
    body = []
    for row in group.rows:
        if any(map(newest.times, row.times)):
            body.append([row.label, *times(group, row, newest), *(times(group, row, each)[1] for each in others)])
    columns = [f"ns, {newest.short}", *group.times, *(f"{group.times[1]}, {each.short}" for each in others)]
    return figures(columns, body, "github")


def times(group: Group, row: Row, results: Results) -> list[str]:
    """Return the texts of a row's times.  They have intervals only if the group has no ratios."""
    texts = []
    for name in row.times:
        if estimate := results.time(name):
            texts.append(amount(estimate, results.facts(name).get("unit")) if group.ratios else brief(estimate))
        else:
            texts.append(MISSING)
    return texts + [""] * (len(group.times) - len(texts))


def amount(estimate: Estimate, unit: str | None = None) -> str:
    if unit == "byte":
        return f"{estimate.value:,.0f} bytes"
    _, scale, name = next(unit for unit in UNITS if estimate.value < unit[0] or unit is UNITS[-1])
    return f"{estimate.value * scale:.1f} {name}"


def how_long(groups: Iterable[Group], processes: int, rounds: int | None = None) -> str:
    """Return about how many minutes so many processes take for each of these groups, or nothing if less than one."""
    seconds = processes * sum(group.takes * (rounds or group.rounds) / group.rounds for group in groups)
    minutes = f"about {seconds / 60:.0f} minute{'s' if seconds >= 90 else ''}"
    return minutes if seconds >= 60 else ""


def brief(seconds: Estimate) -> str:
    """Return the time in nanoseconds, with about two digits."""
    estimate = Estimate(*(1e9 * each for each in seconds))
    text = estimate.text(1 if estimate.value < 9.95 else 0)
    return text if estimate.is_wide() else text.split()[0]


def figures(headings: Sequence[str], body: Sequence[Sequence[str]], style: str) -> str | None:
    """Return a table, and below it the headings of columns that have no figure and so are left out."""
    if not body:
        return None
    has_figure = [any(cell not in (MISSING, "") for cell in column) for column in zip(*body, strict=True)]
    kept = [list(compress(row, has_figure)) for row in (headings, *body)]
    empty = [heading for heading, has in zip(headings, has_figure, strict=True) if not has]
    note = f"\n\nLeft out, because no row has a figure: {', '.join(empty)}." if empty else ""
    return markup(kept[0], kept[1:], style) + note


def markup(headings: Sequence[str], body: Sequence[Sequence[str]], style: str) -> str:
    return str(tabulate(body, headings, tablefmt=style, disable_numparse=True))


def in_words(group: Group, names: Collection[str], measured: Collection[str]) -> str:
    """Name benchmarks as the group's table does, by columns and rows.  It has no rows of which nothing is measured."""
    rows = [row for row in group.rows if any(name in names or name in measured for name in row.times)]
    texts = []
    for index, heading in enumerate(group.times):
        column = {row.times[index]: row.label for row in rows if index < len(row.times)}
        if chosen := names_of_rows(column, names):
            texts.append(f"{heading} ({chosen})" if len(group.times) > 1 else chosen)
    shown = {name for row in rows for name in row.times}
    for name in names:
        if name not in shown:
            beside = next(row.label for row in group.rows if any(name in ratio for ratio in row.ratios))
            texts.append(f"what is compared with {beside}")
    return "; ".join(texts)


def names_of_rows(column: Mapping[str, str], names: Collection[str]) -> str:
    """Return the labels of these benchmarks, or of the others if they are fewer."""
    chosen = [label for name, label in column.items() if name in names]
    others = [label for name, label in column.items() if name not in names]
    if len(others) >= len(chosen):
        return "; ".join(chosen)
    return f"all rows but {'; '.join(others)}" if others else "all rows"


def given_up(group: Group, names: Collection[str], measured: Collection[str]) -> str:
    return f"{group.title}. {GIVEN_UP}: {in_words(group, names, measured)}."


def rounds_left_out(group: Group, all_results: Sequence[Results]) -> str:
    """Return the lines below a table of concurrent benchmarks."""
    found = [each.of(group.name) for each in all_results if group.name in each.groups]
    texts = [
        f"{each.sum_of('rounds_left_out'):,} of {each.sum_of('rounds'):,} on {each.short}"
        for each in found
        if each.sum_of("rounds")
    ]
    lost = [
        f"{in_words(group, [name], group.benchmarks)}: {share:.1%} on {each.short}"
        for each in found
        for name, share in each.lost_counts().items()
    ]
    sentences = []
    if texts:
        sentences.append(f"Rounds left out and repeated, because not all ran at the same time: {', '.join(texts)}.")
    if lost:
        sentences.append(f"Counts lost: {', '.join(lost)}.")
    return " ".join(sentences)


def summary(results: Results) -> Iterator[str]:
    """Return lines that say what the figures are, and how noisy the machine was."""
    shown = "95 % confidence interval" if results.processes >= FEWEST_PROCESSES else "their range, as they are few"
    yield f"Medians of {results.processes} processes [{shown}]; where it holds 1, no difference was found."
    again, call, slot = (
        results.ratio("floor again", "floor call"),
        results.time("floor call"),
        results.time("floor slot"),
    )
    if again and call and slot:
        yield f"The floor: calling a compiled method that does nothing, {amount(call)}; reading a slot, {amount(slot)}."
        percent, low, high = (100 * (each - 1) for each in again)
        yield f"Noise: the same call timed twice differs by {percent:+.1f} % [{low:+.1f}, {high:+.1f}]."
