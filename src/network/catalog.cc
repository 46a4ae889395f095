#include "src/network/catalog.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <nlohmann/json.hpp>

#include "src/base/unique_fd.h"

namespace chrysalis::network {
namespace {

using nlohmann::json;

constexpr std::string_view kSuffix = ".conflist";
constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxName = 128;
constexpr uint64_t kMinMtu = 1280;  // below it there is no IPv6

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

// CNI's own rule for the name of a network.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName &&
         is_alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
         });
}

NetworkDefinition built_in() {
  return {std::string(kDefaultNetwork), kDefaultMtu, true};
}

// Looks at the text alone: the parser never meets a deep tree.
bool too_deep(std::string_view text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Result<std::string> read_bounded(int fd, const std::string& what) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return tl::unexpected(from_errno(errno, what));
  if (!S_ISREG(status.st_mode))
    return fail(Code::kInvalid, what + ": not a regular file");
  std::string text(kMaxBytes + 1, '\0');
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t n = ::read(fd, text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(from_errno(errno, what));
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  if (have > kMaxBytes)
    return fail(Code::kInvalid, what + ": larger than 1 MiB");
  text.resize(have);
  return text;
}

// kNotFound: the root or the file is not there.
Result<std::string> read_conflist(const std::filesystem::path& root,
                                  std::string_view name) {
  const std::string file = std::string(name) + std::string(kSuffix);
  const std::string what = (root / file).string();
  const UniqueFd dir(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return tl::unexpected(from_errno(errno, what));
  open_how how{};
  // O_NONBLOCK: a FIFO of that name must not hold us.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const UniqueFd fd(static_cast<int>(
      ::syscall(SYS_openat2, dir.get(), file.c_str(), &how, sizeof how)));
  if (!fd.valid()) return tl::unexpected(from_errno(errno, what));
  return read_bounded(fd.get(), what);
}

}  // namespace

Result<NetworkDefinition> parse_conflist(std::string_view name,
                                         std::string_view text) {
  if (!is_name(name)) return fail(Code::kInvalid, "not a network's name");
  if (text.size() > kMaxBytes) return fail(Code::kInvalid, "larger than 1 MiB");
  if (too_deep(text))
    return fail(Code::kInvalid, "nested deeper than 32 levels");
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return fail(Code::kInvalid, "not a JSON object");
  const auto plugins = value.find("plugins");
  if (plugins == value.end() || !plugins->is_array() || plugins->empty())
    return fail(Code::kInvalid, "plugins: no list, or an empty one");
  NetworkDefinition out;
  out.name = name;
  for (const json& plugin : *plugins) {
    if (!plugin.is_object())
      return fail(Code::kInvalid, "plugins: one is not an object");
    const auto mtu = plugin.find("mtu");
    if (mtu == plugin.end()) continue;
    // 0 is CNI's way to say "the plugin's choice".
    if (!mtu->is_number_unsigned())
      return fail(Code::kInvalid, "mtu: not a whole number");
    const auto wanted = mtu->get<uint64_t>();
    if (wanted == 0) continue;
    if (wanted < kMinMtu || wanted > UINT16_MAX)
      return fail(Code::kInvalid,
                  "mtu: " + std::to_string(wanted) + " is not in 1280..65535");
    out.mtu = static_cast<uint16_t>(wanted);
    break;
  }
  return out;
}

Result<NetworkDefinition> NetworkCatalog::find(std::string_view name) const {
  if (!is_name(name)) return fail(Code::kInvalid, "not a network's name");
  auto text = read_conflist(root_, name);
  if (!text) {
    if (text.error().code == Code::kNotFound && name == kDefaultNetwork)
      return built_in();
    return tl::unexpected(std::move(text).error());
  }
  auto parsed = parse_conflist(name, *text);
  if (!parsed)
    return tl::unexpected(with_context(
        std::move(parsed).error(),
        (root_ / (std::string(name) + std::string(kSuffix))).string()));
  return parsed;
}

Result<NetworkDefinition> NetworkCatalog::first() const {
  CHRYSALIS_ASSIGN(const auto files, conflist_names());
  return files.empty() ? built_in() : find(files.front());
}

Result<std::vector<std::string>> NetworkCatalog::names() const {
  CHRYSALIS_ASSIGN(auto out, conflist_names());
  const std::string built(kDefaultNetwork);
  const auto at = std::lower_bound(out.begin(), out.end(), built);
  if (at == out.end() || *at != built) out.insert(at, built);
  return out;
}

Result<std::vector<std::string>> NetworkCatalog::conflist_names() const {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(root_.c_str()),
                                                ::closedir);
  if (!dir) {
    if (errno == ENOENT) return out;
    return fail(Code::kUnavailable, from_errno(errno, root_.string()).message);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string_view name(entry->d_name);
    if (name.ends_with(kSuffix)) {
      name.remove_suffix(kSuffix.size());
      if (is_name(name)) out.emplace_back(name);
    }
    errno = 0;
  }
  if (errno != 0)
    return fail(Code::kUnavailable, from_errno(errno, root_.string()).message);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace chrysalis::network
