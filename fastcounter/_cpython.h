/* Which CPython this is: the only question that the other headers' `#if`s ask, beside whether it has a GIL. */
#ifndef FASTCOUNTER_CPYTHON_H
#define FASTCOUNTER_CPYTHON_H

#include <Python.h>

#define CPYTHON(minor) (((3 << 8) + (minor)) << 16)

/* CPython's own insides are used on the versions that this code has been tested on.  On a newer one, and with
 * -DFASTCOUNTER_PORTABLE, everything compiles to portable code, which is right, only slower. */
#if !defined(FASTCOUNTER_PORTABLE) && PY_VERSION_HEX < CPYTHON(16)
#  define KNOWN_CPYTHON 1
#else
#  define KNOWN_CPYTHON 0
#endif

#endif
