/* Descriptors that let the interpreter reach a counter's `value` and methods by its fastest path. */
#ifndef FASTCOUNTER_DESCRIPTORS_H
#define FASTCOUNTER_DESCRIPTORS_H

#include "counter.h"

#if PY_VERSION_HEX < CPYTHON(12)
#  include <structmember.h>
#  define Py_T_OBJECT_EX T_OBJECT_EX
#  define Py_READONLY READONLY
#endif

/* ---- value ---- */

#define VALUE_DOC \
    "The count, an int.  Assign an integer to set it, unless this is a FastWriteCounter.\n\n" \
    "With the GIL, reading takes as long as reading an attribute of a class with `__slots__`.  Without it, reading\n" \
    "makes an int.  Reading and assigning are one atomic step each.  If the assigned value is not an integer,\n" \
    "TypeError is raised and the count stays unchanged."

/* With the GIL the cell is an int, and `value` is a member.  The interpreter reads a member inline, as it does the
 * attributes of `__slots__`.  Calling a getter would take three to four times as long.  The member and the getter are
 * read-only: __setattr__ assigns, and lets only an exact int into the cell. */
#if KNOWN_CPYTHON && !defined(Py_GIL_DISABLED)

static PyMemberDef value_definition = {"value", Py_T_OBJECT_EX, CELL_OFFSET, Py_READONLY, VALUE_DOC};

static inline PyObject *
value_attribute(PyObject *type)
{
    return PyDescr_NewMember((PyTypeObject *)type, &value_definition);
}

static inline int
is_value_attribute(PyObject *attribute)
{
    return Py_IS_TYPE(attribute, &PyMemberDescr_Type)
        && ((PyMemberDescrObject *)attribute)->d_member == &value_definition;
}

#else

static PyObject *
get_value(PyObject *counter, void *closure)
{
    (void)closure;
    return cell_get(cell_of(counter));
}

static PyGetSetDef value_definition = {"value", get_value, NULL, VALUE_DOC, NULL};

static inline PyObject *
value_attribute(PyObject *type)
{
    return PyDescr_NewGetSet((PyTypeObject *)type, &value_definition);
}

static inline int
is_value_attribute(PyObject *attribute)
{
    return Py_IS_TYPE(attribute, &PyGetSetDescr_Type)
        && ((PyGetSetDescrObject *)attribute)->d_getset == &value_definition;
}

#endif

/* Look up a name along a type's method resolution order, without calling a descriptor or a metaclass.  Returns NULL
 * without an exception if nothing is found. */
static inline PyObject *
type_attribute(PyTypeObject *type, PyObject *name)
{
#if KNOWN_CPYTHON && PY_VERSION_HEX >= CPYTHON(13)
    return _PyType_LookupRef(type, name);
#elif KNOWN_CPYTHON
    return Py_XNewRef(_PyType_Lookup(type, name));
#else
    PyObject *found = NULL, *mro = Py_XNewRef(type->tp_mro);
    for (Py_ssize_t index = 0; mro != NULL && found == NULL && index < PyTuple_GET_SIZE(mro); index++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, index);
#  if PY_VERSION_HEX >= CPYTHON(12)
        PyObject *attributes = PyType_GetDict(base);
#  else
        PyObject *attributes = Py_XNewRef(base->tp_dict);
#  endif
        found = attributes == NULL ? NULL : PyObject_GetItem(attributes, name);
        Py_XDECREF(attributes);
        PyErr_Clear();
    }
    Py_XDECREF(mro);
    return found;
#endif
}

/* FastWriteCounter's method `value`: one definition for all interpreters, which only the first one writes. */
static PyMethodDef *value_method;

static inline void
set_value_method(PyObject *method)
{
    if (value_method != ((PyMethodDescrObject *)method)->d_method) {
        value_method = ((PyMethodDescrObject *)method)->d_method;
    }
}

/* Whether `name` is "value", and what the counter's type has under that name is the attribute or method of one of our
 * classes.  It may be another class's: what a subclass has taken from there is an attribute like any other. */
static inline int
is_own_value(PyObject *counter, PyObject *name)
{
    if (!PyUnicode_Check(name) || PyUnicode_CompareWithASCIIString(name, "value") != 0) {
        return 0;
    }
    PyObject *found = type_attribute(Py_TYPE(counter), name);
    int is_own = found != NULL
        && (is_value_attribute(found)
            || (Py_IS_TYPE(found, &PyMethodDescr_Type) && ((PyMethodDescrObject *)found)->d_method == value_method))
        && PyType_IsSubtype(Py_TYPE(counter), PyDescr_TYPE(found));
    Py_XDECREF(found);
    return is_own;
}

/* ---- Methods ----
 *
 * What an object or a class says about itself may be a lie, and asking it may run a user's code: `__class__`,
 * `__objclass__`, `__mro__` and `__dict__` can be properties.  A function of ours that is called with another object
 * reads memory that is not a counter's.  So these functions look only at the types and fields of the objects. */

static inline int
is_subclass(PyObject *object, PyObject *type)
{
    return PyType_Check(object) && PyType_IsSubtype((PyTypeObject *)object, (PyTypeObject *)type);
}

static inline int
is_method(PyObject *object)
{
    return Py_IS_TYPE(object, &PyMethodDescr_Type);
}

/* Whether an object is a method descriptor of a class below `root`, and takes instances of `type`. */
static inline int
is_method_for_type(PyObject *object, PyObject *type, PyObject *root)
{
    if (!is_method(object)) {
        return 0;
    }
    PyObject *owner = (PyObject *)PyDescr_TYPE(object);
    return is_subclass(type, owner) && is_subclass(owner, root);
}

/* Whether two objects are method descriptors for one C function. */
static inline int
is_same_method(PyObject *method, PyObject *other)
{
    return is_method(method) && is_method(other)
        && ((PyMethodDescrObject *)method)->d_method == ((PyMethodDescrObject *)other)->d_method;
}

/* Make a method descriptor that calls the same C function, but belongs to `type`.  is_method_for_type() has to hold.
 * See _specialize.pxi for the reason. */
static inline PyObject *
method_of_type(PyObject *method, PyObject *type)
{
    return PyDescr_NewMethod((PyTypeObject *)type, ((PyMethodDescrObject *)method)->d_method);
}

/* The next two functions change the type's own dict, while other threads may set its attributes, look them up and call
 * them.  type.__setattr__() would call a property that the metaclass has under that name.  It also changes the slots of
 * special methods, so these are for other names only. */

/* Set an attribute if there is none. */
static inline int
add_attribute(PyObject *type, PyObject *name, PyObject *attribute)
{
    PyObject *set = PyDict_SetDefault(((PyTypeObject *)type)->tp_dict, name, attribute);
    PyType_Modified((PyTypeObject *)type);
    return set == NULL ? -1 : 0;
}

/* Delete an attribute, unless another thread has changed it meanwhile.  The caller holds a reference to it, so it stays
 * until the interpreter's caches have forgotten it. */
static inline int
remove_attribute(PyObject *type, PyObject *name, PyObject *attribute)
{
    PyObject *attributes = ((PyTypeObject *)type)->tp_dict;
#ifdef Py_GIL_DISABLED
    PyObject *removed = NULL;
    int status = PyDict_Pop(attributes, name, &removed);
    if (removed != NULL && removed != attribute) {  /* then it is missing for a moment */
        status = PyDict_SetDefaultRef(attributes, name, removed, NULL);
    }
    Py_XDECREF(removed);
#else
    int status = PyDict_GetItemWithError(attributes, name) == attribute ? PyDict_DelItem(attributes, name) : 0;
#endif
    PyType_Modified((PyTypeObject *)type);
    return status < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Whether a counter is created with arguments of the published 1.x, `init` and `step`.  If so, a TypeError is set. */
static int
has_arguments_of_1_x(PyObject *counter, PyObject *args, PyObject *kwargs)
{
    static const char *const keywords[] = {"init", "step"};
    for (int index = 0; kwargs != NULL && index < 2; index++) {
        if (PyDict_GetItemString(kwargs, keywords[index]) != NULL) {
            PyErr_Format(PyExc_TypeError,
                         "%s() takes `initial`, not `%s`; fastcounter.compat has the API of fastcounter 1.x",
                         Py_TYPE(counter)->tp_name, keywords[index]);
            return 1;
        }
    }
    if (PyTuple_GET_SIZE(args) > 1) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes `initial` only, not %zd arguments; fastcounter.compat has the API of fastcounter 1.x",
                     Py_TYPE(counter)->tp_name, PyTuple_GET_SIZE(args));
        return 1;
    }
    return 0;
}

/* A fast path for a counter that is created without arguments.  Parsing arguments would double the time this takes:
 * Cython's code for that looks up the module's state; see setup.py. */
static int
init_without_arguments(PyObject *counter, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) == 0 && kwargs == NULL) {
        PyObject *before = cell_reset(cell_of(counter));
        Py_XDECREF(before);
        return before == NULL ? -1 : 0;
    }
    if (has_arguments_of_1_x(counter, args, kwargs)) {
        return -1;
    }
    PyTypeObject *type = Py_TYPE(counter);
    while (type->tp_init != init_without_arguments) {
        type = type->tp_base;  /* a user's class: its own __init__ called this one */
    }
    while (type->tp_init == init_without_arguments) {
        type = type->tp_base;
    }
    return type->tp_init(counter, args, kwargs);
}

/* Make that `__init__` for a type; `init` is the one that Cython made for its base class. */
static inline PyObject *
init_of_type(PyObject *init, PyObject *type)
{
    return PyDescr_NewWrapper((PyTypeObject *)type, ((PyWrapperDescrObject *)init)->d_base, init_without_arguments);
}

#endif
