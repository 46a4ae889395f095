#include "tests/fakes/fake_vmm/machine/guest.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/fakes/fake_vmm/machine/kernel_image.h"

namespace chrysalis::fake_vmm {
namespace {

constexpr char kMagic[] = "FAKEGST1";
constexpr uint64_t kPageBytes = 64;
constexpr uint32_t kSayEvery = 50;
constexpr uint32_t kWriteEvery = 10;
constexpr size_t kSector = 512;

uint32_t crc32(const uint8_t* data, size_t size) {
  uint32_t crc = ~0U;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
    }
  }
  return ~crc;
}

uint32_t load32(const uint8_t* from) {
  uint32_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void store32(uint8_t* to, uint32_t value) {
  std::memcpy(to, &value, sizeof value);
}

std::string hex(const uint8_t* data, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[data[i] >> 4];
    text += kDigits[data[i] & 15];
  }
  return text;
}

}  // namespace

void Guest::cold_boot(uint32_t abilities) {
  if (ram_.bytes() < kGuestPage + kPageBytes) return;  // dies at once
  uint8_t* const page = ram_.touch(kGuestPage, kPageBytes);
  store32(page, 0);
  (void)!::getrandom(page + 8, 16, 0);
  std::memcpy(page + 24, kMagic, 8);
  store32(page + 32, abilities);
  if (!shape_.disks.empty()) {
    uint8_t first[4096] = {};
    (void)!::pread(shape_.disks.front().fd, first, sizeof first, 0);
    store32(page + 36, crc32(first, sizeof first));
  }
}

bool Guest::alive() {
  return ram_.bytes() >= kGuestPage + kPageBytes &&
         std::memcmp(ram_.touch(kGuestPage, kPageBytes) + 24, kMagic, 8) == 0;
}

uint32_t Guest::abilities() {
  return alive() ? load32(ram_.touch(kGuestPage, kPageBytes) + 32) : 0;
}

std::string Guest::mark() {
  const uint8_t* const page = ram_.touch(kGuestPage, kPageBytes);
  return "nonce=" + hex(page + 8, 16) +
         " counter=" + std::to_string(load32(page));
}

void Guest::say() {
  std::string line = "guest " + mark() +
                     " vcpus=" + std::to_string(shape_.vcpus) +
                     " memory=" + std::to_string(shape_.memory_bytes);
  line += " nics=";
  for (const GuestNic& nic : shape_.nics) {
    line += (line.back() == '=' ? "" : ",") + nic.id + "/" + nic.mac + "/" +
            std::to_string(nic.mtu);
  }
  line += " disks=";
  for (const GuestDisk& disk : shape_.disks) {
    line += (line.back() == '=' ? "" : ",") + disk.id + "/" +
            std::to_string(disk.sectors) + (disk.readonly ? "/ro" : "/rw");
  }
  serial_->write(line + "\r\n");
}

void Guest::write_disks() {
  char sector[kSector] = {};
  const std::string text = "fake-guest " + mark() + "\n";
  std::memcpy(sector, text.data(), std::min(text.size(), kSector));
  for (const GuestDisk& disk : shape_.disks) {
    if (disk.readonly || disk.sectors < 2) continue;
    (void)!::pwrite(disk.fd, sector, kSector,
                    static_cast<off_t>((disk.sectors - 1) * kSector));
  }
}

void Guest::run() {
  running_ = true;
  if (alive()) say();
}

void Guest::park() {
  if (running_ && alive()) write_disks();
  running_ = false;
}

GuestEvent Guest::tick() {
  if (!running_) return GuestEvent::kNone;
  if (!alive()) return GuestEvent::kCrash;
  uint8_t* const page = ram_.touch(kGuestPage, kPageBytes);
  const uint32_t counter = load32(page) + 1;
  store32(page, counter);
  if (counter % kWriteEvery == 0) write_disks();
  if (counter % kSayEvery == 0) say();
  const uint32_t able = load32(page + 32);
  if (std::exchange(power_pressed_, false) && (able & kHearsPowerButton) != 0) {
    return GuestEvent::kPowerOff;
  }
  if (std::exchange(keys_pressed_, false) && (able & kIgnoresCtrlAltDel) == 0) {
    return GuestEvent::kReset;
  }
  for (const char letter : serial_->take_input()) {
    if (letter == 'q') return GuestEvent::kPowerOff;
    if (letter == 'r') return GuestEvent::kReset;
    if (letter == 'c') return GuestEvent::kCrash;
    if (letter == 's') say();
  }
  return std::exchange(decided_, GuestEvent::kNone);
}

}  // namespace chrysalis::fake_vmm
