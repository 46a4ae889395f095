#include "controller/runtime/directory/status_files.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/yaml.h"
#include "controller/api/yaml_reader.h"
#include "src/base/clock.h"

namespace chrysalis::runtime::directory {
namespace {

using nlohmann::ordered_json;

constexpr size_t kLongestFileName = 255 - std::string_view("..tmp").size();

ordered_json header_of(const api::Meta& meta) {
  ordered_json out;
  out["name"] = meta.name;
  out["namespace"] = meta.ns;
  if (!meta.uid.empty()) out["uid"] = meta.uid;
  if (meta.generation != 0) out["generation"] = meta.generation;
  if (meta.created_at) out["creationTimestamp"] = to_rfc3339(*meta.created_at);
  if (meta.deleted_at) out["deletionTimestamp"] = to_rfc3339(*meta.deleted_at);
  return out;
}

// One line each, so that no text ends the comment.
std::string comment(const std::string& note) {
  std::string out = "# ";
  for (const char c : note) out += c == '\n' || c == '\r' ? ' ' : c;
  return out + "\n";
}

}  // namespace

std::optional<std::string> status_file_name(const ObjectId& id) {
  std::string name = std::string(api::names_of(id.kind).singular) + "." +
                     id.ns + "." + id.name + ".status.yaml";
  if (name.size() > kLongestFileName ||
      name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
    return std::nullopt;
  return name;
}

std::string status_text(const ObjectId& id, const api::Meta& meta,
                        const nlohmann::json& status, const std::string& note) {
  ordered_json object;
  object["apiVersion"] = std::string(api::kApiVersion);
  object["kind"] = std::string(api::names_of(id.kind).kind);
  object["metadata"] = header_of(meta);
  object["status"] = status;
  return (note.empty() ? std::string{} : comment(note)) + api::to_yaml(object);
}

StatusFiles::StatusFiles(FileSystem& files, std::filesystem::path directory)
    : files_(files), directory_(std::move(directory)) {}

void StatusFiles::put(const std::string& name, File& file) {
  const auto path = directory_ / name;
  Result<> done;
  if (file.text.empty()) {
    done = files_.unlink(path);
    if (!done && done.error().code == Code::kNotFound) done = {};
  } else {
    done = durable_replace(files_, path, file.text, 0644);
  }
  file.stands = done.has_value();
  file.error = done ? "" : done.error().message;
}

void StatusFiles::write(const ObjectId& id, std::string text) {
  const auto name = status_file_name(id);
  if (!name) return;
  File& file = known_[*name];
  if (file.stands && file.text == text) return;
  file.text = std::move(text);
  put(*name, file);
}

void StatusFiles::remove(const ObjectId& id) {
  const auto name = status_file_name(id);
  if (!name) return;
  File& file = known_[*name];
  file.text.clear();
  put(*name, file);
  if (file.stands) known_.erase(*name);
}

std::optional<nlohmann::json> StatusFiles::parse(const std::string& name,
                                                 std::string& text) const {
  auto bytes = read_file(files_, directory_ / name, kMaxBytes);
  if (!bytes) return std::nullopt;
  text = std::move(*bytes);
  api::YamlText read = api::read_yaml(text);
  if (!read.fault.empty() || read.documents.size() != 1) return std::nullopt;
  auto& value = read.documents.front().value;
  if (!value.is_object() || !value["metadata"].is_object()) return std::nullopt;
  return std::move(value);
}

std::optional<nlohmann::json> StatusFiles::read(const ObjectId& id) {
  const auto name = status_file_name(id);
  if (!name) return std::nullopt;
  std::string text;
  auto value = parse(*name, text);
  if (value) known_[*name] = {std::move(text), /*stands=*/true, {}};
  return value;
}

void StatusFiles::remove_left_over(const std::set<std::string>& seen) {
  for (const std::string& name : seen) {
    if (known_.contains(name)) continue;
    std::string text;
    auto value = parse(name, text);
    if (!value || (*value)["apiVersion"] != api::kApiVersion ||
        (*value)["metadata"].contains("uid"))
      continue;
    // What cannot be removed stays a wrong word and no more.
    (void)files_.unlink(directory_ / name);
  }
}

bool StatusFiles::has(const ObjectId& id) const {
  const auto name = status_file_name(id);
  const auto found = name ? known_.find(*name) : known_.end();
  return found != known_.end() && !found->second.text.empty();
}

void StatusFiles::retry(const std::set<std::string>& seen) {
  for (auto at = known_.begin(); at != known_.end();) {
    auto& [name, file] = *at;
    if (!file.stands || !seen.contains(name)) put(name, file);
    at = file.stands && file.text.empty() ? known_.erase(at) : std::next(at);
  }
}

std::vector<Said> StatusFiles::said() const {
  std::vector<Said> out;
  for (const auto& [name, file] : known_)
    if (!file.stands) out.push_back({name, 0, "not written: " + file.error});
  return out;
}

}  // namespace chrysalis::runtime::directory
