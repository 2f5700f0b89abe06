# cython: language_level=3, binding=False, freethreading_compatible=True
"""The least that a call of a compiled method can cost."""


cdef class Floor:
    def method(self, /):
        """Do nothing."""

    def method_with_argument(self, argument, /):
        """Do nothing."""
