#pragma once

// The loop of the one controller (the leader): places what has no node, says
// NodeLost once, lets objects of a vanished node go. It writes status only
// while status.nodeName is empty and at NodeLost; all else is the agents'.
//
// Life: start() when elected, stop() when the lease is lost; not started
// again. Thread-safety: start and stop from one thread.
// Errors: as Agent. Ownership: as Agent; every write carries the version it
// was computed from, so a second leader's writes are refused, not mixed.

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "controller/runtime/executor/agents.h"
#include "controller/runtime/object_store.h"
#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

class Controller {
 public:
  struct Deps {
    ObjectStore store;  // of all nodes
    AgentsSource& agents;
    Timer& timer;
    // The finalizer that the agent of a node writes.
    std::function<std::string(const std::string& node)> finalizer_of;
  };
  explicit Controller(Deps deps);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void start();
  void stop();

 private:
  struct Inner;
  Deps deps_;
  std::shared_ptr<Inner> inner_;
  std::vector<std::thread> threads_;
};

}  // namespace chrysalis::runtime
