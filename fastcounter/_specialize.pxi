# Specializing inherited methods; part of _counters.pyx.
#
# The interpreter calls a compiled method by its fastest path only if the method belongs to the object's exact type.  An
# inherited method takes twice as long.  So each class gets its own copies of the methods that it inherits: ours from
# publish(), a user's when it is created.

cdef bint is_compiled_method(name, attribute, root):
    return (
        isinstance(attribute, MethodDescriptorType)
        and issubclass(attribute.__objclass__, root)
        and not name.startswith("_")
    )


cdef object inherited(list found):
    # `found` is what the classes of the method resolution order define under one name.  The first one wins, unless it
    # is a copy and its original comes later: a mixin between the two may override the method.
    for index, attribute in enumerate(found):
        for other in found[index + 1:]:
            if is_same_method(attribute, other):
                break
        else:
            return attribute


cdef int specialize_methods(cls, root) except -1:
    # `base.__dict__`, not vars(base): Cython caches builtin functions, and all interpreters would share that cache.
    names = {
        name
        for base in cls.__mro__
        for name, attribute in base.__dict__.items()
        if is_compiled_method(name, attribute, root)
    }
    for name in names:
        found = [base.__dict__[name] for base in cls.__mro__ if name in base.__dict__]
        attribute = inherited(found)
        if is_compiled_method(name, attribute, root):
            attribute = method_of_type(attribute, cls)
        elif attribute is found[0]:
            continue
        type.__setattr__(cls, name, attribute)
    return 0


cdef int init_subclass(root, cls, dict kwargs) except -1:
    super(root, cls).__init_subclass__(**kwargs)
    specialize_methods(cls, root)
    return 0


cdef int publish(root, tuple classes, str module) except -1:
    # Complete compiled classes, before users see them.  `root` is one of them or their common base.
    for cls in classes:
        specialize_methods(cls, root)
        if is_value_attribute(getattr(cls, "value", None)):
            cls.value = value_attribute(cls)  # tools that document a class leave out what it inherits
        cls.__module__ = module  # where users import it from
        cls.__name__ = cls.__name__  # sets tp_name, which error messages show, to the name without our module
        make_immutable(cls)
    return 0
