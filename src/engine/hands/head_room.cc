// What an operation will take of this host, reserved before it begins.

#include <sys/stat.h>

#include "src/base/log.h"
#include "src/engine/hands/node_hands.h"

namespace chrysalis::engine {

// A file of ours is cloned into a second one, once in the life of the hands.
bool NodeHands::reflinks() {
  std::call_once(probed_, [&] {
    const auto from = deps_.paths.staging_dir() / ".reflink-from";
    const auto to = deps_.paths.staging_dir() / ".reflink-to";
    const auto clean = [&] {
      for (const auto& path : {from, to}) (void)deps_.fs.unlink(path);
    };
    clean();
    auto file = deps_.fs.open(from, FileSystem::Mode::kCreate);
    if (file && (*file)->write_at(0, std::string(4096, 'x'))) {
      const auto cloned = deps_.fs.clone_file(from, to, 0600);
      reflinks_ = cloned && *cloned == FileSystem::Cloned::kReflink;
    }
    clean();
    if (!reflinks_)
      log::info("the state's disk cannot share blocks: disks are copied",
                {{"state", deps_.paths.root().string()}});
  });
  return reflinks_;
}

// Of so many bytes in files on that device, those that will be copied.
uint64_t NodeHands::to_copy(uint64_t device, uint64_t bytes) {
  const auto own = deps_.fs.stat(deps_.paths.root());
  return own && own->device == device && reflinks() ? 0 : bytes;
}

uint64_t NodeHands::to_copy(const std::filesystem::path& file) {
  const auto stat = deps_.fs.stat(file);
  return stat ? to_copy(stat->device, stat->allocated) : 0;
}

Event NodeHands::reserve(const Job& job, const Room& needs) {
  const auto free =
      deps_.config.room ? deps_.config.room() : room_of(deps_.paths.root());
  if (!free) {
    log::warning("head-room unknown: nothing is refused for it",
                 {{"message", free.error().message}});
    return {};
  }
  return reservations_.reserve(job.uid, needs, *free).value_or(Event{});
}

// All of its RAM, as a guest may touch it; and the image's disk, where it
// cannot share blocks with ours.
Event NodeHands::reserve_first_boot(const Job& job, const image::Image& image) {
  Room needs;
  if (job.op.facts.power != model::PowerState::kStopped)
    needs.memory = job.after.config.memory.count;
  struct stat disk{};
  if (image.has_disk() && ::fstat(image.disk.get(), &disk) == 0)
    needs.storage = to_copy(disk.st_dev, uint64_t(disk.st_blocks) * 512);
  return reserve(job, needs);
}

// What a VMM that it takes the place of has is given back before.
Event NodeHands::reserve_cold_boot(const Job& job) {
  const uint64_t needed = job.after.config.memory.count;
  const uint64_t has = job.op.facts.alive ? job.before.config.memory.count : 0;
  Room needs;
  if (job.op.facts.power != model::PowerState::kStopped && needed > has)
    needs.memory = needed - has;
  return reserve(job, needs);
}

// A load: the pages that the VMM fills, and the disks. What is staged already
// needs no disk any more.
Event NodeHands::reserve_load(const Job& job, bool on_demand) {
  const model::VmConfig& config = job.snapshot.config;
  Room needs;
  needs.memory = uint64_t{64} << 20;
  if (config.hypervisor == model::Hypervisor::kCloudHypervisor)
    needs.memory = on_demand ? config.memory.count : job.snapshot.memory_bytes;
  if (const auto state = deps_.fs.stat(deps_.paths.root());
      state && !job.op.facts.staged)
    needs.storage = to_copy(state->device, job.snapshot.disk_bytes);
  return reserve(job, needs);
}

// The VMM writes all of the memory; its holes are punched only afterwards.
Event NodeHands::reserve_snapshot(const Job& job) {
  Room needs;
  needs.storage = job.before.config.memory.count;
  const auto generation = paths(job, Which::kCurrent);
  for (const store::Disk& disk : job.before.disks)
    needs.storage += to_copy(generation.file(disk.file));
  return reserve(job, needs);
}

// A dump and the copies that share no blocks, at a byte rate that a slow disk
// still has: only a pause that is hopeless is refused beforehand.
milliseconds NodeHands::estimated_pause(const Job& job) {
  constexpr uint64_t kBytesAMillisecond = 512 << 10;  // 500 MB/s
  uint64_t bytes = job.before.config.memory.count;
  const auto generation = paths(job, Which::kCurrent);
  for (const store::Disk& disk : job.before.disks)
    bytes += to_copy(generation.file(disk.file));
  return milliseconds{bytes / kBytesAMillisecond};
}

// An import's names are its user's: what is no plain name is refused later,
// in the words of who opens it.
Event NodeHands::reserve_import(const Job& job) {
  const auto& request = std::get<ImportRequest>(job.request);
  if (!store::StatePaths::valid_component(request.ns) ||
      !store::StatePaths::valid_component(request.directory))
    return {};
  const auto from = deps_.paths.import(request.ns, request.directory);
  const auto names = deps_.fs.list(from);
  if (!names) return {};
  Room needs;
  for (const std::string& name : *names) needs.storage += to_copy(from / name);
  return reserve(job, needs);
}

}  // namespace chrysalis::engine
