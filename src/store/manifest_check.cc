#include "src/store/manifest_check.h"

#include <algorithm>

#include "src/model/guest_files.h"
#include "src/model/law.h"
#include "src/store/paths.h"

namespace chrysalis::store {
namespace {

constexpr size_t kMaxText = 256;
constexpr size_t kMaxCmdline = 4096;

tl::unexpected<Error> wrong(std::string path, std::string_view what) {
  return fail(Code::kCorrupt, std::move(path) + ": " + std::string(what));
}

std::string at(std::string_view list, size_t i, std::string_view member) {
  return std::string(list) + "[" + std::to_string(i) + "]." +
         std::string(member);
}

bool is_printable(std::string_view text, size_t max) {
  return text.size() <= max &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// What a VMM is told as a device's name.
bool is_id(std::string_view id) {
  return id.size() <= 63 && StatePaths::valid_component(id);
}

bool is_mac(std::string_view mac) {
  if (mac.size() != 17) return false;
  for (size_t i = 0; i < mac.size(); ++i) {
    const char c = mac[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (i % 3 == 2 ? c != ':' : !hex) return false;
  }
  return true;
}

// As the configuration says, of which every bound was checked; 0: the VMM does
// not say.
bool is_ring(uint32_t frozen, uint32_t configured) {
  return frozen == 0 || frozen == configured;
}

Result<void> check_texts(const Manifest& m) {
  if (!is_printable(m.cmdline, kMaxCmdline))
    return wrong("cmdline", "not a line of printable ASCII");
  if (!is_sha256(m.vmm.sha256)) return wrong("vmm.sha256", "not a sha256");
  const struct {
    const char* path;
    const std::string& text;
  } texts[] = {{"vmm.version", m.vmm.version}, {"vmm.format", m.vmm.format},
               {"cpuModel", m.cpu_model},      {"hostKernel", m.host_kernel},
               {"cacheType", m.cache_type},    {"sourceUID", m.source_uid}};
  for (const auto& [path, text] : texts)
    if (!is_printable(text, kMaxText))
      return wrong(path, "not a short line of printable ASCII");
  const bool firecracker =
      m.config.hypervisor == model::Hypervisor::kFirecracker;
  if (m.cache_type != (firecracker ? "Writeback" : ""))
    return wrong("cacheType", "'" + m.cache_type + "' is not what our VMs use");
  return {};
}

Result<void> check_devices(const Manifest& m) {
  const model::Topology& t = m.topology;
  if (t.cpu != m.config.cpu)
    return wrong("topology.cpu", "differs from config.cpu");
  if (t.memory != m.config.memory)
    return wrong("topology.memory", "differs from config.memory");
  if (t.nics.size() != m.config.nics)
    return wrong("topology.nics", "there are not config.nics of them");
  for (size_t i = 0; i < t.nics.size(); ++i) {
    if (!is_id(t.nics[i].id))
      return wrong(at("topology.nics", i, "id"), "no device id");
    if (!is_mac(t.nics[i].mac))
      return wrong(at("topology.nics", i, "mac"), "no lower-case MAC");
    for (size_t j = 0; j < i; ++j)
      if (t.nics[j].id == t.nics[i].id)
        return wrong(at("topology.nics", i, "id"), "is there twice");
    if (!is_ring(t.nics[i].queue_size, m.config.queue_size))
      return wrong(at("topology.nics", i, "queueSize"),
                   "differs from config.queueSize");
  }
  if (t.disks.size() != m.disks.size())
    return wrong("topology.disks", "not as many as disks");
  for (size_t i = 0; i < m.disks.size(); ++i) {
    const Disk& disk = m.disks[i];
    if (!is_id(disk.id)) return wrong(at("disks", i, "id"), "no device id");
    if (disk.file != model::disk_file(i))
      return wrong(at("disks", i, "file"),
                   "must be " + model::disk_file(i) + ", the VM's path of it");
  }
  return {};
}

Result<void> check_disks(const Manifest& m) {
  size_t roots = 0;
  for (size_t i = 0; i < m.disks.size(); ++i) {
    const Disk& disk = m.disks[i];
    const model::TopologyDisk& frozen = m.topology.disks[i];
    if (frozen.id != disk.id || frozen.role != disk.role ||
        frozen.read_only != disk.readonly)
      return wrong(at("disks", i, "id"), "differs from the topology's");
    if (!is_ring(frozen.queue_size, m.config.disk_queue_size))
      return wrong(at("topology.disks", i, "queueSize"),
                   "differs from config.diskQueueSize");
    if (frozen.bytes.count != 0 && frozen.bytes.count != disk.bytes)
      return wrong(at("disks", i, "bytes"), "differs from the topology's");
    const ManifestFile* file = m.file(disk.file);
    if (file == nullptr || file->bytes != disk.bytes)
      return wrong(at("disks", i, "bytes"), "differs from its file's");
    if (disk.role != model::DiskRole::kRoot) continue;
    ++roots;
    if (disk.bytes != m.config.storage.count)
      return wrong(at("disks", i, "bytes"), "differs from config.storage");
  }
  if (roots != 1) return wrong("disks", "exactly one must have the role root");
  return {};
}

Result<void> check_files(const Manifest& m) {
  std::vector<std::string> names;
  for (size_t i = 0; i < m.files.size(); ++i) {
    const ManifestFile& file = m.files[i];
    if (!StatePaths::valid_component(file.name))
      return wrong(at("files", i, "name"), "not a file name");
    if (!names.empty() && names.back() >= file.name)
      return wrong(at("files", i, "name"), "not in order, or there twice");
    if (!is_sha256(file.sha256))
      return wrong(at("files", i, "sha256"), "not a sha256");
    if (file.data_bytes > file.bytes)
      return wrong(at("files", i, "dataBytes"), "more than its bytes");
    if (file.bytes > model::max_bytes_of(file.name))
      return wrong(at("files", i, "bytes"),
                   file.name + " is larger than any VMM writes it");
    names.push_back(file.name);
  }
  const auto expected = snapshot_file_names(record_of(m));
  for (const std::string& name : expected)
    if (!std::ranges::binary_search(names, name))
      return wrong("files", name + " is missing");
  for (const std::string& name : names)
    if (!std::ranges::binary_search(expected, name))
      return wrong("files", "'" + name + "' is no part of such a snapshot");
  const auto memory = model::dump_files(m.config.hypervisor).memory;
  if (m.file(memory)->bytes != m.config.memory.count)
    return wrong("files", std::string(memory) + " is not as large as the RAM");
  return {};
}

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<void> check_manifest(const Manifest& m) {
  if (const auto faults = model::validate(m.config, "snapshot config: ");
      !faults.empty())
    return wrong("config", model::join(faults));
  // First, so that what follows may be named by a short list of files.
  if (m.disks.empty() || m.disks.size() > Manifest::kMaxFiles ||
      m.files.size() > Manifest::kMaxFiles)
    return wrong("files", "none, or more than a snapshot may have");
  CHRYSALIS_TRY(check_texts(m));
  CHRYSALIS_TRY(check_devices(m));
  CHRYSALIS_TRY(check_files(m));
  return check_disks(m);
}

}  // namespace chrysalis::store
