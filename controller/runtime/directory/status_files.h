#pragma once

// <kind>.<namespace>.<name>.status.yaml beside the manifests: the whole header
// of an object and its status, for people and scripts to read, and for us
// after a restart.
//
// Written by durable_replace, only when the text changed. What could not be
// written is kept and tried again by retry().
// Thread-safety: one at a time. Blocks for the disk.
// Ownership: borrows the FileSystem.

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "controller/api/objects/meta.h"
#include "controller/runtime/directory/directory_scan.h"
#include "src/base/file_system.h"
#include "src/base/result.h"

namespace chrysalis::runtime::directory {

// "virtualmachine.default.web.status.yaml". Nothing: too long for a file.
std::optional<std::string> status_file_name(const ObjectId& id);

// The text of one; `note` becomes a comment on top, if there is one.
std::string status_text(const ObjectId& id, const api::Meta& meta,
                        const nlohmann::json& status, const std::string& note);

class StatusFiles {
 public:
  static constexpr size_t kMaxBytes = size_t{1} << 20;

  StatusFiles(FileSystem& files, std::filesystem::path directory);

  void write(const ObjectId& id, std::string text);
  void remove(const ObjectId& id);
  // There is a text for it, on the disk or waiting for retry().
  [[nodiscard]] bool has(const ObjectId& id) const;
  // The object that stands in the file, as JSON. Nothing: there is none that
  // could be read.
  [[nodiscard]] std::optional<nlohmann::json> read(const ObjectId& id);

  // Writes again what failed, and what is not among the names that were seen
  // in the directory.
  void retry(const std::set<std::string>& seen);
  // Removes what speaks of objects that were never accepted and that nobody
  // asks for any more: files of ours without a uid that are not held here.
  void remove_left_over(const std::set<std::string>& seen);
  // What could not be written, and why.
  [[nodiscard]] std::vector<Said> said() const;

 private:
  struct File {
    std::string text;  // empty: it shall not be there
    bool stands = false;
    std::string error;
  };
  void put(const std::string& name, File& file);
  [[nodiscard]] std::optional<nlohmann::json> parse(const std::string& name,
                                                    std::string& text) const;

  FileSystem& files_;
  std::filesystem::path directory_;
  std::map<std::string, File> known_;
};

}  // namespace chrysalis::runtime::directory
