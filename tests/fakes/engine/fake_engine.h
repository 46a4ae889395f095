#pragma once

// An engine that is played by the test: requests are taken and stay in flight
// until the test ends them. Refuses a second request of a busy lane, as the
// real one does; a capture occupies its VM's lane.
// Thread-safety: every call from any thread.

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/engine/engine.h"
#include "tests/fakes/engine/played_vm.h"

namespace chrysalis {

class FakeEngine final : public engine::Engine {
 public:
  explicit FakeEngine(const Clock& clock) : clock_(clock) {}

  // ---- engine::Engine
  Result<> adopt() override { return {}; }
  Result<> submit(const std::string& uid, engine::Request request) override;
  [[nodiscard]] engine::VmView view(const std::string& uid) const override;
  [[nodiscard]] engine::SnapshotView snapshot(
      const std::string& uid) const override;
  [[nodiscard]] std::vector<std::string> vms() const override;
  [[nodiscard]] std::vector<std::string> snapshots() const override;
  void on_change(Changed changed) override { changed_ = std::move(changed); }

  // ---- the test's
  // Bounded wait until something is in flight for that lane; false after 20 s.
  bool await(const std::string& lane);
  void succeed(const std::string& lane);
  void fail(const std::string& lane, engine::Reason reason,
            bool refused = false);
  void guest_ends(const std::string& uid, bool clean);
  // What a former agent left.
  void put(const std::string& uid, PlayedVm vm);
  // Requests taken so far, in order, of one lane.
  [[nodiscard]] std::vector<engine::Kind> asked(const std::string& lane) const;
  // Requests are answered like this; nothing: they are taken.
  void refuse(std::optional<Code> code);

 private:
  struct PlayedSnapshot {
    std::shared_ptr<store::SnapshotRecord> record;
    std::optional<engine::InFlight> running;
    std::optional<engine::Outcome> last;
  };
  void finish(const std::string& lane, bool ok, engine::Reason reason,
              bool refused);
  void finish_snapshot(const std::string& uid, const engine::Request& request,
                       const engine::Outcome& outcome);
  void notify(const std::vector<std::string>& uids);

  const Clock& clock_;
  Changed changed_;
  mutable std::mutex mutex_;
  std::condition_variable moved_;
  std::map<std::string, PlayedVm> vms_;
  std::map<std::string, PlayedSnapshot> snapshots_;
  std::map<std::string, engine::Request> in_flight_;  // by lane
  std::map<std::string, std::vector<engine::Kind>> asked_;
  std::optional<Code> refuse_;
};

}  // namespace chrysalis
