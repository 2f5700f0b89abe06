# Specializing inherited methods; part of _counters.pyx.
#
# The interpreter calls a compiled method by its fastest path only if the method belongs to the object's exact type.  An
# inherited method takes twice as long.  So each class gets its own copies of the methods that it inherits: ours from
# complete_module(), a user's when it is created.

cdef bint is_compiled_method(name, attribute, cls, root):
    return is_method_for_type(attribute, cls, root) and not name.startswith("_")


cdef tuple inherited(list found):
    # `found` is what the classes of the method resolution order define under one name, with the classes.  The first one
    # wins, unless it is a copy and its original comes later: a mixin between the two may override the method.
    for index, (base, attribute) in enumerate(found):
        for _, other in found[index + 1:]:
            if is_same_method(attribute, other) and not is_assigned_method(attribute, base):
                break
        else:
            return base, attribute


cdef int specialize_methods(cls, root) except -1:
    # `type` knows the real method resolution order and dicts, whatever a metaclass says.  `type.__dict__`, not
    # vars(type): Cython caches builtin functions, and all interpreters would share that cache.
    dict_of = type.__dict__["__dict__"].__get__
    classes = [(base, dict_of(base)) for base in type.__dict__["__mro__"].__get__(cls)]
    # Other threads may use the classes, and even reading `__annotations__` adds to a dict.  So this takes names from
    # copies.  Copying waits for threads that change the dict, but nobody sets attributes of compiled classes.
    names = {
        name
        for base, attributes in classes
        if is_immutable(base)
        for name, attribute in attributes.copy().items()
        if is_compiled_method(name, attribute, cls, root)
    }
    nothing = object()
    for name in names:
        found = [(base, attributes.get(name, nothing)) for base, attributes in classes]
        found = [(base, attribute) for base, attribute in found if attribute is not nothing]
        base, attribute = inherited(found)
        if base is cls:
            continue
        if is_method_for_type(attribute, cls, root):
            attribute = method_of_type(attribute, cls)
        elif base is found[0][0]:
            continue
        set_type_attribute(cls, name, attribute)
    return 0


_roots = []  # each compiled class whose subclasses have copies: each subclass has one of these among its bases


def _init_subclass(cls, **kwargs):
    for root in _roots:
        if is_subclass(cls, root):
            break
    else:
        raise TypeError(f"{cls!r} is not a subclass of a counter")
    super(root, cls).__init_subclass__(**kwargs)
    specialize_methods(cls, root)


cdef int complete_module(str name, root, tuple classes, tuple functions, bint frees) except -1:
    # The last line of each module: the last changes to its compiled classes, and to the functions that pickles name,
    # before users see them.  `root` is one of the classes or their common base.  `frees` says whether a closed
    # interpreter can free the module; see cython_workarounds.h.
    module = sys.modules[name]
    public = name.partition("._")[0]  # where users import from
    if not is_immutable(root):  # the root of compat's classes is
        root.__init_subclass__ = classmethod(_init_subclass)
        _roots.append(root)
    for cls in classes:
        specialize_methods(cls, root)
        cls.__module__ = public
        cls.__name__ = cls.__name__  # sets tp_name, which error messages show, to the name without our module
        make_immutable(cls)
    for function in functions:
        function.__module__ = public
    let_import_again(module)
    if frees:
        drop_reference(module)
    return 0
