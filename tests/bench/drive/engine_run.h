#pragma once

// The engine in this process, asked and awaited: each operation with its time,
// its commits, and the time of each of its steps (told by the engine's own
// failpoints, which here strike nothing).
// Thread-safety: one thread asks. Errors: the outcome's; kTimeout.

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/engine/hands/node.h"
#include "tests/bench/drive/node_setup.h"

namespace chrysalis::bench {

struct StepTime {
  std::string name{};    // "Boot/Spawn"
  double intent_ms = 0;  // to make its intent durable
  double actions_ms = 0;
};

struct Ran {
  double ms = 0;  // from submit() until the view tells the end
  uint64_t commits = 0;
  std::vector<StepTime> steps{};
  double end_ms = 0;    // from the last action until the view tells the end
  double pause_ms = 0;  // pause answered ... resume answered, of a snapshot
};

class EngineRun {
 public:
  static Result<std::unique_ptr<EngineRun>> open(
      const Programs& programs, const std::filesystem::path& root);

  Result<Ran> run(const std::string& uid, engine::Request request);
  [[nodiscard]] engine::Node& node() { return *node_; }

 private:
  struct Mark {
    engine::Failpoint point;
    Mono at;
  };
  EngineRun() = default;
  [[nodiscard]] Ran read(Mono from, Mono to);

  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t changes_ = 0;
  Mono changed_at_{};
  std::vector<Mark> marks_;
  std::unique_ptr<engine::Node> node_;  // last: it calls back into the others
};

}  // namespace chrysalis::bench
