#include "controller/program/adoption.h"

namespace chrysalis::program {

Adoption::Adoption(engine::Engine& engine, Signals& signals)
    : thread_([this, &engine, &signals] {
        result_ = engine.adopt();
        ended_ = true;
        signals.wake();
      }) {}

Adoption::~Adoption() { thread_.join(); }

Result<bool> Adoption::await(Signals& signals) const {
  while (!ended_)
    if (signals.wait() == Signals::Came::kSignal) return false;
  CHRYSALIS_TRY(result_);
  return true;
}

}  // namespace chrysalis::program
