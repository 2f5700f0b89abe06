/* What the code that Cython generates for a module leaves to do: finding, importing again and dropping the module. */
#ifndef FASTCOUNTER_MODULE_H
#define FASTCOUNTER_MODULE_H

#include "_cpython.h"

/* ---- Finding ----
 *
 * Generated code keeps a table of the interpreters that have imported the module.  To find one that is not in it,
 * Cython 3.3.1 reads the entry behind the last.  `realloc` leaves garbage there, which can be another module's table
 * with just this interpreter in it: the import then fails, as if the module had been imported before.  So the memory
 * that the table grows into is cleared. */
#if CYTHON_HEX_VERSION <= 0x030301F0
static inline void *
realloc_cleared(void *memory, size_t old_size, size_t size)
{
    char *result = (char *)realloc(memory, size);
    if (result != NULL && size > old_size) {
        memset(result + old_size, 0, size - old_size);
    }
    return result;
}
#  define realloc(table_, size) \
    realloc_cleared(table_, sizeof *(table_) + ((table_)->allocated - 1) * sizeof (table_)->table[0], size)
#endif

/* ---- Importing again ----
 *
 * An interpreter can execute a generated module only once.  If the module has been removed from sys.modules since, as
 * `mock.patch.dict(sys.modules)` does, the next import makes a second module object with the contents of the first.
 * The interpreter's dict holds a weak reference to the first one.  The functions below take the place of the
 * generated ones, which raise ImportError there. */

static int (*execute_first)(PyObject *);

/* A new reference to the module that this interpreter has executed.  NULL without an exception if there is none. */
static PyObject *
first_module(PyModuleDef *definition)
{
    PyObject *modules = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *weak = modules == NULL ? NULL : PyDict_GetItemString(modules, definition->m_name);
    PyObject *module = weak == NULL ? NULL : PyObject_CallNoArgs(weak);
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
    if (first == NULL || first == module) {
        Py_XDECREF(first);
        return PyErr_Occurred() ? -1 : execute_first(module);
    }
    int status = PyDict_Merge(PyModule_GetDict(module), PyModule_GetDict(first), 0);
    Py_DECREF(first);
    Py_INCREF(module);  /* never freed: to clear it would make Cython forget the first one */
    return status;
}

/* The slots belong to the process: each interpreter writes the same into them. */
static int
let_import_again(PyObject *module)
{
    PyModuleDef *definition = PyModule_GetDef(module);
    if (definition == NULL || definition->m_slots == NULL) {
        return 0;
    }
    for (PyModuleDef_Slot *slot = definition->m_slots; slot->slot != 0; slot++) {
        void *function = slot->value;
        if (slot->slot == Py_mod_create) {
            slot->value = (void *)create_module;
        }
        else if (slot->slot == Py_mod_exec && function != (void *)execute_module) {
            execute_first = (int (*)(PyObject *))function;
            slot->value = (void *)execute_module;
        }
    }
    PyObject *modules = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *weak = modules == NULL ? NULL : PyWeakref_NewRef(module, NULL);
    int status = weak == NULL ? -1 : PyDict_SetItemString(modules, definition->m_name, weak);
    Py_XDECREF(weak);
    return status;
}

/* ---- Dropping ----
 *
 * Cython 3.3.1 generates code that keeps a reference to the module and never drops it.  A closed interpreter would
 * leave its memory behind.  The code of other versions may drop the reference, and ours would then be one too many:
 * with them, the memory stays.  The main interpreter closes with the process. */
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

/* The last call of each module's own code. */
static inline int
finish_module(PyObject *module)
{
    int status = let_import_again(module);
    if (status == 0) {
        drop_reference(module);
    }
    return status;
}

#endif
