// Whether a VMM that loaded a snapshot is what it should be, asked while it is
// paused: its shape, and the files that it opened.

#include <algorithm>
#include <set>
#include <utility>

#include "src/engine/hands/node_hands.h"
#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/open_files.h"
#include "src/model/topology_difference.h"

namespace chrysalis::engine {
namespace {

using FileId = std::pair<uint64_t, uint64_t>;  // device, inode

// What the snapshot froze, with the sizes of its files where the VMM said
// none, and with the NICs that took the place of its own.
model::Topology expected(const Job& job, const store::VmRecord& record) {
  model::Topology shape = job.snapshot.topology;
  for (model::TopologyDisk& disk : shape.disks) {
    const auto& files = job.snapshot.disks;
    const auto file = std::ranges::find(files, disk.id, &store::Disk::id);
    if (disk.bytes.count == 0 && file != files.end())
      disk.bytes.count = file->bytes;
  }
  if (!job.op.facts.swap_nics) return shape;
  shape.nics.clear();
  for (const store::Nic& nic : record.nics)
    shape.nics.push_back(
        {nic.id, nic.guest_mac, record.mtu, record.config.queue_size});
  return shape;
}

tl::unexpected<Error> mismatch(const std::string& text) {
  return fail(Code::kInvalid, text);
}

Result<> compare_switch(const char* field, bool saved, bool loaded) {
  if (saved == loaded) return {};
  return mismatch(std::string(field) + ": the snapshot has " +
                  (saved ? "true" : "false") + ", " +
                  (loaded ? "true" : "false") + " was loaded");
}

}  // namespace

Result<> NodeHands::compare(Job& job, Which which) {
  const store::VmRecord& record = this->record(job, which);
  const auto to = paths(job, which);
  CHRYSALIS_ASSIGN(hypervisor::ReadBack seen,
                   backend(record.config.hypervisor)
                       .read_back(vmm(job, which), to.directory));
  // Where the VMM does not say how large a disk is, its file does.
  for (model::TopologyDisk& disk : seen.topology.disks) {
    const auto& files = job.snapshot.disks;
    const auto file = std::ranges::find(files, disk.id, &store::Disk::id);
    if (disk.bytes.count != 0 || file == files.end()) continue;
    CHRYSALIS_ASSIGN(const FileStat stat, deps_.fs.stat(to.file(file->file)));
    disk.bytes.count = stat.size;
  }
  if (const auto difference =
          model::first_difference(expected(job, record), seen.topology))
    return mismatch(*difference);
  const model::VmConfig& config = job.snapshot.config;
  CHRYSALIS_TRY(compare_switch("windows", config.windows, seen.windows));
  CHRYSALIS_TRY(
      compare_switch("sharedMemory", config.shared_memory, seen.shared_memory));
  CHRYSALIS_TRY(own_files(job, which));
  if (job.op.kind == Kind::kClone) record_start(job);  // the last before Resume
  return {};
}

// The paths that it was told mean this generation in its own root, and only
// there. What it opened is asked of the kernel: each disk is the generation's,
// and it can write to no other file that has a name.
Result<> NodeHands::own_files(Job& job, Which which) {
  const Guest& g = guest(job, which);
  if (!g.process) return fail(Code::kUnavailable, "the VMM is gone");
  CHRYSALIS_ASSIGN(const auto open,
                   hypervisor::open_files(g.process->ids().vmm.pid));
  if (g.process->ended()) return fail(Code::kUnavailable, "the VMM is gone");
  const auto to = paths(job, which);
  for (const store::Disk& disk : job.snapshot.disks) {
    CHRYSALIS_ASSIGN(const FileStat own, deps_.fs.stat(to.file(disk.file)));
    const bool is_open = std::ranges::any_of(open, [&](const auto& file) {
      return file.device == own.device && file.inode == own.inode;
    });
    if (!is_open)
      return mismatch("disks[" + disk.id + "]: the VMM did not open " +
                      to.file(disk.file).string());
  }
  std::set<FileId> ours;
  CHRYSALIS_ASSIGN(const auto names, deps_.fs.list(to.directory));
  std::vector<std::filesystem::path> own = {to.log(), to.events()};
  for (const std::string& name : names) own.push_back(to.directory / name);
  for (const auto& path : own)
    if (const auto stat = deps_.fs.stat(path))
      ours.emplace(stat->device, stat->inode);
  for (const auto& file : open)
    if (file.writable && file.links != 0 &&
        !ours.contains({file.device, file.inode}))
      return mismatch(
          "the VMM can write to a file that is not this "
          "generation's: " +
          file.shown);
  return {};
}

}  // namespace chrysalis::engine
