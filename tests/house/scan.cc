#include "tests/house/scan.h"

#include <algorithm>
#include <cctype>

namespace chrysalis::house {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Walks over the text once; copies code, blanks the rest.
class Stripper {
 public:
  Stripper(std::string_view text, Literals literals)
      : text_(text), out_(text), blank_(literals == Literals::kBlank) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (starts("//")) {
        blank_to(line_end());
      } else if (starts("/*")) {
        blank_to(after("*/", at_ + 2));
      } else if (starts("R\"") && (at_ == 0 || !ends_word(at_ - 1))) {
        raw_string();
      } else if (text_[at_] == '"' || (text_[at_] == '\'' && !separator())) {
        literal(text_[at_]);
      } else {
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool starts(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }
  [[nodiscard]] size_t after(std::string_view what, size_t from) const {
    const size_t found = text_.find(what, from);
    return found == std::string_view::npos ? text_.size() : found + what.size();
  }
  // A backslash at its end continues a comment on the next line.
  [[nodiscard]] size_t line_end() const {
    size_t end = text_.find('\n', at_);
    while (end != std::string_view::npos && text_[end - 1] == '\\') {
      end = text_.find('\n', end + 1);
    }
    return end == std::string_view::npos ? text_.size() : end;
  }
  // u8R"..", LR"..": an encoding before the R is not the end of a name.
  [[nodiscard]] bool ends_word(size_t i) const {
    size_t begin = i + 1;
    while (begin > 0 && is_word(text_[begin - 1])) --begin;
    const auto word = text_.substr(begin, i + 1 - begin);
    return !word.empty() && word != "u8" && word != "u" && word != "U" &&
           word != "L";
  }
  // 1'000: a digit before it. (u8'x' is read as one too; its inside is short.)
  [[nodiscard]] bool separator() const {
    return at_ > 0 &&
           std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) != 0;
  }
  void blank(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      if (out_[i] != '\n') out_[i] = ' ';
    }
  }
  void blank_to(size_t end) {
    blank(at_, end);
    at_ = end;
  }
  void literal(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    end = std::min(end, text_.size());
    if (blank_) blank(at_ + 1, end);
    at_ = std::min(end + 1, text_.size());
  }
  void raw_string() {
    const size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      ++at_;
      return;
    }
    const std::string close =
        ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    const size_t end = after(close, open + 1);
    if (blank_) blank(at_ + 1, end);
    at_ = end;
  }

  std::string_view text_;
  std::string out_;
  bool blank_;
  size_t at_ = 0;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  return text;
}

// After "#include": <name> or "name".
bool read_name(std::string_view rest, Include& include) {
  if (rest.empty() || (rest[0] != '<' && rest[0] != '"')) return false;
  include.quoted = rest[0] == '"';
  const size_t end = rest.find(include.quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return false;
  include.name = rest.substr(1, end - 1);
  return true;
}

}  // namespace

std::string code_of(std::string_view text, Literals literals) {
  return Stripper(text, literals).run();
}

std::vector<Include> includes_of(std::string_view text) {
  const std::string code = code_of(text, Literals::kKeep);
  std::vector<Include> found;
  std::string_view rest = code;
  for (int line = 1; !rest.empty(); ++line) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view at = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!at.starts_with('#')) continue;
    at = trimmed(at.substr(1));
    if (!at.starts_with("include")) continue;
    Include include;
    include.line = line;
    if (read_name(trimmed(at.substr(7)), include)) found.push_back(include);
  }
  return found;
}

std::vector<int> lines_with_word(std::string_view text, std::string_view word) {
  std::vector<int> lines;
  int line = 1;
  size_t seen = 0;
  for (size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if (at > 0 && is_word(text[at - 1])) continue;
    if (end < text.size() && is_word(text[end])) continue;
    line += count_lines(text.substr(seen, at - seen));
    seen = at;
    if (lines.empty() || lines.back() != line) lines.push_back(line);
  }
  return lines;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return out;
}

int count_lines(std::string_view text) {
  return static_cast<int>(std::ranges::count(text, '\n'));
}

}  // namespace chrysalis::house
