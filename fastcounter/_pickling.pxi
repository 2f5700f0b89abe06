# Copying and pickling; part of _counters.pyx.
#
# Old pickles name these two functions and hold their arguments.  So their names and parameters may never change.

def _restore(cls, *state):
    """Make the counter that was copied or pickled."""
    return restore(cls, (), {}, state)


def _restore_with(cls, args, kwargs, *state):
    """Make the counter that was copied or pickled.  `args` and `kwargs` are the arguments of its class's __new__."""
    return restore(cls, args, kwargs, state)


cdef object restore(object cls, tuple args, dict kwargs, tuple state):
    counter = new_instance(_Counter, cls, args, kwargs)
    wanted = len((<_Counter>counter).get_state())
    if len(state) != wanted:
        raise TypeError(f"a {cls.__name__} cannot be restored from {len(state)} values, only from {wanted}")
    (<_Counter>counter).set_state(state)
    return counter


cdef object new_instance(root, cls, tuple args, dict kwargs):
    if not is_subclass(cls, root):
        raise TypeError(f"only a class of counters can be restored, not {cls!r}")
    counter = cls.__new__(cls, *args, **kwargs)
    if type(counter) is not cls:
        raise TypeError(f"{cls.__name__}.__new__ must return an instance of its class, not {counter!r}")
    return counter


cdef tuple reduce(_Counter counter):
    cdef tuple args
    cdef dict kwargs
    args, kwargs = arguments_of_new(counter)
    if args or kwargs:
        return _restore_with, (type(counter), args, kwargs, *counter.get_state()), attributes_of(counter)
    return _restore, (type(counter), *counter.get_state()), attributes_of(counter)


cdef tuple arguments_of_new(object counter):
    if hasattr(type(counter), "__getnewargs_ex__"):
        return counter.__getnewargs_ex__()
    if hasattr(type(counter), "__getnewargs__"):
        return counter.__getnewargs__(), {}
    return (), {}


cdef object attributes_of(object counter):
    # The attributes that a subclass has added, in the form that copy and pickle restore on their own.
    if hasattr(counter, "__getstate__"):  # object has it from 3.11
        return counter.__getstate__()
    attributes = getattr(counter, "__dict__", None)
    slots = {
        name: getattr(counter, name)
        for name in copyreg._slotnames(type(counter))
        if hasattr(counter, name)
    }
    return (attributes, slots) if slots else attributes
