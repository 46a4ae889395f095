// The running Firecracker microVM: start, pause and resume, snapshot, load.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tests/fakes/fake_vmm/fc/dialect.h"
#include "tests/fakes/fake_vmm/machine/hostile.h"

namespace chrysalis::fake_vmm::fc {
namespace {

using nlohmann::json;

constexpr size_t kMaxState = 10'000'001;
constexpr uint64_t kMiB = 1ULL << 20;

tl::unexpected<std::string> no(std::string why) {
  return tl::unexpected<std::string>(std::move(why));
}

std::string mac_or_default(const json& nic) {
  return nic["guest_mac"].is_string() ? nic["guest_mac"].get<std::string>()
                                      : "";
}

}  // namespace

GuestShape Firecracker::shape() const {
  GuestShape shape;
  shape.vcpus = machine_["vcpu_count"].get<uint32_t>();
  shape.memory_bytes = machine_["mem_size_mib"].get<uint64_t>() * kMiB;
  for (const Drive& drive : drives_) {
    shape.disks.push_back({drive.config["drive_id"].get<std::string>(),
                           drive.disk.fd.get(), drive.disk.bytes / 512,
                           drive.disk.readonly});
  }
  for (const Nic& nic : nics_) {
    shape.nics.push_back(
        {nic.config["iface_id"].get<std::string>(), mac_or_default(nic.config),
         nic.config["mtu"].is_number() ? nic.config["mtu"].get<uint16_t>()
                                       : uint16_t{0}});
  }
  return shape;
}

void Firecracker::run_guest() {
  guest_->run();
  phase_ = Phase::kRunning;
  parked_by_api_ = false;
}

Firecracker::Answer Firecracker::action(const std::string& body) {
  const auto request = parse_body(body, {{"action_type", 's', true}});
  if (!request) return request;
  const auto type = (*request)["action_type"].get<std::string>();
  if (type == "InstanceStart") {
    if (const auto wrong = wrong_phase(false)) return no(*wrong);
    return start();
  }
  if (type != "SendCtrlAltDel" && type != "FlushMetrics") {
    return no(
        "An error occurred when deserializing the json body of a "
        "request: unknown variant `" +
        type +
        "`, expected one of `FlushMetrics`, `InstanceStart`, "
        "`SendCtrlAltDel` at line 1 column " +
        std::to_string(body.size() - 1) + ".");
  }
  if (const auto wrong = wrong_phase(true)) return no(*wrong);
  if (type == "SendCtrlAltDel") guest_->press_ctrl_alt_del();
  return json();
}

Firecracker::Answer Firecracker::start() {
  if (!boot_source_.is_object()) {
    return no(
        "Start microvm error: Cannot start microvm without kernel "
        "configuration.");
  }
  if (!kernel_boots_) {
    return no(
        "Start microvm error: System configuration error: Cannot load "
        "kernel due to invalid memory configuration or invalid kernel "
        "image: Kernel Loader: failed to load ELF kernel image: Kernel "
        "Loader: Invalid Elf magic number");
  }
  auto ram = Ram::blank(machine_["mem_size_mib"].get<uint64_t>() * kMiB);
  if (!ram) {
    return no("Start microvm error: Invalid Memory Configuration: " +
              os_error(ram.error()));
  }
  guest_ = std::make_unique<Guest>(std::move(*ram), serial_);
  guest_->set_shape(shape());
  guest_->cold_boot(abilities_);
  run_guest();
  return json();
}

Firecracker::Answer Firecracker::set_state(const std::string& body) {
  const auto request = parse_body(body, {{"state", 's', true}});
  if (!request) return request;
  const json& state = (*request)["state"];
  if (state != "Paused" && state != "Resumed") {
    return no(
        "An error occurred when deserializing the json body of a "
        "request: unknown variant `" +
        state.get<std::string>() +
        "`, expected `Paused` or `Resumed` at line 1 column " +
        std::to_string(body.size()) + ".");
  }
  if (const auto wrong = wrong_phase(true)) return no(*wrong);
  if (state == "Paused") {
    guest_->park();
    phase_ = Phase::kPaused;
    parked_by_api_ = true;
  } else if (phase_ == Phase::kPaused) {
    run_guest();
  }
  return json();
}

Firecracker::Answer Firecracker::create_snapshot(const std::string& body) {
  const auto request = parse_body(body, {{"snapshot_type", 's'},
                                         {"snapshot_path", 's', true},
                                         {"mem_file_path", 's', true}});
  if (!request) return request;
  if (const auto wrong = wrong_phase(true)) return no(*wrong);
  if (phase_ != Phase::kPaused) {
    return no(
        "Create snapshot error: Cannot save the microVM state: Operation "
        "not allowed: save/restore unavailable while running");
  }
  if (request->value("snapshot_type", "Full") != "Full") {
    return no("simulated: fake_vmm writes full snapshots only");
  }
  const json state = {{"machine", machine_}, {"config", full_config()}};
  const std::string bytes = encode_state(state);
  const UniqueFd out(
      ::open((*request)["snapshot_path"].get<std::string>().c_str(),
             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!out.valid() || ::write(out.get(), bytes.data(), bytes.size()) < 0 ||
      ::fsync(out.get()) != 0) {
    return no(
        "Create snapshot error: Cannot perform open on the snapshot "
        "backing file: " +
        os_error(errno));
  }
  const UniqueFd memory(
      ::open((*request)["mem_file_path"].get<std::string>().c_str(),
             O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!memory.valid()) {
    return no(
        "Create snapshot error: Cannot perform open on the memory "
        "backing file: " +
        os_error(errno));
  }
  // An existing file of equal size is overwritten in place, another is cut.
  const auto size = static_cast<off_t>(guest_->ram().bytes());
  struct stat info{};
  if (::fstat(memory.get(), &info) == 0 && info.st_size != size) {
    (void)!::ftruncate(memory.get(), 0);
  }
  const bool full_disk = fault_.kind == Fault::Kind::kEnospc;
  const bool cut = full_disk || fault_.kind == Fault::Kind::kShort;
  const auto half = static_cast<uint64_t>(size) / 2;
  const auto done = guest_->ram().dump(memory.get(), cut ? half : UINT64_MAX);
  if (!done || full_disk) {
    return no("Create snapshot error: Cannot write memory file: " +
              os_error(done ? ENOSPC : done.error()));
  }
  if (cut) (void)!::ftruncate(memory.get(), static_cast<off_t>(half));
  (void)::fsync(memory.get());
  const std::string path = (*request)["mem_file_path"].get<std::string>();
  const auto slash = path.rfind('/');
  after_dump(faults_, path.substr(0, slash), path.substr(slash + 1));
  return json();
}

Firecracker::Answer Firecracker::load_snapshot(const std::string& body) {
  const auto request = parse_body(body, {{"snapshot_path", 's', true},
                                         {"mem_file_path", 's'},
                                         {"mem_backend", 'a'},
                                         {"enable_diff_snapshots", 'b'},
                                         {"track_dirty_pages", 'b'},
                                         {"resume_vm", 'b'},
                                         {"network_overrides", 'a'},
                                         {"vsock_override", 'a'},
                                         {"clock_realtime", 'b'}});
  if (!request) return request;
  const bool backend = request->contains("mem_backend");
  if (backend == request->contains("mem_file_path")) {
    return no(
        "An error occurred when deserializing the json body of a "
        "request: " +
        std::string(backend ? "too many fields: either `mem_backend` or "
                              "`mem_file_path` exclusively is required."
                            : "missing field: either `mem_backend` or "
                              "`mem_file_path` is required."));
  }
  if (const auto wrong = wrong_phase(false)) return no(*wrong);
  if (configured_) {
    return no(
        "Load snapshot error: Loading a microVM snapshot not allowed "
        "after configuring boot-specific resources.");
  }
  if (const auto restored = restore(*request); !restored) {
    end(1);
    return no("Load snapshot error: Failed to restore from snapshot: " +
              restored.error());
  }
  phase_ = Phase::kPaused;
  if (request->value("resume_vm", false)) run_guest();
  return json();
}

Text<void> Firecracker::restore(const json& request) {
  const auto bytes =
      read_text(request["snapshot_path"].get<std::string>(), kMaxState);
  const std::string from_file = "Failed to get snapshot state from file: ";
  if (!bytes) {
    return no(from_file +
              "Failed to open snapshot file: " + os_error(bytes.error()));
  }
  const auto state = decode_state(*bytes);
  if (!state) {
    return no(from_file +
              "Failed to load snapshot state from file: " + state.error());
  }
  machine_ = (*state)["machine"];
  boot_source_ = (*state)["config"]["boot-source"];
  machine_["track_dirty_pages"] = request.value("track_dirty_pages", false);
  std::string memory = request.value("mem_file_path", "");
  if (request.contains("mem_backend")) {
    const json& backend = request["mem_backend"];
    if (backend.value("backend_type", "") != "File") {
      return no("simulated: fake_vmm has the File backend only");
    }
    memory = backend.value("backend_path", "");
  }
  const auto size = machine_["mem_size_mib"].get<uint64_t>() * kMiB;
  const std::string from_memory =
      "Failed to load guest memory: Error creating guest memory from file: ";
  struct stat info{};
  if (::stat(memory.c_str(), &info) != 0) {
    return no(from_memory + "Failed to load guest memory: " + os_error(errno));
  }
  if (static_cast<uint64_t>(info.st_size) < size) {
    return no(from_memory +
              "Failed to restore guest memory: Total sum of memory regions "
              "exceeds largest possible file offset");
  }
  auto ram = Ram::private_map(memory, size);
  if (!ram) {
    return no(from_memory +
              "Failed to load guest memory: " + os_error(ram.error()));
  }
  if (auto done =
          restore_devices((*state)["config"],
                          request.value("network_overrides", json::array()));
      !done) {
    return done;
  }
  guest_ = std::make_unique<Guest>(std::move(*ram), serial_);
  guest_->set_shape(shape());
  return {};
}

Text<void> Firecracker::restore_devices(const json& saved,
                                        const json& overrides) {
  json nics = saved.value("network-interfaces", json::array());
  for (const json& wish : overrides) {
    bool known = false;
    for (json& nic : nics) {
      if (nic["iface_id"] != wish.value("iface_id", "")) continue;
      nic["host_dev_name"] = wish.value("host_dev_name", "");
      known = true;
    }
    if (!known) {
      return no(
          "Failed to get snapshot state from file: Unknown Network "
          "Device.");
    }
  }
  const std::string devices =
      "Failed to build microVM from snapshot: Failed to restore devices: "
      "Error restoring MMIO devices: ";
  for (const json& drive : saved.value("drives", json::array())) {
    auto path = drive.value("path_on_host", "");
    if (const auto other = faults_.word("disk");
        !other.empty() && drives_.empty()) {
      path = other;
    }
    auto disk = open_disk(path, drive.value("is_read_only", false));
    if (!disk) {
      return no(devices +
                "Block: Virtio backend error: Error manipulating the "
                "backing file: " +
                os_error(disk.error()) + " " + path);
    }
    drives_.push_back({drive, std::move(*disk)});
  }
  for (const json& config : nics) {
    auto nic = open_nic(config);
    if (!nic)
      return no(devices +
                "Net: Failed to create a network device: " + nic.error());
    nics_.push_back(std::move(*nic));
  }
  return {};
}

void Firecracker::add_to(std::vector<pollfd>& fds) const {
  if (!parked_by_api_) serial_.add_to(fds);
}

void Firecracker::tick() {
  if (!guest_ || phase_ != Phase::kRunning) return;
  const std::string word = ++ticks_ % 10 == 0 ? faults_.word("guest") : "";
  if (word == "panic") guest_->decide(GuestEvent::kCrash);
  if (word == "power-off") guest_->decide(GuestEvent::kPowerOff);
  if (word == "reboot") guest_->decide(GuestEvent::kReset);
  switch (guest_->tick()) {
    case GuestEvent::kNone:
      return;
    case GuestEvent::kPowerOff:
    case GuestEvent::kReset:
      end(0);
      return;
    case GuestEvent::kCrash:
      std::fprintf(stderr, "Unexpected exit reason on vcpu run: Shutdown\n");
      end(1);
      return;
  }
}

}  // namespace chrysalis::fake_vmm::fc
