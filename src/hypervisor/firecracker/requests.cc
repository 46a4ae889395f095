#include "src/hypervisor/firecracker/requests.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/json_members.h"
#include "src/hypervisor/refusal.h"

namespace chrysalis::hypervisor::firecracker {
namespace {

using nlohmann::json;

constexpr Version kHasMtuAndSerialLimit{1, 16, 0};
constexpr size_t kMaxDevices = 64;
constexpr uint64_t kMaxMib = uint64_t{16} << 20;

// A guest that floods its console is slowed here, as the file it goes to is
// bounded by somebody who looks at it only now and then: 64 KiB/s after 1 MiB.
constexpr uint64_t kSerialBytes = 65536, kSerialRefillMs = 1000;
constexpr uint64_t kSerialBurst = uint64_t{1} << 20;

constexpr std::array kRules = {
    RefusalRule{"Error creating KVM object", Code::kUnsupported},
    RefusalRule{"Missing KVM capabilities", Code::kUnsupported},
    RefusalRule{"Resource busy", Code::kUnavailable},
    RefusalRule{"os error 16", Code::kUnavailable},  // EBUSY
    RefusalRule{"os error 28", Code::kUnavailable},  // ENOSPC
    RefusalRule{"os error 12", Code::kUnavailable},  // ENOMEM
    RefusalRule{"not supported after starting", Code::kConflict},
    RefusalRule{"not supported before starting", Code::kConflict},
    RefusalRule{"unavailable while running", Code::kConflict},
    RefusalRule{"not allowed after configuring", Code::kConflict},
};

// An image's command line may hold any bytes: what is not UTF-8 is replaced,
// where the default would throw.
std::string write(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

HttpRequest put(std::string target, const json& body) {
  return {Method::kPut, std::move(target), write(body)};
}

HttpRequest limit_serial() {
  return put("/serial", {{"rate_limiter",
                          {{"size", kSerialBytes},
                           {"one_time_burst", kSerialBurst},
                           {"refill_time", kSerialRefillMs}}}});
}

// A word of the command line that says which device is the root.
bool names_root(std::string_view cmdline) {
  return cmdline.rfind("root=", 0) == 0 ||
         cmdline.find(" root=") != std::string_view::npos;
}

// is_root_device makes the VMM append root=/dev/vda to the command line: only
// where the image does not say it. The order is ours either way.
HttpRequest drive(const DiskSpec& disk, bool is_root) {
  return put("/drives/" + disk.id, {{"drive_id", disk.id},
                                    {"path_on_host", guest_path(disk.file)},
                                    {"is_root_device", is_root},
                                    {"is_read_only", disk.readonly},
                                    {"cache_type", "Writeback"},
                                    {"io_engine", "Sync"}});
}

HttpRequest interface(const NicSpec& nic, const Version& vmm) {
  json body = {
      {"iface_id", nic.id}, {"host_dev_name", nic.tap}, {"guest_mac", nic.mac}};
  if (nic.mtu != 0 && vmm >= kHasMtuAndSerialLimit) body["mtu"] = nic.mtu;
  return put("/network-interfaces/" + nic.id, body);
}

Result<json> decode(const HttpResponse& response) {
  CHRYSALIS_TRY(check(response));
  return parse_json(response.body);
}

Result<std::vector<model::TopologyDisk>> decode_drives(const json& config) {
  std::vector<model::TopologyDisk> out;
  const json* list = child(config, "drives");
  if (list == nullptr || !list->is_array() || list->size() > kMaxDevices)
    return fail(Code::kCorrupt, "/vm/config has no drives, or too many");
  for (const json& entry : *list) {
    const std::string* id = text(&entry, "drive_id");
    if (id == nullptr || id->size() > 64)
      return fail(Code::kCorrupt, "/vm/config has a drive without id");
    out.push_back(
        {.id = *id,
         .queue_size = kRingSize,
         .read_only = boolean(&entry, "is_read_only").value_or(false)});
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  for (size_t i = 1; i < out.size(); ++i) out[i].role = model::DiskRole::kData;
  return out;
}

Result<std::vector<model::TopologyNic>> decode_nics(const json& config) {
  std::vector<model::TopologyNic> out;
  const json* list = child(config, "network-interfaces");
  if (list == nullptr || !list->is_array() || list->size() > kMaxDevices)
    return fail(Code::kCorrupt, "/vm/config has no NICs, or too many");
  for (const json& entry : *list) {
    const std::string* id = text(&entry, "iface_id");
    const std::string* mac = text(&entry, "guest_mac");
    const uint64_t mtu = number(&entry, "mtu").value_or(0);
    if (id == nullptr || id->size() > 64 || mac == nullptr ||
        mac->size() != 17 || mtu > 65535)
      return fail(Code::kCorrupt, "/vm/config has a NIC without id or MAC");
    model::TopologyNic nic{.id = *id,
                           .mac = *mac,
                           .mtu = static_cast<uint16_t>(mtu),
                           .queue_size = kRingSize};
    std::transform(nic.mac.begin(), nic.mac.end(), nic.mac.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    out.push_back(std::move(nic));
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

}  // namespace

std::vector<std::string> argv() {
  // It logs to its stdout, as that is bounded.
  return {"firecracker", "--api-sock", guest_path(kApiSocket), "--level",
          "Warning"};
}

HttpRequest version() { return {Method::kGet, "/version", ""}; }
HttpRequest describe() { return {Method::kGet, "/", ""}; }
HttpRequest machine_config() { return {Method::kGet, "/machine-config", ""}; }
HttpRequest vm_config() { return {Method::kGet, "/vm/config", ""}; }
HttpRequest pause() {
  return {Method::kPatch, "/vm", json{{"state", "Paused"}}.dump()};
}
HttpRequest resume() {
  return {Method::kPatch, "/vm", json{{"state", "Resumed"}}.dump()};
}
HttpRequest ctrl_alt_del() {
  return put("/actions", {{"action_type", "SendCtrlAltDel"}});
}

std::vector<HttpRequest> boot(const BootSpec& spec, const Version& vmm) {
  std::vector<HttpRequest> out;
  if (vmm >= kHasMtuAndSerialLimit) out.push_back(limit_serial());
  out.push_back(put("/machine-config",
                    {{"vcpu_count", spec.config.cpu},
                     {"mem_size_mib", spec.config.memory.count >> 20}}));
  json source = {{"kernel_image_path", guest_path(kKernel)},
                 {"boot_args", spec.cmdline}};
  if (spec.has_initrd) source["initrd_path"] = guest_path(kInitrd);
  out.push_back(put("/boot-source", source));
  for (const DiskSpec& disk : spec.disks)
    out.push_back(
        drive(disk, &disk == spec.disks.data() && !names_root(spec.cmdline)));
  for (const NicSpec& nic : spec.nics) out.push_back(interface(nic, vmm));
  out.push_back(put("/actions", {{"action_type", "InstanceStart"}}));
  return out;
}

std::vector<HttpRequest> load(const LoadSpec& spec, const Version& vmm) {
  std::vector<HttpRequest> out;
  if (vmm >= kHasMtuAndSerialLimit) out.push_back(limit_serial());
  json body = {
      {"snapshot_path", guest_path(kFcState)},
      {"mem_backend",
       {{"backend_type", "File"}, {"backend_path", guest_path(kFcMemory)}}},
      {"network_overrides", json::array()},
      {"resume_vm", false}};
  // The guest's clock goes on from now, as Cloud Hypervisor's does.
  if (vmm >= kHasMtuAndSerialLimit) body["clock_realtime"] = true;
  for (const NicSpec& nic : spec.saved_nics)
    body["network_overrides"].push_back(
        {{"iface_id", nic.id}, {"host_dev_name", nic.tap}});
  out.push_back(put("/snapshot/load", body));
  return out;
}

HttpRequest snapshot(std::string_view directory) {
  const std::string dir(directory);
  return put(
      "/snapshot/create",
      {{"snapshot_type", "Full"},
       {"snapshot_path", guest_path(dir + "/" + std::string(kFcState))},
       {"mem_file_path", guest_path(dir + "/" + std::string(kFcMemory))}});
}

Result<void> check(const HttpResponse& response) {
  if (response.ok()) return {};
  const Result<json> body = parse_json(response.body);
  const std::string* words = body ? text(&*body, "fault_message") : nullptr;
  if (words == nullptr && body) words = text(&*body, "error");
  return tl::unexpected(refusal(
      response.status, words == nullptr ? response.body : *words, kRules));
}

Result<std::string> decode_version(const HttpResponse& response) {
  CHRYSALIS_ASSIGN(const json body, decode(response));
  const std::string* found = text(&body, "firecracker_version");
  if (found == nullptr || found->size() > 64)
    return fail(Code::kCorrupt, "/version tells no version");
  return *found;
}

Result<VmmState> decode_state(const HttpResponse& response) {
  CHRYSALIS_ASSIGN(const json body, decode(response));
  const std::string* state = text(&body, "state");
  if (state == nullptr) return fail(Code::kCorrupt, "GET / tells no state");
  if (*state == "Not started") return VmmState::kNotStarted;
  if (*state == "Running") return VmmState::kRunning;
  if (*state == "Paused") return VmmState::kPaused;
  return fail(Code::kCorrupt,
              "GET / tells an unknown state: " + state->substr(0, 64));
}

Result<ReadBack> decode_shape(const HttpResponse& machine,
                              const HttpResponse& config) {
  CHRYSALIS_ASSIGN(const json size, decode(machine));
  CHRYSALIS_ASSIGN(const json devices, decode(config));
  const auto cpus = number(&size, "vcpu_count");
  const auto mib = number(&size, "mem_size_mib");
  if (!cpus || *cpus < 1 || *cpus > 32)
    return fail(Code::kCorrupt, "/machine-config: vcpu_count out of bounds");
  if (!mib || *mib < 1 || *mib > kMaxMib)
    return fail(Code::kCorrupt, "/machine-config: mem_size_mib out of bounds");
  ReadBack out;
  out.topology.cpu = static_cast<uint32_t>(*cpus);
  out.topology.memory = model::Bytes{*mib << 20};
  CHRYSALIS_ASSIGN(out.topology.disks, decode_drives(devices));
  CHRYSALIS_ASSIGN(out.topology.nics, decode_nics(devices));
  out.no_direct_io = true;
  return out;
}

}  // namespace chrysalis::hypervisor::firecracker
