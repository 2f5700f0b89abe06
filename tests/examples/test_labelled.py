"""examples/labelled.py: no count is lost, whoever makes, counts and drains labels at once."""

from collections import Counter

from helpers import run_threads

THREADS = 8
ROUNDS = 20
LABELS = 1000


def test_every_count_is_drained_once(example):
    for _ in range(ROUNDS):
        counts = example.LabelledCounts()
        drained = Counter()
        done = []

        def count(counts=counts, done=done):
            for number in range(LABELS):  # the threads meet each new label at about the same time
                counts[str(number)].increment()
            done.append(True)

        def drain(counts=counts, done=done, drained=drained):
            while len(done) < THREADS:
                drained.update(counts.drain())

        run_threads(drain, *[count] * THREADS)
        drained.update(counts.drain())
        assert drained == {str(number): THREADS for number in range(LABELS)}


def test_a_label_without_counts_is_left_out(example):
    counts = example.LabelledCounts()
    counts["a"].increment()
    counts["b"].add(2)
    assert counts.drain() == {"a": 1, "b": 2}
    counts["b"].increment()
    assert counts.drain() == {"b": 1}
    assert counts.drain() == {}


def test_the_program(run):
    assert run() == "{'/': 10000, '/about': 10000}\n{}\n"
