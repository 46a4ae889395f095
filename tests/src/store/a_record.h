#pragma once

// Rows for tests, every member off its default, so that a codec which forgets
// one is seen.

#include "src/store/records.h"

namespace chrysalis::store {

inline model::VmConfig a_config() {
  model::VmConfig c;
  c.cpu = 3;
  c.memory = model::Bytes{1536ull << 20};
  c.storage = model::Bytes{20ull << 30};
  c.nics = 2;
  c.image = "ubuntu-24.04";
  c.image_digest = "sha256:aa";
  c.image_type = "kernel";
  c.windows = true;
  c.shared_memory = true;
  c.disk_queue_size = 128;
  c.queue_size = 256;
  c.no_direct_io = true;
  c.hypervisor = model::Hypervisor::kFirecracker;
  c.network = "blue";
  return c;
}

inline Wall a_time(int64_t n) { return Wall{seconds{1'800'000'000 + n}}; }

inline VmRecord a_vm(std::string uid) {
  VmRecord r;
  r.uid = std::move(uid);
  r.ns = "team-a";
  r.name = "web";
  r.config = a_config();
  model::for_each_field(
      [&](const auto&, auto at) { at(r.sources) = model::Source::kGenerated; });
  r.sources.cpu = model::Source::kSpec;
  r.sources.memory = model::Source::kSnapshot;
  r.sources.network = model::Source::kVirtualMachine;
  r.inherited = Inherited{"gold", "snap-1", "sha256:bb"};
  r.generation = 4;
  r.unix_uid = 700'001;
  r.netns = "cvm-1";
  r.mtu = 1450;
  r.max_phys_bits = 36;
  r.nics = {{"n1", "tap1", "02:00:00:00:00:01", "02:00:00:00:00:02"}};
  r.disks = {{"d0", "disk0", model::DiskRole::kRoot, 20ull << 30, false},
             {"d1", "disk1", model::DiskRole::kData, 1 << 20, true}};
  r.cmdline = "console=ttyS0";
  r.has_initrd = true;
  r.power = model::PowerState::kPaused;
  r.first_booted = true;
  r.pending_load = PendingLoad{"snap-1", true};
  r.restore_attempt_done = 7;
  r.restart_attempt_done = 2;
  r.restarts = 5;
  r.guest_reboots = 6;
  r.started_at = a_time(1);
  r.last_exit = Exit{a_time(2), "GuestFailed", -9};
  r.restore = LastRestore{
      "gold",    "snap-1",  7, RestoreResult::kRolledBack, "NewVmm", "it died",
      a_time(3), a_time(4), 12};
  r.boot_id = "boot-1";
  r.vmm = {"v1.16.1", "cc", "11.0.0"};
  return r;
}

inline SnapshotRecord a_snapshot(std::string uid) {
  SnapshotRecord r;
  r.uid = std::move(uid);
  r.ns = "team-a";
  r.name = "gold";
  r.source_uid = "vm-1";
  r.config = a_config();
  r.topology.cpu = 3;
  r.topology.memory = model::Bytes{1536ull << 20};
  r.topology.disks = {
      {"d0", model::DiskRole::kData, model::Bytes{1 << 20}, 128, true}};
  r.topology.nics = {{"n1", "02:00:00:00:00:02", 1450, 256}};
  r.topology.max_phys_bits = 36;
  r.disks = {{"d0", "disk0", model::DiskRole::kRoot, 20ull << 30, true}};
  r.cmdline = "quiet";
  r.has_initrd = true;
  r.vmm = {"v53.0", "dd", "1"};
  r.cpu_model = "A CPU";
  r.host_kernel = "6.1.0";
  r.memory_bytes = 5;
  r.disk_bytes = 6;
  r.pause_ms = 7;
  r.manifest_digest = "sha256:ee";
  r.captured_at = a_time(5);
  r.ready = true;
  return r;
}

inline OperationRow an_operation(std::string uid, uint64_t seq,
                                 OperationState state) {
  return {std::move(uid), seq,      OperationKind::kRestore,
          state,          "commit", R"({"a":1})",
          "RolledBack",   "why",    a_time(6),
          a_time(7)};
}

inline ProcessRow a_process(std::string uid, uint32_t generation) {
  return {std::move(uid), generation, 100, 2000, 101, 2001, "boot-1"};
}

}  // namespace chrysalis::store
