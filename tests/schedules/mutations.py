"""Changes to the header that break it.  Each has to be found by a program; run.py checks that.

A mutation is a sentence that says what is wrong, and the text that is replaced, which has to be in the header exactly
once.  So a mutation that no longer fits the header fails.
"""

MUTATIONS = {
    # The lock.
    "lock() takes the lock without looking": [
        ("!_Py_atomic_compare_exchange_int(&self->locked, &unlocked, 1)", "0"),
    ],
    "lock() takes a lock that it has found taken": [
        ("        unlocked = 0;\n", ""),
    ],
    "unlock() does nothing": [
        ("_Py_atomic_store_int_release(&self->locked, 0);", ""),
    ],
    "unlock() does not release": [
        ("_Py_atomic_store_int_release(&self->locked, 0);", "_Py_atomic_store_int_relaxed(&self->locked, 0);"),
    ],
    # One word.
    "the addition to an atomic cell is a load and a store": [
        ("if (self->kind == CELL_UNSYNCHRONIZED) {", "if (1) {"),
    ],
    "the addition to an unsynchronized cell is not atomic at all": [
        ("_Py_atomic_store_int64_relaxed(&self->count, before + amount);", "self->count = before + amount;"),
    ],
    "word_add_small() does not look again whether the count is large": [
        (
            "        before = _Py_atomic_add_int64(&self->count, amount);\n        if (IS_LARGE(before)) {",
            "        before = _Py_atomic_add_int64(&self->count, amount);\n        if (0) {",
        ),
    ],
    "word_get() reads `large` without the lock": [
        (
            "        lock(self);\n        *word = _Py_atomic_load_int64(&self->count);\n",
            "        *word = _Py_atomic_load_int64(&self->count);\n",
        ),
        (
            "            large = Py_NewRef(self->large);\n        }\n        unlock(self);\n",
            "            large = Py_NewRef(self->large);\n        }\n",
        ),
    ],
    "word_get() does not look again whether the count is large": [
        (
            "        if (IS_LARGE(*word)) {\n            large = Py_NewRef(self->large);\n        }\n",
            "        large = Py_NewRef(self->large);\n",
        ),
    ],
    "word_get() counts no reference": [
        ("            large = Py_NewRef(self->large);\n        }\n        unlock", "            large = self->large;\n        }\n        unlock"),
    ],
    "word_replace() replaces whatever the count is": [
        (
            "done = _Py_atomic_compare_exchange_int64(&self->count, &word, new_word);",
            "done = (_Py_atomic_store_int64(&self->count, new_word), 1);",
        ),
    ],
    "word_replace() replaces any large count": [
        (" && self->large == before)", ")"),
    ],
    "word_replace() does not look whether the count is still large": [
        ("(done = IS_LARGE(_Py_atomic_load_int64(&self->count)) && self->large == before)", "(done = self->large == before)"),
    ],
    "word_replace() takes no lock": [
        ("    int done;\n    lock(self);\n", "    int done;\n"),
        ("        self->large = large;\n    }\n    unlock(self);\n", "        self->large = large;\n    }\n"),
    ],
    "word_replace() drops the old count while it holds the lock": [
        (
            "        self->large = large;\n    }\n    unlock(self);\n    Py_XDECREF(done ? dropped : large);\n",
            "        self->large = large;\n    }\n    Py_XDECREF(done ? dropped : large);\n    unlock(self);\n",
        ),
    ],
    "word_replace() forgets its new count if another thread was first": [
        (
            "        self->large = large;\n    }\n    unlock(self);\n    Py_XDECREF(done ? dropped : large);\n",
            "        self->large = large;\n    }\n    unlock(self);\n    Py_XDECREF(dropped);\n",
        ),
    ],
    # Stripes and their tables.
    "two threads may get one number": [
        ("number = _Py_atomic_add_int64(&last_number, 1) + 1;",
         "_Py_atomic_store_int64(&last_number, number = _Py_atomic_load_int64(&last_number) + 1);"),
    ],
    "a larger table forgets the old stripes": [
        ("(number - old + 1) * sizeof(stripe);", "(number + 1) * sizeof(stripe);"),
        ("index < old ? previous->stripes[index] : &new_stripes[index - old];", "&new_stripes[index];"),
    ],
    "a larger table forgets the table before": [
        ("    table->previous = previous;\n", ""),
    ],
    "grow() replaces a table that another thread has just made": [
        (
            "if (!_Py_atomic_compare_exchange_ptr(&self->table, &table, grown)) {",
            "if (_Py_atomic_store_ptr_release(&self->table, grown), 0) {",
        ),
    ],
    "grow() publishes a table without releasing it": [
        (
            "if (!_Py_atomic_compare_exchange_ptr(&self->table, &table, grown)) {",
            "if (_Py_atomic_load_ptr_relaxed(&self->table) != table) {",
        ),
        ("    return grown;\n", "    _Py_atomic_store_ptr_relaxed(&self->table, grown);\n    return grown;\n"),
    ],
    "grow() keeps the table that it could not publish": [
        ("        PyMem_RawFree(grown);\n", ""),
    ],
    "grow() uses the table that it could not publish": [
        ("        return table;  /* another thread was first */\n", "        return grown;\n"),
    ],
    "grow() frees the table that it replaces": [
        ("    return grown;\n", "    PyMem_RawFree(table);\n    grown->previous = NULL;\n    return grown;\n"),
    ],
    "the addition to a stripe is a load and a store": [
        ("before = _Py_atomic_add_int64(part, amount);", "_Py_atomic_store_int64(part, before + amount);"),
    ],
    "stripe_add() does not acquire the table": [
        (
            "    stripe_table *table = _Py_atomic_load_ptr_acquire(&self->table);\n    if (table == NULL) {",
            "    stripe_table *table = _Py_atomic_load_ptr_relaxed(&self->table);\n    if (table == NULL) {",
        ),
    ],
    "a sum does not acquire the table": [
        (
            "    stripe_table *table = _Py_atomic_load_ptr_acquire(&self->table);\n    for",
            "    stripe_table *table = _Py_atomic_load_ptr_relaxed(&self->table);\n    for",
        ),
    ],
    # The owner.
    "every thread adds to `count`": [
        (" || !is_owned(COUNTER(cell))) {", ") {"),
    ],
    "the owner stays on `count` once there are stripes": [
        ("_Py_atomic_load_ptr_relaxed(&self->table) != NULL || !is_owned", "!is_owned"),
    ],
    "the owner's addition is not atomic": [
        ("_Py_atomic_store_uint64_release((uint64_t *)&self->count, (uint64_t)after);", "self->count = after;"),
    ],
    "the owner's addition does not release": [
        (
            "_Py_atomic_store_uint64_release((uint64_t *)&self->count, (uint64_t)after);",
            "_Py_atomic_store_int64_relaxed(&self->count, after);",
        ),
    ],
    # Reading and replacing the sum.
    "striped_get() takes no lock": [
        ("    lock(self);\n    seen->version", "    seen->version"),
        ("    PyObject *large = Py_XNewRef(self->large);\n    unlock(self);\n", "    PyObject *large = Py_XNewRef(self->large);\n"),
    ],
    "striped_get() counts no reference": [
        ("    PyObject *large = Py_XNewRef(self->large);\n", "    PyObject *large = self->large;\n"),
    ],
    "striped_get() makes an object while it holds the lock": [
        (
            "    unlock(self);\n    PyObject *count = PyLong_FromLongLong(sum);\n",
            "    PyObject *count = PyLong_FromLongLong(sum);\n    unlock(self);\n",
        ),
    ],
    "striped_replace() does not look at the version": [
        ("int done = self->version == seen->version;", "int done = 1;"),
    ],
    "striped_replace() takes no lock": [
        ("    lock(self);\n    int done = self->version", "    int done = self->version"),
        ("    unlock(self);\n    Py_XDECREF(done ? dropped : large);\n    return done;\n}\n\n/* Move",
         "    Py_XDECREF(done ? dropped : large);\n    return done;\n}\n\n/* Move"),
    ],
    "striped_replace() does not make the version odd": [
        ("        _Py_atomic_store_int64(&self->version, seen->version + 1);\n", ""),
    ],
    "striped_replace() leaves the version as it was": [
        ("_Py_atomic_store_int64(&self->version, seen->version + 2);", "_Py_atomic_store_int64(&self->version, seen->version);"),
    ],
    "striped_replace() takes away what threads have added meanwhile": [
        ("offset - seen->parts);", "offset - sum_of_parts(self));"),
    ],
    "striped_replace() changes `offset` by a store that is not atomic": [
        ("_Py_atomic_store_int64(&self->offset, offset - seen->parts);", "self->offset = offset - seen->parts;"),
    ],
    "striped_replace() changes `large` by a store that is not atomic": [
        ("_Py_atomic_store_ptr_release(&self->large, large);", "self->large = large;"),
    ],
    "striped_replace() stores `large` without releasing it": [
        ("_Py_atomic_store_ptr_release(&self->large, large);", "_Py_atomic_store_ptr_relaxed(&self->large, large);"),
    ],
    "striped_replace() stores the odd version without releasing it": [
        ("_Py_atomic_store_int64(&self->version, seen->version + 1);", "_Py_atomic_store_int64_relaxed(&self->version, seen->version + 1);"),
    ],
    "striped_replace() stores the even version without releasing it": [
        ("_Py_atomic_store_int64(&self->version, seen->version + 2);", "_Py_atomic_store_int64_relaxed(&self->version, seen->version + 2);"),
    ],
    "striped_replace() stores `offset` relaxed": [
        ("_Py_atomic_store_int64(&self->offset, offset - seen->parts);", "_Py_atomic_store_int64_relaxed(&self->offset, offset - seen->parts);"),
    ],
    "striped_replace() drops the old count while it holds the lock": [
        ("    unlock(self);\n    Py_XDECREF(done ? dropped : large);\n    return done;\n}\n\n/* Move",
         "    Py_XDECREF(done ? dropped : large);\n    unlock(self);\n    return done;\n}\n\n/* Move"),
    ],
    "striped_replace() forgets its new count if another thread was first": [
        ("    Py_XDECREF(done ? dropped : large);\n    return done;\n}\n\n/* Move",
         "    Py_XDECREF(dropped);\n    return done;\n}\n\n/* Move"),
    ],
    "drain() takes no lock": [
        ("    lock(self);\n    _Py_atomic_store_int64(&self->version, self->version + 1);\n    int64_t drained",
         "    _Py_atomic_store_int64(&self->version, self->version + 1);\n    int64_t drained"),
        ("    _Py_atomic_store_int64(&self->version, self->version + 1);\n    unlock(self);\n}",
         "    _Py_atomic_store_int64(&self->version, self->version + 1);\n}"),
    ],
    "drain() does not change the version": [
        ("    lock(self);\n    _Py_atomic_store_int64(&self->version, self->version + 1);\n    int64_t drained",
         "    lock(self);\n    int64_t drained"),
        ("    _Py_atomic_store_int64(&self->version, self->version + 1);\n    unlock(self);\n}",
         "    unlock(self);\n}"),
    ],
    "drain() changes the version only at its end": [
        ("    lock(self);\n    _Py_atomic_store_int64(&self->version, self->version + 1);\n    int64_t drained",
         "    lock(self);\n    int64_t drained"),
        ("    _Py_atomic_store_int64(&self->version, self->version + 1);\n    unlock(self);\n}",
         "    _Py_atomic_store_int64(&self->version, self->version + 2);\n    unlock(self);\n}"),
    ],
    "drain() changes the version only at its start": [
        ("    lock(self);\n    _Py_atomic_store_int64(&self->version, self->version + 1);\n    int64_t drained",
         "    lock(self);\n    _Py_atomic_store_int64(&self->version, self->version + 2);\n    int64_t drained"),
        ("    _Py_atomic_store_int64(&self->version, self->version + 1);\n    unlock(self);\n}",
         "    unlock(self);\n}"),
    ],
    "drain() sets a part to 0": [
        ("        _Py_atomic_add_int64(part, -drained);\n", "        _Py_atomic_store_int64(part, 0);\n"),
    ],
    "drain() sets a part of other threads to 0, like the owner's": [
        ("    if (part == &self->count) {\n", "    if (1) {\n"),
    ],
    "drain() changes `offset` by a store that is not atomic": [
        ("_Py_atomic_store_int64(&self->offset, self->offset + drained);", "self->offset += drained;"),
    ],
    "a read ignores the version": [
        ("(version & 1) == 0 && ", ""),
        ("return is_count && _Py_atomic_load_int64(&self->version) == version;", "return is_count;"),
    ],
    "a read ignores that the version is odd": [
        ("(version & 1) == 0 && ", ""),
    ],
    "a read does not look at the version again": [
        ("return is_count && _Py_atomic_load_int64(&self->version) == version;", "return is_count;"),
    ],
    "a read ignores `large`": [
        (" && _Py_atomic_load_ptr_acquire(&self->large) == NULL;", ";"),
    ],
    "a read does not acquire `large`": [
        ("_Py_atomic_load_ptr_acquire(&self->large) == NULL;", "_Py_atomic_load_ptr_relaxed(&self->large) == NULL;"),
    ],
    "a read looks at `large` before it looks at the version": [
        ("    int64_t version = _Py_atomic_load_int64(&self->version);\n    int is_count = (version & 1) == 0 && _Py_atomic_load_ptr_acquire(&self->large) == NULL;\n",
         "    int is_count = _Py_atomic_load_ptr_acquire(&self->large) == NULL;\n    int64_t version = _Py_atomic_load_int64(&self->version);\n    is_count = is_count && (version & 1) == 0;\n"),
    ],
    # Any kind.
    "cell_update() does not try again": [
        ("if (done || result == NULL) {", "if (1) {"),
    ],
    "a failure to make room is raised": [
        ("        PyErr_Clear();\n", ""),
    ],
}
