#pragma once

// What a row's body holds, member by member: the database's byte grammar.
// A name here is for ever (tests/golden). Internal to src/store.

#include "src/model/topology.h"
#include "src/store/json_codec.h"
#include "src/store/records.h"

namespace chrysalis::store::codec {

#define CHRYSALIS_ENUMERATORS(E, ...)                          \
  template <>                                                  \
  struct Enumerators<E> {                                      \
    static constexpr E kList[] = {__VA_ARGS__};                \
    static constexpr std::span<const E> kAll = kList;          \
    static std::string_view text(E e) { return to_string(e); } \
  }
CHRYSALIS_ENUMERATORS(RestoreResult, RestoreResult::kInProgress,
                      RestoreResult::kSucceeded, RestoreResult::kRefused,
                      RestoreResult::kRolledBack, RestoreResult::kFailed);
CHRYSALIS_ENUMERATORS(OperationState, OperationState::kRunning,
                      OperationState::kSucceeded, OperationState::kFailed);
CHRYSALIS_ENUMERATORS(OperationKind, OperationKind::kBoot,
                      OperationKind::kClone, OperationKind::kRestore,
                      OperationKind::kPause, OperationKind::kResume,
                      OperationKind::kStart, OperationKind::kStop,
                      OperationKind::kRestart, OperationKind::kSnapshot,
                      OperationKind::kDeleteVm, OperationKind::kDeleteSnapshot,
                      OperationKind::kImport);
#undef CHRYSALIS_ENUMERATORS

template <>
struct Enumerators<model::DiskRole> {
  static constexpr model::DiskRole kList[] = {model::DiskRole::kRoot,
                                              model::DiskRole::kData};
  static constexpr std::span<const model::DiskRole> kAll = kList;
  static std::string_view text(model::DiskRole e) {
    return e == model::DiskRole::kRoot ? "root" : "data";
  }
};

template <>
struct Shape<model::TopologyDisk> {
  static void visit(auto&& v, auto& r) {
    v("id", r.id);
    v("role", r.role);
    v("bytes", r.bytes);
    v("queueSize", r.queue_size);
    v("readonly", r.read_only);
  }
};
template <>
struct Shape<model::TopologyNic> {
  static void visit(auto&& v, auto& r) {
    v("id", r.id);
    v("mac", r.mac);
    v("mtu", r.mtu);
    v("queueSize", r.queue_size);
  }
};
template <>
struct Shape<model::Topology> {
  static void visit(auto&& v, auto& r) {
    v("cpu", r.cpu);
    v("memory", r.memory);
    v("disks", r.disks);
    v("nics", r.nics);
    v("maxPhysBits", r.max_phys_bits);
  }
};
template <>
struct Shape<Nic> {
  static void visit(auto&& v, auto& r) {
    v("id", r.id);
    v("tap", r.tap);
    v("mac", r.mac);
    v("guestMAC", r.guest_mac);
  }
};
template <>
struct Shape<Disk> {
  static void visit(auto&& v, auto& r) {
    v("id", r.id);
    v("file", r.file);
    v("role", r.role);
    v("bytes", r.bytes);
    v("readonly", r.readonly);
  }
};
template <>
struct Shape<Inherited> {
  static void visit(auto&& v, auto& r) {
    v("snapshot", r.snapshot);
    v("uid", r.uid);
    v("manifestDigest", r.manifest_digest);
  }
};
template <>
struct Shape<Exit> {
  static void visit(auto&& v, auto& r) {
    v("at", r.at);
    v("reason", r.reason);
    v("code", r.code);
  }
};
template <>
struct Shape<LastRestore> {
  static void visit(auto&& v, auto& r) {
    v("snapshot", r.snapshot);
    v("snapshotUID", r.snapshot_uid);
    v("attempt", r.attempt);
    v("result", r.result);
    v("reason", r.reason);
    v("message", r.message);
    v("startedAt", r.started_at);
    v("finishedAt", r.finished_at);
    v("pauseMs", r.pause_ms);
  }
};
template <>
struct Shape<PendingLoad> {
  static void visit(auto&& v, auto& r) {
    v("snapshotUID", r.snapshot_uid);
    v("onDemand", r.on_demand);
  }
};
template <>
struct Shape<Vmm> {
  static void visit(auto&& v, auto& r) {
    v("version", r.version);
    v("sha256", r.sha256);
    v("format", r.format);
  }
};

template <>
struct Shape<VmRecord> {
  static void visit(auto&& v, auto& r) {
    v("uid", r.uid);
    v("namespace", r.ns);
    v("name", r.name);
    v("config", r.config);
    v("sources", r.sources);
    v("inherited", r.inherited);
    v("generation", r.generation);
    v("unixUID", r.unix_uid);
    v("netns", r.netns);
    v("mtu", r.mtu);
    v("maxPhysBits", r.max_phys_bits);
    v("nics", r.nics);
    v("ejecting", r.ejecting);
    v("disks", r.disks);
    v("cmdline", r.cmdline);
    v("hasInitrd", r.has_initrd);
    v("power", r.power);
    v("firstBooted", r.first_booted);
    v("pendingLoad", r.pending_load);
    v("restoreAttemptDone", r.restore_attempt_done);
    v("restartAttemptDone", r.restart_attempt_done);
    v("restarts", r.restarts);
    v("guestReboots", r.guest_reboots);
    v("guestRebootsBefore", r.guest_reboots_before);
    v("startedAt", r.started_at);
    v("lastExit", r.last_exit);
    v("restore", r.restore);
    v("bootID", r.boot_id);
    v("vmm", r.vmm);
  }
};
template <>
struct Shape<SnapshotRecord> {
  static void visit(auto&& v, auto& r) {
    v("uid", r.uid);
    v("namespace", r.ns);
    v("name", r.name);
    v("sourceUID", r.source_uid);
    v("config", r.config);
    v("topology", r.topology);
    v("disks", r.disks);
    v("cmdline", r.cmdline);
    v("hasInitrd", r.has_initrd);
    v("vmm", r.vmm);
    v("cpuModel", r.cpu_model);
    v("hostKernel", r.host_kernel);
    v("memoryBytes", r.memory_bytes);
    v("diskBytes", r.disk_bytes);
    v("pauseMs", r.pause_ms);
    v("manifestDigest", r.manifest_digest);
    v("capturedAt", r.captured_at);
    v("ready", r.ready);
  }
};
template <>
struct Shape<OperationRow> {
  static void visit(auto&& v, auto& r) {
    v("uid", r.uid);
    v("seq", r.seq);
    v("kind", r.kind);
    v("state", r.state);
    v("step", r.step);
    v("detail", r.detail_json);
    v("reason", r.reason);
    v("message", r.message);
    v("startedAt", r.started_at);
    v("updatedAt", r.updated_at);
  }
};
template <>
struct Shape<ProcessRow> {
  static void visit(auto&& v, auto& r) {
    v("vmUID", r.vm_uid);
    v("generation", r.generation);
    v("shimPID", r.shim_pid);
    v("shimStart", r.shim_start);
    v("vmmPID", r.vmm_pid);
    v("vmmStart", r.vmm_start);
    v("bootID", r.boot_id);
  }
};
template <>
struct Shape<HoldRow> {
  static void visit(auto&& v, auto& r) {
    v("snapshotUID", r.snapshot_uid);
    v("holder", r.holder);
    v("until", r.until);
  }
};
template <>
struct Shape<IdentityRow> {
  static void visit(auto&& v, auto& r) {
    v("kind", r.kind);
    v("namespace", r.ns);
    v("name", r.name);
    v("uid", r.uid);
    v("generation", r.generation);
    v("specDigest", r.spec_digest);
    v("createdAt", r.created_at);
    v("deletedAt", r.deleted_at);
    v("manifest", r.manifest);
    v("spec", r.spec);
  }
};
template <>
struct Shape<FileStamp> {
  static void visit(auto&& v, auto& r) {
    v("name", r.name);
    v("device", r.device);
    v("inode", r.inode);
    v("size", r.size);
    v("mtimeNs", r.mtime_ns);
  }
};
template <>
struct Shape<VerifiedRow> {
  static void visit(auto&& v, auto& r) {
    v("snapshotUID", r.snapshot_uid);
    v("bootID", r.boot_id);
    v("manifestDigest", r.manifest_digest);
    v("files", r.files);
  }
};

}  // namespace chrysalis::store::codec
