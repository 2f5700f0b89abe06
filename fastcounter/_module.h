/* What the code that Cython generates for a module does not do: find the module in each interpreter, import it again,
 * and free it when an interpreter is closed. */
#ifndef FASTCOUNTER_MODULE_H
#define FASTCOUNTER_MODULE_H

#include "_cpython.h"

/* ---- Finding ----
 *
 * Generated code keeps a table of the interpreters that have imported the module.  Code that Cython 3.3.1 generates
 * reads one entry beyond the last when it looks for an interpreter that is not in the table.  `realloc` leaves garbage
 * there, and the garbage may be another module's entry for the same interpreter.  The import then fails as if the
 * module had been imported before.  So this clears the memory that the table grows into. */
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
 * An interpreter can execute a generated module only once: at the second import, generated code raises ImportError.
 * But programs do remove modules from sys.modules and import them again; `mock.patch.dict(sys.modules)` does that.  The
 * functions below replace the generated ones.  They make a second module object with the contents of the first, which
 * they find by a weak reference in the interpreter's dict. */

static int (*execute_first)(PyObject *);

/* The module's key in the interpreter's dict.  All extension modules of a process share that dict. */
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
    if (first == NULL || first == module) {
        Py_XDECREF(first);
        return PyErr_Occurred() ? -1 : execute_first(module);
    }
    int status = PyDict_Merge(PyModule_GetDict(module), PyModule_GetDict(first), 0);
    Py_DECREF(first);
    Py_INCREF(module);  /* so that it is never freed: Cython would then forget the first module too */
    return status;
}

/* All interpreters share the slots.  The first one to import the module changes them; the others find them changed. */
static int
let_import_again(PyObject *module)
{
    PyModuleDef *definition = PyModule_GetDef(module);
    if (definition == NULL || definition->m_slots == NULL) {
        return 0;
    }
    for (PyModuleDef_Slot *slot = definition->m_slots; slot->slot != 0; slot++) {
        void *function = slot->value;
        if (slot->slot == Py_mod_create && function != (void *)create_module) {
            slot->value = (void *)create_module;
        }
        else if (slot->slot == Py_mod_exec && function != (void *)execute_module) {
            execute_first = (int (*)(PyObject *))function;
            slot->value = (void *)execute_module;
        }
    }
    PyObject *modules = PyInterpreterState_GetDict(PyInterpreterState_Get());
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
 * the process ends. */
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

/* The last call of a module's own code.  compat.pyx calls let_import_again() instead, and so keeps the reference. */
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
