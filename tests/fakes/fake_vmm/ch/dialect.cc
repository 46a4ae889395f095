#include "tests/fakes/fake_vmm/ch/dialect.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tests/fakes/fake_vmm/ch/config.h"
#include "tests/fakes/fake_vmm/machine/hostile.h"

namespace chrysalis::fake_vmm {
namespace ch {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfig = 16ULL << 20;

tl::unexpected<VmError> not_found(std::string text) {
  return tl::unexpected<VmError>(VmError{{std::move(text)}, true});
}

tl::unexpected<VmError> malformed(const std::string& why) {
  return vm_error("Failed to deserialize JSON", why);
}

Vm<json> done(Vm<> result) {
  if (!result) return tl::unexpected<VmError>(std::move(result).error());
  return json();
}

// An on-demand restore needs one: from the device node, else by the system
// call, as Cloud Hypervisor tries them.
Os<> can_userfault() {
  const UniqueFd node(::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
  int fd = -1;
  if (node.valid()) {
    fd = ::ioctl(node.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
  }
  if (fd < 0) {
    fd = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  }
  if (fd < 0) return tl::unexpected<int>(errno);
  ::close(fd);
  return {};
}

Vm<json> read_saved_config(const std::string& directory) {
  const std::string path = directory + "/config.json";
  const auto failed = [](const std::string& what, const std::string& why) {
    return vm_error("Cannot restore VM",
                    "Failed to receive migratable component snapshot", what,
                    why);
  };
  const auto text = read_text(path, kMaxConfig);
  if (!text) {
    return failed("Error opening VM config snapshot file \"" + path + "\"",
                  os_error(text.error()));
  }
  auto config = parse_vm_config(*text);
  if (!config) {
    return failed("Error deserialising VM config snapshot", config.error());
  }
  return *config;
}

}  // namespace

CloudHypervisor::CloudHypervisor(Events events, bool no_shutdown,
                                 Faults& faults)
    : events_(std::move(events)), no_shutdown_(no_shutdown), faults_(faults) {
  events_.emit("vmm", "starting");
}

MachineDeps CloudHypervisor::deps() {
  return {*config_, serial_, events_, faults_.word("tap") == "claim"};
}

CloudHypervisor::Answer CloudHypervisor::ping(const Body&) {
  return json{{"build_version", kCloudHypervisorVersion},
              {"version", "53.0.0"},
              {"pid", ::getpid()},
              {"features", json::array({"kvm", "simulated"})}};
}

Vm<> CloudHypervisor::open_console() {
  serial_ = Serial();
  const json& port = (*config_)["serial"];
  const auto mode = port["mode"].get<std::string>();
  Os<Serial> opened = Serial();
  if (mode == "File" && port["file"].is_string()) {
    opened = Serial::file(port["file"].get<std::string>());
  } else if (mode == "Socket" && port["socket"].is_string()) {
    opened = Serial::socket(port["socket"].get<std::string>());
  } else if (mode == "Tty") {
    opened = Serial::stdio();
  }
  if (!opened) {
    return vm_error("Error creating console devices",
                    "Error creating console device", os_error(opened.error()));
  }
  serial_ = std::move(*opened);
  console_open_ = true;
  return {};
}

CloudHypervisor::Answer CloudHypervisor::create(const Body& body) {
  auto config = parse_vm_config(*body);
  if (!config) return malformed(config.error());
  if (config_) return vm_error("VM is already created");
  config_ = std::move(*config);
  return done(open_console());  // on failure the configuration stays
}

CloudHypervisor::Answer CloudHypervisor::boot(const Body&) {
  if (machine_) return vm_error("VM is already created");
  events_.emit("vm", "booting");
  if (!config_) return not_found("VM config is missing");
  if (!console_open_) {
    if (auto opened = open_console(); !opened) return done(opened);
  }
  auto machine = Machine::build(deps());
  if (!machine) return tl::unexpected<VmError>(std::move(machine).error());
  machine_ = std::move(*machine);
  // From here on a failure leaves the machine, and the next boot is refused.
  if (auto booted = machine_->boot(); !booted) return done(booted);
  events_.emit("vm", "booted");
  return json();
}

CloudHypervisor::Answer CloudHypervisor::info(const Body&) {
  if (!config_) return not_found("VM is not created");
  json answer = {{"config", *config_},
                 {"state", machine_ ? to_string(machine_->state()) : "Created"},
                 {"memory_actual_size", (*config_)["memory"]["size"]}};
  if (machine_) answer["device_tree"] = machine_->device_tree();
  if (faults_.word("lie") == "cpu") {
    json& cpus = answer["config"]["cpus"];
    cpus["boot_vcpus"] = cpus["max_vcpus"] =
        cpus["boot_vcpus"].get<uint32_t>() + 1;
  }
  return without_nulls(answer);
}

CloudHypervisor::Answer CloudHypervisor::counters(const Body&) {
  if (!machine_) return vm_error("VM is not running");
  return json::object();
}

CloudHypervisor::Answer CloudHypervisor::pause(const Body&) {
  if (!machine_) return vm_error("VM is not running");
  auto result = machine_->pause();
  if (!result) return done(result);
  return json();
}

CloudHypervisor::Answer CloudHypervisor::resume(const Body&) {
  if (!machine_) return vm_error("VM is not running");
  return done(machine_->resume());
}

CloudHypervisor::Answer CloudHypervisor::snapshot(const Body& body) {
  const auto request = parse_one_string(*body, "destination_url");
  if (!request) return malformed(request.error());
  if (!machine_) return vm_error("VM is not running");
  if (machine_->filling()) {
    return vm_error("VM on-demand memory restore is still in progress");
  }
  const auto url = (*request)["destination_url"].get<std::string>();
  const auto taken = machine_->snapshot(url, fault_.kind);
  if (taken) after_dump(faults_, url.substr(7), "memory-ranges");
  return done(taken);
}

CloudHypervisor::Answer CloudHypervisor::restore(const Body& body) {
  const auto request = parse_restore_config(*body);
  if (!request) return malformed(request.error());
  if (machine_ || config_) return vm_error("VM is already created");
  const auto url = (*request)["source_url"].get<std::string>();
  if (!url.starts_with("file://")) {
    return vm_error("Cannot restore VM",
                    "Failed to send migratable component snapshot",
                    "Could not extract path from URL: " + url);
  }
  const std::string directory = url.substr(7);
  struct stat found{};
  if (::stat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return vm_error("Cannot restore VM",
                    "Failed to send migratable component snapshot",
                    "Destination is not a directory: \"" + directory + "\"");
  }
  auto config = read_saved_config(directory);
  if (!config) return config;
  const bool on_demand = (*request)["memory_restore_mode"] == "OnDemand";
  if (on_demand && (*request)["prefault"] == true) {
    return vm_error("Failed to validate config",
                    "'prefault' cannot be combined with "
                    "'memory_restore_mode=ondemand'");
  }
  if (const auto able = can_userfault(); on_demand && !able) {
    return vm_error("Memory manager error", "Cannot restore VM",
                    "On-demand restore failed", "Failed to create userfaultfd",
                    os_error(able.error()));
  }
  config_ = std::move(*config);
  if (const auto other = faults_.word("disk"); !other.empty()) {
    (*config_)["disks"][0]["path"] = other;
  }
  Vm<> result = open_console();
  if (result) {
    auto machine = Machine::restore(deps(), directory, on_demand);
    if (machine) {
      machine_ = std::move(*machine);
      if ((*request)["resume"] == true) result = machine_->resume();
    } else {
      result = tl::unexpected<VmError>(std::move(machine).error());
    }
  }
  if (!result) (void)remove(std::nullopt);
  return done(result);
}

CloudHypervisor::Answer CloudHypervisor::remove_device(const Body& body) {
  const auto request = parse_one_string(*body, "id");
  if (!request) return malformed(request.error());
  const auto id = (*request)["id"].get<std::string>();
  if (machine_) return done(machine_->remove_device(id));
  if (!config_) return not_found("VM is not created");
  if (!ch::remove_device(*config_, id)) {
    return vm_error("No device with id \"" + id + "\" to remove");
  }
  return json();
}

CloudHypervisor::Answer CloudHypervisor::add_net(const Body& body) {
  auto net = parse_net_config(*body);
  if (!net) return malformed(net.error());
  if (!config_) return not_found("VM is not created");
  if (machine_) return machine_->add_net(std::move(*net));
  json changed = *config_;
  if (!changed["net"].is_array()) changed["net"] = json::array();
  changed["net"].push_back(std::move(*net));
  if (const auto bad = validate(changed)) {
    return vm_error("Failed to validate config", *bad);
  }
  config_ = std::move(changed);
  return json();
}

CloudHypervisor::Answer CloudHypervisor::shut_down(const Body&) {
  if (!machine_) return vm_error("VM is not running");
  machine_->shut_down();
  machine_.reset();
  serial_ = Serial();
  console_open_ = false;
  events_.emit("vm", "shutdown");
  return json();
}

Vm<> CloudHypervisor::restart() {
  events_.emit("vm", "rebooting");
  if (!machine_) return not_found("VM is not created");
  machine_->shut_down();
  machine_.reset();
  if (auto opened = open_console(); !opened) return opened;
  auto machine = Machine::build(deps());
  if (!machine) return tl::unexpected<VmError>(std::move(machine).error());
  if (auto booted = (*machine)->boot(); !booted) return booted;
  machine_ = std::move(*machine);
  events_.emit("vm", "rebooted");
  return {};
}

CloudHypervisor::Answer CloudHypervisor::reboot(const Body&) {
  return done(restart());
}

CloudHypervisor::Answer CloudHypervisor::remove(const Body&) {
  if (!config_) return json();
  if (machine_) (void)shut_down(std::nullopt);
  serial_ = Serial();
  console_open_ = false;
  config_.reset();
  events_.emit("vm", "deleted");
  return json();
}

CloudHypervisor::Answer CloudHypervisor::power_button(const Body&) {
  if (!machine_) return vm_error("VM is not running");
  machine_->press_power_button();
  return json();
}

CloudHypervisor::Answer CloudHypervisor::end_process(const Body&) {
  (void)remove(std::nullopt);
  events_.emit("vmm", "shutdown");
  end(0);
  return json();
}

CloudHypervisor::Answer CloudHypervisor::unsupported(const Body&) {
  return vm_error("simulated: fake_vmm does not do this");
}

void CloudHypervisor::terminate() { (void)end_process(std::nullopt); }

void CloudHypervisor::guest_stopped(GuestEvent event) {
  if (event == GuestEvent::kPowerOff) {
    if (no_shutdown_) {
      (void)shut_down(std::nullopt);
    } else {
      terminate();
    }
    return;
  }
  // A reset and a triple fault both boot again, inside this process.
  if (const auto result = restart(); !result) {
    std::fprintf(stderr,
                 "Error: Cloud Hypervisor exited with the following "
                 "chain of errors:\n  VmReboot\n");
    for (const auto& text : result.error().chain) {
      std::fprintf(stderr, "  %s\n", text.c_str());
    }
    end(1);
  }
}

void CloudHypervisor::tick() {
  if (!machine_) return;
  if (machine_->state() == RunState::kRunning) {
    const std::string word = ++ticks_ % 10 == 0 ? faults_.word("guest") : "";
    if (word == "panic") machine_->decide(GuestEvent::kCrash);
    if (word == "power-off") machine_->decide(GuestEvent::kPowerOff);
    if (word == "reboot") machine_->decide(GuestEvent::kReset);
  }
  const GuestEvent event = machine_->tick();
  if (event != GuestEvent::kNone) guest_stopped(event);
}

}  // namespace ch

std::unique_ptr<Dialect> make_cloud_hypervisor(CloudHypervisorOptions options,
                                               Faults& faults) {
  UniqueFd monitor(options.event_monitor_fd);
  if (!options.event_monitor.empty()) {
    monitor.reset(::open(options.event_monitor.c_str(),
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!monitor.valid()) return nullptr;
  }
  return std::make_unique<ch::CloudHypervisor>(ch::Events(std::move(monitor)),
                                               options.no_shutdown, faults);
}

}  // namespace chrysalis::fake_vmm
