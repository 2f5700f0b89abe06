"""Count on many machines, with one exact total in Redis or Valkey: `python examples/many_machines.py`."""

import os
import uuid

from redis import Redis

from fastcounter import FastWriteCounter

# Each process writes its whole count to its own field, and the larger count stays.  So it can repeat a write when the
# answer was lost, and writes can arrive late or twice.  Lua's numbers are floats, so the script compares digits.
WRITE = """local call, now, hash, seen, field, count = redis.call, redis.call('TIME')[1], KEYS[1], KEYS[2], unpack(ARGV)
for _, silent in ipairs(call('ZRANGEBYSCORE', seen, 0, now - 86400, 'LIMIT', 0, 9)) do  -- retire it after a day
    local last = call('HGET', hash, silent) call('SET', hash .. ':' .. silent, last, 'EX', 30 * 86400)
    call('HINCRBY', hash, 'retired', last) call('HDEL', hash, silent) call('ZREM', seen, silent)
end
local retired = call('GET', hash .. ':' .. field) if retired then return retired end  -- its process is back
local old = call('HGET', hash, field) or ''
if #old < #count or #old == #count and old < count then call('HSET', hash, field, count) end
call('ZADD', seen, now, field)"""


class GrowOnlyCounter(FastWriteCounter):  # only add to it: neither subtract nor reset
    def __init__(self, url: str, name: str) -> None:
        self.url, self.keys = url, (f"{{{name}}}", f"{{{name}}}:seen")  # in a cluster, the braces keep them together
        self.start_field()
        if hasattr(os, "fork"):
            os.register_at_fork(after_in_child=self.start_field)

    def start_field(self) -> None:  # also in a forked child, because its parent writes the count so far
        self.field = uuid.uuid4().hex, self.value()  # its name, and the count at its start

    def flush(self) -> None:  # every few seconds and at exit, and again if it fails; a crash loses the counts since
        field, start = self.field
        with Redis.from_url(self.url) as redis:  # not shared: a fork can copy its locks while they are taken
            while retired := redis.eval(WRITE, 2, *self.keys, field, self.value() - start):
                # Threads may flush at once: all that learn this go on with the same field, as "3f2a+10" after "3f2a".
                self.field = field, start = f"{field}+{int(retired)}", start + int(retired)

    def total(self) -> int:
        with Redis.from_url(self.url) as redis:
            return sum(map(int, redis.hvals(self.keys[0])))


if __name__ == "__main__":
    requests = GrowOnlyCounter(os.environ.get("REDIS_URL", "redis://127.0.0.1"), "requests")
    requests.add(1000)
    requests.flush()
    print(requests.total())
