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
  CHRYSALIS_TRY(fs.chown(to, look.uid, look.gid));
  CHRYSALIS_ASSIGN(auto file, fs.open(to, FileSystem::Mode::kRead));
  return file->sync();
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

Result<> stage_snapshot(FileSystem& fs, const Path& from,
                        const store::GenerationPaths& to,
                        const store::SnapshotRecord& snapshot,
                        uint32_t unix_uid) {
  const auto files = model::dump_files(snapshot.config.hypervisor);
  for (const std::string_view name : files.names) {
    if (name.empty()) continue;
    CHRYSALIS_TRY(
        name == files.memory
            ? link_anew(fs, from / name, to.file(name))
            : copy_anew(fs, from / name, to.file(name), {0640, 0, unix_uid}));
  }
  for (const store::Disk& disk : snapshot.disks)
    CHRYSALIS_TRY(copy_anew(fs, from / disk.file, to.file(disk.file),
                            {0600, unix_uid, unix_uid}));
  CHRYSALIS_TRY(link_anew(fs, from / model::kKernel, to.kernel()));
  if (!snapshot.has_initrd) return {};
  return link_anew(fs, from / model::kInitrd, to.initrd());
}

Result<> sync_generation(FileSystem& fs, const store::GenerationPaths& of) {
  const Path vm = of.directory.parent_path();
  CHRYSALIS_TRY(fs.sync_dir(of.directory));
  CHRYSALIS_TRY(fs.sync_dir(vm));
  return fs.sync_dir(vm.parent_path());
}

}  // namespace chrysalis::engine
