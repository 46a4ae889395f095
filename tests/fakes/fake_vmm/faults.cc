#include "tests/fakes/fake_vmm/faults.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

namespace chrysalis::fake_vmm {
namespace {

using Table = std::map<std::string, std::string>;

void put(Table& table, const std::string& name, const std::string& action) {
  if (name == "die-at") {
    table[action] = "die";
  } else {
    table[name] = action;
  }
}

Table parse_list(std::string_view text) {
  Table table;
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view item = text.substr(0, end);
    if (const auto eq = item.find('='); eq != std::string_view::npos) {
      put(table, std::string(item.substr(0, eq)),
          std::string(item.substr(eq + 1)));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return table;
}

Table parse_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return {};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto json = nlohmann::json::parse(text, nullptr, false);
  Table table;
  if (!json.is_object()) return table;
  for (const auto& [name, value] : json.items()) {
    if (const auto* action = value.get_ptr<const std::string*>()) {
      put(table, name, *action);
    }
  }
  return table;
}

Fault decode(const std::string& action) {
  using K = Fault::Kind;
  if (action == "error" || action == "fail") return {K::kError, 0};
  if (action == "hang") return {K::kHang, 0};
  if (action == "die") return {K::kDie, 0};
  if (action == "die-after") return {K::kDieAfter, 0};
  if (action == "drop") return {K::kDrop, 0};
  if (action == "enospc") return {K::kEnospc, 0};
  if (action == "short") return {K::kShort, 0};
  if (action.starts_with("delay:")) {
    return {K::kDelay, std::atoi(action.c_str() + 6)};
  }
  return {};
}

}  // namespace

Faults::Faults(std::string_view environment, std::string directory)
    : from_environment_(parse_list(environment)),
      directory_(std::move(directory)) {}

std::string Faults::take(const std::string& name) {
  std::string action;
  const Table file = parse_file(directory_ + "/fault.json");
  if (const auto it = file.find(name); it != file.end()) {
    action = it->second;
  } else if (const auto own = from_environment_.find(name);
             own != from_environment_.end()) {
    action = own->second;
  }
  if (const auto bang = action.find('!'); bang != std::string::npos) {
    const int limit = std::atoi(action.c_str() + bang + 1);
    if (met_[name + "=" + action]++ >= limit) return "";
    action.resize(bang);
  }
  return action;
}

Fault Faults::at(std::string_view step) {
  return decode(take(std::string(step)));
}

std::string Faults::word(std::string_view name) {
  return take(std::string(name));
}

}  // namespace chrysalis::fake_vmm
