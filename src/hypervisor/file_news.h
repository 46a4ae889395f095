#pragma once

// Tells which of many files were written to, by one inotify instance for all
// of them: the kernel gives a user 128 by default, for everything on a host.
// A file that is not there yet is waited for in its directory, where nothing
// else that happens is heard.
//
// Thread-safety: none.
// Errors: as from_errno.

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {

class FileNews {
 public:
  using Token = uint64_t;

  [[nodiscard]] static Result<FileNews> open();

  // Readable when read() may have news: for a poll loop. Borrowed.
  [[nodiscard]] int fd() const { return inotify_.get(); }

  // What is in the file already is no news. Its directory must be there.
  [[nodiscard]] Result<> add(Token token, std::filesystem::path file);
  void remove(Token token);

  // Whose files may have news since the last call. Bounded: while fd() is
  // readable there is more.
  [[nodiscard]] std::vector<Token> read();

 private:
  struct Watched {
    std::filesystem::path file;
    int directory = -1, self = -1;  // watch descriptors
  };
  explicit FileNews(UniqueFd inotify) : inotify_(std::move(inotify)) {}
  void watch_file(Token token, Watched& watched);
  void leave(int descriptor, Token token);

  UniqueFd inotify_;
  std::map<Token, Watched> files_;
  // Files of one directory, or one file twice, share a descriptor.
  std::map<int, std::set<Token>> by_descriptor_;
};

}  // namespace chrysalis::hypervisor
