#pragma once

// Cloud Hypervisor's event monitor: pretty JSON objects, each followed by an
// empty line, into a file that is truncated at start. Never blocks.
// Thread-safety: none.

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "src/base/unique_fd.h"

namespace chrysalis::fake_vmm::ch {

class Events {
 public:
  explicit Events(UniqueFd file);

  void emit(std::string_view source, std::string_view event,
            const std::map<std::string, std::string>& properties = {});

 private:
  UniqueFd file_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace chrysalis::fake_vmm::ch
