/* The memory of a SharedCounterMap: a log of records, which processes share.  It has no pointers and no Python objects.
 *
 * The log is in lines of 64 bytes.  The first line is its header: which log this is, and its size in bytes.  The other
 * lines hold records, one after another.  A record has a count, a word and a label, and takes as many lines as it
 * needs.  The word says how many bytes and lines the label takes, and whether the record is ready.  Behind the last
 * record all words are 0.  Records are only added.  Two records may have one label.
 *
 *     line 0      "fcmap 1<"     size           0              ...
 *     a record    count          word           label          ...
 *
 * Thread and process safety:
 *
 *   - There is no lock, so a process may stop or be killed anywhere, and no other process waits for it.
 *   - To add a record is to claim the first word that is 0, by one compare-and-exchange.  From then on the others know
 *     where the next record begins, even if the process is killed now.  The process then writes the label, and sets the
 *     word's last bit by a release store: the record is ready.  Nobody reads a label or a count before that.
 *   - The header is written one word after the other by compare-and-exchange.  Whoever comes later goes on with it.
 *   - Nothing that is read from memory is trusted, for a damaged file may hold anything, and may change meanwhile.  A
 *     word is loaded once, and compared so that nothing overflows.  A label is copied before it is decoded.
 */
#ifndef FASTCOUNTER_LOG_H
#define FASTCOUNTER_LOG_H

#include <string.h>

#include "atomics.h"

enum {
    LINE = 64,                /* bytes: a cache line, so that counts of two labels are never in one */
    RECORD_HEAD = 16,         /* bytes before the label */
    LARGEST_LABEL = 0xFFFF,   /* bytes */
};

typedef struct {
    char *begin;              /* of the header; a multiple of 8 */
    Py_ssize_t size;          /* in bytes, with the header; a multiple of LINE */
} label_log;

/* What is found in memory. */
enum log_status {
    LOG_FREE,                 /* no record */
    LOG_CLAIMED,              /* a record that is not ready */
    LOG_READY,                /* a record that is ready */
    LOG_TAKEN,                /* a record that another thread or process has claimed first */
    LOG_DAMAGED,              /* a word that no process has written */
    LOG_FULL,                 /* no room for a record */
    /* Only log_open() returns these.  With some it sets a number. */
    LOG_OPEN,
    LOG_TOO_SMALL,            /* no room for a header and a record */
    LOG_NOT_ALIGNED,          /* the address is not a multiple of 8 */
    LOG_NOT_EMPTY,            /* begins with zeros, and there are others at an offset */
    LOG_NOT_A_LOG,            /* begins with something else */
    LOG_BAD_SIZE,             /* has a size that no process has written */
    LOG_CUT_OFF,              /* has a size that is larger than the memory */
};

/* ---- The header ---- */

/* The first eight bytes of a log: its name, the version of its format, and the byte order of its numbers.  Processors
 * with the other byte order refuse it. */
static inline int64_t
log_magic(void)
{
    static const int one = 1;
    int64_t word;
    memcpy(&word, *(const char *)&one ? "fcmap 1<" : "fcmap 1>", sizeof word);
    return word;
}

/* Whether a log begins here, of any byte order.  The address is a multiple of 8. */
static inline int
is_log_at(const void *begin)
{
    int64_t found = _Py_atomic_load_int64((const int64_t *)begin), magic = log_magic();
    return memcmp(&found, &magic, sizeof found - 1) == 0;
}

/* The offset of the first word that is not 0, or `size`. */
static inline Py_ssize_t
log_first_used(const char *begin, Py_ssize_t size)
{
    Py_ssize_t offset = 0;
    while (offset < size && _Py_atomic_load_int64_relaxed((const int64_t *)(begin + offset)) == 0) {
        offset += sizeof(int64_t);
    }
    return offset;
}

/* Open the log in some memory, and make it if the memory is all zeros.  If this fails, it has written nothing, or only
 * the first word of such memory. */
static inline enum log_status
log_open(label_log *log, char *begin, Py_ssize_t size, int64_t *number)
{
    int64_t *header = (int64_t *)begin, magic = log_magic(), none = 0;
    size -= size % LINE;
    if (size < 2 * LINE) {
        return LOG_TOO_SMALL;
    }
    if ((uintptr_t)begin % sizeof(int64_t) != 0) {
        return LOG_NOT_ALIGNED;
    }
    if (_Py_atomic_load_int64(header) == 0) {
        *number = log_first_used(begin, size);
        /* Whatever another process has written since then, it has written the first word before. */
        if (*number < size && _Py_atomic_load_int64(header) == 0) {
            return LOG_NOT_EMPTY;
        }
        _Py_atomic_compare_exchange_int64(header, &none, magic);
    }
    if (_Py_atomic_load_int64(header) != magic) {
        return LOG_NOT_A_LOG;
    }
    *number = 0;
    if (!_Py_atomic_compare_exchange_int64(header + 1, number, size)) {
        /* Another process was first.  It decides, although it may see the memory in another size. */
        if (*number < 2 * LINE || *number % LINE != 0) {
            return LOG_BAD_SIZE;
        }
        if (*number > size) {
            return LOG_CUT_OFF;
        }
        size = (Py_ssize_t)*number;
    }
    *log = (label_log){begin, size};
    return LOG_OPEN;
}

/* ---- Records ----
 *
 * Offsets are in bytes from the beginning of the header.  Lengths are those of labels, in bytes. */

typedef struct {
    int64_t count;
    uint64_t word;
    int64_t label[];
} log_record;

/* Half of a word is the length.  Then come the number of lines, and one bit. */
#define READY_BIT ((uint64_t)1 << 63)
#define WORD_OF(length) (((uint64_t)lines_of(length) << 32) | (uint64_t)(length))

static inline Py_ssize_t
lines_of(Py_ssize_t length)
{
    return (RECORD_HEAD + length + LINE - 1) / LINE;
}

/* The offset behind a record. */
static inline Py_ssize_t
log_next(Py_ssize_t offset, Py_ssize_t length)
{
    return offset + lines_of(length) * LINE;
}

static inline log_record *
log_record_at(const label_log *log, Py_ssize_t offset)
{
    return (log_record *)(log->begin + offset);
}

/* What is at an offset: LOG_FREE, LOG_CLAIMED, LOG_READY or LOG_DAMAGED.  If it is a record, set its length; the record
 * then ends where the log ends, or before. */
static inline enum log_status
log_look(const label_log *log, Py_ssize_t offset, Py_ssize_t *length)
{
    if (offset == log->size) {
        return LOG_FREE;
    }
    uint64_t word = _Py_atomic_load_uint64_acquire(&log_record_at(log, offset)->word);
    if (word == 0) {
        return LOG_FREE;
    }
    *length = (Py_ssize_t)(word & LARGEST_LABEL);
    if (*length == 0 || (word & ~READY_BIT) != WORD_OF(*length) || log_next(offset, *length) > log->size) {
        return LOG_DAMAGED;
    }
    return word & READY_BIT ? LOG_READY : LOG_CLAIMED;
}

/* Claim a record where there is none.  Returns LOG_CLAIMED, LOG_TAKEN, or LOG_FULL if the record would end behind `end`,
 * which is at most the log's size. */
static inline enum log_status
log_claim(const label_log *log, Py_ssize_t offset, Py_ssize_t length, Py_ssize_t end)
{
    int64_t none = 0;
    if (log_next(offset, length) > end) {
        return LOG_FULL;
    }
    int64_t *word = (int64_t *)&log_record_at(log, offset)->word;
    return _Py_atomic_compare_exchange_int64(word, &none, (int64_t)WORD_OF(length)) ? LOG_CLAIMED : LOG_TAKEN;
}

/* Write the label of a record that this thread has claimed, and make the record ready. */
static inline void
log_publish(const label_log *log, Py_ssize_t offset, const char *label, Py_ssize_t length)
{
    log_record *record = log_record_at(log, offset);
    for (Py_ssize_t done = 0; done < length; done += sizeof(int64_t)) {
        int64_t part = 0;
        memcpy(&part, label + done, Py_MIN((Py_ssize_t)sizeof part, length - done));
        _Py_atomic_store_int64_relaxed(&record->label[done / sizeof part], part);
    }
    _Py_atomic_store_uint64_release(&record->word, WORD_OF(length) | READY_BIT);
}

/* Copy the label of a record that is ready. */
static inline void
log_copy_label(const label_log *log, Py_ssize_t offset, char *copy, Py_ssize_t length)
{
    const log_record *record = log_record_at(log, offset);
    for (Py_ssize_t done = 0; done < length; done += sizeof(int64_t)) {
        int64_t part = _Py_atomic_load_int64_relaxed(&record->label[done / sizeof part]);
        memcpy(copy + done, &part, Py_MIN((Py_ssize_t)sizeof part, length - done));
    }
}

#endif
