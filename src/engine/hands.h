#pragma once

// What performs the actions of the machine and looks at the world. The real
// ones (hands/) drive the shim, the VMM, the network and the disk; a test may
// give others.
// Thread-safety: calls for one uid are serial (its lane), others in parallel.

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "src/engine/job.h"
#include "src/engine/machine/adopt.h"
#include "src/engine/view.h"

namespace chrysalis::engine {

// What can be said of a VM by looking at it.
struct Look {
  Live live = Live::kAbsent;
  std::optional<ExitView> exit;
  std::optional<model::VmConfig> read_back;
  std::vector<GuestNic> nics;
  bool unread = false;     // its VMM lives and did not say how it is
  bool must_reap = false;  // its VMM or guest ended by itself: release it
  std::vector<store::Mutation> rows;  // what was seen and is to be durable
};

class Hands {
 public:
  virtual ~Hands() = default;

  // The job of a request: facts, records, and the rows that ride with its
  // first intent. An error is a refusal: nothing was touched.
  virtual tl::expected<Job, Event> prepare(const std::string& uid, uint64_t seq,
                                           const Request& request) = 0;
  // The job that releases what ended by itself.
  virtual Job prepare_reap(const std::string& uid, uint64_t seq) = 0;

  // By action.deadline it is over: done, failed, or timed out. What must
  // become durable is added to job.outcomes.
  virtual Event perform(Job& job, const Action& action) = 0;

  // The rows that make the end of the job true. REQUIRES: job.op.end.
  virtual std::vector<store::Mutation> settle(const Job& job) = 0;

  // Takes hold of the processes that a former agent recorded of this uid.
  // Asks no VMM: it does not block. An error: it cannot be told whether one
  // lives, and nothing may be done to it.
  [[nodiscard]] virtual Result<> take_hold(const std::string& uid) = 0;

  // Takes over what a former agent left of this uid and says what is there.
  // job: nothing in flight, or what its journal row told; records are filled.
  virtual Observed adopt(const std::string& uid, Job* job) = 0;

  virtual Look look(const std::string& uid) = 0;

  // Nothing of this uid is recorded any more: what was held of it goes.
  virtual void forget(const std::string& uid) = 0;
};

}  // namespace chrysalis::engine
