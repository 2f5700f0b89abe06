cdef extern from "c/descriptors.h":
    object value_attribute(object cls)
    void set_value_method(object method)
    bint is_own_value(object counter, object name)
    bint is_subclass(object cls, object root)
    bint is_method_for_type(object method, object cls, object root)
    bint is_method(object attribute)
    bint is_same_method(object method, object other)
    object method_of_type(object method, object cls)
    int add_attribute(object cls, object name, object attribute) except -1
    int remove_attribute(object cls, object name, object attribute) except -1
    object init_of_type(object init, object cls)
