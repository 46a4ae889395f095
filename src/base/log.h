#pragma once

// The only door to the log library. Shells log, PURE folders never do.
// One line a state transition, `message key=value ...`; a value with a space
// is quoted. Levels by consequence: error = we failed what was asked,
// warning = unusual or refused, info = the golden path, debug = detail.
// Never a token, a key or user data. Thread-safety: any thread.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace chrysalis::log {

enum class Level { kDebug, kInfo, kWarning, kError };

struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  template <class T>
    requires std::is_integral_v<T>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)) {}

  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

void set_level(Level level);
void write(Level level, std::string_view message, Fields fields);

inline void debug(std::string_view m, Fields f = {}) {
  write(Level::kDebug, m, f);
}
inline void info(std::string_view m, Fields f = {}) {
  write(Level::kInfo, m, f);
}
inline void warning(std::string_view m, Fields f = {}) {
  write(Level::kWarning, m, f);
}
inline void error(std::string_view m, Fields f = {}) {
  write(Level::kError, m, f);
}

// `a=1 b="two words"`: the text after the message. Exposed for its test.
std::string format_fields(Fields fields);

}  // namespace chrysalis::log
