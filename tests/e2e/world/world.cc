#include "tests/e2e/world/world.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace chrysalis::e2e {

json World::until(const Id& id, const Predicate& holds) {
  auto object = wait_until(id, holds);
  if (object) return *std::move(object);
  ADD_FAILURE() << to_string(id) << " is last seen as\n"
                << last_seen_.dump(2) << "\n"
                << logs();
  throw std::runtime_error("waited in vain for " + to_string(id));
}

json World::until_condition(const Id& id, const std::string& type,
                            const std::string& says) {
  return until(
      id, [&](const json& object) { return condition(object, type) == says; });
}

json World::until_phase(const Id& id, const std::string& phase) {
  return until(id, [&](const json& object) {
    return text_at(object, "/status/phase") == phase && is_ready(object);
  });
}

}  // namespace chrysalis::e2e
