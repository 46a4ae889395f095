#include "tests/fakes/engine/fake_engine.h"

#include <utility>

namespace chrysalis {

using engine::Kind;

namespace {

bool is_of_a_snapshot(Kind kind) {
  return kind == Kind::kImport || kind == Kind::kDeleteSnapshot;
}

// The snapshot that a request is about, beside its lane.
std::string subject(const std::string& lane, const engine::Request& request) {
  if (const auto* r = std::get_if<engine::SnapshotRequest>(&request))
    return r->snapshot_uid;
  if (const auto* r = std::get_if<engine::CloneRequest>(&request))
    return r->snapshot_uid;
  if (const auto* r = std::get_if<engine::RestoreRequest>(&request))
    return r->snapshot_uid;
  return is_of_a_snapshot(kind_of(request)) ? lane : "";
}

}  // namespace

Result<> FakeEngine::submit(const std::string& uid, engine::Request request) {
  {
    const std::lock_guard lock(mutex_);
    if (refuse_) return chrysalis::fail(*refuse_, "as the test says");
    if (in_flight_.contains(uid))
      return chrysalis::fail(Code::kConflict, "an operation is in flight");
    const Kind kind = kind_of(request);
    asked_[uid].push_back(kind);
    if (is_of_a_snapshot(kind))
      snapshots_[uid].running =
          engine::InFlight{kind, "Queued", clock_.wall(), 0, uid};
    else
      vms_[uid].begin(request, clock_.wall());
    in_flight_.emplace(uid, std::move(request));
    moved_.notify_all();
  }
  notify({uid});
  return {};
}

engine::VmView FakeEngine::view(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto at = vms_.find(uid);
  return at == vms_.end() ? PlayedVm{}.view(uid) : at->second.view(uid);
}

engine::SnapshotView FakeEngine::snapshot(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  engine::SnapshotView out;
  out.uid = uid;
  const auto at = snapshots_.find(uid);
  if (at == snapshots_.end()) return out;
  out.record = at->second.record;
  out.ready = out.record && out.record->ready;
  out.running = at->second.running;
  out.last = at->second.last;
  return out;
}

std::vector<std::string> FakeEngine::vms() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [uid, vm] : vms_)
    if (vm.record) out.push_back(uid);
  return out;
}

std::vector<std::string> FakeEngine::snapshots() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [uid, snapshot] : snapshots_)
    if (snapshot.record) out.push_back(uid);
  return out;
}

bool FakeEngine::await(const std::string& lane) {
  std::unique_lock lock(mutex_);
  return moved_.wait_for(lock, seconds{20},
                         [&] { return in_flight_.contains(lane); });
}

void FakeEngine::succeed(const std::string& lane) {
  finish(lane, true, engine::Reason::kNone, false);
}

void FakeEngine::fail(const std::string& lane, engine::Reason reason,
                      bool refused) {
  finish(lane, false, reason, refused);
}

void FakeEngine::finish(const std::string& lane, bool ok, engine::Reason reason,
                        bool refused) {
  std::vector<std::string> changed = {lane};
  {
    const std::lock_guard lock(mutex_);
    const auto at = in_flight_.find(lane);
    if (at == in_flight_.end()) return;
    const engine::Request request = std::move(at->second);
    in_flight_.erase(at);
    const Kind kind = kind_of(request);
    const std::string about = subject(lane, request);
    engine::Outcome outcome;
    outcome.kind = kind;
    outcome.ok = ok;
    outcome.reason = reason;
    outcome.refused = refused;
    outcome.snapshot_uid = about;
    outcome.finished = clock_.wall();
    if (is_of_a_snapshot(kind) || kind == Kind::kSnapshot) {
      finish_snapshot(about, request, outcome);
      if (about != lane) changed.push_back(about);
    }
    if (!is_of_a_snapshot(kind)) {
      PlayedVm& vm = vms_[lane];
      vm.end(ok, reason, refused, "", clock_.wall());
      const store::SnapshotRecord* source =
          about.empty() ? nullptr : snapshots_[about].record.get();
      if (ok)
        vm.take_effect(lane, request, source, clock_.wall());
      else
        vm.fall_back(kind);
    }
  }
  notify(changed);
}

void FakeEngine::finish_snapshot(const std::string& uid,
                                 const engine::Request& request,
                                 const engine::Outcome& outcome) {
  PlayedSnapshot& played = snapshots_[uid];
  played.running.reset();
  played.last = outcome;
  if (!outcome.ok) return;
  if (outcome.kind == Kind::kDeleteSnapshot) {
    played.record.reset();
    return;
  }
  auto record = std::make_shared<store::SnapshotRecord>();
  record->uid = uid;
  record->ready = true;
  record->manifest_digest = "sha256:" + uid;
  record->captured_at = clock_.wall();
  if (const auto* r = std::get_if<engine::SnapshotRequest>(&request)) {
    record->ns = r->ns;
    record->name = r->name;
    for (const auto& [vm_uid, vm] : vms_)
      if (vm.record && vm.running && vm.running->snapshot_uid == uid) {
        record->source_uid = vm_uid;
        record->config = vm.record->config;
      }
  }
  if (const auto* r = std::get_if<engine::ImportRequest>(&request)) {
    record->ns = r->ns;
    record->name = r->name;
  }
  played.record = record;
}

void FakeEngine::guest_ends(const std::string& uid, bool clean) {
  {
    const std::lock_guard lock(mutex_);
    vms_[uid].guest_ends(clean, clean ? 0 : 1, clock_.wall());
  }
  notify({uid});
}

void FakeEngine::put(const std::string& uid, PlayedVm vm) {
  const std::lock_guard lock(mutex_);
  vms_[uid] = std::move(vm);
}

std::vector<Kind> FakeEngine::asked(const std::string& lane) const {
  const std::lock_guard lock(mutex_);
  const auto at = asked_.find(lane);
  return at == asked_.end() ? std::vector<Kind>{} : at->second;
}

void FakeEngine::refuse(std::optional<Code> code) {
  const std::lock_guard lock(mutex_);
  refuse_ = code;
}

void FakeEngine::notify(const std::vector<std::string>& uids) {
  if (!changed_) return;
  for (const std::string& uid : uids) changed_(uid);
}

}  // namespace chrysalis
