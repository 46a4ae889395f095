#include "src/hypervisor/file_news.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace chrysalis::hypervisor {
namespace {

constexpr uint32_t kOfDirectory = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
constexpr uint32_t kOfFile = IN_MODIFY | IN_DONT_FOLLOW;

}  // namespace

Result<FileNews> FileNews::open() {
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) return tl::unexpected(from_errno(errno, "inotify"));
  return FileNews(std::move(inotify));
}

Result<> FileNews::add(Token token, std::filesystem::path file) {
  remove(token);
  const auto directory = file.parent_path();
  Watched watched{std::move(file)};
  watched.directory =
      ::inotify_add_watch(inotify_.get(), directory.c_str(), kOfDirectory);
  if (watched.directory < 0)
    return tl::unexpected(from_errno(errno, "watch " + directory.string()));
  by_descriptor_[watched.directory].insert(token);
  watch_file(token, watched);
  files_.emplace(token, std::move(watched));
  return {};
}

// The one that has the name now.
void FileNews::watch_file(Token token, Watched& watched) {
  const int now =
      ::inotify_add_watch(inotify_.get(), watched.file.c_str(), kOfFile);
  if (now == watched.self) return;
  leave(watched.self, token);
  watched.self = now;
  if (now >= 0) by_descriptor_[now].insert(token);
}

void FileNews::leave(int descriptor, Token token) {
  const auto at = by_descriptor_.find(descriptor);
  if (at == by_descriptor_.end()) return;
  at->second.erase(token);
  if (!at->second.empty()) return;
  by_descriptor_.erase(at);
  // Gone with its file, maybe: then this fails and that is all.
  (void)::inotify_rm_watch(inotify_.get(), descriptor);
}

void FileNews::remove(Token token) {
  const auto at = files_.find(token);
  if (at == files_.end()) return;
  leave(at->second.self, token);
  leave(at->second.directory, token);
  files_.erase(at);
}

std::vector<FileNews::Token> FileNews::read() {
  std::set<Token> out;
  alignas(inotify_event) std::array<char, 16384> bytes;
  const ssize_t got = ::read(inotify_.get(), bytes.data(), bytes.size());
  for (ssize_t at = 0; at < got;) {
    inotify_event event;
    std::memcpy(&event, bytes.data() + at, sizeof event);
    const char* name = bytes.data() + at + sizeof event;
    at += static_cast<ssize_t>(sizeof event + event.len);
    if ((event.mask & IN_Q_OVERFLOW) != 0)
      for (const auto& [token, watched] : files_) out.insert(token);
    const auto whose = by_descriptor_.find(event.wd);
    if (whose == by_descriptor_.end()) continue;
    if ((event.mask & IN_IGNORED) != 0) {
      by_descriptor_.erase(whose);
      continue;
    }
    // watch_file changes the table that is walked.
    const std::set<Token> tokens = whose->second;
    for (const Token token : tokens) {
      Watched& watched = files_.at(token);
      const bool of_directory = event.wd == watched.directory;
      if (of_directory && (event.len == 0 || watched.file.filename() != name))
        continue;
      if (of_directory) watch_file(token, watched);
      out.insert(token);
    }
  }
  return {out.begin(), out.end()};
}

}  // namespace chrysalis::hypervisor
