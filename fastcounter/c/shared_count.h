/* A count that processes share: one aligned 64-bit integer.
 *
 * Thread and process safety: each call reads or changes the count by one atomic instruction of the processor.  So a
 * process that dies or stops has either counted or not, and no other process waits for it. */
#ifndef FASTCOUNTER_SHARED_COUNT_H
#define FASTCOUNTER_SHARED_COUNT_H

#include "atomics.h"
#include "errors.h"

static int
raise_overflow(int64_t count, char sign, int64_t amount)
{
    return set_error(PyExc_OverflowError, "%lld %c %lld is not a signed 64-bit integer, as a shared count has to be",
                     (long long)count, sign, (long long)amount);
}

/* Add an amount, and set `after` to the new count.  Returns how often a change by others came first, usually 0, or -1
 * with an exception set and the count unchanged.  A fetch-and-add would be wrong: the count would wrap around if
 * another process set it to almost 2**63 just before.  No thread state is needed; see errors.h. */
static inline int
shared_count_add(int64_t *place, int64_t amount, int64_t *after)
{
    int64_t count = _Py_atomic_load_int64(place);
    for (int meetings = 0;; meetings += meetings < INT_MAX) {
        if (amount > 0 ? count > INT64_MAX - amount : count < INT64_MIN - amount) {
            return raise_overflow(count, '+', amount);
        }
        *after = count + amount;
        if (_Py_atomic_compare_exchange_int64(place, &count, *after)) {
            return meetings;
        }
    }
}

#endif
