#pragma once

// How long to wait before a VMM that is there and says nothing is asked again:
// 1 s, 2 s, 4 s ... 1 min. PURE.

#include <algorithm>
#include <cstdint>

#include "src/base/clock.h"

namespace chrysalis::engine {

inline seconds back_off(uint32_t silences) {
  return std::min(seconds{int64_t{1} << std::min<uint32_t>(silences, 6)},
                  seconds{60});
}

}  // namespace chrysalis::engine
