#include "tests/bench/drive/node_setup.h"

#include <fcntl.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "src/base/unique_fd.h"

namespace chrysalis::bench {
namespace {

namespace fs = std::filesystem;

fs::path named(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

bool kvm_opens() {
  return UniqueFd(::open("/dev/kvm", O_RDWR | O_CLOEXEC)).valid();
}

bool write_kernel(const fs::path& image, const fs::path& guest,
                  const std::string& simulated) {
  std::error_code error;
  fs::create_directories(image, error);
  if (guest.empty()) return bool(std::ofstream(image / "kernel") << simulated);
  return fs::copy_file(guest, image / "kernel", error);
}

bool write_disk(const fs::path& path) {
  std::mt19937_64 random(1);
  std::string bytes(kDiskDataBytes, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.close();
  std::error_code error;
  fs::resize_file(path, kDiskBytes, error);
  return out && !error;
}

}  // namespace

const fs::path& Programs::of(model::Hypervisor kind) const {
  return kind == model::Hypervisor::kCloudHypervisor ? cloud_hypervisor
                                                     : firecracker;
}

Programs find_programs(const fs::path& build) {
  Programs out{.build = build,
               .cloud_hypervisor = named("CHRYSALIS_CLOUD_HYPERVISOR"),
               .firecracker = named("CHRYSALIS_FIRECRACKER"),
               .shim = build / "src/shim/chrysalis-shim"};
  out.simulated = !fs::exists(out.cloud_hypervisor) ||
                  !fs::exists(out.firecracker) || !kvm_opens();
  if (out.simulated) {
    out.cloud_hypervisor = build / "simulated/cloud-hypervisor";
    out.firecracker = build / "simulated/firecracker";
  } else {
    out.max_phys_bits = 36;
  }
  return out;
}

Result<> make_images(const fs::path& root, const Programs& programs) {
  const fs::path images = root / "images";
  const fs::path guests = programs.build / "guests";
  const bool fake = programs.simulated;
  bool ok = true;
  for (const char* name : {"counter", "bare"})
    ok = ok && write_kernel(images / name, fake ? "" : guests / "eject64.elf",
                            "simulated-guest eject acpi\n");
  ok = ok &&
       write_kernel(images / "counter-fc", fake ? "" : guests / "tick32.elf",
                    "simulated-guest acpi\n");
  for (const char* name : {"counter", "counter-fc"})
    ok = ok && write_disk(images / name / "disk.raw");
  if (ok) return {};
  return fail(Code::kUnavailable, images.string() + ": cannot be written");
}

std::string image_of(model::Hypervisor kind) {
  return kind == model::Hypervisor::kCloudHypervisor ? "counter" : "counter-fc";
}

model::VmConfig config_of(model::Hypervisor kind) {
  const bool ch = kind == model::Hypervisor::kCloudHypervisor;
  model::VmConfig config;
  config.cpu = 1;
  config.memory = {kMemoryBytes};
  config.storage = {kDiskBytes};
  config.nics = 1;
  config.image = image_of(kind);
  config.network = "default";
  config.hypervisor = kind;
  config.disk_queue_size = config.queue_size = ch ? 512 : 256;
  config.no_direct_io = !ch;
  return config;
}

}  // namespace chrysalis::bench
