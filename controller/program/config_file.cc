#include "controller/program/config_file.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <set>
#include <sstream>

namespace chrysalis::program {
namespace {

constexpr std::streamsize kMaxBytes = 64 << 10;

tl::unexpected<Error> wrong(const std::filesystem::path& file, int line,
                            const std::string& what) {
  return fail(Code::kInvalid,
              file.string() + ":" + std::to_string(line) + ": " + what);
}

Result<std::string> read_bounded(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return fail(Code::kInvalid,
                "cannot read the configuration file " + file.string());
  }
  std::string text(static_cast<size_t>(kMaxBytes) + 1, '\0');
  in.read(text.data(), kMaxBytes + 1);
  if (in.gcount() > kMaxBytes) {
    return fail(Code::kInvalid, file.string() + ": over 64 KiB");
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

Result<std::vector<Setting>> settings_of(const YAML::Node& root,
                                         const std::filesystem::path& file) {
  std::vector<Setting> out;
  if (root.IsNull()) return out;
  if (!root.IsMap()) return wrong(file, 1, "expected lines of `key: value`");
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const int line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar()) return wrong(file, line, "a key is no word");
    const auto& key = entry.first.Scalar();
    if (!entry.second.IsScalar()) {
      return wrong(file, line, key + ": expected one value");
    }
    if (!seen.insert(key).second) return wrong(file, line, key + ": twice");
    out.push_back({key, entry.second.Scalar(), line});
  }
  return out;
}

}  // namespace

Result<std::vector<Setting>> read_settings(const std::filesystem::path& file) {
  CHRYSALIS_ASSIGN(const std::string text, read_bounded(file));
  try {
    return settings_of(YAML::Load(text), file);
  } catch (const YAML::Exception& e) {
    return wrong(file, e.mark.line + 1, e.msg);
  }
}

}  // namespace chrysalis::program
