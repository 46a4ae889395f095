// Machine::snapshot: the three files, created new, in Cloud Hypervisor's
// order (config, state, memory), without fsync; what was written before an
// error stays.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "tests/fakes/fake_vmm/ch/config.h"
#include "tests/fakes/fake_vmm/ch/machine.h"

namespace chrysalis::fake_vmm::ch {
namespace {

tl::unexpected<VmError> send_failed(const std::string& what, int error) {
  return vm_error("Cannot send VM snapshot",
                  "Failed to send migratable component snapshot", what,
                  os_error(error));
}

Os<UniqueFd> create_new(const std::string& path) {
  UniqueFd file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return tl::unexpected<int>(errno);
  return file;
}

Vm<> write_new(const std::string& path, const std::string& text,
               const std::string& what) {
  const auto file = create_new(path);
  if (!file) return send_failed("Error creating " + what, file.error());
  if (::write(file->get(), text.data(), text.size()) < 0) {
    return send_failed("Error writing " + what, errno);
  }
  return {};
}

}  // namespace

Vm<> Machine::snapshot(const std::string& url, Fault::Kind damage) {
  deps_.events.emit("vm", "snapshotting");
  if (state_ != RunState::kPaused) {
    return vm_error("Cannot snapshot VM",
                    "Failed to snapshot migratable component",
                    "Trying to snapshot while VM is running");
  }
  MachineState machine{vcpus_, memory_bytes_, rng_slot_, {}};
  for (const auto& [id, device] : devices_) {
    machine.devices.emplace(id, device.state);
  }
  deps_.events.emit("vm", "snapshotted");
  if (!url.starts_with("file://")) {
    return vm_error("Cannot send VM snapshot",
                    "Failed to send migratable component snapshot",
                    "Could not extract path from URL: " + url);
  }
  const std::string directory = url.substr(7);
  struct stat info{};
  if (::stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return vm_error("Cannot send VM snapshot",
                    "Failed to send migratable component snapshot",
                    "Destination is not a directory: \"" + directory + "\"");
  }
  if (auto done = write_new(directory + "/config.json",
                            without_nulls(deps_.config).dump(),
                            "VM config snapshot file");
      !done) {
    return done;
  }
  if (auto done =
          write_new(directory + "/state.json", encode_state(machine).dump(),
                    "VM state snapshot file");
      !done) {
    return done;
  }
  const std::string path = directory + "/memory-ranges";
  const auto file = create_new(path);
  if (!file) {
    return send_failed("Error creating memory snapshot file \"" + path + "\"",
                       file.error());
  }
  const bool cut =
      damage == Fault::Kind::kEnospc || damage == Fault::Kind::kShort;
  const auto done =
      guest_->ram().dump(file->get(), cut ? memory_bytes_ / 2 : UINT64_MAX);
  if (!done || damage == Fault::Kind::kEnospc) {
    return send_failed("Error writing dense memory snapshot region",
                       done ? ENOSPC : done.error());
  }
  if (damage == Fault::Kind::kShort) {
    (void)!::ftruncate(file->get(), static_cast<off_t>(memory_bytes_ / 2));
  }
  return {};
}

}  // namespace chrysalis::fake_vmm::ch
