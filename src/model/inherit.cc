#include "src/model/inherit.h"

#include <array>

namespace chrysalis::model {
namespace {

Fault fault(std::string_view path, std::string_view text,
            std::initializer_list<std::string> values) {
  const std::vector<std::string> shown(values);
  return {path.empty() ? "" : "spec." + std::string(path), fill(text, shown)};
}

void append(std::vector<Fault>& to, std::vector<Fault> more) {
  for (Fault& f : more) to.push_back(std::move(f));
}

// The default of a row for this hypervisor; false where there is none.
template <class R, class T>
bool take_default(const R& row, Hypervisor kind, T& value) {
  if constexpr (requires { row.on_firecracker; }) {
    if (kind == Hypervisor::kFirecracker && row.on_firecracker) {
      value = *row.on_firecracker;
      return true;
    }
  }
  if (!row.fallback) return false;
  value = T(*row.fallback);
  return true;
}

}  // namespace

Assembled assemble_first_boot(const VmWish& wish, const NodeFacts& node) {
  Assembled out;
  const Hypervisor kind =
      wish.hypervisor.value_or(Hypervisor::kCloudHypervisor);
  for_each_field([&](const auto& row, auto at) {
    if (const auto& wanted = at(wish)) {
      at(out.config) = *wanted;
      at(out.sources) = Source::kSpec;
    } else {
      take_default(row, kind, at(out.config));
      at(out.sources) = Source::kDefault;
    }
  });
  if (!wish.network) out.config.network = node.first_network;
  out.config.image_digest = node.image_digest;
  out.config.image_type = node.image_type;
  out.sources.image_digest = out.sources.image_type = Source::kGenerated;
  out.faults = validate(out.config);
  return out;
}

Assembled assemble_clone(const VmWish& wish, const VmConfig& snapshot) {
  Assembled out;
  append(out.faults, validate(snapshot, "snapshot config: "));
  for_each_field([&](const auto& row, auto at) {
    at(out.config) = at(snapshot);
    at(out.sources) = Source::kSnapshot;
    const auto& wanted = at(wish);
    if (!wanted) return;
    switch (row.clone) {
      case Clone::kRefused:
        out.faults.push_back(
            fault(row.path, text::refused_on_clone(row), {show(*wanted)}));
        break;
      case Clone::kSpecElseSnapshot:
        at(out.config) = *wanted;
        at(out.sources) = Source::kSpec;
        break;
      case Clone::kEqual:
        if (*wanted != at(snapshot))
          out.faults.push_back(fault(row.path,
                                     text::not_equal_to_snapshot(row.path),
                                     {show(*wanted), show(at(snapshot))}));
        break;
    }
  });
  if (out.faults.empty()) out.faults = validate(out.config);
  return out;
}

Assembled assemble_restore(const VmWish& wish, const Recorded& target,
                           const VmConfig& snapshot) {
  Assembled out;
  append(out.faults, validate(snapshot, "snapshot config: "));
  for_each_field([&](const auto& row, auto at) {
    const auto& theirs = at(snapshot);
    const auto& ours = at(target.config);
    at(out.config) = theirs;
    at(out.sources) = Source::kSnapshot;
    switch (row.restore) {
      case Restore::kRefused:
      case Restore::kSnapshot:
        break;
      case Restore::kRefusedEqual:
        at(out.sources) = Source::kVirtualMachine;
        if (ours != theirs)
          out.faults.push_back(
              fault("", text::kNicCountMismatch, {show(ours), show(theirs)}));
        break;
      case Restore::kEqual:
        at(out.sources) = Source::kVirtualMachine;
        if (ours != theirs)
          out.faults.push_back(fault(
              "",
              std::string(row.key) + " mismatch: vm has %s, snapshot has %s",
              {show(ours), show(theirs)}));
        break;
      case Restore::kTarget:
        at(out.config) = ours;
        at(out.sources) = Source::kVirtualMachine;
        break;
    }
    if (refused_beside_restore(row) && at(wish))
      out.faults.push_back(
          fault(row.path, text::refused_on_restore(row), {show(*at(wish))}));
  });
  return out;
}

Assembled assemble_cold_boot(const VmWish& wish, const Recorded& record) {
  Assembled out;
  for_each_field([&](const auto& row, auto at) {
    at(out.config) = at(record.config);
    at(out.sources) = at(record.sources);
    const auto& wanted = at(wish);
    if (!wanted || *wanted == at(record.config)) return;
    const bool applies = row.cold_boot == ColdBoot::kSpecElseRecord ||
                         (row.cold_boot == ColdBoot::kGrowElseRecord &&
                          *wanted > at(record.config));
    if (!applies) return;  // drift: spec_drift() says so
    at(out.config) = *wanted;
    at(out.sources) = Source::kSpec;
  });
  out.faults = validate(out.config);
  return out;
}

std::string_view to_string(Drift::ClearedBy by) {
  switch (by) {
    case Drift::ClearedBy::kRestart:
      return "Restart";
    case Drift::ClearedBy::kRecreate:
      return "Recreate";
    case Drift::ClearedBy::kRestore:
      return "Restore";
  }
  return "";
}

std::vector<Drift> spec_drift(const VmWish& wish, const VmConfig& running) {
  std::vector<Drift> out;
  for_each_field([&](const auto& row, auto at) {
    const auto& wanted = at(wish);
    if (!wanted || *wanted == at(running)) return;
    const bool restart =
        row.cold_boot == ColdBoot::kSpecElseRecord ||
        (row.cold_boot == ColdBoot::kGrowElseRecord && *wanted > at(running));
    out.push_back(
        {std::string(row.key), show(*wanted), show(at(running)),
         restart ? Drift::ClearedBy::kRestart : Drift::ClearedBy::kRecreate});
  });
  return out;
}

std::vector<Drift> record_drift(const VmConfig& record,
                                const VmConfig& running) {
  std::vector<Drift> out;
  for_each_field([&](const auto& row, auto at) {
    if (at(record) != at(running))
      out.push_back({std::string(row.key), show(at(record)), show(at(running)),
                     Drift::ClearedBy::kRestore});
  });
  return out;
}

}  // namespace chrysalis::model
