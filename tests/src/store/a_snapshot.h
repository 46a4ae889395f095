#pragma once

// A small snapshot that agrees with itself: 16 MiB of RAM, a disk of 1 MiB
// (and a second one on Cloud Hypervisor), one NIC.

#include <string>
#include <vector>

#include "src/base/tree_hash.h"
#include "src/store/manifest.h"
#include "tests/src/store/a_record.h"

namespace chrysalis::store {

inline const std::string kProgram(64, 'a');  // the sha256 of some VMM

inline SnapshotRecord a_valid_snapshot(
    std::string uid,
    model::Hypervisor kind = model::Hypervisor::kCloudHypervisor) {
  const bool ch = kind == model::Hypervisor::kCloudHypervisor;
  SnapshotRecord r;
  r.uid = std::move(uid);
  r.ns = "team-a";
  r.name = "gold";
  r.source_uid = "vm-1";
  model::VmConfig& c = r.config;
  c.cpu = 2;
  c.memory = model::Bytes{16 << 20};
  c.storage = model::Bytes{1 << 20};
  c.nics = 1;
  c.image = "ubuntu-24.04";
  c.image_digest = "sha256:aa";
  c.image_type = "kernel";
  c.disk_queue_size = c.queue_size = ch ? 512 : 256;
  c.no_direct_io = !ch;
  c.hypervisor = kind;
  c.network = "default";
  r.topology.cpu = 2;
  r.topology.memory = c.memory;
  r.topology.disks = {{"disk0", model::DiskRole::kRoot,
                       model::Bytes{ch ? 1u << 20 : 0u}, c.disk_queue_size,
                       false}};
  r.disks = {{"disk0", "disk0", model::DiskRole::kRoot, 1 << 20, false}};
  if (ch) {
    r.topology.disks.push_back(
        {"disk1", model::DiskRole::kData, model::Bytes{4096}, 512, true});
    r.disks.push_back({"disk1", "disk1", model::DiskRole::kData, 4096, true});
    r.topology.max_phys_bits = 46;
  }
  r.topology.nics = {{"net0", "02:00:00:00:00:02", 1450, c.queue_size}};
  r.cmdline = "console=ttyS0";
  r.has_initrd = ch;
  r.vmm = {ch ? "53.0.0" : "1.16.1", kProgram, ch ? "" : "11.0.0"};
  r.cpu_model = "A CPU";
  r.host_kernel = "6.1.0";
  r.pause_ms = 7;
  r.captured_at = a_time(5);
  return r;
}

// Sizes as the record says, contents made up by name.
inline uint64_t size_of(const SnapshotRecord& record, std::string_view name) {
  for (const Disk& disk : record.disks)
    if (disk.file == name) return disk.bytes;
  if (name == "memory-ranges" || name == "mem")
    return record.config.memory.count;
  return 100;
}

inline Manifest a_manifest(const SnapshotRecord& record) {
  std::vector<ManifestFile> files;
  for (const std::string& name : snapshot_file_names(record))
    files.push_back({name, size_of(record, name), 1, sha256_hex(name).value()});
  return manifest_of(record, std::move(files));
}

}  // namespace chrysalis::store
