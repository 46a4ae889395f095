#pragma once

// Which objects a directory of manifests asks for: from what stood there
// before and what one scan found, what changed. In doubt nothing is lost:
//
//   the directory is missing or unreadable    nothing changes
//   all of two or more objects go at once     nothing changes
//   a file is doubtful (it does not parse)    it keeps what stood in it before
//   two documents name the same object        the first file name wins
//
// and each of these is said.
// PURE. Total: any input gives a decision. Thread-safety: values.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/names.h"
#include "src/model/law.h"

namespace chrysalis::runtime::directory {

struct ObjectId {
  api::Kind kind = api::Kind::kVirtualMachine;
  std::string ns, name;
  auto operator<=>(const ObjectId&) const = default;
};
std::string to_string(const ObjectId& id);  // "VirtualMachine default/web"

// One object of a manifest.
struct Document {
  ObjectId id;
  uint32_t line = 0;                  // where it begins
  std::string spec;                   // defaults filled in; canonical JSON
  std::string digest;                 // of spec, once it is known
  std::vector<model::Fault> refused;  // what the rules say of it by itself
};

// Something a person should know. No file: the directory as a whole.
struct Said {
  std::string file;
  uint32_t line = 0;  // 0: the whole file
  std::string message;
  auto operator<=>(const Said&) const = default;
};
std::string to_string(const Said& said);  // "web.yaml:3: message"

struct ScannedFile {
  std::string name;
  std::vector<Document> documents;  // in their order
  std::vector<Said> said;
  bool doubtful = false;  // more may be meant than `documents` has
};

struct Scan {
  std::optional<std::string> failure;  // the directory could not be read
  std::vector<ScannedFile> files;      // in any order
};

// What a manifest asked for at the last scan that counted.
struct Held {
  std::string file;
  std::string spec;
  friend bool operator==(const Held&, const Held&) = default;
};
using View = std::map<ObjectId, Held>;

struct Placed {
  std::string file;
  Document document;
};

struct Decision {
  bool disregarded = false;  // the scan as a whole: no change below
  std::vector<Placed> added;
  // Another spec, another file, or refused: what the rules say decides.
  std::vector<Placed> updated;
  std::vector<ObjectId> removed;
  std::vector<Said> said;  // sorted, each once
};

// True for the file names that are manifests: *.yaml, *.yml, *.json; not
// hidden ones, not *.status.yaml.
bool is_manifest_name(std::string_view name);

Decision decide(const View& before, const Scan& scan);

}  // namespace chrysalis::runtime::directory
