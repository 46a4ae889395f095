#pragma once

// The guest's serial port on the host: a file, a listening unix socket with
// one client at a time, the process's own stdin/stdout, or nothing.
// Output that nobody takes is lost and never stalls the guest.
// Thread-safety: none.

#include <poll.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/fake_vmm/machine/host.h"

namespace chrysalis::fake_vmm {

class Serial {
 public:
  Serial() = default;  // Off and Null
  // Truncates, as both VMMs do.
  static Os<Serial> file(const std::string& path);
  // The path must not exist; it is removed when the port is closed.
  static Os<Serial> socket(const std::string& path);
  static Serial stdio();

  Serial(Serial&&) noexcept = default;
  Serial& operator=(Serial&& other) noexcept;
  ~Serial();

  void write(std::string_view text);
  void add_to(std::vector<pollfd>& fds) const;
  // Accepts and reads; input waits until take_input().
  void serve(const std::vector<pollfd>& fds);
  std::string take_input();

 private:
  void close();

  UniqueFd out_;
  UniqueFd listener_;
  UniqueFd client_;
  std::string path_;
  int in_ = -1;  // borrowed: stdin
  bool stdio_ = false;
  std::string input_;
};

}  // namespace chrysalis::fake_vmm
