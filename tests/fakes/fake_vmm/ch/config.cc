#include "tests/fakes/fake_vmm/ch/config.h"

#include <sys/random.h>

#include <cstdint>
#include <cstdio>
#include <set>
#include <string_view>
#include <vector>

namespace chrysalis::fake_vmm::ch {
namespace {

using nlohmann::json;

enum class Type { kBool, kU8, kU16, kU32, kU64, kString, kMac, kAny };

// `fallback` is JSON text; empty: the field is required. A null fallback also
// means that null is accepted.
struct Field {
  std::string_view name;
  Type type;
  std::string_view fallback;
};
using Fields = std::vector<Field>;

const Fields kCpus = {{"boot_vcpus", Type::kU32, ""},
                      {"max_vcpus", Type::kU32, ""},
                      {"topology", Type::kAny, "null"},
                      {"kvm_hyperv", Type::kBool, "false"},
                      {"max_phys_bits", Type::kU8, "46"},
                      {"affinity", Type::kAny, "null"},
                      {"features", Type::kAny, R"({"amx":false})"},
                      {"nested", Type::kBool, "true"},
                      {"core_scheduling", Type::kAny, "\"Vm\""},
                      {"profile", Type::kAny, "\"Host\""}};
const Fields kMemory = {{"size", Type::kU64, ""},
                        {"mergeable", Type::kBool, "false"},
                        {"hotplug_method", Type::kString, "\"Acpi\""},
                        {"hotplug_size", Type::kU64, "null"},
                        {"hotplugged_size", Type::kU64, "null"},
                        {"shared", Type::kBool, "false"},
                        {"hugepages", Type::kBool, "false"},
                        {"hugepage_size", Type::kU64, "null"},
                        {"prefault", Type::kBool, "false"},
                        {"reserve", Type::kBool, "false"},
                        {"zones", Type::kAny, "null"},
                        {"thp", Type::kBool, "true"}};
const Fields kPayload = {{"firmware", Type::kString, "null"},
                         {"kernel", Type::kString, "null"},
                         {"cmdline", Type::kString, "null"},
                         {"initramfs", Type::kString, "null"}};
const Fields kDisk = {{"id", Type::kString, "null"},
                      {"pci_segment", Type::kU16, "0"},
                      {"pci_device_id", Type::kU8, "null"},
                      {"path", Type::kString, "null"},
                      {"readonly", Type::kBool, "false"},
                      {"direct", Type::kBool, "false"},
                      {"num_queues", Type::kU64, "1"},
                      {"queue_size", Type::kU16, "128"},
                      {"vhost_user", Type::kBool, "false"},
                      {"vhost_socket", Type::kString, "null"},
                      {"rate_limit_group", Type::kString, "null"},
                      {"rate_limiter_config", Type::kAny, "null"},
                      {"disable_io_uring", Type::kBool, "false"},
                      {"disable_aio", Type::kBool, "false"},
                      {"serial", Type::kString, "null"},
                      {"queue_affinity", Type::kAny, "null"},
                      {"backing_files", Type::kBool, "false"},
                      {"sparse", Type::kBool, "true"},
                      {"image_type", Type::kString, "\"Unknown\""},
                      {"lock_granularity", Type::kString, "\"ByteRange\""}};
const Fields kNet = {{"id", Type::kString, "null"},
                     {"pci_segment", Type::kU16, "0"},
                     {"pci_device_id", Type::kU8, "null"},
                     {"tap", Type::kString, "null"},
                     {"ip", Type::kString, "null"},
                     {"mask", Type::kString, "null"},
                     {"mac", Type::kMac, "\"random\""},
                     {"host_mac", Type::kMac, "null"},
                     {"mtu", Type::kU16, "null"},
                     {"num_queues", Type::kU64, "2"},
                     {"queue_size", Type::kU16, "256"},
                     {"vhost_user", Type::kBool, "false"},
                     {"vhost_socket", Type::kString, "null"},
                     {"vhost_mode", Type::kString, "\"Client\""},
                     {"rate_limiter_config", Type::kAny, "null"},
                     {"offload_tso", Type::kBool, "true"},
                     {"offload_ufo", Type::kBool, "true"},
                     {"offload_csum", Type::kBool, "true"}};
const Fields kConsole = {{"file", Type::kString, "null"},
                         {"mode", Type::kString, ""},
                         {"socket", Type::kString, "null"}};
const Fields kRng = {{"src", Type::kString, ""},
                     {"id", Type::kString, "null"},
                     {"pci_segment", Type::kU16, "0"}};
const Fields kRestore = {{"source_url", Type::kString, ""},
                         {"prefault", Type::kBool, "false"},
                         {"memory_restore_mode", Type::kString, "\"Copy\""},
                         {"net_fds", Type::kAny, "null"},
                         {"resume", Type::kBool, "false"}};

std::string_view rust_name(Type type) {
  switch (type) {
    case Type::kBool:
      return "a boolean";
    case Type::kU8:
      return "u8";
    case Type::kU16:
      return "u16";
    case Type::kU32:
      return "u32";
    case Type::kU64:
      return "u64";
    case Type::kString:
    case Type::kMac:
      return "a string";
    case Type::kAny:
      return "any value";
  }
  return "";
}

uint64_t ceiling(Type type) {
  switch (type) {
    case Type::kU8:
      return UINT8_MAX;
    case Type::kU16:
      return UINT16_MAX;
    case Type::kU32:
      return UINT32_MAX;
    case Type::kBool:
    case Type::kU64:
    case Type::kString:
    case Type::kMac:
    case Type::kAny:
      return UINT64_MAX;
  }
  return 0;
}

std::string unexpected_value(const json& value) {
  if (value.is_string()) return "string " + value.dump();
  if (value.is_number_float()) return "floating point `" + value.dump() + "`";
  if (value.is_number()) return "integer `" + value.dump() + "`";
  if (value.is_boolean()) return "boolean `" + value.dump() + "`";
  if (value.is_null()) return "null";
  return value.is_array() ? "sequence" : "map";
}

bool is_mac(const std::string& text) {
  unsigned parts[6];
  char rest = 0;
  return text.size() == 17 &&
         std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &parts[0],
                     &parts[1], &parts[2], &parts[3], &parts[4], &parts[5],
                     &rest) == 6;
}

std::string random_mac() {
  unsigned char b[6] = {};
  (void)!::getrandom(b, sizeof b, 0);
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x",
                (b[0] & 0xfcU) | 2U, b[1], b[2], b[3], b[4], b[5]);
  return text;
}

std::optional<std::string> mismatch(const Field& field, const json& value) {
  bool fits = true;
  switch (field.type) {
    case Type::kAny:
      return std::nullopt;
    case Type::kBool:
      fits = value.is_boolean();
      break;
    case Type::kString:
      fits = value.is_string();
      break;
    case Type::kMac:
      fits = value.is_string() && is_mac(value.get<std::string>());
      break;
    case Type::kU8:
    case Type::kU16:
    case Type::kU32:
    case Type::kU64:
      if (value.is_number_integer() &&
          (!value.is_number_unsigned() ||
           value.get<uint64_t>() > ceiling(field.type))) {
        return "invalid value: " + unexpected_value(value) + ", expected " +
               std::string(rust_name(field.type));
      }
      fits = value.is_number_unsigned();
      break;
  }
  if (fits) return std::nullopt;
  return "invalid type: " + unexpected_value(value) + ", expected " +
         std::string(rust_name(field.type));
}

Parsed read(const json& in, const Fields& fields) {
  if (!in.is_object()) {
    return tl::unexpected<std::string>("invalid type: " + unexpected_value(in) +
                                       ", expected struct");
  }
  json out = json::object();
  for (const Field& field : fields) {
    const std::string name(field.name);
    const auto it = in.find(name);
    if (it == in.end()) {
      if (field.fallback.empty()) {
        return tl::unexpected<std::string>("missing field `" + name + "`");
      }
      out[name] = json::parse(field.fallback, nullptr, false);
      if (out[name] == "random") out[name] = random_mac();
      continue;
    }
    if (it->is_null() && field.fallback == "null") {
      out[name] = nullptr;
      continue;
    }
    if (const auto wrong = mismatch(field, *it)) {
      return tl::unexpected<std::string>(*wrong);
    }
    out[name] = *it;
  }
  return out;
}

Parsed read_list(const json& in, const Fields& fields) {
  if (in.is_null()) return json();
  if (!in.is_array()) {
    return tl::unexpected<std::string>("invalid type: " + unexpected_value(in) +
                                       ", expected a sequence");
  }
  json out = json::array();
  for (const json& item : in) {
    auto one = read(item, fields);
    if (!one) return one;
    out.push_back(std::move(*one));
  }
  return out;
}

Parsed parse_text(const std::string& text) {
  json in = json::parse(text, nullptr, false);
  if (in.is_discarded()) {
    return tl::unexpected<std::string>("expected value at line 1 column 1");
  }
  return in;
}

Parsed located(Parsed parsed, const std::string& text) {
  if (parsed) return parsed;
  return tl::unexpected<std::string>(parsed.error() + " at line 1 column " +
                                     std::to_string(text.size()));
}

Parsed read_vm(const json& in) {
  if (!in.is_object()) {
    return tl::unexpected<std::string>("invalid type: " + unexpected_value(in) +
                                       ", expected struct VmConfig");
  }
  struct Section {
    const char* name;
    const Fields* fields;
    bool list;
    json fallback;
  };
  const Section sections[] = {
      {"cpus", &kCpus, false, {{"boot_vcpus", 1}, {"max_vcpus", 1}}},
      {"memory", &kMemory, false, {{"size", 512ULL << 20}}},
      {"payload", &kPayload, false, nullptr},
      {"disks", &kDisk, true, nullptr},
      {"net", &kNet, true, nullptr},
      {"rng", &kRng, false, {{"src", "/dev/urandom"}}},
      {"serial", &kConsole, false, {{"mode", "Null"}}},
      {"console", &kConsole, false, {{"mode", "Tty"}}},
      {"debug_console", &kConsole, false, {{"mode", "Off"}}}};
  json out = json::object();
  for (const Section& section : sections) {
    const auto it = in.find(section.name);
    const json& value = it == in.end() ? section.fallback : *it;
    if (!section.list && value.is_null() && section.fallback.is_null()) {
      out[section.name] = nullptr;
      continue;
    }
    auto read_in = section.list ? read_list(value, *section.fields)
                                : read(value, *section.fields);
    if (!read_in) return read_in;
    out[section.name] = std::move(*read_in);
  }
  for (const char* optional :
       {"rate_limit_groups", "balloon", "generic_vhost_user", "fs", "pmem",
        "devices", "user_devices", "vdpa", "vsock", "numa", "rtc",
        "pci_segments", "platform", "tpm", "landlock_rules"}) {
    out[optional] = in.contains(optional) ? in[optional] : json();
  }
  for (const char* flag : {"pvpanic", "iommu", "watchdog", "landlock_enable"}) {
    out[flag] = in.value(flag, false);
  }
  return out;
}

std::optional<std::string> check_queue_size(uint64_t size) {
  if (size != 0 && size <= 32768 && (size & (size - 1)) == 0) {
    return std::nullopt;
  }
  return "Queue size must be a power of 2 no greater than 32768: " +
         std::to_string(size);
}

std::optional<std::string> too_many_queues(uint64_t queues, uint64_t vcpus) {
  return "Queue count (" + std::to_string(queues) +
         ") must not exceed boot vCPUs (" + std::to_string(vcpus) + ")";
}

std::optional<std::string> check_id(std::set<std::string>& ids,
                                    const json& device) {
  if (!device["id"].is_string()) return std::nullopt;
  const auto id = device["id"].get<std::string>();
  if (id.starts_with("__")) return "Identifier " + id + " is not invalid";
  if (!ids.insert(id).second) return "Identifier " + id + " is not unique";
  return std::nullopt;
}

std::optional<std::string> check_net(const json& net, uint64_t vcpus) {
  const auto queues = net["num_queues"].get<uint64_t>();
  if (queues < 2) {
    return "Number of queues (" + std::to_string(queues) +
           ") to virtio_net should be higher than 2";
  }
  if (queues / 2 > vcpus) return too_many_queues(queues, vcpus);
  if (auto bad = check_queue_size(net["queue_size"].get<uint64_t>())) {
    return bad;
  }
  if (net["mtu"].is_number() && net["mtu"].get<uint64_t>() < 1280) {
    return "Provided MTU " + net["mtu"].dump() +
           " is lower than 1280 (expected by VIRTIO specification)";
  }
  return std::nullopt;
}

std::optional<std::string> check_disk(const json& disk, uint64_t vcpus) {
  const auto queues = disk["num_queues"].get<uint64_t>();
  if (queues > vcpus) return too_many_queues(queues, vcpus);
  const auto size = disk["queue_size"].get<uint64_t>();
  if (auto bad = check_queue_size(size)) return bad;
  if (size <= 2) {
    return "Block queue size must be greater than 2: " + std::to_string(size);
  }
  return std::nullopt;
}

}  // namespace

Parsed parse_vm_config(const std::string& text) {
  return located(parse_text(text).and_then(read_vm), text);
}

Parsed parse_net_config(const std::string& text) {
  return located(
      parse_text(text).and_then([](const json& in) { return read(in, kNet); }),
      text);
}

Parsed parse_restore_config(const std::string& text) {
  return located(parse_text(text).and_then([](const json& in) -> Parsed {
    auto out = read(in, kRestore);
    if (!out) return out;
    const auto mode = (*out)["memory_restore_mode"].get<std::string>();
    if (mode != "Copy" && mode != "OnDemand") {
      return tl::unexpected<std::string>("unknown variant `" + mode +
                                         "`, expected `Copy` or "
                                         "`OnDemand`");
    }
    return out;
  }),
                 text);
}

Parsed parse_one_string(const std::string& text, const std::string& field) {
  return located(parse_text(text).and_then([&](const json& in) {
    return read(in, {{field, Type::kString, ""}});
  }),
                 text);
}

std::optional<std::string> validate(const json& config) {
  const json& payload = config["payload"];
  if (!payload.is_object() ||
      (payload["kernel"].is_null() && payload["firmware"].is_null())) {
    return "No bootitem provided: neither firmware nor kernel";
  }
  for (const char* port : {"console", "serial"}) {
    if (config[port]["mode"] == "File" && config[port]["file"].is_null()) {
      return "Path missing when using file console mode";
    }
  }
  const auto boot = config["cpus"]["boot_vcpus"].get<uint64_t>();
  const auto max = config["cpus"]["max_vcpus"].get<uint64_t>();
  if (max < boot) {
    return "Max CPUs (" + std::to_string(max) + ") lower than boot CPUs (" +
           std::to_string(boot) + ")";
  }
  std::set<std::string> ids;
  if (config["disks"].is_array()) {
    for (const json& disk : config["disks"]) {
      if (auto bad = check_disk(disk, boot)) return bad;
      if (auto bad = check_id(ids, disk)) return bad;
    }
  }
  if (config["net"].is_array()) {
    for (const json& net : config["net"]) {
      if (auto bad = check_net(net, boot)) return bad;
      if (auto bad = check_id(ids, net)) return bad;
    }
  }
  return std::nullopt;
}

json without_nulls(const json& value) {
  if (value.is_array()) {
    json out = json::array();
    for (const json& item : value) out.push_back(without_nulls(item));
    return out;
  }
  if (!value.is_object()) return value;
  json out = json::object();
  for (const auto& [name, item] : value.items()) {
    if (!item.is_null()) out[name] = without_nulls(item);
  }
  return out;
}

bool remove_device(json& config, const std::string& id) {
  for (const char* list : {"disks", "net"}) {
    if (!config[list].is_array()) continue;
    for (size_t i = 0; i < config[list].size(); ++i) {
      if (config[list][i]["id"] == id) {
        config[list].erase(i);
        return true;
      }
    }
  }
  return false;
}

}  // namespace chrysalis::fake_vmm::ch
