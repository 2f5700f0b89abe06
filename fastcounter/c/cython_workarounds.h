/* Workarounds for the code that Cython generates for a module.  They find the module in each interpreter, let an
 * interpreter import it again, and free it when an interpreter is closed. */
#ifndef FASTCOUNTER_CYTHON_WORKAROUNDS_H
#define FASTCOUNTER_CYTHON_WORKAROUNDS_H

#include "atomics.h"

/* ---- Finding ----
 *
 * Generated code keeps a table of the interpreters that have imported the module.  Once an interpreter with an id of 32
 * or more imports it, the table is sorted by id.  Cython 3.3.1 searches it wrongly: for an id that is greater than all
 * others, __Pyx_State_FindModuleStateLookupTableLowerBound() returns the place after the last entry, and its callers
 * read the id there.  So a removed module is still found, and removing it again removes another interpreter's.
 * tests/test_cython_faults.py shows it.
 *
 * So this adds a last entry that stays, with an id that is greater than that of any interpreter, and no module.  To add
 * it, this calls the generated function with `last_entry` as its second argument.  That argument, which generated code
 * names `dummy` and does not use, then selects the id. */
#if CYTHON_HEX_VERSION <= 0x030301F0
static char last_entry;

static inline int64_t
id_in_table(PyInterpreterState *interpreter, void *dummy)
{
    return dummy == &last_entry ? INT64_MAX : PyInterpreterState_GetID(interpreter);
}
#  define PyInterpreterState_GetID(interpreter) id_in_table(interpreter, dummy)

static int __Pyx_State_AddModule(PyObject *, void *);
#  define add_last_entry() __Pyx_State_AddModule(NULL, &last_entry)
#else
#  define add_last_entry() 0
#endif

/* ---- Importing again ----
 *
 * An interpreter can execute a generated module only once: at the second import, generated code raises ImportError.
 * But programs do remove modules from sys.modules and import them again; `mock.patch.dict(sys.modules)` does that.  The
 * functions below replace the generated ones.  They make a second module object with the contents of the first, which
 * they find by a weak reference in the interpreter's dict. */

static int (*execute_first)(PyObject *);  /* the generated function; replace_slots() sets it */

/* The module's key in the interpreter's dict.  All extension modules of an interpreter share that dict. */
static PyObject *
module_key(PyModuleDef *definition)
{
    return PyUnicode_FromFormat("fastcounter.%s", definition->m_name);
}

/* A new reference to the module that this interpreter has executed.  NULL if there is none, or with an exception set if
 * the lookup fails. */
static PyObject *
first_module(PyModuleDef *definition)
{
    PyObject *modules = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = modules == NULL ? NULL : module_key(definition);
    PyObject *weak = key == NULL ? NULL : PyDict_GetItemWithError(modules, key);
    PyObject *module = weak == NULL ? NULL : PyObject_CallNoArgs(weak);
    Py_XDECREF(key);
    if (module == Py_None) {
        Py_CLEAR(module);
    }
    return module;
}

static PyObject *
create_module(PyObject *spec, PyModuleDef *definition)
{
    (void)definition;
    PyObject *name = PyObject_GetAttrString(spec, "name");
    PyObject *module = name == NULL ? NULL : PyModule_NewObject(name);
    Py_XDECREF(name);
    return module;
}

static int
execute_module(PyObject *module)
{
    PyObject *first = first_module(PyModule_GetDef(module));
    if (first == NULL && !PyErr_Occurred()) {
        return execute_first(module);
    }
    Py_INCREF(module);  /* so that it is never freed: Cython would then forget the first module too */
    int status = first == NULL ? -1 : PyDict_Merge(PyModule_GetDict(module), PyModule_GetDict(first), 0);
    Py_XDECREF(first);
    return status;
}

/* All interpreters share the slots, and may import the module at the same time.  The first one replaces the functions.
 * The others wait until it has, and the exchange lets them see `execute_first` too.  That takes a moment in which no
 * Python code runs. */
static void
replace_slots(PyModuleDef *definition)
{
    static int64_t started, done;
    int64_t expected = 0;
    if (!_Py_atomic_compare_exchange_int64(&started, &expected, 1)) {
        while (!_Py_atomic_load_int64(&done)) {
        }
        return;
    }
    for (PyModuleDef_Slot *slot = definition->m_slots; slot->slot != 0; slot++) {
        if (slot->slot == Py_mod_create) {
            slot->value = (void *)create_module;
        }
        else if (slot->slot == Py_mod_exec) {
            execute_first = (int (*)(PyObject *))slot->value;
            slot->value = (void *)execute_module;
        }
    }
    _Py_atomic_exchange_int64(&done, 1);
}

/* Each import of the module begins with this call. */
static inline PyObject *
init_definition(PyModuleDef *definition)
{
    replace_slots(definition);
    return add_last_entry() < 0 ? NULL : PyModuleDef_Init(definition);
}
#define PyModuleDef_Init(definition) init_definition(definition)

/* Let this interpreter find the module when it imports it again.  Each module calls this last. */
static inline int
let_import_again(PyObject *module)
{
    PyModuleDef *definition = PyModule_GetDef(module);
    PyObject *modules = definition == NULL ? NULL : PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = modules == NULL ? NULL : module_key(definition);
    PyObject *weak = key == NULL ? NULL : PyWeakref_NewRef(module, NULL);
    int status = weak == NULL ? -1 : PyDict_SetItem(modules, key, weak);
    Py_XDECREF(weak);
    Py_XDECREF(key);
    return status;
}

/* ---- Freeing ----
 *
 * The code that Cython 3.3.1 generates takes a reference to the module and never drops it.  A closed interpreter would
 * leak the module's memory, so this drops the reference.  Other versions of Cython may drop it themselves, and dropping
 * it twice would be a double free.  With those versions the memory leaks.  The main interpreter keeps its modules until
 * the process ends.
 *
 * compat.pyx does not call this: while an interpreter is closed, the module may go before the last instance of its
 * classes.  These extend a class of another module, and what Cython generates to deallocate such an instance reads the
 * state of its own module. */
static inline void
drop_reference(PyObject *module)
{
#if CYTHON_HEX_VERSION == 0x030301F0
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        Py_DECREF(module);
    }
#else
    (void)module;
#endif
}

/* ---- Builtin functions ----
 *
 * Generated code keeps a builtin function that it calls, such as sum(), in a variable that all interpreters share.  But
 * each interpreter has its own such function, so one would call that of another, which may be closed by now.  Nothing
 * here mends that: our modules call only those that Cython turns into C, such as len().  tests/test_interpreters.py
 * sees others by the memory that they leak. */

#endif
