#include "controller/api/objects/reasons.h"

#include <algorithm>
#include <array>
#include <vector>

namespace chrysalis::api {
namespace {

constexpr size_t kCount = static_cast<size_t>(kLastStatusReason) + 1;

struct Word {
  StatusReason reason;
  std::string_view text;
};

constexpr std::array<Word, kCount> kWords = {{
    {StatusReason::kRunning, "Running"},
    {StatusReason::kPausedAsRequested, "PausedAsRequested"},
    {StatusReason::kStoppedAsRequested, "StoppedAsRequested"},
    {StatusReason::kCompleted, "Completed"},
    {StatusReason::kCaptured, "Captured"},
    {StatusReason::kImported, "Imported"},
    {StatusReason::kScheduled, "Scheduled"},
    {StatusReason::kStarting, "Starting"},
    {StatusReason::kStopping, "Stopping"},
    {StatusReason::kPausing, "Pausing"},
    {StatusReason::kResuming, "Resuming"},
    {StatusReason::kRestarting, "Restarting"},
    {StatusReason::kRestoring, "Restoring"},
    {StatusReason::kCapturing, "Capturing"},
    {StatusReason::kImporting, "Importing"},
    {StatusReason::kDeleting, "Deleting"},
    {StatusReason::kInProgress, "InProgress"},
    {StatusReason::kRestartBackOff, "RestartBackOff"},
    {StatusReason::kSourceNotFound, "SourceNotFound"},
    {StatusReason::kUnschedulable, "Unschedulable"},
    {StatusReason::kNodeLost, "NodeLost"},
    {StatusReason::kSucceeded, "Succeeded"},
    {StatusReason::kFailed, "Failed"},
    {StatusReason::kGuestFailed, "GuestFailed"},
    {StatusReason::kRolledBack, "RolledBack"},
    {StatusReason::kInvalidSpec, "InvalidSpec"},
    {StatusReason::kRestoreOfNewVm, "RestoreOfNewVM"},
    {StatusReason::kSnapshotOnOtherNode, "SnapshotOnOtherNode"},
    {StatusReason::kPaused, "Paused"},
    {StatusReason::kStopped, "Stopped"},
    {StatusReason::kEnded, "Ended"},
    {StatusReason::kNotStarted, "NotStarted"},
    {StatusReason::kSpecChanged, "SpecChanged"},
    {StatusReason::kStorageShrink, "StorageShrink"},
    {StatusReason::kInherited, "Inherited"},
    {StatusReason::kRecordDrifted, "RecordDrifted"},
    {StatusReason::kSupported, "Supported"},
    {StatusReason::kNoAnswer, "NoAnswer"},
    {StatusReason::kForeignRestore, "ForeignRestore"},
}};

constexpr bool in_the_order_of_the_enum() {
  for (size_t i = 0; i < kCount; ++i)
    if (static_cast<size_t>(kWords[i].reason) != i) return false;
  return true;
}
static_assert(in_the_order_of_the_enum());

std::vector<std::string_view> collect() {
  std::vector<std::string_view> out;
  out.reserve(kCount + static_cast<size_t>(engine::kLastReason));
  for (const Word& word : kWords) out.push_back(word.text);
  for (uint8_t i = 1; i <= static_cast<uint8_t>(engine::kLastReason); ++i)
    out.push_back(to_string(static_cast<engine::Reason>(i)));
  return out;
}

}  // namespace

std::string_view to_string(StatusReason reason) {
  return kWords[static_cast<size_t>(reason)].text;
}

std::optional<StatusReason> parse_status_reason(std::string_view text) {
  const auto found = std::ranges::find(kWords, text, &Word::text);
  if (found == kWords.end()) return std::nullopt;
  return found->reason;
}

std::span<const std::string_view> every_reason() {
  static const std::vector<std::string_view> all = collect();
  return all;
}

bool is_reason(std::string_view text) {
  return std::ranges::find(every_reason(), text) != every_reason().end();
}

}  // namespace chrysalis::api
