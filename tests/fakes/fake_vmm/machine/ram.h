#pragma once

// Guest memory. Sparse: only what somebody touched takes space, so a guest of
// a gigabyte is cheap.
//
//   blank         a memfd of zeros                       cold boot
//   copy          a memfd filled from a snapshot         CH Copy
//   on_demand     the same, filled piece by piece by fill()   CH OnDemand
//   private_map   the snapshot mapped copy-on-write: no copy, and SIGBUS
//                 when somebody truncates the file       FC File backend
//
// Thread-safety: none.

#include <cstdint>
#include <set>
#include <string>

#include "tests/fakes/fake_vmm/machine/host.h"

namespace chrysalis::fake_vmm {

class Ram {
 public:
  static Os<Ram> blank(uint64_t bytes);
  static Os<Ram> copy(const std::string& file, uint64_t bytes);
  static Os<Ram> on_demand(const std::string& file, uint64_t bytes);
  static Os<Ram> private_map(const std::string& file, uint64_t bytes);

  Ram(Ram&& other) noexcept;
  Ram& operator=(Ram&& other) noexcept;
  Ram(const Ram&) = delete;
  Ram& operator=(const Ram&) = delete;
  ~Ram();

  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  // Memory the guest is about to write or read. REQUIRES: inside bytes().
  uint8_t* touch(uint64_t offset, uint64_t size);

  // On demand only: pages still missing, and the next piece of the fill.
  [[nodiscard]] bool filling() const { return source_.valid(); }
  void fill(uint64_t up_to_bytes);

  // The whole image into an open, empty file, allocated as a dense one is.
  // `stop_after` cuts it short (a fault).
  Os<> dump(int file, uint64_t stop_after = UINT64_MAX) const;

 private:
  Ram() = default;
  Os<> map(int flags);
  void page_in(uint64_t page);

  UniqueFd backing_;
  UniqueFd source_;  // on demand: the snapshot, until the fill is done
  uint8_t* base_ = nullptr;
  uint64_t bytes_ = 0;
  uint64_t filled_ = 0;
  std::set<uint64_t> touched_;  // page numbers
};

}  // namespace chrysalis::fake_vmm
