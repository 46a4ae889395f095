#include "src/engine/hands/exits.h"

#include <string_view>

namespace chrysalis::engine {
namespace {

// The guest's own wish to end, however its VMM said so.
constexpr std::string_view kPoweredOff = "GuestPoweredOff";

}  // namespace

ExitView power_off_at(Wall at) {
  return {at, std::string(kPoweredOff), 0, true};
}

store::Exit to_record(const ExitView& exit) {
  return {exit.at, exit.reason, exit.code};
}

std::optional<ExitView> recorded_exit(const store::VmRecord& record) {
  if (!record.last_exit) return std::nullopt;
  const store::Exit& exit = *record.last_exit;
  return ExitView{exit.at, exit.reason, exit.code, exit.reason == kPoweredOff};
}

std::optional<ExitView> recorded_power_off(const store::VmRecord& record) {
  auto exit = recorded_exit(record);
  if (!exit || !exit->clean) return std::nullopt;
  if (!record.started_at || exit->at < *record.started_at) return std::nullopt;
  return exit;
}

}  // namespace chrysalis::engine
