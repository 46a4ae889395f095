#pragma once

// Child processes of the API server fixture.
//
// Each child asks for SIGKILL at the death of the thread that started it
// (PR_SET_PDEATHSIG), so none survives a crash of the test. The price: start
// them from a thread that outlives them, in tests the main thread.
// Thread-safety: a Child belongs to one thread; run() may be called from any.
// Errors: kUnavailable - the system refused; kTimeout - the deadline passed
// and the child was killed.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::kube_tools {

// What a program that ran to its end left behind. exit is 128 + N where a
// signal N ended it.
struct Finished {
  int exit = 0;
  std::string out;
  std::string err;
};

// A running program, killed and reaped by the destructor.
class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  // Starts argv[0] (a path) in its own process group, so that a Ctrl-C at the
  // terminal reaches the parent only; stdin is /dev/null, stdout and stderr
  // are appended to `log`.
  [[nodiscard]] static Result<Child> start(const std::vector<std::string>& argv,
                                           const std::filesystem::path& log);

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Waits for the end of the program at most `timeout`; true when it ended.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds timeout) const;
  // SIGKILL, then reap. Nothing where there is no child.
  void kill();

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

// Runs argv[0] (a path) with exactly `environment` ("KEY=value"), feeds it
// `input`, collects its output.
[[nodiscard]] Result<Finished> run(const std::vector<std::string>& argv,
                                   const std::vector<std::string>& environment,
                                   const std::string& input,
                                   std::chrono::milliseconds timeout);

}  // namespace chrysalis::kube_tools
