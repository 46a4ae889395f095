#include "controller/program/check.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "controller/admission/check.h"
#include "src/base/unique_fd.h"

namespace chrysalis::program {
namespace {

Result<std::string> read_all(int fd, const std::string& name) {
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t n = ::read(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(from_errno(errno, name));
    if (n == 0) return text;
    text.append(piece.data(), static_cast<size_t>(n));
    if (text.size() > admission::kMaxFileBytes)
      return fail(Code::kInvalid, name + ": larger than 3 MiB; split it");
  }
}

Result<std::string> read_input(const std::filesystem::path& path) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input");
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return tl::unexpected(from_errno(errno, path.string()));
  return read_all(file.get(), path.string());
}

}  // namespace

Result<Checked> run_check(const CheckOptions& options) {
  std::vector<admission::Input> inputs;
  for (const auto& path : options.files) {
    CHRYSALIS_ASSIGN(std::string text, read_input(path));
    inputs.push_back({path.string(), std::move(text)});
  }
  const admission::Report report = admission::check(inputs);
  return Checked{options.output == "json"    ? admission::to_json(report)
                 : options.output == "sarif" ? admission::to_sarif(report)
                                             : admission::to_text(report),
                 report.exit_code()};
}

}  // namespace chrysalis::program
