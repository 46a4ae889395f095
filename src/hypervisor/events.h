#pragma once

// The lifecycle events of a VMM that writes them to a file (kEvents): guest
// reboots and power-offs stay inside the process, so only these tell.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/hypervisor/file_news.h"

namespace chrysalis::hypervisor {

struct VmmEvent {
  enum class Kind : uint8_t {
    kBooted,
    kPaused,
    kResumed,
    kRestored,
    kGuestEnded,     // the guest powered off
    kRebooted,       // the guest rebooted, inside the process
    kDeviceRemoved,  // the guest ejected `device`
    kPanicked,       // the guest said so (pvpanic)
    kOther,
  };
  Kind kind = Kind::kOther;
  std::string device;
  friend bool operator==(const VmmEvent&, const VmmEvent&) = default;
};

// Splits the stream of JSON objects. PURE. Keeps an unfinished object for the
// next call; an object above 64 KiB or that does not parse is skipped whole.
// Thread-safety: none.
class EventParser {
 public:
  std::vector<VmmEvent> feed(std::string_view bytes);

 private:
  std::string pending_;
  int depth_ = 0;
  bool in_string_ = false, escaped_ = false, oversized_ = false;
};

// The file from its start: each read() goes on where the last one ended. A VMM
// may write whatever it likes: a call takes about 1 MiB, and a file of more
// than kMaxFile is read no further. The shim empties it when it is long: it is
// read on from its new start.
// Thread-safety: none.
class EventFile {
 public:
  static constexpr uint64_t kMaxFile = uint64_t{16} << 20;

  explicit EventFile(std::filesystem::path file) : path_(std::move(file)) {}
  // kCorrupt: it is above kMaxFile, now and ever after.
  [[nodiscard]] Result<std::vector<VmmEvent>> read();
  // The last read() stopped at its bound: the next may tell more at once.
  [[nodiscard]] bool more() const { return more_; }
  // The last read() found it emptied: something may have been missed.
  [[nodiscard]] bool cut() const { return cut_; }

 private:
  std::filesystem::path path_;
  UniqueFd file_;
  uint64_t offset_ = 0;
  bool more_ = false, cut_ = false;
  EventParser parser_;
};

// Follows one file from its start, for as long as somebody waits for it; who
// listens to many uses one FileNews. Thread-safety: none; one reader a tail.
class EventTail {
 public:
  // The file need not exist yet.
  [[nodiscard]] static Result<EventTail> open(std::filesystem::path file);

  // What was written since the last call, at once; bounded, as EventFile.
  [[nodiscard]] Result<std::vector<VmmEvent>> read();
  [[nodiscard]] bool more() const { return file_.more(); }
  // Waits for at least one event. kTimeout at the deadline.
  [[nodiscard]] Result<std::vector<VmmEvent>> wait(Mono deadline);
  // Readable when read() may have news: for a poll loop. Borrowed.
  [[nodiscard]] int fd() const { return news_.fd(); }

 private:
  EventTail(std::filesystem::path file, FileNews news);

  EventFile file_;
  FileNews news_;
};

}  // namespace chrysalis::hypervisor
