#include "src/engine/machine/steps.h"

#include <array>
#include <iterator>

namespace chrysalis::engine {
namespace {

// The names of each enum's steps, in its order.
template <class S>
struct Names;
template <>
struct Names<BootStep> {
  static constexpr std::array kAll = std::to_array<std::string_view>(
      {"Preflight", "Ask", "ShutDown", "Kill", "Prepare", "Spawn", "Run",
       "Reach", "Undo", "Erase"});
  static_assert(kAll.size() == static_cast<size_t>(BootStep::kErase) + 1);
};
template <>
struct Names<CloneStep> {
  static constexpr std::array kAll = std::to_array<std::string_view>(
      {"Preflight", "Stage", "Spawn", "Load", "Resume", "Undo", "Erase"});
  static_assert(kAll.size() == static_cast<size_t>(CloneStep::kErase) + 1);
};
template <>
struct Names<StopStep> {
  static constexpr std::array kAll =
      std::to_array<std::string_view>({"Ask", "ShutDown", "Kill", "Release"});
  static_assert(kAll.size() == static_cast<size_t>(StopStep::kRelease) + 1);
};
template <>
struct Names<PowerStep> {
  static constexpr std::array kAll = std::to_array<std::string_view>({"Apply"});
  static_assert(kAll.size() == static_cast<size_t>(PowerStep::kApply) + 1);
};
template <>
struct Names<ReapStep> {
  static constexpr std::array kAll =
      std::to_array<std::string_view>({"Kill", "Release"});
  static_assert(kAll.size() == static_cast<size_t>(ReapStep::kRelease) + 1);
};
template <>
struct Names<SnapshotStep> {
  static constexpr std::array kAll =
      std::to_array<std::string_view>({"Preflight", "Pause", "Dump", "Disarm",
                                       "Thaw", "Publish", "Undo", "Discard"});
  static_assert(kAll.size() == static_cast<size_t>(SnapshotStep::kDiscard) + 1);
};
template <>
struct Names<RestoreStep> {
  static constexpr std::array kAll = std::to_array<std::string_view>(
      {"Preflight", "Stage", "Spawn", "Load", "PauseOld", "Disarm", "Commit",
       "Switch", "Retire", "Abort", "Revive", "RollBack", "SwitchBack",
       "DropNew"});
  static_assert(kAll.size() == static_cast<size_t>(RestoreStep::kDropNew) + 1);
};
template <>
struct Names<DeleteVmStep> {
  static constexpr std::array kAll =
      std::to_array<std::string_view>({"Ask", "End", "Release", "Remove"});
  static_assert(kAll.size() == static_cast<size_t>(DeleteVmStep::kRemove) + 1);
};
template <>
struct Names<DeleteSnapshotStep> {
  static constexpr std::array kAll =
      std::to_array<std::string_view>({"Preflight", "Remove"});
  static_assert(kAll.size() ==
                static_cast<size_t>(DeleteSnapshotStep::kRemove) + 1);
};
template <>
struct Names<ImportStep> {
  static constexpr std::array kAll =
      std::to_array<std::string_view>({"Preflight", "TakeIn", "Discard"});
  static_assert(kAll.size() == static_cast<size_t>(ImportStep::kDiscard) + 1);
};

template <class S>
std::vector<Step> all() {
  std::vector<Step> steps;
  steps.reserve(Names<S>::kAll.size());
  for (size_t i = 0; i < Names<S>::kAll.size(); ++i)
    steps.emplace_back(static_cast<S>(i));
  return steps;
}

}  // namespace

std::string_view to_string(const Step& step) {
  return std::visit(
      [](auto s) { return Names<decltype(s)>::kAll[static_cast<size_t>(s)]; },
      step);
}

std::vector<Step> steps_of(Kind kind) {
  switch (kind) {
    case Kind::kBoot:
    case Kind::kStart:
    case Kind::kRestart:
      return all<BootStep>();
    case Kind::kClone:
      return all<CloneStep>();
    case Kind::kStop:
      return all<StopStep>();
    case Kind::kPause:
    case Kind::kResume:
      return all<PowerStep>();
    case Kind::kReap:
      return all<ReapStep>();
    case Kind::kSnapshot:
      return all<SnapshotStep>();
    case Kind::kRestore:
      return all<RestoreStep>();
    case Kind::kDeleteVm:
      return all<DeleteVmStep>();
    case Kind::kDeleteSnapshot:
      return all<DeleteSnapshotStep>();
    case Kind::kImport:
      return all<ImportStep>();
  }
  return {};
}

std::optional<Step> parse_step(Kind kind, std::string_view name) {
  for (const Step& step : steps_of(kind))
    if (to_string(step) == name) return step;
  return std::nullopt;
}

Step first_step(Kind kind) { return steps_of(kind).front(); }

}  // namespace chrysalis::engine
