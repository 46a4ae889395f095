#pragma once

// A VM of an engine that is played: what each request that succeeded makes of
// its record, as the engine's contract says. No step, no VMM.

#include <memory>
#include <optional>
#include <string>

#include "src/engine/request.h"
#include "src/engine/view.h"
#include "src/store/records.h"

namespace chrysalis {

struct PlayedVm {
  std::shared_ptr<store::VmRecord> record;
  engine::Live live = engine::Live::kAbsent;
  std::optional<engine::ExitView> exit;
  std::optional<engine::InFlight> running;
  std::optional<engine::Outcome> last;
  std::optional<model::VmConfig> read_back;

  [[nodiscard]] engine::VmView view(const std::string& uid) const;

  // A request was taken.
  void begin(const engine::Request& request, Wall now);
  // It ended: `last` tells how, nothing is in flight any more.
  void end(bool ok, engine::Reason reason, bool refused, std::string message,
           Wall now);
  // What it did, as it succeeded. snapshot: of a clone or a restore.
  void take_effect(const std::string& uid, const engine::Request& request,
                   const store::SnapshotRecord* snapshot, Wall now);
  // What a restore leaves in the record whatever became of it.
  void remember_restore(const engine::RestoreRequest& request,
                        const std::string& snapshot,
                        store::RestoreResult result, std::string reason,
                        std::string message, Wall now);
  // What a failure leaves behind.
  void fall_back(engine::Kind kind);
  void guest_ends(bool clean, int code, Wall now);
};

}  // namespace chrysalis
