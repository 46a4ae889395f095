#include "controller/kube/line_splitter.h"

#include <algorithm>
#include <cstring>

namespace chrysalis::kube {
namespace {

std::string_view without_carriage_return(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

PaddedCopy::PaddedCopy(std::string_view text)
    : bytes_(std::make_unique<char[]>(text.size() + kJsonPadding)),
      size_(text.size()) {
  if (!text.empty()) std::memcpy(bytes_.get(), text.data(), text.size());
}

LineSplitter::LineSplitter(size_t max_line_bytes) : max_(max_line_bytes) {}

void LineSplitter::append(std::string_view bytes) {
  const size_t needed = size_ + bytes.size() + kJsonPadding;
  if (needed > capacity_) {
    const size_t grown = std::max({needed, 2 * capacity_, size_t{16} << 10});
    auto larger = std::make_unique<char[]>(grown);
    if (size_ > 0) std::memcpy(larger.get(), buffer_.get(), size_);
    buffer_ = std::move(larger);
    capacity_ = grown;
  }
  if (!bytes.empty())
    std::memcpy(buffer_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

Result<void> LineSplitter::feed(std::string_view piece,
                                const std::function<bool(PaddedJson)>& line) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (size_ + part.size() > max_)
      return fail(Code::kCorrupt,
                  "line of more than " + std::to_string(max_) + " bytes");
    append(part);
    if (end == std::string_view::npos) return {};
    piece.remove_prefix(end + 1);
    const std::string_view whole =
        without_carriage_return({buffer_.get(), size_});
    size_ = 0;  // the bytes stay where they are until the next append
    if (whole.empty()) continue;
    if (!line({whole.data(), whole.size()})) return {};
  }
  return {};
}

}  // namespace chrysalis::kube
