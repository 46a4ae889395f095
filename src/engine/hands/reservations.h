#pragma once

// Head-room: what the host has, and what operations in flight were promised
// of it. An operation reserves in its preflight and gives back at its end.
// What it has taken meanwhile is counted twice until then: a refusal that
// passes by itself is better than a host without memory or disk.
//
// Thread-safety: Reservations from any thread; lanes reserve at once.
// Errors of room_of: kUnavailable - the host does not say.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "src/base/result.h"
#include "src/engine/machine/operation.h"

namespace chrysalis::engine {

struct Room {
  uint64_t memory = 0, storage = 0;  // bytes
};
using AskRoom = std::function<Result<Room>()>;  // any thread

// MemAvailable, and the bytes that are free below this directory.
[[nodiscard]] Result<Room> room_of(const std::filesystem::path& state);

class Reservations {
 public:
  // Nothing: reserved for this uid, in place of what it had before. Else the
  // refusal, with the numbers, and it has what it had. Zero needs always fit.
  [[nodiscard]] std::optional<Event> reserve(const std::string& uid,
                                             const Room& needs,
                                             const Room& free);
  void release(const std::string& uid);

 private:
  std::mutex mutex_;
  std::map<std::string, Room> held_;
};

}  // namespace chrysalis::engine
