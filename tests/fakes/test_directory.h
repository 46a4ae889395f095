#pragma once

// A directory of one test, gone with it. Thread-safety: none needed.

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace chrysalis {

class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern =
        std::filesystem::temp_directory_path() / "chrysalis-XXXXXX";
    if (const char* made = ::mkdtemp(pattern.data())) path_ = made;
  }
  ~TestDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  // Empty if it could not be made: every use then fails.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace chrysalis
