/* Atomic operations on 64-bit integers and pointers.  Python.h has them from 3.13; its pyatomic.h documents them.  For
 * 3.10 to 3.12 this file defines those that fastcounter uses, with the compiler's own atomic operations. */
#ifndef FASTCOUNTER_ATOMICS_H
#define FASTCOUNTER_ATOMICS_H

#include <stdint.h>

#include "cpython.h"

/* Processes can share a count only if the atomic operations are lock-free: a lock would belong to one process.  On
 * 32-bit Windows MSVC loads 64 bits in two instructions, and so does CPython's _Py_atomic_load_int64(). */
#if !defined(_MSC_VER) && __GCC_ATOMIC_LLONG_LOCK_FREE != 2
#  error "fastcounter needs lock-free 64-bit atomic operations, which this platform does not have"
#elif defined(_MSC_VER) && !defined(_WIN64)
#  error "fastcounter needs lock-free 64-bit atomic operations, which MSVC does not have on 32-bit Windows"
#endif

#if PY_VERSION_HEX < CPYTHON(13)

#  ifdef _MSC_VER
#    include <intrin.h>

static inline int64_t
_Py_atomic_load_int64_relaxed(const int64_t *place)
{
    return *(const volatile int64_t *)place;
}

static inline int64_t
_Py_atomic_load_int64(const int64_t *place)
{
    return _InterlockedExchangeAdd64((int64_t *)place, 0);
}

static inline void
_Py_atomic_store_int64_relaxed(int64_t *place, int64_t value)
{
    *(volatile int64_t *)place = value;
}

static inline uint64_t
_Py_atomic_load_uint64_acquire(const uint64_t *place)
{
    return (uint64_t)_Py_atomic_load_int64((const int64_t *)place);
}

static inline void
_Py_atomic_store_uint64_release(uint64_t *place, uint64_t value)
{
    _InterlockedExchange64((int64_t *)place, (int64_t)value);
}

static inline int64_t
_Py_atomic_exchange_int64(int64_t *place, int64_t value)
{
    return _InterlockedExchange64(place, value);
}

static inline int
_Py_atomic_compare_exchange_int64(int64_t *place, int64_t *expected, int64_t value)
{
    int64_t found = _InterlockedCompareExchange64(place, value, *expected);
    int done = found == *expected;
    *expected = found;
    return done;
}

#  else

static inline int64_t
_Py_atomic_load_int64_relaxed(const int64_t *place)
{
    return __atomic_load_n(place, __ATOMIC_RELAXED);
}

static inline int64_t
_Py_atomic_load_int64(const int64_t *place)
{
    return __atomic_load_n(place, __ATOMIC_SEQ_CST);
}

static inline void
_Py_atomic_store_int64_relaxed(int64_t *place, int64_t value)
{
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
}

static inline uint64_t
_Py_atomic_load_uint64_acquire(const uint64_t *place)
{
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

static inline void
_Py_atomic_store_uint64_release(uint64_t *place, uint64_t value)
{
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}

static inline int64_t
_Py_atomic_exchange_int64(int64_t *place, int64_t value)
{
    return __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST);
}

static inline int
_Py_atomic_compare_exchange_int64(int64_t *place, int64_t *expected, int64_t value)
{
    return __atomic_compare_exchange_n(place, expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#  endif
#endif

/* Load a pointer or a size, or publish it with all that it says is there.  LOAD_HASH() is for a value that is right
 * whenever it is read.  With the GIL, plain loads and stores will do. */
#ifdef Py_GIL_DISABLED
#  define LOAD(place) _Py_atomic_load_ptr_acquire(place)
#  define PUBLISH(place, pointer) _Py_atomic_store_ptr_release(place, pointer)
#  define LOAD_SIZE(place) _Py_atomic_load_ssize(place)
#  define PUBLISH_SIZE(place, size) _Py_atomic_store_ssize(place, size)
#  define LOAD_HASH(place) _Py_atomic_load_ssize_relaxed(place)
#else
#  define LOAD(place) (*(place))
#  define PUBLISH(place, pointer) ((void)(*(place) = (pointer)))
#  define LOAD_SIZE(place) (*(place))
#  define PUBLISH_SIZE(place, size) ((void)(*(place) = (size)))
#  define LOAD_HASH(place) (*(place))
#endif
#endif
