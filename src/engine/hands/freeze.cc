// A snapshot's files: dumped, copied, published, or thrown away.

#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <string_view>

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

// What it wrote is what it must load.
Result<> NodeHands::inspect(Job& job) {
  const auto& dump = held(job.uid).dump;
  if (!dump) return fail(Code::kUnavailable, "there is no dump");
  const auto& vm = backend(job.after.config.hypervisor);
  model::Topology& shape = job.snapshot.topology;
  if (hypervisor::capabilities(vm.kind()).topology_in_files) {
    CHRYSALIS_ASSIGN(auto read, vm.read_topology(dump->path()));
    shape = std::move(read.topology);
  }
  const model::VmConfig& config = job.snapshot.config;
  if (shape.cpu == config.cpu && shape.memory == config.memory &&
      shape.nics.size() == config.nics &&
      shape.disks.size() == job.snapshot.disks.size())
    return {};
  return fail(Code::kCorrupt, "the dump has another shape than the VM");
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

// Out of the VM's reach first: what is hashed must not change afterwards.
Result<> NodeHands::publish(Job& job) {
  if (job.op.kind == Kind::kImport) return {};  // taking in published it
  const auto generation = paths(job, Which::kCurrent);
  const auto staging = deps_.paths.staging(job.snapshot_uid, job.seq);
  Held& h = held(job.uid);
  if (!h.dump) return fail(Code::kUnavailable, "there is no dump");
  for (const std::string_view name :
       hypervisor::dump_files(job.after.config.hypervisor).names)
    if (!name.empty())
      CHRYSALIS_TRY(h.dump->take(deps_.fs, std::string(name), staging));
  h.dump.reset();
  CHRYSALIS_TRY(deps_.fs.remove_tree(generation.file(dump_name(job.seq))));
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
  h.verified = std::move(published.verified);
  return {};
}

// An import: copied, hashed, checked by the VMM's own files, published.
Result<> NodeHands::take_in(Job& job) {
  const auto& request = std::get<ImportRequest>(job.request);
  const auto check = [&](const std::filesystem::path& staging,
                         const store::Manifest& manifest) -> Result<> {
    const auto& vm = backend(manifest.config.hypervisor);
    if (!hypervisor::capabilities(vm.kind()).topology_in_files) return {};
    CHRYSALIS_ASSIGN(const auto shape, vm.read_topology(staging));
    if (shape.topology == manifest.topology) return {};
    return fail(Code::kCorrupt,
                "the manifest's topology is not that of the VMM's own files");
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
