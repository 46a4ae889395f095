#include "controller/program/node_identity.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "controller/api/names.h"
#include "controller/runtime/directory/new_uid.h"
#include "src/base/tree_hash.h"

namespace chrysalis::program {
namespace {

constexpr size_t kUidBytes = 36;
constexpr size_t kNameMax = 247;  // with "agent-" before it a subdomain still

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_subdomain(std::string_view name) {
  if (name.empty() || name.size() > kNameMax) return false;
  char before = '.';
  for (const char c : name) {
    const bool inner = c == '-' || c == '.';
    if (!inner && !is_alphanumeric(c)) return false;
    if ((before == '.' && inner) || (before == '-' && c == '.')) return false;
    before = c;
  }
  return is_alphanumeric(before);
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

Result<std::string> node_name_of(const NodeFlags& flags) {
  std::string name = flags.node_name;
  if (name.empty()) {
    name = host_name();
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  if (is_subdomain(name)) return name;
  return fail(Code::kInvalid,
              "node name \"" + name +
                  "\": a node is named in lower-case letters, digits, - and "
                  ".; pass --node-name NAME");
}

std::string node_finalizer(std::string_view node) {
  // sha256 of a short text fails only without memory.
  const auto hash = sha256_hex(node);
  return std::string(api::kNodeFinalizerPrefix) + hash.value().substr(0, 16);
}

Result<std::string> node_instance(FileSystem& files,
                                  const std::filesystem::path& file) {
  const auto known = read_file(files, file, kUidBytes);
  if (known && known->size() == kUidBytes && is_subdomain(*known))
    return *known;
  const bool unfit = known || known.error().code == Code::kInvalid ||
                     known.error().code == Code::kNotFound;
  if (!unfit) return tl::unexpected(known.error());
  std::string fresh = runtime::directory::new_uid();
  CHRYSALIS_TRY(durable_replace(files, file, fresh));
  return fresh;
}

}  // namespace chrysalis::program
