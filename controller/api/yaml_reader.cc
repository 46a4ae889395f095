#include "controller/api/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace chrysalis::api {
namespace {

using nlohmann::json;

template <size_t N>
bool is_one_of(std::string_view text, const std::array<const char*, N>& words) {
  for (const char* word : words)
    if (text == word) return true;
  return false;
}

constexpr std::array kNulls = {"", "~", "null", "Null", "NULL"};
constexpr std::array kTrue = {"true", "True", "TRUE", "y",  "Y", "yes",
                              "Yes",  "YES",  "on",   "On", "ON"};
constexpr std::array kFalse = {"false", "False", "FALSE", "n",   "N",  "no",
                               "No",    "NO",    "off",   "Off", "OFF"};

// All of `text` in that base, with a sign already taken off.
std::optional<json> digits(std::string_view text, int base, bool negative) {
  uint64_t n = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  if (!negative) return json(n);
  if (n > uint64_t{1} << 63) return std::nullopt;
  return json(static_cast<int64_t>(-n));
}

std::optional<json> integer(std::string text_in) {
  std::erase(text_in, '_');  // 1_000
  std::string_view text = text_in;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with("0x")) return digits(text.substr(2), 16, negative);
  if (text.starts_with("0b")) return digits(text.substr(2), 2, negative);
  if (text.starts_with("0o")) return digits(text.substr(2), 8, negative);
  if (text.size() > 1 && text.front() == '0')
    return digits(text.substr(1), 8, negative);
  return digits(text, 10, negative);
}

std::optional<json> real(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  // from_chars takes "inf" and "nan" too, which are words here.
  if (text.find_first_of("0123456789") == std::string_view::npos)
    return std::nullopt;
  double n = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() ||
      !std::isfinite(n))
    return std::nullopt;
  // 2.0 reaches the server as 2: the way to JSON writes it so.
  if (n == std::trunc(n) && std::fabs(n) < 0x1p63)
    return json(static_cast<int64_t>(n));
  return json(n);
}

json plain(const std::string& text) {
  if (is_one_of(text, kNulls)) return nullptr;
  if (is_one_of(text, kTrue)) return true;
  if (is_one_of(text, kFalse)) return false;
  if (auto n = integer(text)) return *n;
  if (auto n = real(text)) return *n;
  return text;
}

// Typed by a rule that few have in mind.
bool surprises(const std::string& text, const json& read) {
  if (read.is_boolean()) return text != "true" && text != "false";
  const bool negative = text.starts_with('-');
  return read.is_number_integer() && text.size() > (negative ? 2U : 1U) &&
         text[negative ? 1 : 0] == '0';
}

size_t count_values(const json& value) {
  size_t n = 1;
  if (value.is_structured())
    for (const json& item : value) n += count_values(item);
  return n;
}

// Builds the values from the parser's events; what it refuses, it throws as
// the parser does, so that both end in one place.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const YamlLimits& limits) : limits_(limits) {}

  std::vector<YamlDocument> take() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_.size() == limits_.documents)
      refuse(mark,
             "more than " + std::to_string(limits_.documents) + " documents");
    anchors_.clear();
    begun_ = false;
    documents_.emplace_back();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "an alias of what is not whole");
    values_ += count_values(found->second);
    add(mark, YAML::NullAnchor, found->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& text) override {
    if (is_key()) return take_key(mark, text);
    json value = tag == "?" ? plain(text) : json(text);
    if (limits_.notes && tag == "?" && surprises(text, value))
      documents_.back().surprises.push_back(
          {line_of(mark), path(), text.substr(0, 80), value.dump()});
    add(mark, anchor, std::move(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, anchor, json::object());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    YAML::anchor_t anchor = YAML::NullAnchor;
    json value;
    std::optional<std::string> key;
    std::string path = {};  // with notes
    uint32_t key_line = 0;  // of `key`
  };
  static constexpr size_t kLongestPath = 512;

  static uint32_t line_of(const YAML::Mark& mark) {
    return static_cast<uint32_t>(mark.line) + 1;
  }
  // Of the value that comes next; "" when it is the document or too long.
  [[nodiscard]] std::string path() const {
    if (levels_.empty()) return "";
    const Level& in = levels_.back();
    if (levels_.size() > 1 && in.path.empty()) return "";
    std::string out = in.path;
    if (in.value.is_array())
      out += "[" + std::to_string(in.value.size()) + "]";
    else
      out += (out.empty() ? "" : ".") + *in.key;
    return out.size() > kLongestPath ? "" : out;
  }
  void note_line(const YAML::Mark& mark) {
    if (!limits_.notes || levels_.empty()) return;
    const Level& in = levels_.back();
    if (std::string at = path(); !at.empty())
      documents_.back().lines.emplace(
          std::move(at), in.value.is_object() ? in.key_line : line_of(mark));
  }

  [[noreturn]] static void refuse(const YAML::Mark& mark,
                                  const std::string& what) {
    throw YAML::ParserException(mark, what);
  }
  [[nodiscard]] bool is_key() const {
    return !levels_.empty() && levels_.back().value.is_object() &&
           !levels_.back().key;
  }
  void begin(const YAML::Mark& mark) {
    if (!begun_) documents_.back().line = line_of(mark);
    begun_ = true;
    note_line(mark);
    if (++values_ > limits_.values)
      refuse(mark, "more than " + std::to_string(limits_.values) + " values");
  }
  void take_key(const YAML::Mark& mark, const std::string& text) {
    if (text == "<<") refuse(mark, "merge keys (<<) are not read");
    Level& map = levels_.back();
    if (map.value.contains(text))
      refuse(mark, "key \"" + text.substr(0, 80) + "\" stands twice");
    map.key = text;
    map.key_line = line_of(mark);
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor, json empty) {
    if (is_key()) refuse(mark, "a key must be a plain value");
    begin(mark);
    if (levels_.size() == limits_.depth)
      refuse(mark,
             "nested deeper than " + std::to_string(limits_.depth) + " levels");
    std::string at = limits_.notes ? path() : "";
    levels_.push_back(
        {anchor, std::move(empty), std::nullopt, std::move(at), 0});
  }
  void close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    put(level.anchor, std::move(level.value));
  }
  void add(const YAML::Mark& mark, YAML::anchor_t anchor, json value) {
    if (is_key()) {
      if (!value.is_null()) refuse(mark, "a key must be a plain value");
      return take_key(mark, "");
    }
    begin(mark);
    put(anchor, std::move(value));
  }
  void put(YAML::anchor_t anchor, json value) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
    if (levels_.empty()) {
      documents_.back().value = std::move(value);
      return;
    }
    Level& into = levels_.back();
    if (into.value.is_array()) {
      into.value.push_back(std::move(value));
    } else {
      into.value[*into.key] = std::move(value);
      into.key.reset();
    }
  }

  const YamlLimits& limits_;
  std::vector<YamlDocument> documents_;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, json> anchors_;
  size_t values_ = 0;
  bool begun_ = false;
};

}  // namespace

YamlText read_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes)
    return {{}, "more than " + std::to_string(limits.bytes) + " bytes", 0};
  Builder builder(limits);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    return {{}, error.msg, static_cast<uint32_t>(error.mark.line) + 1};
  } catch (const std::exception& error) {
    return {{}, error.what(), 0};
  }
  return {builder.take(), {}, 0};
}

}  // namespace chrysalis::api
