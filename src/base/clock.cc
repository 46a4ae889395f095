#include "src/base/clock.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace chrysalis {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::year_month_day;

// Takes what it reads from the front; the first thing that does not fit makes
// all that follows false.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

  // Exactly `digits` of them, at most `max`.
  int number(size_t digits, int max) {
    int value = 0;
    const char* begin = rest_.data();
    const char* end = begin + std::min(digits, rest_.size());
    const auto read = std::from_chars(begin, end, value);
    ok_ = ok_ && rest_.size() >= digits && rest_[0] != '-' &&
          read.ec == std::errc() && read.ptr == end && value <= max;
    if (ok_) rest_.remove_prefix(digits);
    return ok_ ? value : 0;
  }
  // One of `any`; which one.
  char one_of(std::string_view any) {
    ok_ = ok_ && !rest_.empty() && any.find(rest_[0]) != any.npos;
    if (!ok_) return 0;
    const char found = rest_[0];
    rest_.remove_prefix(1);
    return found;
  }
  // ".123" or nothing.
  nanoseconds fraction() {
    if (!ok_ || rest_.empty() || rest_[0] != '.') return {};
    rest_.remove_prefix(1);
    int64_t value = 0;
    int64_t unit = 1'000'000'000;
    size_t digits = 0;
    for (; digits < rest_.size(); ++digits) {
      const char c = rest_[digits];
      if (c < '0' || c > '9') break;
      unit /= 10;
      value += unit * (c - '0');
    }
    ok_ = digits > 0;
    rest_.remove_prefix(digits);
    return nanoseconds(value);
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::chrono::minutes read_offset(Reader& in) {
  const char sign = in.one_of("Zz+-");
  if (sign != '+' && sign != '-') return {};
  const int hours = in.number(2, 23);
  in.one_of(":");
  const std::chrono::minutes offset(60 * hours + in.number(2, 59));
  return sign == '+' ? offset : -offset;
}

}  // namespace

Mono SystemClock::mono() const { return std::chrono::steady_clock::now(); }
Wall SystemClock::wall() const { return std::chrono::system_clock::now(); }

std::string to_rfc3339(Wall time) {
  const std::time_t whole = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char buffer[32];
  const size_t size =
      std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {buffer, size};
}

std::string to_rfc3339_micro(Wall time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto micros =
      std::chrono::duration_cast<microseconds>(time - whole).count();
  std::string text = to_rfc3339(whole);
  const std::string digits = std::to_string(1'000'000 + micros);
  text.back() = '.';
  return text + digits.substr(1) + "Z";
}

std::optional<Wall> parse_rfc3339(std::string_view text) {
  Reader in(text);
  const int year = in.number(4, 2200);
  in.one_of("-");
  const int month = in.number(2, 12);
  in.one_of("-");
  const int day = in.number(2, 31);
  in.one_of("Tt ");
  const std::chrono::hours hour(in.number(2, 23));
  in.one_of(":");
  const std::chrono::minutes minute(in.number(2, 59));
  in.one_of(":");
  const seconds second(in.number(2, 60));  // 60: a leap second
  const nanoseconds fraction = in.fraction();
  const std::chrono::minutes offset = read_offset(in);
  const year_month_day date{std::chrono::year(year),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!in.at_end() || year < 1970 || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + hour + minute - offset + second +
         std::chrono::floor<Wall::duration>(fraction);
}

}  // namespace chrysalis
