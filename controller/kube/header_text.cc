#include "controller/kube/header_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace chrysalis::kube {
namespace {

// Takes a quoted string from the front, which starts with its quote.
std::string take_quoted(std::string_view& rest) {
  std::string out;
  size_t i = 1;
  for (; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    out += rest[i];
  }
  rest.remove_prefix(std::min(i + 1, rest.size()));
  return out;
}

}  // namespace

std::vector<std::string> warning_texts(std::string_view value) {
  std::vector<std::string> out;
  while (!value.empty()) {
    const size_t start = std::min(value.find_first_not_of(", "), value.size());
    value.remove_prefix(start);
    const bool counts = value.starts_with("299 ");
    const size_t quote = value.find('"');
    if (quote == value.npos) break;
    value.remove_prefix(quote);
    std::string text = take_quoted(value);
    if (counts && !text.empty()) out.push_back(std::move(text));
    // A date may follow; the next one stands behind a comma.
    if (value.starts_with(" \"")) {
      value.remove_prefix(1);
      take_quoted(value);
    }
  }
  return out;
}

std::optional<seconds> retry_after(std::string_view value) {
  int64_t wait = 0;
  const char* begin = value.data();
  const char* end = begin + value.size();
  const auto [at, error] = std::from_chars(begin, end, wait);
  if (value.empty() || error != std::errc() || at != end || wait < 0)
    return std::nullopt;
  return seconds(wait);
}

}  // namespace chrysalis::kube
