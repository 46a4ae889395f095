#pragma once

// A whole engine over simulated VMMs, in namespaces of the test's own. What
// it left behind is killed at the end. Skips, loudly, without root.

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/engine/hands/node.h"

namespace chrysalis::engine {

class NodeTest : public testing::TestWithParam<model::Hypervisor> {
 protected:
  void SetUp() override;
  void TearDown() override;

  NodeOptions options();
  void open();  // a new agent; adopts
  void close() { node_.reset(); }
  Engine& engine() { return node_->engine(); }

  // Waits, bounded, until it holds; looks again at each change.
  bool await(const std::function<bool()>& holds);
  // Submits and waits for its end.
  Outcome run(const std::string& uid, Request request);
  VmView view(const std::string& uid) { return engine().view(uid); }

  BootRequest boot_request(const std::string& name) const;
  static CloneRequest clone_of(const std::string& snapshot);
  static RestoreRequest restore_to(const std::string& snapshot,
                                   uint64_t attempt = 1);
  // Boots a VM that runs.
  void boot(const std::string& uid);
  void snapshot(const std::string& vm, const std::string& uid);

  // The VMM of the VM, as recorded; 0: none.
  int vmm_pid(const std::string& uid);
  // The counter and the nonce that the guest keeps, from a memory file.
  struct Mark {
    uint32_t counter = 0;
    std::string nonce;
  };
  Mark mark_in(const std::string& snapshot_uid);
  // Of a running VM: taken by a throwaway snapshot.
  Mark mark_of(const std::string& vm);
  // Called at every failpoint, from the lane; none: nothing.
  void meddle(std::function<void(const Failpoint&)> meddle);
  // The agent ends at the failpoint of that name, the next time it is passed:
  // "Boot/Run/Acted". Then close() and open() are its successor.
  void die_at(const std::string& failpoint);
  bool await_death();
  // The step fails at the failpoint of that name, each time; empty: none.
  void fail_at(const std::string& failpoint);
  // Submits, and waits until the agent died at that failpoint.
  void run_and_die(const std::string& uid, Request request,
                   const std::string& failpoint);
  // What the host has; none: what it really has.
  void set_room(std::optional<Room> room);
  // A fault.json (tests/fakes/fake_vmm/faults.h) for the VMM of a generation.
  void fault(const std::string& uid, uint32_t generation,
             const std::string& json);
  // Of its first generation, also while no node is open.
  store::GenerationPaths first_generation(const std::string& uid);
  // Until a file holds the text so often; bounded.
  bool await_file(const std::filesystem::path& file, const std::string& text,
                  size_t times);
  // A letter for the guest's serial line: q power off, r reboot, c crash.
  void type(const std::string& uid, char letter);
  // Everything there is of this VM on the host.
  std::vector<std::string> left_of(const std::string& uid);

  std::filesystem::path root_;
  milliseconds max_pause_ = NodeOptions{}.max_pause;  // from the next open()
  std::unique_ptr<Node> node_;

 private:
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t changes_ = 0;
  std::function<void(const Failpoint&)> meddle_;
  std::optional<Room> room_;
  std::string fails_at_;
  std::string dies_at_;  // empty: it lives, or has died
  int snapshots_ = 0;
};

}  // namespace chrysalis::engine
