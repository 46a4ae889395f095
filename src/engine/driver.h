#pragma once

// Drives one operation from its first step to its end:
//
//   plan -> [intent durable] -> actions, one by one -> advance -> ... -> end
//
// Intent before effect: where the intent cannot be made durable no action of
// the step is tried. Outcomes ride with the next intent, or with the end.
// Thread-safety: one call a lane; Hands and Journal are called from many.

#include <functional>
#include <optional>
#include <vector>

#include "src/base/clock.h"
#include "src/engine/failpoints.h"
#include "src/engine/hands.h"
#include "src/engine/job.h"

namespace chrysalis::engine {

class Journal {
 public:
  virtual ~Journal() = default;
  // All or nothing, durable.
  virtual Result<> commit(std::vector<store::Mutation> rows) = 0;
};

struct Driver {
  Hands& hands;
  Journal& journal;
  const Clock& clock;
  Strike strike;                            // empty in production
  std::function<void(const Job&)> on_step;  // a step was entered

  // The job with its end, durable; nothing when a failpoint ended the agent.
  // Where the end could not be made durable it failed, job.outcomes holds the
  // rows, and its row in the journal is running still: nothing may follow in
  // this lane before they are committed. The next agent would find out.
  [[nodiscard]] std::optional<Outcome> drive(Job& job) const;

 private:
  std::optional<Event> run_step(Job& job) const;
  std::optional<Event> write_intent(Job& job) const;
  std::optional<Outcome> finish(Job& job) const;
  [[nodiscard]] Struck struck(const Job& job, Place place) const;
};

}  // namespace chrysalis::engine
