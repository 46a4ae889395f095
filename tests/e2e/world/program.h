#pragma once

// The program `chrysalis` as a process of the test, with its log in a file.
// Thread-safety: the test's main thread (tests/kube/process.h says why).

#include <filesystem>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "tests/kube/process.h"

namespace chrysalis::e2e {

using Words = std::vector<std::string>;

std::filesystem::path chrysalis_path();

class Program {
 public:
  // A start that the system refuses is a failure of the test. `log` grows
  // over starts; says() looks at what came since this one.
  Program(const Words& arguments, std::filesystem::path log);

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] bool runs() const {
    return !child_.ended_within(milliseconds{0});
  }
  // What it has said since its start.
  [[nodiscard]] std::string said() const;
  // Waits, bounded, until it has said this so many times.
  [[nodiscard]] bool says(const std::string& text, int times = 1) const;
  // As kill -9; returns when it has gone.
  void kill() { child_.kill(); }
  // SIGTERM, and the exit code; -1: it did not end, or by a signal.
  int stop();

 private:
  std::filesystem::path log_;
  std::uintmax_t before_ = 0;  // bytes of the log at the start
  kube_tools::Child child_;
};

// Runs it to its end, at most half a minute: exit code and what it said.
kube_tools::Finished run_chrysalis(const Words& arguments);

}  // namespace chrysalis::e2e
