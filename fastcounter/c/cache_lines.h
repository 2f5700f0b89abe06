/* Cache lines.  A word that one thread often writes slows down each thread that uses another word of its line. */
#ifndef FASTCOUNTER_CACHE_LINES_H
#define FASTCOUNTER_CACHE_LINES_H

#include <stddef.h>
#include <stdint.h>

/* So many bytes, at a multiple of that, are what threads do not share.  It is two lines, since processors fetch cache
 * lines in pairs. */
#define CACHE_LINES 128

/* For sizes and addresses; `multiple` is a power of two. */
#define ROUND_UP(number, multiple) (((number) + (multiple) - 1) & ~(uintptr_t)((multiple) - 1))

/* The first address in the memory that is a multiple of `alignment`. */
static inline void *
align(void *memory, size_t alignment)
{
    return (void *)ROUND_UP((uintptr_t)memory, alignment);
}

#endif
