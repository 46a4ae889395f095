#include "src/hypervisor/cloud_hypervisor/saved_state.h"

#include <array>
#include <cstdio>
#include <set>

#include <nlohmann/json.hpp>

#include "src/hypervisor/cloud_hypervisor/saved_config.h"
#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/json_members.h"

namespace chrysalis::hypervisor::cloud_hypervisor {
namespace {

using nlohmann::json;

constexpr JsonLimits kStateLimits{
    .bytes = kMaxStateBytes, .depth = 24, .values = 100'000};
constexpr JsonLimits kNodeLimits{
    .bytes = size_t{4} << 20, .depth = 24, .values = 100'000};
constexpr size_t kMaxRanges = 64;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(Code::kCorrupt, std::move(message));
}

std::string differ(const std::string& what, uint64_t state, uint64_t config) {
  return what + ": state.json says " + std::to_string(state) +
         ", config.json says " + std::to_string(config);
}

const json* node(const json* parent, const std::string& id) {
  return child(child(parent, "snapshots"), id);
}

// The JSON inside a node's string.
Result<json> state_of(const json* of, const std::string& id) {
  const std::string* inner = text(child(of, "snapshot_data"), "state");
  if (inner == nullptr) return corrupt("state.json: " + id + " has no state");
  auto parsed = parse_json(*inner, kNodeLimits);
  if (!parsed)
    return tl::unexpected(
        with_context(std::move(parsed).error(), "state.json: " + id));
  return parsed;
}

Result<void> check_cpus(const json& root, const model::Topology& config) {
  const json* vcpus = child(node(&root, "cpu-manager"), "snapshots");
  if (vcpus == nullptr || !vcpus->is_object())
    return corrupt("state.json: no cpu-manager");
  if (vcpus->size() != config.cpu)
    return corrupt(differ("vCPUs", vcpus->size(), config.cpu));
  for (size_t i = 0; i < vcpus->size(); ++i)
    if (!vcpus->contains(std::to_string(i)))
      return corrupt("state.json: no vCPU " + std::to_string(i));
  return {};
}

// CPUID leaf 0x80000008: the width the guest was told, at most what
// config.json allows (less where the host has less).
Result<void> check_address_width(const json& root,
                                 const model::Topology& config) {
  CHRYSALIS_ASSIGN(const json vm, state_of(&root, "vm"));
  const json* leaves = child(vm, "common_cpuid");
  if (leaves == nullptr || !leaves->is_array())
    return corrupt("state.json: no common_cpuid");
  for (const json& leaf : *leaves) {
    if (number(&leaf, "function") != 0x80000008U) continue;
    const uint64_t bits = number(&leaf, "eax").value_or(0) & 0xff;
    if (bits > config.max_phys_bits)
      return corrupt(differ("max_phys_bits", bits, config.max_phys_bits));
  }
  return {};
}

Result<void> check_memory(const json& root, const model::Topology& config,
                          uint64_t file_bytes) {
  CHRYSALIS_ASSIGN(const json memory,
                   state_of(node(&root, "memory-manager"), "memory-manager"));
  const json* ranges = child(child(memory, "memory_ranges"), "data");
  if (ranges == nullptr || !ranges->is_array() || ranges->size() > kMaxRanges)
    return corrupt("state.json: no memory_ranges, or too many");
  uint64_t total = 0;
  for (const json& range : *ranges) {
    const auto length = number(&range, "length");
    if (!length || __builtin_add_overflow(total, *length, &total))
      return corrupt("state.json: a memory range has no length");
  }
  if (total != config.memory.count)
    return corrupt(differ("memory", total, config.memory.count));
  if (file_bytes != total)
    return corrupt("the memory file has " + std::to_string(file_bytes) +
                   " bytes, state.json says " + std::to_string(total));
  return {};
}

// Every ring of a device has the size that config.json says.
Result<void> check_rings(const json* manager, const std::string& id,
                         uint32_t queue_size, size_t min_queues,
                         size_t max_queues) {
  const std::string pci = "_virtio-pci-" + id;
  CHRYSALIS_ASSIGN(const json transport, state_of(node(manager, pci), pci));
  const json* queues = child(transport, "queues");
  if (queues == nullptr || !queues->is_array() || queues->size() < min_queues ||
      queues->size() > max_queues)
    return corrupt("state.json: " + id + " has not its number of rings");
  for (const json& queue : *queues) {
    const uint64_t max = number(&queue, "max_size").value_or(0);
    if (max != queue_size)
      return corrupt(differ(id + " ring", max, queue_size));
    if (number(&queue, "size").value_or(UINT64_MAX) > max)
      return corrupt("state.json: " + id + " has a ring above its maximum");
  }
  return {};
}

Result<void> read_disk(const json* manager, model::TopologyDisk& disk) {
  CHRYSALIS_ASSIGN(const json state, state_of(node(manager, disk.id), disk.id));
  const std::string* path = text(&state, "disk_path");
  if (path == nullptr || path->rfind(std::string(kGuestDir) + "/", 0) != 0 ||
      path->find("..") != std::string::npos)
    return corrupt("state.json: " + disk.id + " lies outside of " +
                   std::string(kGuestDir));
  const auto sectors = number(&state, "disk_nsectors");
  if (!sectors || *sectors == 0 || *sectors > (uint64_t{1} << 46))
    return corrupt("state.json: " + disk.id + " has no size");
  if (const auto capacity = number(child(state, "config"), "capacity");
      capacity != sectors)
    return corrupt("state.json: " + disk.id + " has two sizes");
  disk.bytes = model::Bytes{*sectors * 512};
  return check_rings(manager, disk.id, disk.queue_size, 1, 1);
}

// Six numbers -> "02:00:00:00:00:01"; empty if they are not.
std::string mac_of(const json* bytes) {
  if (bytes == nullptr || !bytes->is_array() || bytes->size() != 6) return {};
  std::string out;
  for (const json& byte : *bytes) {
    if (!byte.is_number_unsigned() || byte.get<uint64_t>() > 255) return {};
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", byte.get<unsigned>());
    if (!out.empty()) out += ':';
    out += hex.data();
  }
  return out;
}

Result<void> read_nic(const json* manager, model::TopologyNic& nic) {
  CHRYSALIS_ASSIGN(const json state, state_of(node(manager, nic.id), nic.id));
  const json* config = child(state, "config");
  const std::string mac = mac_of(child(config, "mac"));
  if (mac != nic.mac)
    return corrupt(nic.id + ": state.json says MAC " + mac +
                   ", config.json says " + nic.mac.substr(0, 17));
  const auto mtu = number(config, "mtu");
  if (!mtu || *mtu > 65535)
    return corrupt("state.json: " + nic.id + " has no mtu");
  nic.mtu = static_cast<uint16_t>(*mtu);
  // Receive, transmit, and the control ring where the guest was offered one.
  return check_rings(manager, nic.id, nic.queue_size, 2, 3);
}

// Each virtio device of the state must be one of config.json, and vice versa.
Result<void> check_devices(const json* manager, const model::Topology& config) {
  const json* nodes = child(manager, "snapshots");
  if (nodes == nullptr || !nodes->is_object())
    return corrupt("state.json: no device-manager");
  std::set<std::string> expected = {"__rng", "__serial", "__ioapic",
                                    "_virtio-pci-__rng"};
  for (const auto& disk : config.disks)
    expected.insert({disk.id, "_virtio-pci-" + disk.id});
  for (const auto& nic : config.nics) {
    expected.insert({nic.id, "_virtio-pci-" + nic.id});
    if (!nodes->contains(nic.id))
      return fail(Code::kConflict, "a NIC swap is in progress: " + nic.id +
                                       " is not in state.json");
  }
  for (const auto& [id, value] : nodes->items()) {
    if (expected.count(id) != 0) continue;
    const auto state = state_of(&value, id.substr(0, 64));
    const bool is_nic = state && child(child(*state, "config"), "mac");
    if (is_nic || id.rfind("_virtio-pci-", 0) == 0)
      return fail(Code::kConflict,
                  "a device swap is in progress: " + id.substr(0, 64) +
                      " is not in config.json");
    return corrupt("state.json: " + id.substr(0, 64) + " is not a device of " +
                   "a VM of ours");
  }
  return {};
}

}  // namespace

Result<ReadBack> decode_dump(std::string_view config_json,
                             std::string_view state_json,
                             uint64_t memory_bytes) {
  auto config = parse_json(config_json, {.bytes = kMaxConfigBytes});
  if (!config)
    return tl::unexpected(
        with_context(std::move(config).error(), "config.json"));
  auto root = parse_json(state_json, kStateLimits);
  if (!root)
    return tl::unexpected(with_context(std::move(root).error(), "state.json"));
  CHRYSALIS_ASSIGN(ReadBack out, decode_config(*config));
  model::Topology& shape = out.topology;
  CHRYSALIS_TRY(check_cpus(*root, shape));
  CHRYSALIS_TRY(check_address_width(*root, shape));
  CHRYSALIS_TRY(check_memory(*root, shape, memory_bytes));
  const json* manager = node(&*root, "device-manager");
  CHRYSALIS_TRY(check_devices(manager, shape));
  for (model::TopologyDisk& disk : shape.disks)
    CHRYSALIS_TRY(read_disk(manager, disk));
  for (model::TopologyNic& nic : shape.nics)
    CHRYSALIS_TRY(read_nic(manager, nic));
  return out;
}

}  // namespace chrysalis::hypervisor::cloud_hypervisor
