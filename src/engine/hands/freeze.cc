// A snapshot's files: dumped, copied, published, or thrown away.

#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <string_view>

#include "src/engine/hands/dump_check.h"
#include "src/engine/hands/node_hands.h"
#include "src/hypervisor/guest_view.h"

namespace chrysalis::engine {
namespace {

std::string host_cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  constexpr std::string_view kKey = "model name";
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with(kKey) && colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown";
}

std::string host_kernel() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "unknown";
}

// In the generation directory, as the VMM can write there and only there.
// The number of the operation keeps a crashed attempt's files apart.
std::string dump_name(uint64_t seq) { return "dump-" + std::to_string(seq); }

}  // namespace

Result<> NodeHands::dump(Job& job) {
  const auto generation = paths(job, Which::kCurrent);
  const std::string name = dump_name(job.seq);
  CHRYSALIS_ASSIGN(auto directory,
                   DumpDirectory::make(deps_.fs, generation.directory, name,
                                       job.after.unix_uid));
  const auto& vm = backend(job.after.config.hypervisor);
  const auto dumped = vm.dump(vmm(job, Which::kCurrent), name);
  if (!dumped && dumped.error().code == Code::kUnsupported)
    deps_.binaries.cannot_snapshot(vm.kind(), job.after.vmm.sha256,
                                   Reason::kKvmNestedStateUnavailable);
  CHRYSALIS_TRY(dumped);
  // Where the files do not tell their shape, the VMM does while it is paused.
  if (!hypervisor::capabilities(vm.kind()).topology_in_files) {
    CHRYSALIS_ASSIGN(auto shape,
                     vm.read_back(vmm(job, Which::kCurrent),
                                  loaded_from(generation, vm.kind())));
    job.snapshot.topology = std::move(shape.topology);
  }
  held(job.uid).dump.emplace(std::move(directory));
  return {};
}

// Straight to where no VMM reaches, and no longer than the guard waits: what
// comes after it was resumed is of no instant.
Result<> NodeHands::copy_disks(Job& job, Mono deadline) {
  if (const auto& since = held(job.uid).paused_at)
    deadline = std::min(deadline, *since + deps_.config.max_pause);
  const auto generation = paths(job, Which::kCurrent);
  const auto staging = deps_.paths.staging(job.snapshot_uid, job.seq);
  CHRYSALIS_TRY(deps_.fs.remove_tree(staging));
  CHRYSALIS_TRY(deps_.fs.mkdir(staging, 0700));
  for (const store::Disk& disk : job.after.disks)
    CHRYSALIS_TRY(deps_.fs.clone_file(generation.file(disk.file),
                                      staging / disk.file, 0600, deadline));
  job.snapshot.captured_at = deps_.clock.wall();
  return {};
}

// What it wrote is what it must load: looked at where it cannot write any more.
Result<> NodeHands::inspect(Job& job) {
  const auto staging = deps_.paths.staging(job.snapshot_uid, job.seq);
  auto& dump = held(job.uid).dump;
  if (!dump) return fail(Code::kUnavailable, "there is no dump");
  const auto& vm = backend(job.after.config.hypervisor);
  for (const std::string_view name : hypervisor::dump_files(vm.kind()).names)
    if (!name.empty())
      CHRYSALIS_TRY(dump->take(deps_.fs, std::string(name), staging));
  dump.reset();
  CHRYSALIS_TRY(deps_.fs.remove_tree(
      paths(job, Which::kCurrent).file(dump_name(job.seq))));
  model::Topology& shape = job.snapshot.topology;
  if (hypervisor::capabilities(vm.kind()).topology_in_files) {
    CHRYSALIS_ASSIGN(auto read, vm.read_topology(staging));
    shape = std::move(read.topology);
  }
  const model::VmConfig& config = job.snapshot.config;
  if (shape.cpu != config.cpu || shape.memory != config.memory ||
      shape.nics.size() != config.nics ||
      shape.disks.size() != job.snapshot.disks.size())
    return fail(Code::kCorrupt, "the dump has another shape than the VM");
  return check_dump(vm, staging, job.snapshot);
}

Result<> NodeHands::publish(Job& job) {
  if (job.op.kind == Kind::kImport) return {};  // taking in published it
  const auto generation = paths(job, Which::kCurrent);
  const auto staging = deps_.paths.staging(job.snapshot_uid, job.seq);
  CHRYSALIS_TRY(deps_.fs.chown(staging, 0, deps_.config.snapshot_gid));
  CHRYSALIS_TRY(deps_.fs.chmod(staging, 0750));
  CHRYSALIS_TRY(
      deps_.fs.link(generation.kernel(), staging / hypervisor::kKernel));
  if (job.after.has_initrd)
    CHRYSALIS_TRY(
        deps_.fs.link(generation.initrd(), staging / hypervisor::kInitrd));
  job.snapshot.cpu_model = host_cpu_model();
  job.snapshot.host_kernel = host_kernel();
  job.snapshot.pause_ms = static_cast<uint64_t>(job.pause.count());
  CHRYSALIS_ASSIGN(auto published,
                   deps_.snapshots.publish(staging, job.snapshot));
  job.snapshot = std::move(published.record);
  job.snapshot.ready = true;
  held(job.uid).verified = std::move(published.verified);
  return {};
}

// An import: copied, hashed, checked by the VMM's own files, published.
Result<> NodeHands::take_in(Job& job) {
  const auto& request = std::get<ImportRequest>(job.request);
  const auto check = [&](const std::filesystem::path& staging,
                         const store::Manifest& manifest) -> Result<> {
    const auto& vm = backend(manifest.config.hypervisor);
    CHRYSALIS_TRY(check_told_shape(vm, staging, manifest.topology));
    return check_dump(vm, staging, store::record_of(manifest));
  };
  CHRYSALIS_ASSIGN(auto published,
                   deps_.snapshots.take_in({job.uid, request.ns, request.name,
                                            request.directory, job.seq},
                                           check));
  job.snapshot = std::move(published.record);
  job.snapshot.ready = true;
  held(job.uid).verified = std::move(published.verified);
  return {};
}

// Published or not: it was never called ready.
Result<> NodeHands::drop_staging(Job& job) {
  held(job.uid).dump.reset();
  if (job.op.kind == Kind::kSnapshot)
    CHRYSALIS_TRY(deps_.fs.remove_tree(
        paths(job, Which::kCurrent).file(dump_name(job.seq))));
  CHRYSALIS_TRY(
      deps_.fs.remove_tree(deps_.paths.staging(job.snapshot_uid, job.seq)));
  return deps_.snapshots.remove(job.snapshot_uid);
}

}  // namespace chrysalis::engine
