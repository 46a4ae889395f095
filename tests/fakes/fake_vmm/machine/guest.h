#pragma once

// The simulated guest. It lives in its RAM: a page at 0x200000 holds
//   +0   u32   counter: +1 a tick, 100 a second, as tick32 keeps it
//   +8   16 B  nonce: random at each cold boot, so that restored (same nonce)
//              and rebooted (another) can be told apart
//   +24  8 B   "FAKEGST1"
//   +32  u32   abilities (kernel_image.h)
//   +36  u32   CRC-32 of the first 4096 bytes of the first disk at boot
// so snapshot, clone and restore carry it, and tests read it at offset
// 0x200000 of any memory file (CH memory-ranges, FC mem_file).
//
// On the serial port it says, at boot, after a resume and every half second,
//   guest nonce=<32 hex> counter=<n> vcpus=<n> memory=<bytes>
//         nics=<id>/<mac>/<mtu>,... disks=<id>/<sectors>/rw|ro,...
// (one line), and it obeys the letters  q power off   r reboot   c crash
// (triple fault)   s say the line now.
//
// On each writable disk it keeps, in the last whole sector, the text
// "fake-guest nonce=... counter=...", written every tenth tick and at a pause
// (the VMMs drain block I/O before pausing), so that a disk tells its instant.
//
// Thread-safety: none. Ownership: borrows serial.

#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/fake_vmm/machine/ram.h"
#include "tests/fakes/fake_vmm/machine/serial.h"

namespace chrysalis::fake_vmm {

constexpr uint64_t kGuestPage = 0x200000;
constexpr int kTickMs = 10;

struct GuestNic {
  std::string id, mac;
  uint16_t mtu = 0;  // 0: not told
};
struct GuestDisk {
  std::string id;
  int fd = -1;  // borrowed
  uint64_t sectors = 0;
  bool readonly = false;
};
struct GuestShape {
  uint32_t vcpus = 0;
  uint64_t memory_bytes = 0;
  std::vector<GuestNic> nics;
  std::vector<GuestDisk> disks;
};

enum class GuestEvent { kNone, kPowerOff, kReset, kCrash };

class Guest {
 public:
  Guest(Ram ram, Serial& serial) : ram_(std::move(ram)), serial_(&serial) {}

  void cold_boot(uint32_t abilities);
  void set_shape(GuestShape shape) { shape_ = std::move(shape); }

  // The vCPUs run or are parked; parking flushes the disks.
  void run();
  void park();
  [[nodiscard]] bool running() const { return running_; }

  // One tick of a running guest, with what it does about its input.
  GuestEvent tick();
  void press_power_button() { power_pressed_ = true; }
  void press_ctrl_alt_del() { keys_pressed_ = true; }
  // From a fault: what it will do at its next tick.
  void decide(GuestEvent event) { decided_ = event; }

  [[nodiscard]] uint32_t abilities();
  Ram& ram() { return ram_; }

 private:
  [[nodiscard]] bool alive();
  void say();
  void write_disks();
  [[nodiscard]] std::string mark();

  Ram ram_;
  Serial* serial_;
  GuestShape shape_;
  bool running_ = false;
  bool power_pressed_ = false;
  bool keys_pressed_ = false;
  GuestEvent decided_ = GuestEvent::kNone;
};

}  // namespace chrysalis::fake_vmm
