#pragma once

// The four columns of the law as functions: what a VM's configuration is at
// its first boot, as a clone, after a restore in place, and at a later cold
// boot; with the source of each value. Row by row from the field table, so a
// new field needs nothing here.
//
// PURE. Thread-safety: values. Errors: faults, all of them, never the first.

#include <string>
#include <vector>

#include "src/model/fields.h"
#include "src/model/law.h"

namespace chrysalis::model {

// A configuration and where each value of it came from.
struct Recorded {
  VmConfig config;
  VmSources sources;

  friend bool operator==(const Recorded&, const Recorded&) = default;
};

struct Assembled {
  VmConfig config;
  VmSources sources;
  std::vector<Fault> faults;  // not empty: touch nothing

  [[nodiscard]] bool ok() const { return faults.empty(); }
  [[nodiscard]] Recorded recorded() const { return {config, sources}; }
};

// What only the node can say.
struct NodeFacts {
  std::string first_network;  // used when the spec names none
  std::string image_digest;
  std::string image_type;
};

Assembled assemble_first_boot(const VmWish& wish, const NodeFacts& node);

// `snapshot` is the configuration in the snapshot's manifest, which the caller
// has cross-checked with the hypervisor's own files.
Assembled assemble_clone(const VmWish& wish, const VmConfig& snapshot);

Assembled assemble_restore(const VmWish& wish, const Recorded& target,
                           const VmConfig& snapshot);

Assembled assemble_cold_boot(const VmWish& wish, const Recorded& record);

// A field whose spec, or whose record, is something else than what runs.
struct Drift {
  enum class ClearedBy : uint8_t { kRestart, kRecreate, kRestore };
  std::string field;  // the key: "cpu"
  std::string spec, running;
  ClearedBy cleared_by = ClearedBy::kRestart;

  friend bool operator==(const Drift&, const Drift&) = default;
};
inline constexpr Drift::ClearedBy kClearedBys[] = {Drift::ClearedBy::kRestart,
                                                   Drift::ClearedBy::kRecreate,
                                                   Drift::ClearedBy::kRestore};
std::string_view to_string(Drift::ClearedBy by);

std::vector<Drift> spec_drift(const VmWish& wish, const VmConfig& running);

// What the record says beside what was read back: an older version wrote down
// what was asked of a restore and not what it brought. `spec` is then the
// recorded value. The next restore takes the record from its snapshot.
std::vector<Drift> record_drift(const VmConfig& record,
                                const VmConfig& running);

}  // namespace chrysalis::model
