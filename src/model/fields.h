#pragma once

// The law, as one table: a row a field. Bounds, admission verdicts, the
// guard, defaults, provenance, the published schema and its rules, `explain`
// text and the codecs are all computed from these rows; nothing else may name a
// field's policy. To add a field: a member, a row, and what each hypervisor's
// requests do with it.
//
// PURE: data and templates only. Source of the rules: the founding document,
// the four columns of the law in docs/architecture.md, and what the VMMs were
// seen to do (FC: rings of 256, buffered I/O, 32 vCPUs).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "src/model/values.h"

namespace chrysalis::model {

// What a clone does with a field (the value comes from the snapshot unless
// said otherwise).
enum class Clone : uint8_t {
  kRefused,           // refused if set, even when equal
  kSpecElseSnapshot,  // a given value wins
  kEqual,             // may be set, must equal the snapshot's
};

// What a restore in place does with a field.
enum class Restore : uint8_t {
  kRefused,       // snapshot; refused if set beside the restore
  kRefusedEqual,  // refused if set; the snapshot's must equal the target's
  kSnapshot,      // snapshot; what the spec says waits for a cold boot
  kEqual,         // the snapshot's must equal the target's
  kTarget,        // stays the target VM's
};

// What a cold boot after the first one does with a field.
enum class ColdBoot : uint8_t {
  kSpecElseRecord,  // a given value applies now
  kGrowElseRecord,  // applies if it grows, else it is drift
  kRecord,          // fixed for the life of the VM
};

// May a user change it in the spec after creation? Where kFixed, a value that
// was absent may not be added either, unless it equals the fallback.
enum class Change : uint8_t { kColdBoot, kFixed };

// Who can honour it.
enum class Honoured : uint8_t { kByAll, kByCloudHypervisorOnly };

template <class T>
struct Row {
  std::string_view key;   // of status.config and status.provenance: "cpu"
  std::string_view path;  // below spec: "resources.cpu"; empty: never given
  std::string_view doc;
  std::optional<T> fallback = {};  // none: resolved on the node
  std::optional<T> min = {}, max = {};
  std::optional<T> firecracker_max = {};  // where it is tighter
  bool power_of_two = false;
  bool whole_mib = false;
  Clone clone = Clone::kRefused;
  Restore restore = Restore::kRefused;
  ColdBoot cold_boot = ColdBoot::kRecord;
  Change change = Change::kFixed;
  Honoured honoured = Honoured::kByAll;
  // What Firecracker does instead where it cannot honour it; recorded as
  // Default. Any other given value is refused there.
  std::optional<T> on_firecracker = {};
};

// One template gives the wish, the configuration and the provenance the same
// shape, so no type repeats the list. The only list of members:
template <template <class> class W>
struct VmFields {
  W<uint32_t> cpu{};
  W<Bytes> memory{};
  W<Bytes> storage{};
  W<uint32_t> nics{};
  W<std::string> image{};
  W<std::string> image_digest{};
  W<std::string> image_type{};
  W<bool> windows{};
  W<bool> shared_memory{};
  W<uint32_t> disk_queue_size{};
  W<uint32_t> queue_size{};
  W<bool> no_direct_io{};
  W<Hypervisor> hypervisor{};
  W<std::string> network{};

  friend bool operator==(const VmFields&, const VmFields&) = default;
};

template <class T>
using Plain = T;
template <class T>
using SourceOf = Source;

using VmWish = VmFields<std::optional>;  // what a spec says
using VmConfig = VmFields<Plain>;        // what runs
using VmSources = VmFields<SourceOf>;    // where each value came from

// A row bound to its member: `at(fields)` is the member of any VmFields.
template <class T, class At>
struct BoundRow {
  using Value = T;
  Row<T> row;
  At at;
};

#define CHRYSALIS_FIELD(T, member, ...)                    \
  ::chrysalis::model::detail::bind<T>(                     \
      [](auto& fields) -> auto& { return fields.member; }, \
      ::chrysalis::model::Row<T>{__VA_ARGS__})

namespace detail {
template <class T, class At>
constexpr auto bind(At at, Row<T> row) {
  return BoundRow<T, At>{row, at};
}
}  // namespace detail

// Strings in rows are views of literals (a row is constexpr): Row<std::string>
// holds no std::string.
template <>
struct Row<std::string> {
  std::string_view key, path, doc;
  std::optional<std::string_view> fallback = {};
  size_t max_length = 63;
  bool subdomain = false;  // an image may be `ubuntu-24.04`
  Clone clone = Clone::kRefused;
  Restore restore = Restore::kSnapshot;
  ColdBoot cold_boot = ColdBoot::kRecord;
  Change change = Change::kFixed;
  Honoured honoured = Honoured::kByAll;
};

// clang-format off
inline constexpr auto kFields = std::tuple{
  CHRYSALIS_FIELD(uint32_t, cpu,
    .key = "cpu", .path = "resources.cpu",
    .doc = "Boot vCPUs. A clone or a restore takes them from the snapshot.",
    .fallback = 2u, .min = 1u, .max = 254u, .firecracker_max = 32u,
    .cold_boot = ColdBoot::kSpecElseRecord, .change = Change::kColdBoot),
  CHRYSALIS_FIELD(Bytes, memory,
    .key = "memory", .path = "resources.memory",
    .doc = "RAM, whole MiB. A clone or a restore takes it from the snapshot.",
    .fallback = 1_GiB, .min = 16_MiB, .max = 16_TiB, .whole_mib = true,
    .cold_boot = ColdBoot::kSpecElseRecord, .change = Change::kColdBoot),
  CHRYSALIS_FIELD(Bytes, storage,
    .key = "storage", .path = "resources.storage",
    .doc = "Size of the root disk, whole MiB. It may grow at a cold boot, never shrink. "
           "A clone or a restore takes it from the snapshot.",
    .fallback = 10_GiB, .min = 1_MiB, .max = 64_TiB, .whole_mib = true,
    .cold_boot = ColdBoot::kGrowElseRecord, .change = Change::kColdBoot),
  CHRYSALIS_FIELD(uint32_t, nics,
    .key = "nics", .path = "resources.nics",
    .doc = "Number of network interfaces. A clone takes it from the snapshot; for a "
           "restore the snapshot's must equal the VM's.",
    .fallback = 1u, .min = 0u, .max = 8u,
    .restore = Restore::kRefusedEqual,
    .cold_boot = ColdBoot::kSpecElseRecord, .change = Change::kColdBoot),
  CHRYSALIS_FIELD(std::string, image,
    .key = "image", .path = "source.image.name",
    .doc = "Name of the image to boot from, resolved below the node's image root.",
    .max_length = 253, .subdomain = true),
  CHRYSALIS_FIELD(std::string, image_digest,
    .key = "imageDigest", .path = "",
    .doc = "sha256 over the image's files at the first boot.",
    .max_length = 71),
  CHRYSALIS_FIELD(std::string, image_type,
    .key = "imageType", .path = "",
    .doc = "How the image boots."),
  CHRYSALIS_FIELD(bool, windows,
    .key = "windows", .path = "windows",
    .doc = "The guest is Windows: Hyper-V enlightenments on. Cloud Hypervisor only.",
    .fallback = false,
    .restore = Restore::kSnapshot,
    .honoured = Honoured::kByCloudHypervisorOnly, .on_firecracker = false),
  CHRYSALIS_FIELD(bool, shared_memory,
    .key = "sharedMemory", .path = "sharedMemory",
    .doc = "Guest RAM is a shared mapping. Cloud Hypervisor only.",
    .fallback = false,
    .restore = Restore::kSnapshot,
    .honoured = Honoured::kByCloudHypervisorOnly, .on_firecracker = false),
  CHRYSALIS_FIELD(uint32_t, disk_queue_size,
    .key = "diskQueueSize", .path = "diskQueueSize",
    .doc = "virtio-blk ring depth, a power of two. A clone takes it from the snapshot, "
           "as a saved ring outgrows a smaller one. Cloud Hypervisor only.",
    .fallback = 512u, .min = 2u, .max = 1024u, .power_of_two = true,
    .restore = Restore::kSnapshot,
    .cold_boot = ColdBoot::kSpecElseRecord, .change = Change::kColdBoot,
    .honoured = Honoured::kByCloudHypervisorOnly, .on_firecracker = 256u),
  CHRYSALIS_FIELD(uint32_t, queue_size,
    .key = "queueSize", .path = "queueSize",
    .doc = "virtio-net ring depth, a power of two. On a clone a given value applies to "
           "its fresh interfaces. Cloud Hypervisor only.",
    .fallback = 512u, .min = 2u, .max = 1024u, .power_of_two = true,
    .clone = Clone::kSpecElseSnapshot, .restore = Restore::kSnapshot,
    .cold_boot = ColdBoot::kSpecElseRecord, .change = Change::kColdBoot,
    .honoured = Honoured::kByCloudHypervisorOnly, .on_firecracker = 256u),
  CHRYSALIS_FIELD(bool, no_direct_io,
    .key = "noDirectIO", .path = "noDirectIO",
    .doc = "Host side: writable disks are opened without O_DIRECT. Firecracker always "
           "does so.",
    .fallback = false,
    .clone = Clone::kSpecElseSnapshot, .restore = Restore::kSnapshot,
    .cold_boot = ColdBoot::kSpecElseRecord, .change = Change::kColdBoot,
    .honoured = Honoured::kByCloudHypervisorOnly, .on_firecracker = true),
  CHRYSALIS_FIELD(Hypervisor, hypervisor,
    .key = "hypervisor", .path = "hypervisor",
    .doc = "The VMM that runs it. On a clone: omitted, or equal to the snapshot's.",
    .fallback = Hypervisor::kCloudHypervisor,
    .clone = Clone::kEqual, .restore = Restore::kEqual),
  CHRYSALIS_FIELD(std::string, network,
    .key = "network", .path = "network.name",
    .doc = "Name of a network of the node; omitted: the node's first. A restore keeps "
           "the VM's own.",
    .clone = Clone::kSpecElseSnapshot, .restore = Restore::kTarget),
};
// clang-format on

// Calls v(row, at) for each row, in the table's order. `at` maps any VmFields
// to the member of that row.
template <class Visitor>
constexpr void for_each_field(Visitor&& visit) {
  std::apply([&](const auto&... f) { (visit(f.row, f.at), ...); }, kFields);
}

// The value type behind a row: Row<T> -> T.
template <class R>
struct RowValueOf;
template <class T>
struct RowValueOf<Row<T>> {
  using type = T;
};
template <class R>
using RowValue = typename RowValueOf<std::remove_cvref_t<R>>::type;

// "nics" of "resources.nics": what a message calls the field.
constexpr std::string_view leaf(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

}  // namespace chrysalis::model
