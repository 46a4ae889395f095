#include "tests/controller/api/objects/random_status.h"

namespace chrysalis::api {

std::string RandomObjects::text() {
  static const std::string pieces[] = {"a",    "Z9",   " ",        "\"", "\\",
                                       "\n\t", "\x01", "\xc3\xa4", "/",  "{}"};
  std::string out = "t";
  for (uint64_t i = upto(6); i > 0; --i) out += pieces[upto(9)];
  return out;
}

std::string RandomObjects::name() { return "n" + std::to_string(upto(99999)); }

std::string RandomObjects::digest() {
  std::string out = "sha256:";
  for (int i = 0; i < 64; ++i) out += "0123456789abcdef"[upto(15)];
  return out;
}

Meta RandomObjects::meta() {
  Meta out;
  out.ns = name();
  out.name = name();
  out.uid = name();
  out.generation = 1 + upto(1'000'000);
  out.resource_version = name();
  if (coin()) out.created_at = time();
  if (coin()) out.deleted_at = time();
  for (uint64_t i = upto(2); i > 0; --i) out.finalizers.push_back(text());
  return out;
}

model::VmConfig RandomObjects::config() {
  model::VmConfig out;
  model::for_each_field([&](const auto&, auto at) {
    using T = std::remove_cvref_t<decltype(at(out))>;
    if constexpr (std::is_same_v<T, bool>)
      at(out) = coin();
    else if constexpr (std::is_same_v<T, std::string>)
      at(out) = coin() ? name() : "";
    else if constexpr (std::is_same_v<T, model::Bytes>)
      at(out) = model::Bytes{upto(uint64_t{1} << 44)};
    else if constexpr (std::is_enum_v<T>)
      at(out) = one_of(model::kHypervisors);
    else
      at(out) = static_cast<T>(upto(UINT32_MAX));
  });
  return out;
}

std::vector<Condition> RandomObjects::conditions() {
  std::vector<Condition> out;
  const auto reasons = every_reason();
  for (const ConditionType type : kConditionTypes)
    if (coin())
      set_condition(out, type, one_of(kTruths),
                    reasons[upto(reasons.size() - 1)], coin() ? text() : "",
                    upto(9), time());
  return out;
}

VmSpec RandomObjects::vm_spec() {
  VmSpec out;
  model::for_each_field([&](const auto& row, auto at) {
    using T = model::RowValue<decltype(row)>;
    if (row.path.empty() || coin()) return;
    if constexpr (std::is_same_v<T, bool>)
      at(out.wish) = coin();
    else if constexpr (std::is_same_v<T, std::string>)
      at(out.wish) = name();
    else if constexpr (std::is_same_v<T, model::Bytes>)
      at(out.wish) = model::Bytes{(1 + upto(1000)) << 24};
    else if constexpr (std::is_enum_v<T>)
      at(out.wish) = one_of(model::kHypervisors);
    else
      at(out.wish) = static_cast<T>(2 + upto(6));
  });
  if (coin()) out.clone = CloneSource{name(), coin(), coin() ? digest() : ""};
  out.power = one_of(model::kPowerStates);
  out.restart_policy = one_of(model::kRestartPolicies);
  out.stop_grace = seconds(static_cast<int64_t>(upto(600)));
  if (coin()) out.restart_attempt = 1 + upto(1'000'000'000'000);
  if (coin())
    out.restore = RestoreSpec{name(), 1 + upto(9), coin(), coin(),
                              coin() ? digest() : ""};
  if (coin()) out.node_name = name();
  return out;
}

RestoreStatus RandomObjects::restore() {
  RestoreStatus out;
  out.snapshot = name();
  out.snapshot_uid = coin() ? name() : "";
  out.attempt = upto(99);
  out.result = one_of(kRestoreVerdicts);
  out.reason = coin() ? name() : "";
  out.message = coin() ? text() : "";
  if (coin()) out.started_at = time();
  if (coin()) out.finished_at = time();
  if (coin()) out.pause_milliseconds = upto(100'000);
  return out;
}

VmStatus RandomObjects::vm_status() {
  VmStatus out;
  out.observed_generation = upto(3);
  if (coin()) out.node_name = name();
  if (coin()) out.hypervisor = ProgramStatus{name(), text()};
  if (coin()) out.phase = one_of(kVmPhases);
  if (coin()) out.config = config();
  if (coin()) {
    out.provenance.emplace();
    model::for_each_field([&](const auto&, auto at) {
      at(*out.provenance) = one_of(model::kSources);
    });
  }
  if (coin()) out.inherited_from = InheritedFrom{name(), name(), digest()};
  for (uint64_t i = upto(3); i > 0; --i)
    out.spec_drift.push_back(
        {"f" + std::to_string(i), text(), text(), one_of(model::kClearedBys)});
  if (coin()) out.restore = restore();
  if (coin()) out.restart_attempt = upto(9);
  if (coin()) out.restarts = upto(9);
  if (coin()) out.guest_reboots = upto(9);
  if (coin()) out.started_at = time();
  if (coin())
    out.last_exit = LastExit{time(), name(), static_cast<int>(upto(300)) - 1};
  for (uint64_t i = upto(3); i > 0; --i) {
    Interface one{
        "net" + std::to_string(i), name(), "02:00:00:00:00:01", "", {}};
    for (uint64_t n = upto(2); n > 0; --n)
      one.ips.push_back("10.0.0." + std::to_string(n));
    out.interfaces.push_back(std::move(one));
  }
  out.conditions = conditions();
  return out;
}

SnapshotSpec RandomObjects::snapshot_spec() {
  SnapshotSpec out;
  if (coin())
    out.virtual_machine = name();
  else
    out.directory = DirectorySource{name(), name()};
  if (coin()) out.description = text();
  out.deletion_policy = one_of(kDeletionPolicies);
  return out;
}

SnapshotStatus RandomObjects::snapshot_status() {
  SnapshotStatus out;
  out.observed_generation = upto(3);
  if (coin()) out.ready_to_use = coin();
  if (coin()) out.node_name = name();
  if (coin()) out.captured_at = time();
  if (coin()) out.snapshot_id = name();
  if (coin()) out.phase = one_of(kSnapshotPhases);
  if (coin()) out.source_uid = coin() ? name() : "";
  if (coin()) out.hypervisor = SnapshotProgram{name(), text(), "", "v1"};
  if (coin()) out.host = SnapshotHost{text(), text()};
  if (coin()) out.config = config();
  if (coin())
    out.size = SnapshotSize{model::Bytes{upto(1U << 31)},
                            model::Bytes{upto(1U << 31)}};
  if (coin()) out.pause_milliseconds = upto(99);
  if (coin()) out.manifest_digest = digest();
  out.conditions = conditions();
  return out;
}

VirtualMachine RandomObjects::vm() { return {meta(), vm_spec(), vm_status()}; }

VmSnapshot RandomObjects::snapshot() {
  return {meta(), snapshot_spec(), snapshot_status()};
}

}  // namespace chrysalis::api
