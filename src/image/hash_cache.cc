#include "src/image/hash_cache.h"

#include <cstdlib>

#include "src/base/tree_hash.h"

namespace chrysalis::image {
namespace {

// A bound and no policy: a node has tens of images.
constexpr size_t kMaxKnown = 4096;

// The coarsest mtime of a file system in use (FAT) counts in 2 s.
constexpr int64_t kSettledNs = 2'000'000'000;

bool settled(const FileId& id, Wall now) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(
      now.time_since_epoch());
  return std::abs(since_epoch.count() - id.mtime_ns) > kSettledNs;
}

}  // namespace

Result<std::string> HashCache::hash(int fd, const FileId& id,
                                    const std::filesystem::path& shown) {
  if (std::string known = find(id); !known.empty()) return known;
  const std::lock_guard lock(hashing_);
  if (std::string known = find(id); !known.empty()) return known;
  const Wall started = clock_.wall();
  CHRYSALIS_ASSIGN(std::string hash, tree_hash(fd, id.size, shown));
  CHRYSALIS_ASSIGN(const FileId after, file_id(fd, shown));
  if (after != id)
    return fail(Code::kConflict, shown.string() + " changed while it was read");
  if (settled(id, started)) remember(id, hash);
  return hash;
}

std::string HashCache::find(const FileId& id) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(id);
  return it == known_.end() ? std::string() : it->second;
}

void HashCache::remember(const FileId& id, const std::string& hash) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_[id] = hash;
}

}  // namespace chrysalis::image
