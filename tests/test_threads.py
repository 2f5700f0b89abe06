"""What several threads see of one counter."""

THREADS = 8
STEPS = 20_000


def times(count, function, *args):
    def work():
        for _ in range(count):
            function(*args)

    return work


def test_no_increment_is_lost(cls, read, run_threads):
    counter = cls(2**30 - THREADS * STEPS // 2)  # so that the count grows a digit on the way
    run_threads(*[times(STEPS, counter.increment)] * THREADS)
    assert read(counter) == 2**30 + THREADS * STEPS // 2


def test_no_addition_is_lost(cls, read, run_threads):
    counter = cls()
    amounts = [1, -1, 3, 2**30, -(2**31), 2**63, -(2**64), 2**90]
    run_threads(*[times(STEPS, counter.add, amount) for amount in amounts])
    assert read(counter) == STEPS * sum(amounts)


def test_in_place_operators_lose_nothing(cls, read, run_threads):
    shared = cls()

    def up():
        counter = shared
        for _ in range(STEPS):
            counter += 3

    def down():
        counter = shared
        for _ in range(STEPS):
            counter -= 1

    run_threads(*[up, down] * 3)
    assert read(shared) == 3 * 2 * STEPS


def test_resets_count_everything_once(cls, read, run_threads):
    counter = cls()

    def reset():
        return sum(counter.reset() for _ in range(STEPS))

    results = run_threads(reset, reset, *[times(STEPS, counter.increment)] * 4)
    assert sum(results[:2]) + read(counter) == 4 * STEPS


def test_mixed_calls(cls, read, run_threads):
    counter = cls(2**62)
    values = []

    def read_some():
        for _ in range(STEPS // 10):
            value = read(counter)
            values.append((value, str(value)))

    def reset():
        return sum(counter.reset() for _ in range(100))

    results = run_threads(
        times(STEPS, counter.increment),
        times(STEPS, counter.add, 7),
        times(STEPS, counter.add, -7),
        times(STEPS, counter.add, 2**70),
        read_some,
        read_some,
        reset,
    )
    assert results[-1] + read(counter) == 2**62 + STEPS * (1 + 2**70)
    assert all(str(value) == text for value, text in values)


def test_reads_never_go_back_while_only_incremented(cls, read, run_threads):
    counter = cls(2**30 - STEPS)

    def read_on():
        before = read(counter)
        while before < 2**30 + STEPS:
            value = read(counter)
            assert value >= before
            before = value

    run_threads(read_on, read_on, *[times(STEPS // 2, counter.increment)] * 4)
    assert read(counter) == 2**30 + STEPS


def test_every_new_count_is_returned_once(attribute_cls, run_threads):
    counter = attribute_cls()

    def take():
        return [counter.increment_and_get() for _ in range(STEPS)]

    results = run_threads(*[take] * 4)
    assert all(result == sorted(result) for result in results)
    assert sorted(sum(results, [])) == list(range(1, 4 * STEPS + 1))


def test_assigning_and_adding(attribute_cls, run_threads):
    """An assignment is one step: an increment comes before it or after it, never in between."""
    counter = attribute_cls()

    def assign():
        for step in range(STEPS):
            counter.value = step * 2**40

    run_threads(assign, times(STEPS, counter.increment), times(STEPS, counter.increment))
    assert 0 <= counter.value - (STEPS - 1) * 2**40 <= 2 * STEPS


def test_counters_shared_while_dropped(cls, run_threads):
    """A thread may make the last reference to a counter go away while another one is reading it."""
    counters = [cls(2**40 + number) for number in range(STEPS)]

    def drop():
        while counters:
            try:
                counters.pop().increment()
            except IndexError:
                return

    run_threads(*[drop] * THREADS)
    assert counters == []
