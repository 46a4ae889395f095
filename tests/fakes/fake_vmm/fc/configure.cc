// The pre-boot PUTs of Firecracker: what they check and open at once.

#include <algorithm>

#include "tests/fakes/fake_vmm/fc/dialect.h"
#include "tests/fakes/fake_vmm/machine/kernel_image.h"

namespace chrysalis::fake_vmm::fc {
namespace {

using nlohmann::json;

constexpr size_t kMaxKernel = 64ULL << 20;

tl::unexpected<std::string> no(std::string why) {
  return tl::unexpected<std::string>(std::move(why));
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

std::string tap_words(const TapError& error, const std::string& name) {
  const std::string open = "Open tap device failed: ";
  switch (error.step) {
    case TapError::Step::kOpenTun:
      return open + "Couldn't open /dev/net/tun: " + os_error(error.error);
    case TapError::Step::kName:
      return open + "Invalid interface name";
    case TapError::Step::kConfigure:
      return open +
             "Error while creating ifreq structure: " + os_error(error.error) +
             ". Invalid TUN/TAP Backend provided by " + name +
             ". Check our documentation on setting up the network "
             "devices.";
    case TapError::Step::kMtu:
    case TapError::Step::kEnable:
    case TapError::Step::kHeader:
      return "Setting vnet header size failed: Error while setting size of the "
             "vnet header: " +
             os_error(error.error);
  }
  return open;
}

}  // namespace

Firecracker::Firecracker(std::string id, Faults& faults)
    : id_(std::move(id)),
      faults_(faults),
      machine_({{"vcpu_count", 1},
                {"mem_size_mib", 128},
                {"smt", false},
                {"track_dirty_pages", false},
                {"huge_pages", "None"}}),
      serial_(Serial::stdio()) {}

Firecracker::Answer Firecracker::put_machine(const std::string& body,
                                             bool partial) {
  const auto update = parse_body(body, {{"vcpu_count", 'n', !partial},
                                        {"mem_size_mib", 'n', !partial},
                                        {"smt", 'b'},
                                        {"cpu_template", 's'},
                                        {"track_dirty_pages", 'b'},
                                        {"huge_pages", 's'}});
  if (!update) return update;
  if (const auto wrong = wrong_phase(false)) return no(*wrong);
  configured_ = true;
  json wanted = machine_;
  for (const auto& [name, value] : update->items()) {
    if (!value.is_null() && name != "cpu_template") wanted[name] = value;
  }
  const auto vcpus = wanted["vcpu_count"].get<uint64_t>();
  if (vcpus == 0 || vcpus > 32 ||
      (wanted["smt"] == true && vcpus > 1 && vcpus % 2 == 1)) {
    return no(
        "Machine config error: The number of vCPUs must be greater than "
        "0, less than 32 and must be 1 or an even number if SMT is "
        "enabled.");
  }
  const auto mib = wanted["mem_size_mib"].get<uint64_t>();
  if (mib == 0 || (wanted["huge_pages"] == "2M" && mib % 2 != 0)) {
    return no(
        "Machine config error: The memory size (MiB) is either 0, or not "
        "a multiple of the configured page size.");
  }
  machine_ = wanted;
  return json();
}

Firecracker::Answer Firecracker::put_boot_source(const std::string& body) {
  auto source = parse_body(body, {{"kernel_image_path", 's', true},
                                  {"initrd_path", 's'},
                                  {"boot_args", 's'}});
  if (!source) return source;
  if (const auto wrong = wrong_phase(false)) return no(*wrong);
  configured_ = true;
  const auto kernel =
      read_text((*source)["kernel_image_path"].get<std::string>(), kMaxKernel);
  if (!kernel) {
    return no("Boot source error: The kernel file cannot be opened: " +
              os_error(kernel.error()));
  }
  if (source->contains("initrd_path") && (*source)["initrd_path"].is_string()) {
    const auto initrd =
        read_text((*source)["initrd_path"].get<std::string>(), kMaxKernel);
    if (!initrd) {
      return no(
          "Boot source error: The initrd file cannot be opened due to "
          "invalid path or invalid permissions. " +
          os_error(initrd.error()));
    }
  }
  const KernelImage image = read_kernel(*kernel);
  kernel_boots_ = image.valid;
  abilities_ = image.abilities;
  boot_source_ = std::move(*source);
  return json();
}

Firecracker::Answer Firecracker::put_drive(const std::string& id,
                                           const std::string& body) {
  auto config = parse_body(body, {{"drive_id", 's', true},
                                  {"partuuid", 's'},
                                  {"is_root_device", 'b', true},
                                  {"cache_type", 's'},
                                  {"is_read_only", 'b'},
                                  {"path_on_host", 's'},
                                  {"rate_limiter", 'a'},
                                  {"io_engine", 's'},
                                  {"socket", 's'}});
  if (!config) return config;
  if ((*config)["drive_id"] != id) {
    return no("The id from the path does not match the id from the body!");
  }
  if (phase_ != Phase::kNotStarted) return no("PCI is not enabled");
  configured_ = true;
  for (const Drive& other : drives_) {
    if (other.config["drive_id"] != id && (*config)["is_root_device"] == true &&
        other.config["is_root_device"] == true) {
      return no("Drive config error: A root block device already exists!");
    }
  }
  json full = {{"partuuid", nullptr},     {"cache_type", "Unsafe"},
               {"is_read_only", false},   {"path_on_host", nullptr},
               {"rate_limiter", nullptr}, {"io_engine", "Sync"},
               {"socket", nullptr}};
  full.update(*config);
  if (!full["path_on_host"].is_string()) {
    return no(
        "Drive config error: Unable to create the virtio block device: "
        "Invalid block config.");
  }
  const auto path = full["path_on_host"].get<std::string>();
  auto disk = open_disk(path, full["is_read_only"] == true);
  if (!disk) {
    return no(
        "Drive config error: Unable to create the virtio block device: "
        "Virtio backend error: Error manipulating the backing file: " +
        os_error(disk.error()) + " " + path);
  }
  for (Drive& old : drives_) {
    if (old.config["drive_id"] != id) continue;
    old = {full, std::move(*disk)};
    return json();
  }
  drives_.push_back({full, std::move(*disk)});
  return json();
}

Firecracker::Answer Firecracker::patch_drive(const std::string& id,
                                             const std::string& body) {
  const auto change = parse_body(
      body,
      {{"drive_id", 's', true}, {"path_on_host", 's'}, {"rate_limiter", 'a'}});
  if (!change) return change;
  if (const auto wrong = wrong_phase(true)) return no(*wrong);
  for (Drive& drive : drives_) {
    if (drive.config["drive_id"] != id) continue;
    if (!change->contains("path_on_host")) return json();
    const auto path = (*change)["path_on_host"].get<std::string>();
    auto disk = open_disk(path, drive.disk.readonly);
    if (!disk) {
      return no(
          "Drive config error: Unable to patch the block device: Block: "
          "Virtio backend error: Error manipulating the backing file: " +
          os_error(disk.error()) + " " + path +
          " Please verify the request arguments.");
    }
    drive.config["path_on_host"] = path;
    drive.disk = std::move(*disk);
    guest_->set_shape(shape());
    return json();
  }
  return no(
      "Drive config error: Unable to patch the block device: Failed "
      "perform action on device: Device not found Please verify the "
      "request arguments.");
}

Text<Firecracker::Nic> Firecracker::open_nic(const json& config) {
  TapRequest wish;
  wish.name = config["host_dev_name"].get<std::string>();
  wish.may_claim = faults_.word("tap") == "claim";
  auto tap = open_tap(wish);
  if (!tap) return no(tap_words(tap.error(), wish.name));
  return Nic{config, std::move(*tap)};
}

Firecracker::Answer Firecracker::put_net(const std::string& id,
                                         const std::string& body) {
  auto config = parse_body(body, {{"iface_id", 's', true},
                                  {"host_dev_name", 's', true},
                                  {"guest_mac", 'm'},
                                  {"mtu", 'n'},
                                  {"rx_rate_limiter", 'a'},
                                  {"tx_rate_limiter", 'a'}});
  if (!config) return config;
  if ((*config)["iface_id"] != id) {
    return no("The id from the path [" + id +
              "] does not match the id from the body [" +
              (*config)["iface_id"].get<std::string>() + "]!");
  }
  if (phase_ != Phase::kNotStarted) return no("PCI is not enabled");
  configured_ = true;
  json full = {{"guest_mac", nullptr},
               {"mtu", nullptr},
               {"rx_rate_limiter", nullptr},
               {"tx_rate_limiter", nullptr}};
  full.update(*config);
  if (full["guest_mac"].is_string()) {
    full["guest_mac"] = lower(full["guest_mac"].get<std::string>());
    for (const Nic& other : nics_) {
      if (other.config["iface_id"] != id &&
          other.config["guest_mac"] == full["guest_mac"]) {
        return no("Network config error: The MAC address is already in use: " +
                  full["guest_mac"].get<std::string>());
      }
    }
  }
  if (full["mtu"].is_number() && (full["mtu"].get<uint64_t>() < 68 ||
                                  full["mtu"].get<uint64_t>() > 65535)) {
    return no(
        "Network config error: Could not create the network device: MTU " +
        full["mtu"].dump() + " is out of range [68, 65535]");
  }
  std::erase_if(nics_,
                [&](const Nic& nic) { return nic.config["iface_id"] == id; });
  auto nic = open_nic(full);
  if (!nic)
    return no("Network config error: Could not create the network device: " +
              nic.error());
  nics_.push_back(std::move(*nic));
  return json();
}

Firecracker::Answer Firecracker::put_serial(const std::string& body) {
  const auto config =
      parse_body(body, {{"serial_out_path", 's'}, {"rate_limiter", 'a'}});
  if (!config) return config;
  if (const auto wrong = wrong_phase(false)) return no(*wrong);
  if (!config->contains("serial_out_path") ||
      !(*config)["serial_out_path"].is_string()) {
    return json();
  }
  // A path takes the input away: from here on nobody hears stdin.
  auto opened = Serial::file((*config)["serial_out_path"].get<std::string>());
  if (opened) serial_ = std::move(*opened);
  return json();
}

}  // namespace chrysalis::fake_vmm::fc
