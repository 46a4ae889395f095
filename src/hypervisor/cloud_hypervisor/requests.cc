#include "src/hypervisor/cloud_hypervisor/requests.h"

#include <array>

#include <nlohmann/json.hpp>

#include "src/hypervisor/cloud_hypervisor/saved_config.h"
#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/json_members.h"
#include "src/hypervisor/refusal.h"
#include "src/hypervisor/shim_protocol.h"

namespace chrysalis::hypervisor::cloud_hypervisor {
namespace {

using nlohmann::json;

// Words of v53.0, outermost first in a chain; the first that fits decides.
constexpr std::array kRules = {
    RefusalRule{"GetNestedState", Code::kUnsupported},
    RefusalRule{"locking disk images", Code::kUnavailable},
    RefusalRule{"on-demand memory restore is still in progress",
                Code::kUnavailable},
    RefusalRule{"currently migrating", Code::kUnavailable},
    RefusalRule{"os error 28", Code::kUnavailable},  // ENOSPC
    RefusalRule{"os error 16", Code::kUnavailable},  // EBUSY
    RefusalRule{"os error 12", Code::kUnavailable},  // ENOMEM
    RefusalRule{"Failed to create userfaultfd", Code::kUnsupported},
    RefusalRule{"InvalidStateTransition", Code::kConflict},
    RefusalRule{"invalid VM state transition", Code::kConflict},
    RefusalRule{"while VM is running", Code::kConflict},
    RefusalRule{"VM is already created", Code::kConflict},
    RefusalRule{"VM is not running", Code::kConflict},
    RefusalRule{"identifier not unique", Code::kConflict},
};

// An image's command line may hold any bytes: what is not UTF-8 is replaced,
// where the default would throw.
std::string write(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

HttpRequest put(std::string_view endpoint) {
  return {Method::kPut, "/api/v1/" + std::string(endpoint), ""};
}
HttpRequest put(std::string_view endpoint, const json& body) {
  return {Method::kPut, "/api/v1/" + std::string(endpoint), write(body)};
}

json disk(const DiskSpec& spec, const model::VmConfig& config) {
  return {{"id", spec.id},
          {"path", guest_path(spec.file)},
          {"readonly", spec.readonly},
          {"direct", !spec.readonly && !config.no_direct_io},
          {"num_queues", 1},
          {"queue_size", config.disk_queue_size},
          {"image_type", "Raw"}};
}

// No mtu: it would have to be set on the TAP, which takes a capability that
// the VMM does not have; without it the guest is told the TAP's own.
json net(const NicSpec& nic, uint32_t queue_size) {
  return {{"id", nic.id},
          {"tap", nic.tap},
          {"mac", nic.mac},
          {"num_queues", 2},
          {"queue_size", queue_size}};
}

// "Error from API: ...: root cause", or the text as it is.
std::string words(const HttpResponse& response) {
  const Result<json> parsed = parse_json(response.body);
  if (!parsed || !parsed->is_array()) return response.body;
  std::string joined;
  for (const json& link : *parsed) {
    const auto* text = link.get_ptr<const std::string*>();
    if (text == nullptr) continue;
    if (!joined.empty()) joined += ": ";
    joined += *text;
  }
  return joined;
}

Result<json> decode(const HttpResponse& response) {
  CHRYSALIS_TRY(check(response));
  return parse_json(response.body);
}

}  // namespace

std::vector<std::string> argv() {
  // Without --no-shutdown a guest's power-off could not be told from a VMM's
  // failure: both end the process with status 0. It logs to its stderr, as
  // that is bounded.
  return {"cloud-hypervisor",
          "--api-socket",
          "path=" + guest_path(kApiSocket),
          "--no-shutdown",
          "--event-monitor",
          "fd=" + std::to_string(kVmmEventsFd),
          "--seccomp",
          "true"};
}

HttpRequest ping() { return {Method::kGet, "/api/v1/vmm.ping", ""}; }
HttpRequest info() { return {Method::kGet, "/api/v1/vm.info", ""}; }
HttpRequest boot() { return put("vm.boot"); }
HttpRequest pause() { return put("vm.pause"); }
HttpRequest resume() { return put("vm.resume"); }
HttpRequest power_button() { return put("vm.power-button"); }
HttpRequest shut_down_vm() { return put("vm.shutdown"); }
HttpRequest shut_down_vmm() { return put("vmm.shutdown"); }

HttpRequest create(const BootSpec& spec) {
  const model::VmConfig& config = spec.config;
  json body = {
      {"cpus",
       {{"boot_vcpus", config.cpu},
        {"max_vcpus", config.cpu},
        {"kvm_hyperv", config.windows},
        {"max_phys_bits", spec.max_phys_bits}}},
      {"memory",
       {{"size", config.memory.count}, {"shared", config.shared_memory}}},
      {"payload", {{"kernel", guest_path(kKernel)}, {"cmdline", spec.cmdline}}},
      {"rng", {{"src", kRngSource}}},
      {"serial", {{"mode", "Socket"}, {"socket", guest_path(kSerialSocket)}}},
      {"console", {{"mode", "Off"}}}};
  if (spec.has_initrd) body["payload"]["initramfs"] = guest_path(kInitrd);
  for (const DiskSpec& d : spec.disks) body["disks"].push_back(disk(d, config));
  for (const NicSpec& n : spec.nics)
    body["net"].push_back(net(n, config.queue_size));
  return put("vm.create", body);
}

HttpRequest snapshot(std::string_view directory) {
  return put("vm.snapshot",
             {{"destination_url", "file://" + guest_path(directory)}});
}

HttpRequest restore(const LoadSpec& spec) {
  return put("vm.restore",
             {{"source_url", "file://" + std::string(kGuestDir)},
              {"memory_restore_mode", spec.on_demand ? "OnDemand" : "Copy"},
              {"prefault", false},
              {"resume", false}});
}

HttpRequest remove_device(std::string_view id) {
  return put("vm.remove-device", {{"id", id}});
}

HttpRequest add_net(const NicSpec& nic, uint32_t queue_size) {
  return put("vm.add-net", net(nic, queue_size));
}

Result<void> check(const HttpResponse& response) {
  if (response.ok()) return {};
  return tl::unexpected(refusal(response.status, words(response), kRules));
}

bool is_same_state(const HttpResponse& response) {
  if (response.ok()) return false;
  const std::string text = words(response);
  for (const std::string_view same :
       {"(Paused, Paused)", "(Running, Running)",
        "transition: Paused to Paused", "transition: Running to Running"})
    if (text.find(same) != std::string::npos) return true;
  return false;
}

Result<std::string> decode_version(const HttpResponse& response) {
  CHRYSALIS_ASSIGN(const json body, decode(response));
  const std::string* version = text(&body, "version");
  if (version == nullptr || version->size() > 64)
    return fail(Code::kCorrupt, "vmm.ping tells no version");
  return *version;
}

Result<VmmState> decode_state(const HttpResponse& response) {
  if (response.status == 404) return VmmState::kNotStarted;
  CHRYSALIS_ASSIGN(const json body, decode(response));
  const std::string* state = text(&body, "state");
  if (state == nullptr) return fail(Code::kCorrupt, "vm.info tells no state");
  if (*state == "Running") return VmmState::kRunning;
  if (*state == "Paused" || *state == "BreakPoint") return VmmState::kPaused;
  // Also of a VM that was created and not booted: boot() does both, so only
  // a boot that was cut short leaves that, and it ends by ending the process.
  if (*state == "Created" || *state == "Shutdown") return VmmState::kEnded;
  return fail(Code::kCorrupt,
              "vm.info tells an unknown state: " + state->substr(0, 64));
}

Result<ReadBack> decode_info(const HttpResponse& response) {
  CHRYSALIS_ASSIGN(const json body, decode(response));
  const json* config = child(body, "config");
  if (config == nullptr) return fail(Code::kCorrupt, "vm.info has no config");
  return decode_config(*config);
}

}  // namespace chrysalis::hypervisor::cloud_hypervisor
