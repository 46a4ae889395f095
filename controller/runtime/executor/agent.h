#pragma once

// The loop of one node: every object placed here is observed, planned and
// acted on, one action at a time, until nothing is left to do. Works the same
// over an API server and over a directory.
//
//   handlers, engine.on_change, timers --> keys --> workers: observe -> plan
//      ^                                               |
//      '---- cache, engine <--- finalizer | request + status
//
// Life: construct (it registers with the engine, so before engine.adopt()),
// start() after adopt(), stop() or destroy. The VMs run on.
// Thread-safety: start and stop from one thread.
// Errors: none are returned; what fails is tried again with back-off, a
// refused write waits for the cache. One object never holds up another.
// Ownership: borrows everything in Deps; the timer outlives the store and the
// engine, which may still call handlers after stop(); these then do nothing.

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "controller/reconcile/facts.h"
#include "controller/runtime/object_store.h"
#include "controller/runtime/timer.h"
#include "src/engine/engine.h"

namespace chrysalis::runtime {

struct AgentOptions {
  size_t vm_workers = 4;
  size_t snapshot_workers = 2;
};

class Agent {
 public:
  struct Deps {
    ObjectStore store;
    engine::Engine& engine;
    Timer& timer;
    // Asked at each plan; cheap, from any thread.
    std::function<reconcile::NodeFacts()> node;
  };
  explicit Agent(Deps deps, AgentOptions options = {});
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // REQUIRES: engine.adopt() returned. Workers wait until the store synced.
  void start();
  // Lets each worker finish the key it holds; returns when all are gone.
  void stop();

 private:
  struct Inner;  // shared with the handlers, which may outlive us
  Deps deps_;
  AgentOptions options_;
  std::shared_ptr<Inner> inner_;
  std::vector<std::thread> threads_;
};

}  // namespace chrysalis::runtime
