#include "src/engine/hands/stage_files.h"

#include <string_view>

#include "src/model/guest_files.h"

namespace chrysalis::engine {
namespace {

using Path = std::filesystem::path;

Result<> make_directory(FileSystem& fs, const Path& path, uint32_t mode) {
  const auto made = fs.mkdir(path, mode);
  if (made || made.error().code == Code::kConflict) return {};
  return made;
}

Result<> link_anew(FileSystem& fs, const Path& from, const Path& to) {
  CHRYSALIS_TRY(unlink_any(fs, to));
  return fs.link(from, to);
}

struct Look {
  uint32_t mode, uid, gid;
};

Result<> copy_anew(FileSystem& fs, const Path& from, const Path& to,
                   const Look& look) {
  CHRYSALIS_TRY(unlink_any(fs, to));
  CHRYSALIS_TRY(fs.clone_file(from, to, look.mode));
  return fs.chown(to, look.uid, look.gid);
}

}  // namespace

Result<> unlink_any(FileSystem& fs, const std::filesystem::path& path) {
  const auto gone = fs.unlink(path);
  if (gone || gone.error().code == Code::kNotFound) return {};
  return gone;
}

Result<> make_generation(FileSystem& fs, const store::GenerationPaths& to,
                         uint32_t unix_uid) {
  CHRYSALIS_TRY(make_directory(fs, to.directory.parent_path(), 0711));
  CHRYSALIS_TRY(make_directory(fs, to.directory, 01770));
  return fs.chown(to.directory, 0, unix_uid);
}

Result<Staged> stage_snapshot(FileSystem& fs, const Path& from,
                              const store::GenerationPaths& to,
                              const store::SnapshotRecord& snapshot,
                              uint32_t unix_uid) {
  Staged out;
  const auto copy = [&](std::string_view name, const Look& look) -> Result<> {
    out.files.push_back(to.file(name));
    return copy_anew(fs, from / name, to.file(name), look);
  };
  const auto files = model::dump_files(snapshot.config.hypervisor);
  for (const std::string_view name : files.names) {
    if (name.empty()) continue;
    CHRYSALIS_TRY(name == files.memory
                      ? link_anew(fs, from / name, to.file(name))
                      : copy(name, {0640, 0, unix_uid}));
  }
  for (const store::Disk& disk : snapshot.disks)
    CHRYSALIS_TRY(copy(disk.file, {0600, unix_uid, unix_uid}));
  CHRYSALIS_TRY(link_anew(fs, from / model::kKernel, to.kernel()));
  if (snapshot.has_initrd)
    CHRYSALIS_TRY(link_anew(fs, from / model::kInitrd, to.initrd()));
  return out;
}

Result<> make_durable(FileSystem& fs, const store::GenerationPaths& of,
                      const Staged& staged) {
  for (const Path& path : staged.files) {
    CHRYSALIS_ASSIGN(auto file, fs.open(path, FileSystem::Mode::kRead));
    CHRYSALIS_TRY(file->sync());
  }
  // Either ends with the directory's names.
  CHRYSALIS_TRY(staged.vm_json.empty()
                    ? fs.sync_dir(of.directory)
                    : durable_replace(fs, of.vm_json(), staged.vm_json));
  const Path vm = of.directory.parent_path();
  CHRYSALIS_TRY(fs.sync_dir(vm));
  return fs.sync_dir(vm.parent_path());
}

}  // namespace chrysalis::engine
