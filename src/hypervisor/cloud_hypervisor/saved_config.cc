#include "src/hypervisor/cloud_hypervisor/saved_config.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/json_members.h"

namespace chrysalis::hypervisor::cloud_hypervisor {
namespace {

using nlohmann::json;

constexpr JsonLimits kConfigLimits{
    .bytes = size_t{1} << 20, .depth = 16, .values = 20'000};
constexpr size_t kMaxDevices = 64;
constexpr uint64_t kMaxMemory = uint64_t{16} << 40;
constexpr size_t kMaxCmdline = size_t{64} << 10;

// Says nothing: null, false, zero, empty, or an object of such members.
bool is_inert(const json& value) {
  if (value.is_object() || value.is_array())
    return std::all_of(value.begin(), value.end(), is_inert);
  if (const auto* text = value.get_ptr<const std::string*>())
    return text->empty();
  return value.is_null() || value == json(false) || value == json(0);
}

// One object of the file, taken apart key by key. The first objection stays.
class Section {
 public:
  Section(const json* in, std::string path) : path_(std::move(path)) {
    if (in != nullptr && in->is_object())
      in_ = *in;
    else if (in != nullptr && !in->is_null())
      object(path_, "is not an object");
  }

  // A switch or a number of the guest's shape, copied.
  void keep(const char* key) {
    const json value = take(key);
    if (value.is_null()) return;
    if (!value.is_boolean() && !value.is_number_unsigned())
      return object(at(key), "is neither a switch nor a number");
    out_[key] = value;
  }
  void keep_text(const char* key, size_t max) {
    const json value = take(key);
    if (value.is_null()) return;
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr || text->size() > max)
      return object(at(key), "is not a text of at most " + std::to_string(max));
    out_[key] = value;
  }
  // Must be there and be just this.
  void must(const char* key, const json& expected) {
    const json value = take(key);
    if (value != expected) return object(at(key), "is not " + expected.dump());
    out_[key] = value;
  }
  // May be absent; copied.
  void may(const char* key, const json& expected) {
    if (const json* value = child(&in_, key); value && !value->is_null())
      must(key, expected);
  }
  void ours(const char* key, json value) {
    take(key);
    out_[key] = std::move(value);
  }
  void drop(const char* key) { take(key); }

  [[nodiscard]] Result<json> done() {
    for (const auto& [key, value] : in_.items())
      if (!is_inert(value))
        object(at(key.substr(0, 64)), "is not a part of a VM of ours");
    if (!objection_.empty()) return fail(Code::kInvalid, objection_);
    return out_;
  }

 private:
  [[nodiscard]] std::string at(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  json take(const char* key) {
    const auto found = in_.find(key);
    if (found == in_.end()) return nullptr;
    json value = *found;
    in_.erase(found);
    return value;
  }
  void object(const std::string& where, const std::string& what) {
    if (objection_.empty()) objection_ = where + " " + what;
  }

  std::string path_;
  json in_ = json::object(), out_ = json::object();
  std::string objection_;
};

Result<json> cpus(const json* saved) {
  Section s(saved, "cpus");
  for (const char* key :
       {"boot_vcpus", "max_vcpus", "kvm_hyperv", "max_phys_bits", "nested"})
    s.keep(key);
  s.may("core_scheduling", "Vm");
  s.may("profile", "Host");
  return s.done();
}

Result<json> memory(const json* saved) {
  Section s(saved, "memory");
  for (const char* key : {"size", "shared", "thp"}) s.keep(key);
  s.may("hotplug_method", "Acpi");
  return s.done();
}

Result<json> payload(const json* saved) {
  Section s(saved, "payload");
  s.must("kernel", guest_path(kKernel));
  s.may("initramfs", guest_path(kInitrd));
  s.keep_text("cmdline", kMaxCmdline);
  return s.done();
}

Result<json> disk(const json& saved, size_t i, const LoadSpec& spec) {
  const DiskSpec& mine = spec.disks[i];
  Section s(&saved, "disks[" + std::to_string(i) + "]");
  s.must("id", mine.id);
  s.must("path", guest_path(mine.file));
  s.may("readonly", mine.readonly);
  s.ours("direct", !mine.readonly && !spec.config.no_direct_io);
  s.must("num_queues", 1);
  for (const char* key : {"queue_size", "sparse", "pci_device_id"}) s.keep(key);
  s.must("image_type", "Raw");
  s.may("lock_granularity", "ByteRange");
  return s.done();
}

// `i` counts the saved NICs; the TAP is found by the NIC's id.
Result<json> nic(const json& saved, size_t i, const LoadSpec& spec) {
  const std::string path = "net[" + std::to_string(i) + "]";
  const std::string* id = text(&saved, "id");
  const auto mine = std::find_if(
      spec.saved_nics.begin(), spec.saved_nics.end(),
      [&](const NicSpec& n) { return id != nullptr && n.id == *id; });
  if (mine == spec.saved_nics.end())
    return fail(Code::kCorrupt, path + ".id is not a NIC of the snapshot");
  Section s(&saved, path);
  s.must("id", mine->id);
  s.ours("tap", mine->tap);
  s.keep_text("mac", 17);
  // Written by the VMM from the TAP it had; it would be forced on ours.
  s.drop("host_mac");
  s.must("num_queues", 2);
  for (const char* key : {"queue_size", "offload_tso", "offload_ufo",
                          "offload_csum", "pci_device_id"})
    s.keep(key);
  s.may("vhost_mode", "Client");
  return s.done();
}

Result<json> rng(const json* saved) {
  Section s(saved, "rng");
  s.must("src", kRngSource);
  s.keep("pci_device_id");
  return s.done();
}

Result<json> serial(const json* saved) {
  Section s(saved, "serial");
  s.must("mode", "Socket");
  s.must("socket", guest_path(kSerialSocket));
  return s.done();
}

Result<json> console(const json* saved, const char* name) {
  Section s(saved, name);
  s.may("mode", "Off");
  s.ours("mode", "Off");
  s.drop("iobase");
  return s.done();
}

const json* device_list(const json& saved, const char* key, size_t& count) {
  const json* list = child(saved, key);
  if (list == nullptr || !list->is_array()) list = nullptr;
  count = list == nullptr ? 0 : list->size();
  return list;
}

Result<void> devices(const json& saved, const LoadSpec& spec, json& out) {
  size_t disk_count = 0, nic_count = 0;
  const json* disks = device_list(saved, "disks", disk_count);
  const json* nics = device_list(saved, "net", nic_count);
  if (disk_count != spec.disks.size())
    return fail(Code::kCorrupt, "it has " + std::to_string(disk_count) +
                                    " disks, the snapshot has " +
                                    std::to_string(spec.disks.size()));
  if (nic_count != spec.saved_nics.size())
    return fail(Code::kCorrupt, "it has " + std::to_string(nic_count) +
                                    " NICs, the snapshot has " +
                                    std::to_string(spec.saved_nics.size()));
  for (size_t i = 0; i < disk_count; ++i) {
    CHRYSALIS_ASSIGN(json made, disk((*disks)[i], i, spec));
    out["disks"].push_back(std::move(made));
  }
  for (size_t i = 0; i < nic_count; ++i) {
    CHRYSALIS_ASSIGN(json made, nic((*nics)[i], i, spec));
    out["net"].push_back(std::move(made));
  }
  return {};
}

Result<void> sections(const json& saved, const LoadSpec& spec, json& out) {
  CHRYSALIS_ASSIGN(out["cpus"], cpus(child(saved, "cpus")));
  CHRYSALIS_ASSIGN(out["memory"], memory(child(saved, "memory")));
  CHRYSALIS_ASSIGN(out["payload"], payload(child(saved, "payload")));
  CHRYSALIS_TRY(devices(saved, spec, out));
  CHRYSALIS_ASSIGN(out["rng"], rng(child(saved, "rng")));
  CHRYSALIS_ASSIGN(out["serial"], serial(child(saved, "serial")));
  CHRYSALIS_ASSIGN(out["console"], console(child(saved, "console"), "console"));
  CHRYSALIS_ASSIGN(out["debug_console"],
                   console(child(saved, "debug_console"), "debug_console"));
  return {};
}

Result<void> agrees(const ReadBack& saved, const model::VmConfig& config) {
  if (saved.topology.cpu != config.cpu)
    return fail(Code::kCorrupt, "it says " +
                                    std::to_string(saved.topology.cpu) +
                                    " vCPUs, the snapshot's record says " +
                                    std::to_string(config.cpu));
  if (saved.topology.memory != config.memory)
    return fail(Code::kCorrupt,
                "it says " + model::format_quantity(saved.topology.memory) +
                    " of memory, the snapshot's record says " +
                    model::format_quantity(config.memory));
  if (saved.windows != config.windows ||
      saved.shared_memory != config.shared_memory)
    return fail(Code::kCorrupt,
                "windows or sharedMemory differ from the snapshot's record");
  return {};
}

Result<std::vector<model::TopologyDisk>> decode_disks(const json& config) {
  std::vector<model::TopologyDisk> out;
  size_t count = 0;
  const json* list = device_list(config, "disks", count);
  if (count > kMaxDevices) return fail(Code::kCorrupt, "too many disks");
  for (size_t i = 0; i < count; ++i) {
    const json* entry = &(*list)[i];
    const std::string* id = text(entry, "id");
    const auto queue = number(entry, "queue_size");
    if (id == nullptr || id->size() > 64 || !queue || *queue > 32768)
      return fail(Code::kCorrupt,
                  "disks[" + std::to_string(i) + "] lacks id or queue_size");
    out.push_back(
        {.id = *id,
         .role = out.empty() ? model::DiskRole::kRoot : model::DiskRole::kData,
         .queue_size = static_cast<uint32_t>(*queue),
         .read_only = boolean(entry, "readonly").value_or(false)});
  }
  return out;
}

Result<std::vector<model::TopologyNic>> decode_nics(const json& config) {
  std::vector<model::TopologyNic> out;
  size_t count = 0;
  const json* list = device_list(config, "net", count);
  if (count > kMaxDevices) return fail(Code::kCorrupt, "too many NICs");
  for (size_t i = 0; i < count; ++i) {
    const json* entry = &(*list)[i];
    const std::string* id = text(entry, "id");
    const std::string* mac = text(entry, "mac");
    const auto queue = number(entry, "queue_size");
    if (id == nullptr || id->size() > 64 || mac == nullptr ||
        mac->size() != 17 || !queue || *queue > 32768)
      return fail(Code::kCorrupt,
                  "net[" + std::to_string(i) + "] lacks id, mac or queue_size");
    out.push_back(
        {.id = *id, .mac = *mac, .queue_size = static_cast<uint32_t>(*queue)});
  }
  return out;
}

}  // namespace

Result<ReadBack> decode_config(const json& config) {
  const json* cpu = child(config, "cpus");
  const json* ram = child(config, "memory");
  const auto boot = number(cpu, "boot_vcpus"), max = number(cpu, "max_vcpus");
  const auto bytes = number(ram, "size");
  const auto bits = number(cpu, "max_phys_bits");
  if (!boot || !max || *boot < 1 || *boot > 4096 || *boot != *max)
    return fail(Code::kCorrupt, "cpus: boot_vcpus and max_vcpus are not one");
  if (!bytes || *bytes == 0 || *bytes > kMaxMemory)
    return fail(Code::kCorrupt, "memory.size is not there or out of bounds");
  if (!bits || *bits < 32 || *bits > 64)
    return fail(Code::kCorrupt, "cpus.max_phys_bits is out of bounds");
  ReadBack out;
  out.topology.cpu = static_cast<uint32_t>(*boot);
  out.topology.memory = model::Bytes{*bytes};
  out.topology.max_phys_bits = static_cast<uint32_t>(*bits);
  CHRYSALIS_ASSIGN(out.topology.disks, decode_disks(config));
  CHRYSALIS_ASSIGN(out.topology.nics, decode_nics(config));
  out.windows = boolean(cpu, "kvm_hyperv").value_or(false);
  out.shared_memory = boolean(ram, "shared").value_or(false);
  // Host-side: of the writable disks, of which the root is the first.
  size_t count = 0;
  if (const json* disks = device_list(config, "disks", count); count > 0)
    out.no_direct_io = !boolean(&(*disks)[0], "direct").value_or(false);
  return out;
}

Result<std::string> rebuild_config(std::string_view saved,
                                   const LoadSpec& spec) {
  CHRYSALIS_ASSIGN(const json in, parse_json(saved, kConfigLimits));
  json out = json::object();
  CHRYSALIS_TRY(sections(in, spec, out));
  Section rest(&in, "");
  for (const auto& [key, value] : out.items()) rest.drop(key.c_str());
  CHRYSALIS_TRY(rest.done());
  CHRYSALIS_ASSIGN(const ReadBack shape, decode_config(in));
  CHRYSALIS_TRY(agrees(shape, spec.config));
  return out.dump();
}

}  // namespace chrysalis::hypervisor::cloud_hypervisor
