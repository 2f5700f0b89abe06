"""Changes to the headers that break them.  run.py checks that a program finds each.

A mutation has a function of a header, a sentence that says what is wrong, and texts of that function with what takes
their place.  Each text has to be in the function exactly once, so a mutation that no longer fits the header fails.
"""

import re
from typing import NamedTuple


class Mutation(NamedTuple):
    function: str
    fault: str
    replacements: dict[str, str]
    header: str = "cell_free_threaded.h"
    programs: str = "programs"  # the file of the programs that have to find it

    def __str__(self):
        return f"{self.function}() {self.fault}"

    def apply(self, header):
        """Return the text of the header with the fault."""
        found = re.search(rf"^{self.function}\(.*?^}}$", header, re.MULTILINE | re.DOTALL)
        if found is None:
            raise ValueError(f"{self}: there is no such function")
        body = found.group()
        for old, new in self.replacements.items():
            if body.count(old) != 1:
                raise ValueError(f"{self}: this is {body.count(old)} times in the function, not once: {old}")
            body = body.replace(old, new)
        return header[: found.start()] + body + header[found.end() :]


LOCK = {"    lock(self);\n": "", "    unlock(self);\n": ""}
ODD = "lock(self);\n    _Py_atomic_store_int64(&self->version, self->version + 1);\n"
EVEN = "_Py_atomic_store_int64(&self->version, self->version + 1);\n    unlock(self);\n"
RELAXED_EVEN = EVEN.replace("store_int64", "store_int64_relaxed")
RELAXED_OFFSET = {"store_int64(&self->offset": "store_int64_relaxed(&self->offset"}
DROP = "Py_XDECREF(done ? dropped : large);"
PUBLISH = "!_Py_atomic_compare_exchange_ptr(&self->table, &table, grown)"
OWNER_STORES = "_Py_atomic_store_uint64_release((uint64_t *)&self->count, (uint64_t)after);"
MAP_LOCK = {"    spin_lock(&map->table.locked);\n": "", "    spin_unlock(&map->table.locked);\n": ""}
TABLE_LOCK = {"    spin_lock(&table->locked);\n": "", "    spin_unlock(&table->locked);\n": ""}
UNLOCK = "    spin_unlock(&table->locked);\n"
PUBLISH_ENTRY = "        PUBLISH(place->slot, entry);\n"
RELAXED_ENTRY = "        _Py_atomic_store_ptr_relaxed(place->slot, entry);\n"
BLOCK_USED = "        PUBLISH_SIZE(&block->used, block->used + 1);\n"
USED = "        PUBLISH_SIZE(&place->slots->used, place->slots->used + 1);\n"
RELAXED_LOAD = "_Py_atomic_load_ptr_relaxed(&table->"
SHARED_LOCK = {"    spin_lock(&map->locked);\n": "", "    spin_unlock(&map->locked);\n": ""}
EXCHANGE_COUNT = "_Py_atomic_compare_exchange_int64(place, &count, *after)"
STORE_COUNT = "(_Py_atomic_store_int64(place, *after), 1)"
EXCHANGE_ZERO = "_Py_atomic_exchange_int64(count, 0)"
LOAD_AND_STORE_ZERO = "({ int64_t it = _Py_atomic_load_int64(count); _Py_atomic_store_int64(count, 0); it; })"
READY = "_Py_atomic_store_uint64_release(&record->word, WORD_OF(length) | READY_BIT);"
COUNT_IN_BLOCK = "        last->counts[last->used] = count;\n"
BLOCK_GROWS = "        PUBLISH_SIZE(&last->used, last->used + 1);\n"
RELAXED_RECORDS = "_Py_atomic_load_ptr_relaxed(&value->records)"


def table_mutation(function, fault, replacements):
    return Mutation(function, fault, replacements, "table.h", "map_programs")


def map_mutation(function, fault, replacements):
    return Mutation(function, fault, replacements, "map.h", "map_programs")


def reset_mutation(function, fault, replacements):
    """Make a mutation of a cell that only a reset of the map shows."""
    return Mutation(function, fault, replacements, programs="map_programs")


def log_mutation(function, fault, replacements, header="shared_map.h"):
    return Mutation(function, fault, replacements, header, "log_programs")


MUTATIONS = [
    Mutation(
        "spin_lock",
        "does not look whether the lock is taken",
        {"!_Py_atomic_compare_exchange_int(locked, &unlocked, 1)": "0"},
        "lock.h",
    ),
    Mutation("spin_lock", "takes a lock that it has found taken", {"        unlocked = 0;\n": ""}, "lock.h"),
    Mutation("spin_unlock", "does nothing", {"_Py_atomic_store_int_release(locked, 0);": "(void)locked;"}, "lock.h"),
    Mutation("spin_unlock", "does not release", {"store_int_release": "store_int_relaxed"}, "lock.h"),
    # One word.
    Mutation("add_to_word", "adds by a load and a store", {"self->kind == CELL_UNSYNCHRONIZED": "1"}),
    Mutation(
        "add_to_word",
        "adds to an unsynchronized cell without an atomic store",
        {"_Py_atomic_store_int64_relaxed(&self->count, before + amount);": "self->count = before + amount;"},
    ),
    Mutation(
        "add_to_word",
        "does not look whether the count is large",
        {"relaxed(&self->count);\n    if (IS_LARGE(before))": "relaxed(&self->count);\n    if (0)"},
    ),
    Mutation(
        "add_to_word",
        "does not look whether the count was large when it added",
        {"amount);\n        if (IS_LARGE(before))": "amount);\n        if (0)"},
    ),
    Mutation(
        "get_word",
        "may read an old count",
        {"NULL;\n    *word = _Py_atomic_load_int64(": "NULL;\n    *word = _Py_atomic_load_int64_relaxed("},
    ),
    Mutation("get_word", "takes no lock", {"        lock(self);\n": "", "        unlock(self);\n": ""}),
    Mutation(
        "get_word",
        "does not look again whether the count is large",
        {"        if (IS_LARGE(*word)) {\n            large": "        {\n            large"},
    ),
    Mutation("get_word", "counts no reference", {"Py_NewRef(self->large)": "self->large"}),
    Mutation("replace_word", "takes no lock", LOCK),
    Mutation(
        "replace_word",
        "replaces any small count",
        {"done = _Py_atomic_compare_exchange_int64(&self->count, &word, new_word);": "goto set;"}
        | {"        _Py_atomic_store_int64": "        set: done = 1;\n        _Py_atomic_store_int64"},
    ),
    Mutation("replace_word", "replaces any large count", {"done = self->large == before": "done = 1"}),
    Mutation(
        "replace_word",
        "drops the old count while it holds the lock",
        {f"    unlock(self);\n    {DROP}\n": f"    {DROP}\n    unlock(self);\n"},
    ),
    Mutation("replace_word", "forgets its count if another thread was first", {DROP: "Py_XDECREF(dropped);"}),
    # Stripes and their tables.
    Mutation(
        "take_thread_number",
        "gives two threads one number",
        {
            "return thread_number = _Py_atomic_add_int64(&last_thread_number, 1) + 1;": ""
            "thread_number = _Py_atomic_load_int64(&last_thread_number) + 1;\n"
            "    _Py_atomic_store_int64(&last_thread_number, thread_number);\n"
            "    return thread_number;"
        },
    ),
    Mutation("avoid_others", "leaves threads where they have met", {"take_thread_number();": ""}),
    Mutation(
        "make_table",
        "forgets the old stripes",
        {"(number - old + 1)": "(number + 1)"}
        | {"index < old ? previous->stripes[index] : &new_stripes[index - old]": "&new_stripes[index]"},
    ),
    Mutation("make_table", "forgets the table that it replaces", {"    table->previous = previous;\n": ""}),
    Mutation(
        "grow",
        "replaces a table that another thread has just made",
        {PUBLISH: "_Py_atomic_store_ptr_release(&self->table, grown), 0"},
    ),
    Mutation(
        "grow",
        "publishes a table without a release",
        {PUBLISH: "_Py_atomic_load_ptr_relaxed(&self->table) != table"}
        | {"    return grown;": "    _Py_atomic_store_ptr_relaxed(&self->table, grown);\n    return grown;"},
    ),
    Mutation("grow", "keeps the table that it could not publish", {"        PyMem_RawFree(grown);\n": ""}),
    Mutation(
        "grow", "uses the table that it could not publish", {"return table;  /* another": "return grown;  /* another"}
    ),
    Mutation(
        "grow",
        "frees the table that it replaces",
        {"    return grown;": "    PyMem_RawFree(table);\n    grown->previous = NULL;\n    return grown;"},
    ),
    Mutation("add_to_stripe", "does not acquire the table", {"load_ptr_acquire": "load_ptr_relaxed"}),
    Mutation(
        "add_to_stripe",
        "adds by a load and a store",
        {"before = _Py_atomic_add_int64(part, amount);": "_Py_atomic_store_int64(part, before + amount);"},
    ),
    # The owner.
    Mutation("add_striped", "takes every thread for the owner", {" || !is_owner(self)": ""}),
    Mutation(
        "add_striped",
        "leaves the owner on `count` once there are stripes",
        {"_Py_atomic_load_ptr_relaxed(&self->table) != NULL || ": ""},
    ),
    Mutation("add_striped", "adds to `count` without an atomic store", {OWNER_STORES: "self->count = after;"}),
    Mutation(
        "add_striped",
        "does not release what its thread has done before",
        {OWNER_STORES: "_Py_atomic_store_int64_relaxed(&self->count, after);"},
    ),
    # The sum.
    Mutation("sum_of_parts", "does not acquire the table", {"load_ptr_acquire": "load_ptr_relaxed"}),
    Mutation(
        "sum_of_parts",
        "does not acquire `count`",
        {"int64_t sum = _Py_atomic_load_int64(": "int64_t sum = _Py_atomic_load_int64_relaxed("},
    ),
    Mutation(
        "sum_of_parts",
        "does not acquire a stripe",
        {"sum += _Py_atomic_load_int64(": "sum += _Py_atomic_load_int64_relaxed("},
    ),
    Mutation("get_striped", "takes no lock", LOCK),
    Mutation("get_striped", "counts no reference", {"Py_XNewRef(self->large)": "self->large"}),
    Mutation(
        "get_striped",
        "makes an int while it holds the lock",
        {
            "    unlock(self);\n    PyObject *count = PyLong_FromLongLong(sum);\n": ""
            "    PyObject *count = PyLong_FromLongLong(sum);\n    unlock(self);\n"
        },
    ),
    Mutation("add_anew", "takes every count for 0", {"is_zero ?": "1 ?"}),
    Mutation("replace_striped", "takes no lock", LOCK),
    Mutation("replace_striped", "does not look at the version", {"self->version == seen->version;": "1;"}),
    Mutation(
        "replace_striped",
        "does not make the version odd",
        {"        _Py_atomic_store_int64(&self->version, seen->version + 1);\n": ""},
    ),
    Mutation("replace_striped", "stores `offset` without a release", RELAXED_OFFSET),
    Mutation(
        "replace_striped",
        "stores the even version without a release",
        {
            "_Py_atomic_store_int64(&self->version, seen->version + 2)": ""
            "_Py_atomic_store_int64_relaxed(&self->version, seen->version + 2)"
        },
    ),
    Mutation("replace_striped", "stores `large` without a release", {"store_ptr_release": "store_ptr_relaxed"}),
    Mutation("replace_striped", "leaves the version as it was", {"seen->version + 2": "seen->version"}),
    Mutation(
        "replace_striped",
        "takes away what threads have added meanwhile",
        {"offset - seen->parts": "offset - sum_of_parts(self)"},
    ),
    Mutation(
        "replace_striped",
        "sets `offset` without an atomic store",
        {"_Py_atomic_store_int64(&self->offset, offset - seen->parts);": "self->offset = offset - seen->parts;"},
    ),
    Mutation(
        "replace_striped",
        "sets `large` without an atomic store",
        {"_Py_atomic_store_ptr_release(&self->large, large);": "self->large = large;"},
    ),
    Mutation(
        "replace_striped",
        "drops the old count while it holds the lock",
        {f"    unlock(self);\n    {DROP}\n": f"    {DROP}\n    unlock(self);\n"},
    ),
    Mutation("replace_striped", "forgets its count if another thread was first", {DROP: "Py_XDECREF(dropped);"}),
    Mutation("drain", "takes no lock", LOCK),
    Mutation("drain", "leaves the version as it was", {ODD: "lock(self);\n", EVEN: "unlock(self);\n"}),
    Mutation(
        "drain",
        "changes the version only at its end",
        {ODD: "lock(self);\n", EVEN: EVEN.replace("+ 1", "+ 2")},
    ),
    Mutation(
        "drain",
        "changes the version only at its start",
        {ODD: ODD.replace("+ 1", "+ 2"), EVEN: "unlock(self);\n"},
    ),
    Mutation("drain", "stores the even version without a release", {EVEN: RELAXED_EVEN}),
    Mutation("drain", "stores `offset` without a release", RELAXED_OFFSET),
    Mutation(
        "drain", "takes the owner's part without a release", {"store_int64(part, 0)": "store_int64_relaxed(part, 0)"}
    ),
    Mutation(
        "drain", "sets a stripe to 0", {"_Py_atomic_add_int64(part, -drained);": "_Py_atomic_store_int64(part, 0);"}
    ),
    Mutation(
        "drain",
        "sets `offset` without an atomic store",
        {"_Py_atomic_store_int64(&self->offset, self->offset + drained);": "self->offset += drained;"},
    ),
    Mutation(
        "sum_striped",
        "ignores the version",
        {"(version & 1) == 0 && ": "", " && _Py_atomic_load_int64(&self->version) == version": ""},
    ),
    Mutation("sum_striped", "ignores that the version is odd", {"(version & 1) == 0 && ": ""}),
    Mutation(
        "sum_striped",
        "does not look at the version again",
        {" && _Py_atomic_load_int64(&self->version) == version": ""},
    ),
    Mutation(
        "sum_striped",
        "does not acquire the version",
        {"int64_t version = _Py_atomic_load_int64(": "int64_t version = _Py_atomic_load_int64_relaxed("},
    ),
    Mutation("sum_striped", "does not acquire `large`", {"load_ptr_acquire": "load_ptr_relaxed"}),
    Mutation(
        "sum_striped",
        "does not acquire `offset`",
        {"*sum = _Py_atomic_load_int64(": "*sum = _Py_atomic_load_int64_relaxed("},
    ),
    Mutation("sum_striped", "ignores `large`", {" && _Py_atomic_load_ptr_acquire(&self->large) == NULL": ""}),
    Mutation(
        "sum_striped",
        "looks at `large` before it looks at the version",
        {
            "    int64_t version = _Py_atomic_load_int64(&self->version);\n": ""
            "    int none = _Py_atomic_load_ptr_acquire(&self->large) == NULL;\n"
            "    int64_t version = _Py_atomic_load_int64(&self->version);\n"
        }
        | {"0 && _Py_atomic_load_ptr_acquire(&self->large) == NULL": "0 && none"},
    ),
    # Any kind.
    Mutation(
        "cell_increment_and_get",
        "subtracts again if there is no memory for the new count",
        {
            "        return PyLong_FromLongLong(after);": "        PyObject *result = PyLong_FromLongLong(after);\n"
            "        if (result == NULL) {\n            add_to_word(self, -1, &after);\n        }\n"
            "        return result;"
        },
    ),
    Mutation("add_anew", "does not try again", {"if (done) {": "if (1) {"}),
    Mutation(
        "cell_exchange",
        "does not try again",
        {"if (replace_count(self, &before, count))": "if (replace_count(self, &before, count) || 1)"},
    ),
    Mutation("make_room", "raises that there is no memory", {"        PyErr_Clear();\n": ""}),
    # The table of labels.
    table_mutation("table_publish", "takes no lock", TABLE_LOCK),
    table_mutation("table_publish", "does not look whether the slot is empty", {"*place->slot == NULL && ": ""}),
    table_mutation("table_publish", "does not look whether the table is full", {"!are_full(place->slots) && ": ""}),
    table_mutation("table_publish", "does not look whether the block is full", {" && !is_block_full(block)": ""}),
    table_mutation("table_publish", "counts no reference", {"Py_NewRef(place->label)": "place->label"}),
    table_mutation("table_publish", "publishes an entry without a release", {PUBLISH_ENTRY: RELAXED_ENTRY}),
    table_mutation(
        "table_publish",
        "publishes an entry before it is complete",
        {PUBLISH_ENTRY: "", "        entry->label =": f"{PUBLISH_ENTRY}        entry->label ="},
    ),
    table_mutation(
        "table_publish",
        "counts a label before its entry is complete",
        {USED: "", "        entry->label =": f"{USED}        entry->label ="},
    ),
    table_mutation(
        "table_publish",
        "lets the block grow after the lock is released",
        {BLOCK_USED: "", UNLOCK: f"{UNLOCK}    if (entry != NULL) {{\n{BLOCK_USED}    }}\n"},
    ),
    table_mutation("table_grow", "takes no lock", TABLE_LOCK),
    table_mutation(
        "table_grow", "replaces a table that another thread has just made", {"= table->slots == full;": "= 1;"}
    ),
    table_mutation(
        "table_grow",
        "publishes a table without a release",
        {"PUBLISH(&table->slots, grown)": "_Py_atomic_store_ptr_relaxed(&table->slots, grown)"},
    ),
    table_mutation("table_grow", "keeps the table that it could not publish", {"        PyMem_RawFree(grown);\n": ""}),
    table_mutation("table_grow", "forgets the table that it replaces", {"    grown->previous = full;\n": ""}),
    table_mutation(
        "table_grow",
        "frees the table that it replaces",
        {"grown->previous = full;": "", "    if (!done) {": "    if (done) {\n        PyMem_RawFree(full);\n    }\n"}
        | {"        PyMem_RawFree(grown);": "    if (!done) {\n        PyMem_RawFree(grown);"},
    ),
    table_mutation("table_append_block", "takes no lock", TABLE_LOCK),
    table_mutation(
        "table_append_block",
        "appends to a block that another thread has appended to",
        {"= table->last == last;": "= 1;"},
    ),
    table_mutation(
        "table_append_block",
        "publishes a block without a release",
        {"PUBLISH(&table->last, block)": "_Py_atomic_store_ptr_relaxed(&table->last, block)"},
    ),
    table_mutation(
        "table_append_block", "keeps the block that it could not publish", {"        PyMem_RawFree(block);\n": ""}
    ),
    table_mutation("table_add", "does not acquire the block", {"LOAD(&table->last)": RELAXED_LOAD + "last)"}),
    table_mutation(
        "table_add",
        "does not look again in the table that it has made",
        {"        if (status == 0) {": "        if (0) {"},
    ),
    table_mutation("table_add", "ignores that a comparison fails", {"return status < 0 ? NULL : ": "return "}),
    table_mutation("table_search", "does not acquire the slots", {"LOAD(&table->slots)": RELAXED_LOAD + "slots)"}),
    table_mutation(
        "table_search", "does not acquire the entry", {"LOAD(place->slot)": "_Py_atomic_load_ptr_relaxed(place->slot)"}
    ),
    table_mutation("table_grow", "forgets how many labels there are", {"LOAD_SIZE(&full->used)": "0"}),
    table_mutation("table_append_block", "forgets the first block", {": last->next;": ": block;"}),
    table_mutation(
        "table_all",
        "takes no lock",
        TABLE_LOCK
        | {"= table->slots;": "= LOAD(&table->slots);", "0 : slots->used": "0 : LOAD_SIZE(&slots->used)"}
        | {
            "table->last == NULL ? NULL : table->last->next": "LOAD(&table->last);\n    first = first ? first->next : 0"
        },
    ),
    # Resets.
    reset_mutation("add_anew", "tries again after a reset", {"resets == NULL || *resets == resets_before)": "1)"}),
    reset_mutation(
        "add_anew",
        "sets a count after a reset",
        {"int is_there = resets == NULL || *resets == resets_before;": ""} | {"is_there && ": ""},
    ),
    reset_mutation("make_room", "does not know of resets", {"resets, &count": "NULL, &count"}),
    reset_mutation("step_anew", "does not know of resets", {"amount, resets)": "amount, NULL)"}),
    reset_mutation(
        "cell_add", "does not know of resets", {"add_large(self, amount, resets)": "add_large(self, amount, NULL)"}
    ),
    table_mutation(
        "compare_any",
        "does not look for a reset",
        {"equal >= 0 && table->resets != resets ? WAS_RESET : equal": "equal"},
    ),
    table_mutation(
        "compare_any",
        "keeps no reference to what it compares",
        {"Py_NewRef(entry->label)": "entry->label", "    Py_DECREF(other);\n": ""},
    ),
    table_mutation(
        "compare_any",
        "looks for a reset before it drops its reference",
        {"    Py_DECREF(other);\n": "    int is_same = table->resets == resets;\n    Py_DECREF(other);\n"}
        | {"table->resets != resets": "!is_same"},
    ),
    table_mutation(
        "compare_any",
        "reads the number of resets too late",
        {
            "    size_t resets = table->resets;\n": "",
            "    Py_DECREF(other);\n": "    size_t resets = table->resets;\n    Py_DECREF(other);\n",
        },
    ),
    table_mutation("table_search", "goes on in what a reset has taken", {"goto begin;": "continue;"}),
    table_mutation("table_next", "goes on after a reset", {" || cursor->table->resets != cursor->resets": ""}),
    table_mutation("table_take", "does not count the reset", {"    table->resets++;\n": ""}),
    map_mutation("map_step", "gives up after a reset", {"while (status == 0)": "if (status == 0)"}),
    map_mutation("map_add", "gives up after a reset", {"while (status == 0)": "if (status == 0)"}),
    map_mutation(
        "map_take",
        "does not stop other threads",
        {"while_no_other_thread_runs(take_all, &call)": "(take_all(&call), 1)"},
    ),
    map_mutation(
        "map_take", "forgets what it could not return", {"map_keep(object, call.taken)": "free_taken(call.taken)"}
    ),
    map_mutation("take_all", "forgets what was kept", {"    self->taken->next = self->map->taken;\n": ""}),
    map_mutation("take_all", "leaves what was kept", {"    self->map->taken = NULL;\n": ""}),
    map_mutation("map_keep", "takes no lock", MAP_LOCK),
    map_mutation("map_keep", "forgets what was kept", {"*end = map->taken;": "*end = NULL;"}),
    map_mutation(
        "take_counts",
        "reads a count and then takes it",
        {"cell_reset(&entry->value)": "cell_get(&entry->value)"}
        | {"    if (count == NULL) {": "    Py_XDECREF(cell_reset(&entry->value));\n        if (count == NULL) {"},
    ),
    map_mutation("take_counts", "counts no reference", {"Py_NewRef(entry->label)": "entry->label"}),
    # The log of a SharedCounterMap, and the records that a process knows.
    log_mutation("shared_count_add", "adds by a load and a store", {EXCHANGE_COUNT: STORE_COUNT}, "shared_count.h"),
    log_mutation(
        "log_open",
        "does not look again whether another process has begun",
        {" && _Py_atomic_load_int64(header) == 0": ""},
        "log.h",
    ),
    log_mutation(
        "log_look",
        "does not acquire the word",
        {"_Py_atomic_load_uint64_acquire(&": "(uint64_t)_Py_atomic_load_int64_relaxed((int64_t *)&"},
        "log.h",
    ),
    log_mutation(
        "log_look", "takes every record for ready", {"word & READY_BIT ? LOG_READY : LOG_CLAIMED": "LOG_READY"}, "log.h"
    ),
    log_mutation("log_look", "does not see where the log ends", {"if (offset == log->size)": "if (0)"}, "log.h"),
    log_mutation(
        "log_claim", "does not look whether there is room", {"if (log_next(offset, length) > end)": "if (0)"}, "log.h"
    ),
    log_mutation(
        "log_claim",
        "claims by a load and a store",
        {
            "_Py_atomic_compare_exchange_int64(word, &none, (int64_t)WORD_OF(length))": ""
            "_Py_atomic_load_int64(word) == 0 && (_Py_atomic_store_int64(word, (int64_t)WORD_OF(length)), 1)"
        },
        "log.h",
    ),
    log_mutation(
        "log_publish",
        "makes a record ready before it has a label",
        {f"    {READY}\n": "", "    for (Py": f"    {READY}\n    for (Py"},
        "log.h",
    ),
    log_mutation(
        "log_publish",
        "does not release the label",
        {READY: "_Py_atomic_store_int64_relaxed((int64_t *)&record->word, (int64_t)(WORD_OF(length) | READY_BIT));"},
        "log.h",
    ),
    log_mutation("append_once", "takes no lock", SHARED_LOCK),
    log_mutation("append_once", "takes a record in twice", {"*state == RECORD_TAKEN;": "0;"}),
    log_mutation("append_once", "does not note that a record is taken in", {"        *state = RECORD_TAKEN;\n": ""}),
    log_mutation("append_once", "counts a label again", {"map->labels += is_new;": "map->labels++;"}),
    log_mutation(
        "append_record",
        "lets a block grow before it has the record",
        {COUNT_IN_BLOCK: "", BLOCK_GROWS: BLOCK_GROWS + COUNT_IN_BLOCK},
    ),
    log_mutation("append_record", "forgets the first record", {"block->counts[block->used++] = value->count;": ""}),
    log_mutation("append_record", "forgets the blocks behind the first", {"? NULL : first->next;": "? NULL : NULL;"}),
    log_mutation(
        "append_record",
        "publishes a block without a release",
        {"PUBLISH(first ==": "_Py_atomic_store_ptr_relaxed(first =="},
    ),
    log_mutation("append_record", "uses a block twice", {"    *spare = NULL;\n": ""}),
    log_mutation("records_of", "does not acquire the records", {"LOAD(&value->records)": RELAXED_RECORDS}),
    log_mutation("count_chosen", "does not acquire the records", {"LOAD(&value->records)": RELAXED_RECORDS}),
    log_mutation(
        "next_record",
        "does not acquire the next block",
        {"LOAD(&cursor->block->next)": "_Py_atomic_load_ptr_relaxed(&cursor->block->next)"},
    ),
    log_mutation("next_record", "reads the only record again and again", {"    cursor->count = NULL;\n": ""}),
    log_mutation("take_in_record", "keeps a block that it did not need", {"    PyMem_RawFree(spare);\n": ""}),
    log_mutation("take_in_ready", "keeps the label", {"    Py_DECREF(label);\n": ""}),
    log_mutation("take_in_at", "does not wait", {"wait_for_record(map, offset) < 0 ? -1 : 1;": "1;"}),
    log_mutation("take_in", "does not look again at those that were not ready", {"while (index > 0 &&": "while (0 &&"}),
    log_mutation(
        "take_in",
        "looks first at those that were not ready, and then how far it is",
        {"offset = LOAD_SIZE(&map->scanned), index": "offset, index"}
        | {"    int found;\n    while": "    int found;\n    offset = LOAD_SIZE(&map->scanned);\n    while"},
    ),
    log_mutation("take_in", "begins at the first record again and again", {"        move_scanned(map, offset);\n": ""}),
    log_mutation("move_scanned", "takes no lock", SHARED_LOCK),
    log_mutation("append_waiting", "waits again for what is taken in", {"*state == RECORD_NEW": "1"}),
    log_mutation(
        "append_waiting",
        "does not look whether there is room",
        {"if (map->waiting_used == map->waiting_size)": "if (0)"},
    ),
    log_mutation("grow_waiting", "takes no lock", SHARED_LOCK),
    log_mutation("grow_waiting", "forgets what is waited for", {"            grown[index] = unused[index];\n": ""}),
    log_mutation(
        "grow_waiting", "replaces what another thread has just made", {"if (map->waiting_size == size)": "if (1)"}
    ),
    log_mutation("grow_waiting", "keeps what it has replaced", {"    PyMem_RawFree(unused);\n": ""}),
    log_mutation("next_waiting", "takes no lock", SHARED_LOCK),
    log_mutation(
        "next_waiting",
        "leaves out another one",
        {"            map->waiting[*index] = map->waiting[map->waiting_used];\n": ""},
    ),
    log_mutation(
        "next_waiting", "does not look how many there still are", {"Py_MIN(*index, map->waiting_used)": "*index"}
    ),
    log_mutation("add_record", "adds one even if there is one", {"if (known >= most)": "if (0)"}),
    log_mutation("add_record", "raises that it could not take in its own record", {"PyErr_Clear();": ";"}),
    log_mutation(
        "add_record",
        "goes past its own record even if that is not taken in",
        {"if (take_in_record(map, label, end) == 0) {": "take_in_record(map, label, end);\n            {"}
        | {"            else {": "            if (PyErr_Occurred()) {"},
    ),
    log_mutation("add_record", "keeps the bytes of the label", {"    Py_XDECREF(encoded);\n": ""}),
    log_mutation(
        "move_apart", "adds records without end", {"MOST_RECORDS, map->log.size / 2": "100, map->log.size / 2"}
    ),
    log_mutation("move_apart", "adds records until the memory is full", {"map->log.size / 2": "map->log.size"}),
    log_mutation("move_apart", "raises what keeps it from moving", {"            PyErr_Clear();\n": ""}),
    log_mutation("take_counts", "resets by a load and a store", {EXCHANGE_ZERO: LOAD_AND_STORE_ZERO}),
    log_mutation("shared_map_reset", "does not put back what it has taken", {"counts == NULL && index": "0 && index"}),
    log_mutation("shared_map_reset", "keeps its memory", {"    PyMem_RawFree(taken.counts);\n": ""}),
    log_mutation("grow_taken", "forgets what it has taken", {"        grown[index] = taken->counts[index];\n": ""}),
    log_mutation("grow_taken", "keeps what it has replaced", {"    PyMem_RawFree(taken->counts);\n": ""}),
]
