"""Count on many machines, with one exact total in Redis or Valkey: `python examples/many_machines.py`."""

import os
import uuid

from redis import Redis

from fastcounter import FastWriteCounter

# Each instance writes its whole count to its own field, and the larger count stays.  So an instance can repeat a write
# when the answer was lost, and a write can arrive late.  Lua's numbers are floats, so the script compares digits.
WRITE = """local call, now, counts, seen, id, new = redis.call, redis.call('TIME')[1], KEYS[1], KEYS[2], unpack(ARGV)
for _, silent in ipairs(call('ZRANGEBYSCORE', seen, 0, now - 86400, 'LIMIT', 0, 9)) do  -- silent for a day
    local count = call('HGET', counts, silent)
    call('HINCRBY', counts, 'folded', count) call('HDEL', counts, silent) call('ZREM', seen, silent)
    call('SET', counts .. ':' .. silent, count, 'EX', 30 * 86400)  -- read below if it comes back
end
if call('EXISTS', counts .. ':' .. id) == 1 then return call('GET', counts .. ':' .. id) end
local old = call('HGET', counts, id) or ''
if #old < #new or #old == #new and old < new then call('HSET', counts, id, new) end
call('ZADD', seen, now, id)"""


class GrowOnlyCounter(FastWriteCounter):
    def __init__(self, url: str, name: str) -> None:
        self.url, self.keys = url, (f"{{{name}}}", f"{{{name}}}:seen")  # in a cluster, the braces keep them together
        self.start_instance()
        if hasattr(os, "fork"):
            os.register_at_fork(after_in_child=self.start_instance)

    def start_instance(self) -> None:  # also in a forked child, because its parent writes the count so far
        self.instance = uuid.uuid4().hex, self.value()

    def flush(self) -> None:  # call it every few seconds and at exit; the next call repeats one that fails
        instance, before = self.instance
        with Redis.from_url(self.url) as redis:  # not shared: a fork can copy its locks while they are taken
            while folded := redis.eval(WRITE, 2, *self.keys, instance, self.value() - before):
                self.instance = instance, before = instance + "'", before + int(folded)

    def total(self) -> int:
        with Redis.from_url(self.url) as redis:
            return sum(map(int, redis.hvals(self.keys[0])))


if __name__ == "__main__":
    requests = GrowOnlyCounter(os.environ.get("REDIS_URL", "redis://127.0.0.1"), "requests")
    requests.add(1000)
    requests.flush()
    print(requests.total())
