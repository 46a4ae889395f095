#pragma once

// The node engine: microVMs on this host. One serial lane a VM uid, lanes in
// parallel on a bounded pool. Work is asked for by `submit` and observed by
// the views; nothing here blocks on a VMM.
//
//   submit(uid, request) ---> lane ---> machine/ step -> journal -> actions
//        | kConflict while busy            |
//   view(uid) <--- record + live state <---+---> on_change(uid)
//
// Thread-safety: every method may be called from any thread.
// Durability: what a view shows as done was committed before it showed.
// Errors of submit: kConflict - one is in flight for that uid;
//                   kUnavailable - stopping. All else is an Outcome.
// Ownership: destroying an engine leaves its VMMs running; the next adopts.

#include <functional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/engine/request.h"
#include "src/engine/view.h"

namespace chrysalis::engine {

class Engine {
 public:
  virtual ~Engine() = default;

  // Takes over what a former engine left: verifies every recorded process,
  // finishes or undoes every journalled operation. Returns when every process
  // is held or known to be gone; looking at the VMs and recoveries go on in
  // their lanes, so that one hung VMM holds up nobody else: VmView::adopting.
  // An error: a process could be neither held nor known to be gone, and
  // nothing was touched; the agent starts again.
  // REQUIRES: called once, before the first submit.
  virtual Result<> adopt() = 0;

  virtual Result<> submit(const std::string& uid, Request request) = 0;

  [[nodiscard]] virtual VmView view(const std::string& uid) const = 0;
  [[nodiscard]] virtual SnapshotView snapshot(const std::string& uid) const = 0;
  [[nodiscard]] virtual std::vector<std::string> vms() const = 0;
  [[nodiscard]] virtual std::vector<std::string> snapshots() const = 0;

  // Called with the uid of a VM or snapshot whose view changed, from any
  // thread, without locks held; it must be cheap and may call view().
  // REQUIRES: called before adopt().
  using Changed = std::function<void(const std::string& uid)>;
  virtual void on_change(Changed changed) = 0;
};

}  // namespace chrysalis::engine
