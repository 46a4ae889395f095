#pragma once

// The measurements on a ClusterWorld, each with its rows.
// Thread-safety: one thread. Errors: what did not get there, by name.

#include "tests/bench/drive/bare_api.h"
#include "tests/bench/drive/cluster_world.h"
#include "tests/bench/drive/raw_run.h"
#include "tests/bench/drive/watcher.h"
#include "tests/bench/rows.h"

namespace chrysalis::bench {

struct ClusterBench {
  ClusterWorld& world;
  Watcher& vms;
  Watcher& snapshots;
  BareApi& bare;
  RawRun& raw;
  Rows& rows;

  Result<> apply(const std::string& name, const nlohmann::json& spec) const;
  // As placement would leave it.
  Result<> apply_placed(const std::string& name,
                        const nlohmann::json& spec) const;
  Result<> apply_snapshot(const std::string& name, const std::string& vm) const;
  Result<> remove(const std::string& name) const;
};

nlohmann::json boot_spec(model::Hypervisor kind);
nlohmann::json clone_spec(const std::string& snapshot);

// apply -> Running, one VM after another, and what is ours of it.
Result<> measure_boots(const ClusterBench& bench, model::Hypervisor kind,
                       int count);
// The same of clones of one snapshot; the source and the snapshot stay.
Result<> measure_clones(const ClusterBench& bench, int count);
// Writes, CPU and RSS of a world in which nothing happens but one VM runs.
Result<> measure_idle(const ClusterBench& bench, seconds time);
// So many VMs that are not started: RSS of their agent, and how fast they came.
// The last one: it ends the controller.
Result<> measure_many(const ClusterBench& bench, size_t count, seconds within);
// API writes of each VM that measure_boots made, from the audit log.
void count_writes(const ClusterBench& bench, const std::string& prefix,
                  const std::string& id, const std::string& what);

}  // namespace chrysalis::bench
