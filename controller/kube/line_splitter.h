#pragma once

// Cuts a watch's body into lines, one event each, however the pieces come.
// Empty lines are skipped. A line longer than the bound is an error and ends
// the use of this splitter: what follows cannot be trusted.
// Every line handed out is PaddedJson: kJsonPadding readable bytes follow it,
// so a line is copied once and parsed where it stands.
// Thread-safety: one thread.

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "src/base/result.h"

namespace chrysalis::kube {

inline constexpr size_t kJsonPadding = 64;

// JSON text followed by at least kJsonPadding readable bytes. Borrowed.
struct PaddedJson {
  const char* data = nullptr;
  size_t size = 0;
  [[nodiscard]] std::string_view text() const { return {data, size}; }
};

// A copy with its padding, for text that comes from elsewhere (a body).
class PaddedCopy {
 public:
  explicit PaddedCopy(std::string_view text);
  [[nodiscard]] PaddedJson json() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

class LineSplitter {
 public:
  // Twice what etcd stores at most, doubled for escapes.
  static constexpr size_t kDefaultMaxLineBytes = size_t{8} << 20;

  explicit LineSplitter(size_t max_line_bytes = kDefaultMaxLineBytes);

  // Calls `line` for every line that `piece` completes; false from it stops
  // at once (the rest of the piece is dropped). kCorrupt: a line too long.
  Result<void> feed(std::string_view piece,
                    const std::function<bool(PaddedJson)>& line);

  // Bytes of a line that has not ended; not 0 at EOF means a torn event.
  [[nodiscard]] size_t pending() const { return size_; }

 private:
  void append(std::string_view bytes);

  size_t max_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace chrysalis::kube
