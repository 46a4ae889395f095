#include "src/engine/hands/reservations.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <fstream>

#include "src/engine/hands/refuse.h"
#include "src/model/values.h"

namespace chrysalis::engine {
namespace {

struct Asked {
  Reason reason;
  const char* of;  // "of memory"
  uint64_t needed, free, reserved;
};

std::optional<Event> refusal(const Asked& asked) {
  if (asked.needed == 0) return std::nullopt;
  const uint64_t left =
      asked.free > asked.reserved ? asked.free - asked.reserved : 0;
  if (asked.needed <= left) return std::nullopt;
  const auto text = [](uint64_t bytes) {
    return model::format_quantity({bytes});
  };
  return refuse(asked.reason, "it needs " + text(asked.needed) + " " +
                                  asked.of + "; the node has " +
                                  text(asked.free) + ", of which " +
                                  text(asked.reserved) +
                                  " are reserved by operations in flight");
}

}  // namespace

Result<Room> room_of(const std::filesystem::path& state) {
  Room room;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string word; room.memory == 0 && meminfo >> word;)
    if (word == "MemAvailable:" && !(meminfo >> room.memory)) break;
  if (room.memory == 0)
    return fail(Code::kUnavailable, "/proc/meminfo has no MemAvailable");
  room.memory <<= 10;
  struct statvfs files{};
  if (::statvfs(state.c_str(), &files) != 0)
    return tl::unexpected(from_errno(errno, "statvfs " + state.string()));
  room.storage = uint64_t{files.f_bavail} * files.f_frsize;
  return room;
}

std::optional<Event> Reservations::reserve(const std::string& uid,
                                           const Room& needs,
                                           const Room& free) {
  const std::lock_guard lock(mutex_);
  Room others;
  for (const auto& [holder, room] : held_) {
    if (holder == uid) continue;
    others.memory += room.memory;
    others.storage += room.storage;
  }
  if (auto no = refusal({Reason::kInsufficientMemory, "of memory", needs.memory,
                         free.memory, others.memory}))
    return no;
  if (auto no = refusal({Reason::kInsufficientStorage, "of disk", needs.storage,
                         free.storage, others.storage}))
    return no;
  held_[uid] = needs;
  return std::nullopt;
}

void Reservations::release(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  held_.erase(uid);
}

}  // namespace chrysalis::engine
