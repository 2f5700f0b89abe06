"""examples/many_machines.py: the total is exact, although connections are cut and processes and servers killed."""

import itertools
import random
import select
import socket
import socketserver
import sys
import threading
import time
from collections import Counter

import pytest

from helpers import SCRIPTS, run_script, run_threads

PROCESSES = 8
KILLED = 3
THREADS = 4
DAY = 86_400
COUNTS, SEEN = "{requests}", "{requests}:seen"


class Proxy(socketserver.ThreadingTCPServer):
    """A TCP proxy that cuts connections: some at random, and some of those that run a script, as `fates` says.

    The request is then lost, or half of it, or it arrives late; or the server answers and the answer is lost.
    """

    request_queue_size = 100
    FATES = ("lost", "half", "late", "unanswered")

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), ProxiedConnection)
        self.server_port, self.cut, self.fates, self.met, self.stopping = port, 0.0, [], Counter(), False
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, args=[0.05])
        self.thread.start()

    def fate(self, request):
        if self.fates and b"EVAL" in request:
            return self.fates.pop()
        return random.choice(self.FATES) if random.random() < self.cut else "answered"

    def stop(self):
        self.stopping = True
        self.shutdown()
        self.thread.join()
        self.server_close()


class ProxiedConnection(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            with socket.create_connection(("127.0.0.1", self.server.server_port), timeout=30) as server:
                while self.forward(server):
                    pass
        except OSError:  # the server or the client was killed
            pass

    def forward(self, server):
        """Forward what one side sends next.  Returns whether to keep the connection."""
        readable, _, _ = select.select([self.request, server], [], [], 0.1)
        if not readable:
            return not self.server.stopping
        if server in readable:
            answer = server.recv(65536)
            self.request.sendall(answer)
            return answer
        request = self.request.recv(65536)
        if not request:
            return False
        fate = self.server.fate(request)
        self.server.met[fate] += 1
        if fate == "late":
            self.request.shutdown(socket.SHUT_RDWR)
            time.sleep(random.uniform(0, 0.1))
        if fate != "lost":
            server.sendall(request[: len(request) // 2] if fate == "half" else request)
        if fate in ("late", "unanswered"):
            server.recv(65536)
        return fate == "answered"


@pytest.fixture
def connect(example):
    """Connect to a Redis server; the connections are closed with the test."""
    from redis import Redis

    connections = []

    def connected(port, **options):
        connections.append(Redis(port=port, **options))
        return connections[-1]

    yield connected
    for connection in connections:
        connection.close()


@pytest.fixture
def lost():
    """What a lost connection raises."""
    from redis.exceptions import ConnectionError as LostConnection

    return LostConnection


class Server:
    """A Redis server that writes to its append-only file before it answers."""

    def __init__(self, launch, port, folder, answers):
        self.launch, self.port, self.folder, self.answers = launch, port, folder, answers
        self.start()

    def start(self):
        self.process = self.launch()
        self.answers()

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def file(self):
        """The append-only file."""
        [path] = self.folder.glob("appendonlydir/*.incr.aof")
        return path


@pytest.fixture
def server(program, connect, lost, start, free_port, tmp_path, eventually):
    port, folder = free_port(), tmp_path / "redis"
    folder.mkdir()
    command = [program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--dir", folder]
    command += ["--logfile", folder / "log", "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    redis = connect(port, retry=None)

    def answers():
        try:
            return redis.ping()
        except lost:
            return None

    return Server(lambda: start(*command), port, folder, lambda: eventually(answers))


@pytest.fixture
def redis(server, connect):
    """A connection that does not go through the proxy."""
    return connect(server.port)


@pytest.fixture
def proxy(server):
    proxy = Proxy(server.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def instance(example, server):
    """Make an instance of the counter."""
    return lambda port=server.port: example.GrowOnlyCounter(f"redis://127.0.0.1:{port}", "requests")


def written(log):
    """The counts that the process may have written last: the last one answered, and those tried since."""
    possible = [0]
    for line in log.read_text().splitlines():
        state, count = line.split()
        possible = [int(count)] if state == "written" else [*possible, int(count)]
    return possible


@pytest.fixture
def chaos(path, server, proxy, redis, start, tmp_path, eventually):
    """Count and flush in processes, while the proxy cuts connections and the test kills processes and the server.

    Returns the set of right totals.  There is only one, unless a process was killed during a flush.
    """

    def go_on(requests):
        end = proxy.met.total() + requests
        eventually(lambda: proxy.met.total() > end)

    def count_and_flush(way):
        logs = [tmp_path / f"{number}.log" for number in range(PROCESSES)]
        processes = [
            start(sys.executable, SCRIPTS / "flush_to_redis.py", path, str(proxy.port), way, log) for log in logs
        ]
        eventually(lambda: all(log.exists() and max(written(log)) for log in logs))
        proxy.cut = 0.2
        for killed in range(KILLED):
            go_on(200)
            server.kill()
            processes[killed].kill()
            server.start()
        go_on(200)
        for process in processes:
            process.terminate()
        for process in processes[KILLED:]:
            assert process.wait(timeout=60) == 0
        assert all(proxy.met[fate] for fate in proxy.FATES)
        assert all(len(written(log)) == 1 for log in logs[KILLED:])
        return {sum(counts) for counts in itertools.product(*map(written, logs))}

    return count_and_flush


def test_the_total_is_exact(chaos, instance):
    right = chaos("whole")
    assert instance().total() in right


def test_incrby_that_is_repeated_counts_twice(chaos, redis):
    right = chaos("repeated")
    assert int(redis.get("requests")) > max(right)


def test_incrby_that_is_not_repeated_loses(chaos, redis):
    right = chaos("once")
    assert int(redis.get("requests")) < min(right)


def test_a_late_write_changes_nothing(example, redis, instance):
    counter = instance()
    for total in (9, 10, 100, 2**53, 2**53 + 1, 2**64, 2**64 + 1):
        before, after = counter.value(), total
        counter.add(after - before)
        counter.flush()
        redis.eval(example.WRITE, 2, COUNTS, SEEN, counter.field[0], before)
        assert instance().total() == after


def test_the_server_lost_the_end_of_its_file(server, instance):
    counter, other = instance(), instance()
    counter.add(10)
    other.add(100)
    counter.flush()
    other.flush()
    size = server.file.stat().st_size
    counter.add(1)
    counter.flush()
    server.kill()
    with server.file.open("r+b") as file:
        file.truncate((size + server.file.stat().st_size) // 2)
    server.start()
    assert other.total() == 110
    counter.flush()
    assert other.total() == 111


@pytest.fixture
def age(redis):
    """Make the server believe that an instance that has written has been silent for some seconds."""
    return lambda counter, seconds=DAY: redis.zadd(SEEN, {counter.field[0]: -seconds}, xx=True, incr=True)


def test_silent_instances_are_retired(redis, instance, age):
    living, dead = instance(), [instance() for _ in range(100)]
    for number, counter in enumerate(dead):
        counter.add(number)
        counter.flush()
    for counter in dead:
        age(counter)
    done = []

    def read():
        totals = {living.total()}
        while not done:
            totals.add(living.total())
        return totals

    def retire():
        while redis.zcard(SEEN) != 1:
            living.flush()
        done.append(True)

    totals, _ = run_threads(read, retire)
    assert totals == {sum(range(100))}
    assert int(redis.hget(COUNTS, "retired")) == sum(range(100))
    assert redis.hlen(COUNTS) == 2


def test_an_instance_silent_for_less_than_a_day_is_not_retired(redis, instance, age):
    living, silent = instance(), instance()
    for _ in range(3):
        silent.flush()  # a sign of life, although the count is the same
        age(silent, DAY - 60)
        living.flush()
    assert not redis.hexists(COUNTS, "retired")


def test_an_instance_that_was_retired_takes_another_field(redis, instance, age):
    living, late = instance(), instance()
    for total in (0, 10, 20, 30):
        late.add(total - late.value())
        late.flush()
        assert living.total() == total
        age(late)
        living.flush()
        assert int(redis.hget(COUNTS, "retired")) == total
        assert 29 * DAY < redis.ttl(f"{COUNTS}:{late.field[0]}") <= 30 * DAY
    late.add(1)
    run_threads(*[late.flush] * 4)
    assert living.total() == 31


def test_threads_may_flush_at_once(redis, instance, age):
    living, counter = instance(), instance()
    done = []

    def count_and_flush():
        for _ in range(100):
            for _ in range(100):
                counter.increment()
            counter.flush()
        done.append(True)

    def retire_and_read():
        totals = []
        while len(done) < THREADS:
            age(counter)
            living.flush()
            before = living.total()
            totals.append((before, counter.value()))
        return totals

    totals, *_ = run_threads(retire_and_read, *[count_and_flush] * THREADS)
    assert counter.field[0].count("+") > 10  # it was retired while threads flushed
    assert all(total <= count for total, count in totals)
    assert [total for total, _ in totals] == sorted(total for total, _ in totals)
    assert living.total() == THREADS * 100 * 100


@pytest.mark.parametrize("fate", Proxy.FATES)
def test_a_write_before_the_retirement_whose_answer_is_lost(proxy, instance, age, lost, fate, eventually):
    living, late = instance(), instance(proxy.port)
    late.add(10)
    late.flush()
    late.add(1)
    proxy.fates = [fate]
    with pytest.raises(lost):
        late.flush()
    if fate in ("late", "unanswered"):
        eventually(lambda: living.total() == 11)
    age(late)
    living.flush()
    late.add(100)
    proxy.fates = [fate]  # the server has to tell it once more
    with pytest.raises(lost):
        late.flush()
    late.flush()
    assert living.total() == 111


def test_children_are_instances(path, server, redis):
    run_script("flush_in_children.py", path, server.port)
    counts = redis.hvals(COUNTS)
    assert len(counts) == 1 + 20
    assert sum(map(int, counts)) == 2 * 20 * 10_000


def test_the_program(server, run):
    url = f"redis://127.0.0.1:{server.port}"
    assert [run(REDIS_URL=url), run(REDIS_URL=url)] == ["1000\n", "2000\n"]
