# Methods of subclasses; part of _counters.pyx.
#
# The interpreter calls a compiled method by its fastest path only if the method belongs to the object's exact type.  An
# inherited method takes twice as long.  So a class may have copies of methods that it inherits: method descriptors of
# its own, over the same C functions.  Ours get them from complete_module(), a user's class when it is created.
#
# A copy must never decide which method is found.  A class may have one only if no class that comes after it in the
# method resolution order, up to the original, has that name or is a counter that can be patched.  So in general only
# direct subclasses of compiled classes have copies.  When a class is created, its bases are checked too: in its order a
# base's copy may hide something.  Then the copy is removed, and the base inherits the method, as it seemed to before.
#
# Python does not tell when a class changes later.  So a copy still hides
# - what a mixin between its class and the compiled one gets later, itself or because `__bases__` is assigned;
# - what comes after its class in a class whose `__bases__` are assigned, or whose creation did not call our
#   __init_subclass__();
# - what comes after its class in a class that was created while the copy was patched, once the copy is put back.
# Public classes seem to define all their methods, not to inherit them from the private `_Counter`.  So a class of a
# user's that extends `_Counter` and comes after a public class overrides only special methods.

cdef object own(str name, cls):
    # What `type` knows about a class, whatever a metaclass says.  `type.__dict__`, not vars(type): Cython caches
    # builtin functions, and all interpreters would share that cache.
    return type.__dict__[name].__get__(cls)


cdef object original_of(attribute):
    # The method of a compiled class that the attribute is a copy of, or None.  Users make no method descriptors of
    # classes that are not immutable, over a C function that an immutable base has.
    if not is_method(attribute) or is_immutable(attribute.__objclass__):
        return None
    for base in own("__mro__", attribute.__objclass__):
        if is_immutable(base):
            method = own("__dict__", base).get(attribute.__name__)
            if is_same_method(method, attribute):
                return method


cdef bint is_made_again(cls, before):
    # Whether a class has been made from the attributes of another, as dataclass(slots=True) does.  Comparing classes
    # themselves could call a metaclass.
    bases, bases_before = own("__bases__", cls), own("__bases__", before)
    return own("__name__", cls) == own("__name__", before) and addresses(bases) == addresses(bases_before)


cdef list addresses(tuple objects):
    return [<size_t><void *>each for each in objects]


cdef int replace_copies_of_others(cls) except -1:
    # A body may take another class's copy, `increment = Other.increment`.  It would not take this class's instances.
    #
    # Other threads may use the class, and even reading `__annotations__` adds to its dict.  So this goes over a copy of
    # the dict.  Copying waits for threads that change the dict.
    for name, attribute in own("__dict__", cls).copy().items():
        original = original_of(attribute)
        if original is not None and attribute.__objclass__ is not cls:
            remove_attribute(cls, name, attribute)
            if not is_made_again(cls, attribute.__objclass__):
                add_attribute(cls, name, original)
    return 0


cdef int specialize_methods(cls, root) except -1:
    classes = [(base, own("__dict__", base)) for base in own("__mro__", cls)[::-1]]
    names = {
        name
        for base, attributes in classes
        if is_immutable(base)
        for name, attribute in attributes.copy().items()
        if is_method_for_type(attribute, cls, root) and not name.startswith("_")
    }
    nothing = object()
    for name in names:
        method = None  # what the next class may have a copy of
        for base, attributes in classes:
            attribute = attributes.get(name, nothing)
            if is_immutable(base):
                if attribute is not nothing:
                    method = attribute if is_method_for_type(attribute, cls, root) else None
                continue
            if attribute is nothing:
                if base is cls and method is not None:
                    add_attribute(cls, name, method_of_type(method, cls))
            elif original_of(attribute) is None:
                method = None
            elif not is_same_method(attribute, method):
                remove_attribute(base, name, attribute)
            if is_subclass(base, root):
                method = None
    return 0


_roots = []  # each compiled class whose subclasses have copies: each subclass has one of these among its bases


def _init_subclass(cls, **kwargs):
    for root in _roots:
        if is_subclass(cls, root):
            break
    else:
        raise TypeError(f"{cls!r} is not a subclass of a counter")
    super(root, cls).__init_subclass__(**kwargs)
    for base in own("__mro__", cls):
        if not is_immutable(base):
            replace_copies_of_others(base)
    if not own("__subclasses__", cls)():  # a class that is extended already: creating that one has checked this one too
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
