#pragma once

// What a fuzz target offers to libFuzzer and to replay.cc.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// Any bytes; returns 0. Ends the process where a promise is broken.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace chrysalis::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void expect(bool promise) {
  if (!promise) std::abort();
}

}  // namespace chrysalis::fuzz
