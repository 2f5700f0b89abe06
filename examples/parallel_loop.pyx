# cython: language_level=3, freethreading_compatible=True, boundscheck=False
# distutils: extra_compile_args = -fopenmp
# distutils: extra_link_args = -fopenmp
"""Count in a loop that runs on all processors without the GIL, while other threads read the count.

    cythonize -i examples/parallel_loop.pyx && cd examples && python -c "import parallel_loop; parallel_loop.main()"
"""

import time
from array import array

cimport cython
from cython.parallel cimport prange
from libc.stdint cimport int64_t

from fastcounter cimport SharedCounter

cdef cython.pymutex lock


def count_with_counter(SharedCounter multiples not None, long numbers):
    cdef long number
    for number in prange(numbers, nogil=True):
        if number % 3 == 0:
            # Cython would make `count += 1` a reduction, which nobody can read before the loop ends.
            multiples.c_increment()


def count_with_lock(int64_t[:] multiples, long numbers):
    cdef long number
    for number in prange(numbers, nogil=True):
        if number % 3 == 0:
            with lock:
                multiples[0] += 1


def main(numbers=3_000_000):
    for count, memory in (count_with_counter, array("q", [0])), (count_with_lock, array("q", [0])):
        start = time.perf_counter()
        count(SharedCounter(memory) if count is count_with_counter else memory, numbers)
        print(f"{count.__name__}: {memory[0]} in {time.perf_counter() - start:.3f} s")
