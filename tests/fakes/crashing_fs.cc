#include "tests/fakes/crashing_fs.h"

#include <algorithm>
#include <unordered_map>

namespace chrysalis {

namespace {

// Bytes that are copied when they change: a disk is copied far more often.
class SharedBytes {
 public:
  [[nodiscard]] const std::string& get() const { return *shared_; }
  std::string& change() {
    if (shared_.use_count() > 1) shared_ = std::make_shared<std::string>(get());
    return *shared_;
  }
  friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
    return a.shared_ == b.shared_ || a.get() == b.get();
  }

 private:
  std::shared_ptr<std::string> shared_ = std::make_shared<std::string>();
};

}  // namespace

struct CrashingFs::Node {
  bool directory = false;
  uint64_t inode = 0;
  SharedBytes bytes, durable_bytes;
  uint32_t mode = 0, durable_mode = 0;
  int64_t mtime = 0;
  uint64_t links = 1;
  std::map<std::string, NodePtr> names, durable_names;
};

struct CrashingFs::NameChange {
  NodePtr directory;
  std::string name;
  NodePtr node;  // null: the name goes
};

namespace {

template <class Names, class Node>
void apply(Names& names, const std::string& name, const Node& node) {
  if (node)
    names[name] = node;
  else
    names.erase(name);
}

}  // namespace

class CrashingFile final : public File {
 public:
  CrashingFile(CrashingFs& fs, CrashingFs::NodePtr node,
               std::filesystem::path path)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, std::span<char> into) override {
    if (fs_.crashed_) return fail(Code::kUnavailable, "power lost");
    const std::string& bytes = node_->bytes.get();
    if (offset >= bytes.size()) return 0;
    const size_t n = std::min(into.size(), bytes.size() - offset);
    std::copy_n(bytes.data() + offset, n, into.data());
    return n;
  }
  Result<void> write_at(uint64_t offset, std::string_view bytes) override {
    // Two operations: a write may stop half-way.
    const size_t half = bytes.size() / 2;
    CHRYSALIS_TRY(put(offset, bytes.substr(0, half)));
    return put(offset + half, bytes.substr(half));
  }
  Result<void> resize(uint64_t bytes) override {
    CHRYSALIS_TRY(fs_.count_operation("resize", path_));
    node_->bytes.change().resize(bytes, '\0');
    ++node_->mtime;
    return {};
  }
  // Runs of zero pages count as holes, as on a disk after punching.
  Result<std::optional<Extent>> next_data(uint64_t from) override {
    const std::string& bytes = node_->bytes.get();
    const auto data = bytes.find_first_not_of('\0', from);
    if (data == std::string::npos) return std::optional<Extent>{};
    const uint64_t begin = std::max<uint64_t>(from, data / 4096 * 4096);
    uint64_t end = begin;
    while (end < bytes.size()) {
      const uint64_t page_end =
          std::min<uint64_t>(bytes.size(), end / 4096 * 4096 + 4096);
      const auto hit = bytes.find_first_not_of('\0', end);
      if (hit == std::string::npos || hit >= page_end) break;
      end = page_end;
    }
    return std::optional<Extent>{{begin, end - begin}};
  }
  Result<void> punch(Extent range) override {
    CHRYSALIS_TRY(fs_.count_operation("punch", path_));
    std::string& bytes = node_->bytes.change();
    const uint64_t end = std::min<uint64_t>(range.end(), bytes.size());
    if (range.offset < end)
      std::fill_n(bytes.data() + range.offset, end - range.offset, '\0');
    ++node_->mtime;
    return {};
  }
  Result<void> chmod(uint32_t mode) override {
    CHRYSALIS_TRY(fs_.count_operation("chmod", path_));
    node_->mode = mode;
    return {};
  }
  Result<void> chown(uint32_t, uint32_t) override {
    return fs_.count_operation("chown", path_);
  }
  Result<FileStat> stat() override { return fs_.stat(path_); }
  Result<void> sync() override {
    CHRYSALIS_TRY(fs_.count_operation("fsync", path_));
    node_->durable_bytes = node_->bytes;
    node_->durable_mode = node_->mode;
    return {};
  }

 private:
  Result<void> put(uint64_t offset, std::string_view bytes) {
    CHRYSALIS_TRY(fs_.count_operation("write", path_));
    std::string& mine = node_->bytes.change();
    if (mine.size() < offset + bytes.size())
      mine.resize(offset + bytes.size(), '\0');
    std::ranges::copy(bytes, mine.begin() + static_cast<ptrdiff_t>(offset));
    ++node_->mtime;
    return {};
  }

  CrashingFs& fs_;
  CrashingFs::NodePtr node_;
  std::filesystem::path path_;
};

CrashingFs::CrashingFs(uint64_t crash_at)
    : root_(std::make_shared<Node>()), crash_at_(crash_at) {
  root_->directory = true;
}
CrashingFs::~CrashingFs() = default;

CrashingFs::NodePtr CrashingFs::find(const Path& path) const {
  NodePtr node = root_;
  for (const auto& part : path.lexically_normal().relative_path()) {
    if (part.empty()) continue;
    const auto next = node->names.find(part.string());
    if (next == node->names.end()) return nullptr;
    node = next->second;
  }
  return node;
}

Result<CrashingFs::NodePtr> CrashingFs::parent_of(const Path& path) const {
  NodePtr parent = find(path.parent_path());
  if (!parent || !parent->directory)
    return fail(Code::kNotFound, path.string() + ": no such directory");
  return parent;
}

Result<void> CrashingFs::count_operation(std::string_view call,
                                         const Path& path) {
  if (operations_ >= crash_at_) crashed_ = true;
  if (crashed_)
    return fail(Code::kUnavailable,
                std::string(call) + " " + path.string() + ": power lost");
  ++operations_;
  return {};
}

void CrashingFs::change_names(std::vector<NameChange> changes) {
  for (const auto& c : changes) apply(c.directory->names, c.name, c.node);
  pending_.push_back(std::move(changes));
}

Result<std::unique_ptr<File>> CrashingFs::open(const Path& path, Mode mode,
                                               uint32_t permissions) {
  if (crashed_) return fail(Code::kUnavailable, "power lost");
  NodePtr node = find(path);
  if (mode == Mode::kCreate) {
    CHRYSALIS_TRY(count_operation("create", path));
    CHRYSALIS_ASSIGN(NodePtr parent, parent_of(path));
    if (node) return fail(Code::kConflict, path.string() + " exists");
    node = std::make_shared<Node>();
    node->inode = next_inode_++;
    node->mode = permissions;
    change_names({{parent, path.filename().string(), node}});
  }
  if (!node) return fail(Code::kNotFound, path.string() + ": no such file");
  if (node->directory)
    return fail(Code::kInvalid, path.string() + " is not a regular file");
  return std::make_unique<CrashingFile>(*this, node, path);
}

Result<void> CrashingFs::do_rename(const Path& from, const Path& to,
                                   bool replace) {
  CHRYSALIS_TRY(count_operation("rename", to));
  CHRYSALIS_ASSIGN(NodePtr source, parent_of(from));
  CHRYSALIS_ASSIGN(NodePtr target, parent_of(to));
  NodePtr node = find(from);
  if (!node) return fail(Code::kNotFound, from.string() + ": no such file");
  if (!replace && find(to)) return fail(Code::kConflict, to.string());
  // The target first: that directory's sync makes the change durable.
  change_names({{target, to.filename().string(), node},
                {source, from.filename().string(), nullptr}});
  return {};
}

Result<void> CrashingFs::rename(const Path& from, const Path& to) {
  return do_rename(from, to, true);
}
Result<void> CrashingFs::rename_noreplace(const Path& from, const Path& to) {
  return do_rename(from, to, false);
}

Result<void> CrashingFs::link(const Path& from, const Path& to) {
  CHRYSALIS_TRY(count_operation("link", to));
  CHRYSALIS_ASSIGN(NodePtr target, parent_of(to));
  NodePtr node = find(from);
  if (!node) return fail(Code::kNotFound, from.string() + ": no such file");
  if (find(to)) return fail(Code::kConflict, to.string() + " exists");
  ++node->links;
  change_names({{target, to.filename().string(), node}});
  return {};
}

Result<void> CrashingFs::unlink(const Path& path) {
  CHRYSALIS_TRY(count_operation("unlink", path));
  CHRYSALIS_ASSIGN(NodePtr parent, parent_of(path));
  const NodePtr node = find(path);
  if (!node) return fail(Code::kNotFound, path.string() + ": no such file");
  if (node->directory) return fail(Code::kInvalid, path.string());
  --node->links;
  change_names({{parent, path.filename().string(), nullptr}});
  return {};
}

Result<void> CrashingFs::mkdir(const Path& path, uint32_t permissions) {
  CHRYSALIS_TRY(count_operation("mkdir", path));
  CHRYSALIS_ASSIGN(NodePtr parent, parent_of(path));
  if (find(path)) return fail(Code::kConflict, path.string() + " exists");
  auto node = std::make_shared<Node>();
  node->directory = true;
  node->inode = next_inode_++;
  node->mode = node->durable_mode = permissions;
  change_names({{parent, path.filename().string(), node}});
  return {};
}

Result<void> CrashingFs::remove_tree(const Path& path) {
  const NodePtr node = find(path);
  if (crashed_) return fail(Code::kUnavailable, "power lost");
  if (!node) return {};
  if (node->directory) {
    auto names = node->names;  // the loop changes the original
    for (const auto& [name, child] : names)
      CHRYSALIS_TRY(remove_tree(path / name));
  }
  CHRYSALIS_TRY(count_operation("remove", path));
  CHRYSALIS_ASSIGN(NodePtr parent, parent_of(path));
  change_names({{parent, path.filename().string(), nullptr}});
  return {};
}

Result<std::vector<std::string>> CrashingFs::list(const Path& directory) {
  if (crashed_) return fail(Code::kUnavailable, "power lost");
  const NodePtr node = find(directory);
  if (!node || !node->directory)
    return fail(Code::kNotFound, directory.string() + ": no such directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Result<FileStat> CrashingFs::stat(const Path& path) {
  if (crashed_) return fail(Code::kUnavailable, "power lost");
  const NodePtr node = find(path);
  if (!node) return fail(Code::kNotFound, path.string() + ": no such file");
  FileStat out;
  out.kind =
      node->directory ? FileStat::Kind::kDirectory : FileStat::Kind::kFile;
  out.device = 1;
  out.inode = node->inode;
  out.size = out.allocated = node->bytes.get().size();
  out.mode = node->mode;
  out.mtime_ns = node->mtime;
  out.links = node->links;
  return out;
}

Result<void> CrashingFs::chmod(const Path& path, uint32_t permissions) {
  CHRYSALIS_TRY(count_operation("chmod", path));
  const NodePtr node = find(path);
  if (!node) return fail(Code::kNotFound, path.string() + ": no such file");
  node->mode = permissions;
  return {};
}

Result<void> CrashingFs::chown(const Path& path, uint32_t, uint32_t) {
  return count_operation("chown", path);
}

Result<FileSystem::Cloned> CrashingFs::clone_file(const Path& from,
                                                  const Path& to,
                                                  uint32_t permissions,
                                                  Mono /*until*/) {
  const NodePtr source = find(from);
  if (!source) return fail(Code::kNotFound, from.string() + ": no such file");
  const std::string bytes = source->bytes.get();
  CHRYSALIS_ASSIGN(const auto file, open(to, Mode::kCreate, permissions));
  CHRYSALIS_TRY(file->write_at(0, bytes));
  return Cloned::kCopy;
}

Result<void> CrashingFs::sync_dir(const Path& directory) {
  CHRYSALIS_TRY(count_operation("fsync", directory));
  const NodePtr node = find(directory);
  if (!node || !node->directory)
    return fail(Code::kNotFound, directory.string() + ": no such directory");
  std::erase_if(pending_, [&](const std::vector<NameChange>& changes) {
    if (changes.front().directory != node) return false;
    for (const auto& c : changes)
      apply(c.directory->durable_names, c.name, c.node);
    return true;
  });
  node->durable_mode = node->mode;
  return {};
}

std::vector<CrashingFs::Loss> CrashingFs::losses() const {
  std::vector<Loss> out;
  const size_t bits = std::min<size_t>(pending_.size(), 8);
  for (const Bytes bytes : {Bytes::kLost, Bytes::kKept, Bytes::kTorn})
    for (uint64_t mask = 0; mask < (1ULL << bits); ++mask) {
      // The oldest beyond the bits share the fate of the first bit.
      const uint64_t old = (mask & 1) != 0 ? UINT64_MAX : 0;
      const size_t extra = pending_.size() - bits;
      out.push_back({bytes, extra == 0 ? mask
                                       : (mask << extra) |
                                             (old & ((1ULL << extra) - 1))});
    }
  return out;
}

std::unique_ptr<CrashingFs> CrashingFs::after_power_loss(
    Loss loss, uint64_t crash_at) const {
  auto out = std::make_unique<CrashingFs>(crash_at);
  out->next_inode_ = next_inode_;
  // A copy of the durable names, with the surviving changes on top.
  std::map<const Node*, std::map<std::string, NodePtr>> names;
  const auto names_of = [&](const NodePtr& dir) -> auto& {
    return names.try_emplace(dir.get(), dir->durable_names).first->second;
  };
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (i < 64 && (loss.names >> i & 1) == 0) continue;
    for (const auto& c : pending_[i])
      apply(names_of(c.directory), c.name, c.node);
  }
  std::unordered_map<const Node*, NodePtr> copies;
  const auto copy = [&](const NodePtr& node, const auto& self) -> NodePtr {
    if (const auto known = copies.find(node.get()); known != copies.end())
      return known->second;
    auto fresh = std::make_shared<Node>(*node);
    copies[node.get()] = fresh;
    if (loss.bytes == Bytes::kLost) {
      fresh->bytes = node->durable_bytes;
      fresh->mode = node->durable_mode;
    } else if (loss.bytes == Bytes::kTorn &&
               node->bytes != node->durable_bytes) {
      // What was written first is there, the tail reads as zeros.
      std::string& torn = fresh->bytes.change();
      const size_t half = torn.size() / 2;
      std::fill(torn.begin() + static_cast<ptrdiff_t>(half), torn.end(), '\0');
      fresh->mode = node->durable_mode;
    }
    fresh->durable_bytes = fresh->bytes;
    fresh->durable_mode = fresh->mode;
    fresh->names.clear();
    if (node->directory)
      for (const auto& [name, child] : names_of(node))
        fresh->names[name] = self(child, self);
    fresh->durable_names = fresh->names;
    return fresh;
  };
  out->root_ = copy(root_, copy);
  return out;
}

}  // namespace chrysalis
