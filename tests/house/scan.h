#pragma once

// C++ read as text, enough to tell code from comments and literals. No macros,
// no #if: what is written counts. Not in need of a compiler or of a build.
// Thread-safety: functions of their arguments.

#include <string>
#include <string_view>
#include <vector>

namespace chrysalis::house {

enum class Literals { kKeep, kBlank };

// The text with every comment (and, on demand, the inside of each string and
// character literal) replaced by spaces. Lines keep their numbers.
std::string code_of(std::string_view text, Literals literals);

struct Include {
  std::string name;  // as written, without quotes or brackets
  bool quoted = false;
  int line = 0;

  bool operator==(const Include&) const = default;
};
std::vector<Include> includes_of(std::string_view text);

// The lines (from 1) where `word` occurs with no letter, digit or underscore
// at either side. `word` itself may hold any character.
std::vector<int> lines_with_word(std::string_view text, std::string_view word);

std::string lower(std::string_view text);
int count_lines(std::string_view text);

}  // namespace chrysalis::house
