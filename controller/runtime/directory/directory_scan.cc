#include "controller/runtime/directory/directory_scan.h"

#include <algorithm>
#include <utility>

namespace chrysalis::runtime::directory {
namespace {

// Who has an object in this scan: a document, or (none) a doubtful file that
// keeps what it held.
struct Claim {
  std::string file;
  const Document* document = nullptr;
};
using Claims = std::map<ObjectId, Claim>;

class Claimer {
 public:
  Claimer(const View& before, Decision& decision) : decision_(decision) {
    for (const auto& [id, held] : before) held_by_file_.emplace(held.file, &id);
  }

  void take(const ScannedFile& file) {
    decision_.said.insert(decision_.said.end(), file.said.begin(),
                          file.said.end());
    for (const Document& document : file.documents)
      claim(document.id, {file.name, &document}, document.line);
    if (!file.doubtful) return;
    const auto [first, last] = held_by_file_.equal_range(file.name);
    for (auto kept = first; kept != last; ++kept)
      if (!stands_in(*kept->second, file.name))
        claim(*kept->second, {file.name, nullptr}, 0);
  }

  [[nodiscard]] const Claims& claims() const { return claims_; }

 private:
  [[nodiscard]] bool stands_in(const ObjectId& id,
                               std::string_view file) const {
    const auto found = claims_.find(id);
    return found != claims_.end() && found->second.file == file;
  }
  void claim(const ObjectId& id, Claim made, uint32_t line) {
    const std::string file = made.file;
    const auto [owner, won] = claims_.emplace(id, std::move(made));
    if (won) return;
    decision_.said.push_back(
        {file, line,
         to_string(id) + " stands in " + owner->second.file +
             " already, which counts; remove one of the two"});
  }

  Decision& decision_;
  std::multimap<std::string, const ObjectId*> held_by_file_;
  Claims claims_;
};

bool changed(const Held& held, const Claim& claim) {
  return held.file != claim.file || held.spec != claim.document->spec ||
         !claim.document->refused.empty();
}

void compare(const View& before, const Claims& claims, Decision& decision) {
  for (const auto& [id, claim] : claims) {
    if (claim.document == nullptr) continue;
    const auto held = before.find(id);
    if (held == before.end())
      decision.added.push_back({claim.file, *claim.document});
    else if (changed(held->second, claim))
      decision.updated.push_back({claim.file, *claim.document});
  }
  for (const auto& [id, held] : before)
    if (!claims.contains(id)) decision.removed.push_back(id);
}

void disregard(Decision& decision, std::string why) {
  decision.disregarded = true;
  decision.added.clear();
  decision.updated.clear();
  decision.removed.clear();
  decision.said.push_back({"", 0, std::move(why)});
}

}  // namespace

std::string to_string(const ObjectId& id) {
  return std::string(api::names_of(id.kind).kind) + " " + id.ns + "/" + id.name;
}

std::string to_string(const Said& said) {
  if (said.file.empty()) return said.message;
  const auto line =
      said.line == 0 ? std::string{} : ":" + std::to_string(said.line);
  return said.file + line + ": " + said.message;
}

bool is_manifest_name(std::string_view name) {
  return !name.starts_with('.') && !name.ends_with(".status.yaml") &&
         (name.ends_with(".yaml") || name.ends_with(".yml") ||
          name.ends_with(".json"));
}

Decision decide(const View& before, const Scan& scan) {
  Decision decision;
  if (scan.failure) {
    disregard(decision, *scan.failure + "; nothing was changed");
    return decision;
  }
  std::vector<const ScannedFile*> files;
  for (const ScannedFile& file : scan.files) files.push_back(&file);
  std::ranges::sort(files, {}, &ScannedFile::name);

  Claimer claimer(before, decision);
  for (const ScannedFile* file : files) claimer.take(*file);
  compare(before, claimer.claims(), decision);
  if (before.size() >= 2 && decision.removed.size() == before.size())
    disregard(decision,
              "all of " + std::to_string(before.size()) +
                  " objects are gone from the manifests at once: nothing was "
                  "changed. If this is meant, put one back and remove them one "
                  "at a time, or name each to `chrysalis delete`");
  std::ranges::sort(decision.said);
  const auto repeats = std::ranges::unique(decision.said);
  decision.said.erase(repeats.begin(), repeats.end());
  return decision;
}

}  // namespace chrysalis::runtime::directory
