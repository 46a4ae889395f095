// Routing and answers of the Cloud Hypervisor API: which method and body each
// path takes, how errors are wrapped, which status they get.

#include "tests/fakes/fake_vmm/ch/config.h"
#include "tests/fakes/fake_vmm/ch/dialect.h"

namespace chrysalis::fake_vmm::ch {
namespace {

using nlohmann::json;

// Marks an error that the HTTP layer itself made (a 400 of its own).
constexpr std::string_view kDeserialize = "Failed to deserialize JSON";

HttpReply chain(int status, const std::vector<std::string>& texts) {
  return {status,
          json(texts).dump(-1, ' ', false, json::error_handler_t::replace),
          false};
}

}  // namespace

const std::map<std::string, CloudHypervisor::Call>& CloudHypervisor::calls() {
  using Self = CloudHypervisor;
  static const std::map<std::string, Call> kCalls = {
      {"/vmm.ping", {"GET", false, "ping", "", &Self::ping}},
      {"/vmm.shutdown",
       {"PUT", false, "shutdown", "The VMM could not shutdown",
        &Self::end_process}},
      {"/vm.create",
       {"PUT", true, "create", "The VM could not be created", &Self::create}},
      {"/vm.boot",
       {"PUT", false, "boot", "The VM could not boot", &Self::boot}},
      {"/vm.info",
       {"GET", false, "info", "The VM info is not available", &Self::info}},
      {"/vm.counters",
       {"GET", false, "info", "The VM info is not available", &Self::counters}},
      {"/vm.pause",
       {"PUT", false, "pause", "The VM could not be paused", &Self::pause}},
      {"/vm.resume",
       {"PUT", false, "resume", "The VM could not resume", &Self::resume}},
      {"/vm.snapshot",
       {"PUT", true, "snapshot", "The VM could not be snapshotted",
        &Self::snapshot}},
      {"/vm.restore",
       {"PUT", true, "load", "The VM could not be restored", &Self::restore}},
      {"/vm.remove-device",
       {"PUT", true, "remove-device",
        "The device could not be removed from the VM", &Self::remove_device}},
      {"/vm.add-net",
       {"PUT", true, "add-net",
        "The network device could not be added to the VM", &Self::add_net}},
      {"/vm.shutdown",
       {"PUT", false, "shutdown", "The VM could not shutdown",
        &Self::shut_down}},
      {"/vm.reboot",
       {"PUT", false, "boot", "The VM could not reboot", &Self::reboot}},
      {"/vm.delete",
       {"PUT", false, "delete", "The VM could not be deleted", &Self::remove}},
      {"/vm.power-button",
       {"PUT", false, "power-button", "Error triggering power button",
        &Self::power_button}},
      {"/vm.nmi",
       {"PUT", false, "", "Error triggering NMI", &Self::unsupported}},
      {"/vm.add-disk",
       {"PUT", true, "", "The disk could not be added to the VM",
        &Self::unsupported}},
      {"/vm.add-vsock",
       {"PUT", true, "", "The vsock device could not be added to the VM",
        &Self::unsupported}},
      {"/vm.add-fs",
       {"PUT", true, "", "The fs could not be added to the VM",
        &Self::unsupported}},
      {"/vm.add-pmem",
       {"PUT", true, "", "The pmem device could not be added to the VM",
        &Self::unsupported}},
      {"/vm.resize",
       {"PUT", true, "", "The VM could not be resized", &Self::unsupported}},
      {"/vm.resize-disk",
       {"PUT", true, "", "The disk could not be resized", &Self::unsupported}},
  };
  return kCalls;
}

HttpReply CloudHypervisor::handle(const HttpRequest& request) {
  constexpr std::string_view kRoot = "/api/v1";
  const auto& all = calls();
  const auto it = request.path.starts_with(kRoot)
                      ? all.find(request.path.substr(kRoot.size()))
                      : all.end();
  if (it == all.end()) return chain(404, {"Not Found"});
  const Call& call = it->second;
  const bool own_handler = call.run == &CloudHypervisor::create ||
                           call.run == &CloudHypervisor::info ||
                           call.run == &CloudHypervisor::ping ||
                           call.run == &CloudHypervisor::end_process;
  if (request.method != "GET" && request.method != "PUT" && !own_handler) {
    return {400, std::nullopt, false};
  }
  if (request.method != call.method) return chain(400, {"Bad Request"});
  // GET handlers and the three with a handler of their own ignore a body.
  const bool looks_at_body =
      request.method == "PUT" && call.run != &CloudHypervisor::end_process;
  if (looks_at_body && request.body.has_value() != call.wants_body) {
    if (call.run == &CloudHypervisor::create) return {400, std::nullopt, false};
    return chain(400, {"Bad Request"});
  }
  return run(call, request);
}

HttpReply CloudHypervisor::run(const Call& call, const HttpRequest& request) {
  fault_ = faults_.at(call.step);
  const FaultGate gate{fault_, true};
  if (!gate.enter()) {
    return chain(500, {"Error from API", call.error, "simulated fault"});
  }
  const Answer answer = (this->*call.run)(request.body);
  HttpReply reply;
  if (answer && answer->is_null()) {
    reply.status = call.run == &CloudHypervisor::end_process ? 200 : 204;
  } else if (answer) {
    reply = {200, answer->dump(), false};
  } else if (answer.error().chain.front() == kDeserialize) {
    reply = chain(400, answer.error().chain);
  } else {
    std::vector<std::string> texts = {"Error from API", call.error};
    texts.insert(texts.end(), answer.error().chain.begin(),
                 answer.error().chain.end());
    reply = chain(answer.error().not_found ? 404 : 500, texts);
  }
  gate.leave(reply);
  return reply;
}

}  // namespace chrysalis::fake_vmm::ch
