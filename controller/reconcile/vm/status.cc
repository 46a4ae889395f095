#include "controller/reconcile/vm/status.h"

#include <algorithm>
#include <utility>

#include "controller/reconcile/conditions.h"
#include "controller/reconcile/transitions.h"

namespace chrysalis::reconcile {
namespace {

using api::VmPhase;
using engine::Kind;
using engine::Live;

std::optional<Wall> whole(const std::optional<Wall>& time) {
  if (!time) return std::nullopt;
  return whole_seconds(*time);
}

// What runs, or would run again: never what is only wished for. While it is
// made nothing is known.
const model::VmConfig* known_config(const engine::VmView& view) {
  if (!view.record) return nullptr;
  if (view.read_back) return &*view.read_back;
  const bool being_made = view.running && (view.running->kind == Kind::kBoot ||
                                           view.running->kind == Kind::kClone);
  return being_made ? nullptr : &view.record->config;
}

std::optional<api::LastExit> last_exit(const engine::VmView& view) {
  if (view.exit)
    return api::LastExit{whole_seconds(view.exit->at), view.exit->reason,
                         view.exit->code};
  if (!view.record || !view.record->last_exit) return std::nullopt;
  const store::Exit& exit = *view.record->last_exit;
  return api::LastExit{whole_seconds(exit.at), exit.reason, exit.code};
}

std::vector<api::Interface> interfaces(const engine::VmView& view,
                                       const std::string& network) {
  std::vector<api::Interface> out;
  out.reserve(std::max(view.nics.size(), view.record->nics.size()));
  for (const engine::GuestNic& nic : view.nics)
    out.push_back({nic.id, network, nic.mac, nic.guest_mac, {}});
  if (!out.empty()) return out;
  for (const store::Nic& nic : view.record->nics)
    out.push_back({nic.id, network, nic.mac, nic.guest_mac, {}});
  return out;
}

// The record was made for what comes, and what runs is still what was.
bool changes_config(Kind kind) {
  switch (kind) {
    case Kind::kBoot:
    case Kind::kStart:
    case Kind::kRestart:
    case Kind::kClone:
    case Kind::kRestore:
    case Kind::kReap:
      return true;
    case Kind::kStop:
    case Kind::kPause:
    case Kind::kResume:
    case Kind::kSnapshot:
    case Kind::kDeleteVm:
    case Kind::kDeleteSnapshot:
    case Kind::kImport:
      return false;
  }
  return true;
}

// One entry a field: what its spec asks for goes before what was recorded.
void add_record_drift(api::VmStatus& status, const VmObserved& observed,
                      const Choice& choice) {
  for (model::Drift& drift : drift_of_record(observed, choice))
    if (std::ranges::find(status.spec_drift, drift.field,
                          &model::Drift::field) == status.spec_drift.end())
      status.spec_drift.push_back(std::move(drift));
}

void tell_record(api::VmStatus& status, const VmObserved& observed) {
  const engine::VmView& view = observed.view;
  const model::VmConfig* config = known_config(view);
  if (config == nullptr) return;
  const store::VmRecord& record = *view.record;
  status.config = *config;
  status.provenance = record.sources;
  if (record.inherited)
    status.inherited_from =
        api::InheritedFrom{record.inherited->snapshot, record.inherited->uid,
                           record.inherited->manifest_digest};
  status.spec_drift = model::spec_drift(observed.vm->spec.wish, *config);
  status.interfaces = interfaces(view, config->network);
  if (!record.vmm.version.empty())
    status.hypervisor = api::ProgramStatus{
        std::string(to_string(config->hypervisor)), record.vmm.version};
  if (record.restart_attempt_done > 0)
    status.restart_attempt = record.restart_attempt_done;
  status.restarts = record.restarts;
  status.guest_reboots = record.guest_reboots;
  status.last_exit = last_exit(view);
  if (is_up(view.live)) status.started_at = whole(record.started_at);
}

api::VmStatus facts_of(const VmObserved& observed) {
  api::VmStatus status;
  status.observed_generation = observed.vm->meta.generation;
  status.node_name = observed.node.name;
  tell_record(status, observed);
  return status;
}

VmPhase phase_of_kind(Kind kind, VmPhase otherwise) {
  switch (kind) {
    case Kind::kBoot:
    case Kind::kStart:
    case Kind::kClone:
    case Kind::kRestart:
      return VmPhase::kStarting;
    case Kind::kStop:
    case Kind::kDeleteVm:
      return VmPhase::kStopping;
    case Kind::kRestore:
      return VmPhase::kRestoring;
    case Kind::kPause:
    case Kind::kResume:
    case Kind::kSnapshot:
    case Kind::kDeleteSnapshot:
    case Kind::kImport:
    case Kind::kReap:
      return otherwise;
  }
  return otherwise;
}

VmPhase phase_of_live(const VmObserved& observed, const Choice& choice) {
  const VmPhase down = choice.power && choice.power->stalls()
                           ? VmPhase::kFailed
                           : VmPhase::kPending;
  switch (observed.view.live) {
    case Live::kAbsent:
    case Live::kEnded:
      return down;
    case Live::kStarting:
      return VmPhase::kStarting;
    case Live::kStopping:
      return VmPhase::kStopping;
    case Live::kRunning:
    case Live::kShimLost:
      return VmPhase::kRunning;
    case Live::kPaused:
      return frozen_for_us(observed) ? VmPhase::kRunning : VmPhase::kPaused;
    case Live::kStopped:
      return choice.power ? down : VmPhase::kStopped;
  }
  return VmPhase::kUnknown;
}

bool ended_well(const engine::VmView& view) {
  return view.exit && view.exit->clean;
}

}  // namespace

std::string how_it_ended(const engine::VmView& view) {
  if (!view.exit) return "it ended";
  return "it ended (" + view.exit->reason + ", exit code " +
         std::to_string(view.exit->code) + ")";
}

VmPhase phase_of(const VmObserved& observed, const Choice& choice) {
  if (choice.finished)
    return ended_well(observed.view) ? VmPhase::kSucceeded : VmPhase::kFailed;
  const VmPhase otherwise = phase_of_live(observed, choice);
  return choice.doing ? phase_of_kind(*choice.doing, otherwise) : otherwise;
}

std::vector<model::Drift> drift_of_record(const VmObserved& observed,
                                          const Choice& choice) {
  const engine::VmView& view = observed.view;
  if (!view.record || !view.record->inherited || !view.read_back ||
      !is_up(view.live))
    return {};
  const auto doing =
      view.running ? std::optional(view.running->kind) : choice.doing;
  if (doing && changes_config(*doing)) return {};
  return model::record_drift(view.record->config, *view.read_back);
}

api::VmStatus vm_status(const VmObserved& observed, const Choice& choice,
                        Wall now) {
  api::VmStatus status = facts_of(observed);
  add_record_drift(status, observed, choice);
  status.phase = phase_of(observed, choice);
  status.restore = restore_status(observed, choice);
  set_conditions(status, observed, choice, now);
  return status;
}

api::VmStatus deleting_status(const VmObserved& observed,
                              const std::optional<Hindrance>& hindrance,
                              Wall now) {
  api::VmStatus status = facts_of(observed);
  status.phase = VmPhase::kStopping;
  status.restore = observed.vm->status.restore;
  Conditions conditions(observed.vm->status.conditions,
                        status.observed_generation, now);
  const Word why =
      hindrance ? Word(hindrance->reason) : Word(StatusReason::kDeleting);
  const std::string message = hindrance ? hindrance->message : "";
  conditions.set(ConditionType::kReady, api::Truth::kFalse, why, message);
  conditions.set(ConditionType::kReconciling, api::Truth::kTrue, why, message);
  status.conditions = conditions.take();
  return status;
}

bool same_status(const api::VmStatus& a, const api::VmStatus& b) {
  if (!same_conditions(a.conditions, b.conditions)) return false;
  api::VmStatus left = a;
  api::VmStatus right = b;
  left.conditions.clear();
  right.conditions.clear();
  for (api::VmStatus* status : {&left, &right}) {
    std::ranges::sort(status->interfaces, {}, &api::Interface::name);
    std::ranges::sort(status->spec_drift, {}, &model::Drift::field);
  }
  return left == right;
}

namespace {

// The one drift that no boot and no restart clears though its field may grow:
// a disk is never made smaller. RestartRequired would promise that it is.
const model::Drift* storage_shrink(const api::VmStatus& status) {
  const auto at =
      std::ranges::find_if(status.spec_drift, [](const model::Drift& drift) {
        return drift.field == "storage" &&
               drift.cleared_by == model::Drift::ClearedBy::kRecreate;
      });
  return at == status.spec_drift.end() ? nullptr : &*at;
}

std::optional<Note> shrink_note(const api::VmStatus& before,
                                const api::VmStatus& after) {
  const model::Drift* drift = storage_shrink(after);
  if (drift == nullptr) return std::nullopt;
  const model::Drift* known = storage_shrink(before);
  if (known != nullptr && *known == *drift) return std::nullopt;
  return Note{true, std::string(to_string(StatusReason::kStorageShrink)),
              "Reconcile",
              "storage " + drift->spec + " is less than the " + drift->running +
                  " that the disk has, and a disk never shrinks; ask for " +
                  drift->running + " or more, or create the VM anew"};
}

// Once: until it says something else.
std::optional<Note> drift_note(const api::VmStatus& before,
                               const api::VmStatus& after) {
  const std::string drifted(to_string(StatusReason::kRecordDrifted));
  const auto* now =
      api::find_condition(after.conditions, ConditionType::kResourcesInherited);
  if (now == nullptr || now->reason != drifted) return std::nullopt;
  const auto* was = api::find_condition(before.conditions,
                                        ConditionType::kResourcesInherited);
  if (was != nullptr && was->reason == drifted && was->message == now->message)
    return std::nullopt;
  return Note{true, drifted, "Reconcile", now->message};
}

}  // namespace

std::vector<Note> transitions(const api::VmStatus& before,
                              const api::VmStatus& after) {
  std::vector<Note> notes;
  for (const auto& [type, action] :
       {std::pair{ConditionType::kReady, "Reconcile"},
        std::pair{ConditionType::kRestoreSucceeded, "Restore"}})
    if (auto note =
            transition(before.conditions, after.conditions, type, action))
      notes.push_back(*std::move(note));
  if (auto note = drift_note(before, after)) notes.push_back(*std::move(note));
  if (auto note = shrink_note(before, after)) notes.push_back(*std::move(note));
  return notes;
}

}  // namespace chrysalis::reconcile
