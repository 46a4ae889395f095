// Routing of the Firecracker API: methods, paths and bodies, and the calls
// that need no machine.

#include <cctype>

#include "tests/fakes/fake_vmm/fc/dialect.h"

namespace chrysalis::fake_vmm {
namespace fc {
namespace {

using nlohmann::json;

constexpr const char* kBeforeStart =
    "The requested operation is not supported before starting the microVM.";
constexpr const char* kAfterStart =
    "The requested operation is not supported after starting the microVM.";

tl::unexpected<std::string> no(std::string why) {
  return tl::unexpected<std::string>(std::move(why));
}

// "/drives/disk0" -> {"drives", "disk0"}.
std::pair<std::string, std::string> split(const std::string& path) {
  const auto start = path.find_first_not_of('/');
  if (start == std::string::npos) return {};
  const auto slash = path.find('/', start);
  if (slash == std::string::npos) return {path.substr(start), ""};
  return {path.substr(start, slash - start), path.substr(slash + 1)};
}

std::optional<std::string> bad_id(const std::string& id) {
  if (id.empty()) return "The ID cannot be empty.";
  for (const char c : id) {
    if (c != '_' && std::isalnum(static_cast<unsigned char>(c)) == 0) {
      return "API Resource IDs can only contain alphanumeric characters and "
             "underscores.";
    }
  }
  return std::nullopt;
}

tl::unexpected<std::string> no_route(const HttpRequest& request) {
  std::string method = request.method;
  return no("Invalid request method and/or path: " + method + " " +
            split(request.path).first + ".");
}

}  // namespace

std::optional<std::string> Firecracker::wrong_phase(bool needs_running) const {
  const bool started = phase_ != Phase::kNotStarted;
  if (needs_running == started) return std::nullopt;
  return std::string(needs_running ? kBeforeStart : kAfterStart);
}

std::string Firecracker::step_of(const HttpRequest& request) const {
  const auto [head, tail] = split(request.path);
  if (request.method == "GET") return head.empty() ? "ping" : "info";
  if (head == "snapshot") return tail == "load" ? "load" : "snapshot";
  if (head == "vm" && request.method == "PATCH") {
    return request.body.value_or("").find("Paused") != std::string::npos
               ? "pause"
               : "resume";
  }
  if (head == "actions") {
    return request.body.value_or("").find("InstanceStart") != std::string::npos
               ? "boot"
               : "power-button";
  }
  return "create";
}

HttpReply Firecracker::handle(const HttpRequest& request) {
  fault_ = faults_.at(step_of(request));
  const FaultGate gate{fault_, false};
  Answer answer = no("simulated fault");
  if (gate.enter()) {
    answer = route(request);
  } else if (step_of(request) == "load") {
    end(1);
  }
  HttpReply reply;
  if (!answer) {
    reply = {400,
             json{{"fault_message", answer.error()}}.dump(
                 -1, ' ', false, json::error_handler_t::replace),
             false};
  } else if (!answer->is_null()) {
    reply = {200, answer->dump(), false};
  }
  gate.leave(reply);
  return reply;
}

Firecracker::Answer Firecracker::route(const HttpRequest& request) {
  const std::string& method = request.method;
  if (method == "GET") {
    if (request.body) return no("GET request cannot have a body.");
    auto answer = get(request.path);
    if (!answer && answer.error().empty()) return no_route(request);
    return answer;
  }
  if (method == "DELETE") {
    if (request.body) return no("Empty Delete request.");
    return no("PCI is not enabled");
  }
  if (!request.body) {
    return no(method == "PUT" ? "Empty PUT request." : "Empty PATCH request.");
  }
  auto answer = method == "PUT" ? put(request.path, *request.body)
                                : patch(request.path, *request.body);
  if (!answer && answer.error().empty()) return no_route(request);
  return answer;
}

Firecracker::Answer Firecracker::get(const std::string& path) const {
  const auto [head, tail] = split(path);
  if (head.empty()) {
    const char* state = phase_ == Phase::kNotStarted ? "Not started"
                        : phase_ == Phase::kRunning  ? "Running"
                                                     : "Paused";
    return json{{"id", id_},
                {"state", state},
                {"vmm_version", kFirecrackerVersion},
                {"app_name", "Firecracker"}};
  }
  if (head == "version") {
    return json{{"firecracker_version", kFirecrackerVersion}};
  }
  if (head == "machine-config") {
    json answer = machine_;
    if (faults_.word("lie") == "cpu") {
      answer["vcpu_count"] = answer["vcpu_count"].get<uint32_t>() + 1;
    }
    return answer;
  }
  if (head == "vm" && tail == "config") return full_config();
  return no("");
}

Firecracker::Answer Firecracker::put(const std::string& path,
                                     const std::string& body) {
  const auto [head, tail] = split(path);
  if (head == "drives" || head == "network-interfaces") {
    if (const auto bad = bad_id(tail)) return no(*bad);
    return head == "drives" ? put_drive(tail, body) : put_net(tail, body);
  }
  if (head == "machine-config") return put_machine(body, false);
  if (head == "boot-source") return put_boot_source(body);
  if (head == "serial") return put_serial(body);
  if (head == "actions") return action(body);
  if (head == "snapshot" && tail == "create") return create_snapshot(body);
  if (head == "snapshot" && tail == "load") return load_snapshot(body);
  if (head == "snapshot") return no("Missing snapshot operation type.");
  if (head == "logger" || head == "metrics") {
    if (const auto wrong = wrong_phase(false)) return no(*wrong);
    return json();
  }
  for (const char* other : {"vsock", "entropy", "balloon", "mmds", "pmem",
                            "cpu-config", "hotplug"}) {
    if (head == other) return no("simulated: fake_vmm does not do this");
  }
  return no("");
}

Firecracker::Answer Firecracker::patch(const std::string& path,
                                       const std::string& body) {
  const auto [head, tail] = split(path);
  if (head == "vm") return set_state(body);
  if (head == "machine-config") return put_machine(body, true);
  if (head == "drives") {
    if (const auto bad = bad_id(tail)) return no(*bad);
    return patch_drive(tail, body);
  }
  if (head == "network-interfaces") {
    if (const auto wrong = wrong_phase(true)) return no(*wrong);
    const auto limits = parse_body(body, {{"iface_id", 's', true},
                                          {"rx_rate_limiter", 'a'},
                                          {"tx_rate_limiter", 'a'}});
    if (!limits) return limits;
    return json();
  }
  return no("");
}

json Firecracker::full_config() const {
  json drives = json::array();
  for (const Drive& drive : drives_) drives.push_back(drive.config);
  json nics = json::array();
  for (const Nic& nic : nics_) nics.push_back(nic.config);
  json boot = {{"kernel_image_path", ""},
               {"initrd_path", nullptr},
               {"boot_args", nullptr}};
  if (boot_source_.is_object()) boot.update(boot_source_);
  return {{"balloon", nullptr},         {"drives", drives},
          {"boot-source", boot},        {"cpu-config", nullptr},
          {"logger", nullptr},          {"machine-config", machine_},
          {"metrics", nullptr},         {"mmds-config", nullptr},
          {"network-interfaces", nics}, {"vsock", nullptr},
          {"entropy", nullptr},         {"pmem", json::array()},
          {"memory-hotplug", nullptr}};
}

}  // namespace fc

std::unique_ptr<Dialect> make_firecracker(std::string instance_id,
                                          Faults& faults) {
  return std::make_unique<fc::Firecracker>(std::move(instance_id), faults);
}

}  // namespace chrysalis::fake_vmm
