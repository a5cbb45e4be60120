// What must not happen. Always on: a broken invariant stops the program before it can sell a room twice.
#pragma once

#include <cstdio>
#include <cstdlib>

#define KEYRACK_ASSERT(condition)                                                                                      \
  do {                                                                                                                 \
    if (!(condition)) [[unlikely]] {                                                                                   \
      std::fprintf(stderr, "%s:%d: broken invariant in %s: %s\n", __FILE__, __LINE__, __func__, #condition);           \
      std::abort();                                                                                                    \
    }                                                                                                                  \
  } while (false)
