/* Which CPython this is.  The `#if`s of the other headers depend on this, on whether there is a GIL, and on the
 * compiler. */
#ifndef FASTCOUNTER_CPYTHON_H
#define FASTCOUNTER_CPYTHON_H

#include <Python.h>

#define CPYTHON(minor) (((3 << 8) + (minor)) << 16)

/* The code relies on how CPython lays out its objects only on versions that it has been tested on.  On a newer version,
 * and with -DFASTCOUNTER_PORTABLE, it compiles to portable code, which does the same more slowly.  From 3.13 every
 * build uses the atomic operations of CPython's pyatomic.h.  They are not public, but a version without them would fail
 * to compile, not miscount. */
#if !defined(FASTCOUNTER_PORTABLE) && PY_VERSION_HEX < CPYTHON(16)
#  define KNOWN_CPYTHON 1
#else
#  define KNOWN_CPYTHON 0
#endif

#if PY_VERSION_HEX < CPYTHON(11)
#  define Py_ALWAYS_INLINE
#  define Py_NO_INLINE
#endif

#if PY_VERSION_HEX < CPYTHON(13)
#  define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet
#endif

#endif
