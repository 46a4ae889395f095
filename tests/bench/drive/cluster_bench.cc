// bench_cluster BUILD_DIR OUT.json: API server, controller and agent as they
// ship, asked through the API; the shares of the others beside.

#include <iostream>

#include "tests/bench/drive/cluster_runs.h"
#include "tests/bench/drive/isolate.h"

namespace chrysalis::bench {
namespace {

namespace fs = std::filesystem;

constexpr seconds kAtMost{240};
constexpr int kBoots = 60, kFirecrackerBoots = 30, kClones = 20;
constexpr size_t kMany = 1000;
constexpr seconds kManyWithin{60}, kIdle{15};

Result<> measure(const ClusterBench& bench) {
  CHRYSALIS_TRY(
      measure_boots(bench, model::Hypervisor::kCloudHypervisor, kBoots));
  CHRYSALIS_TRY(
      measure_boots(bench, model::Hypervisor::kFirecracker, kFirecrackerBoots));
  CHRYSALIS_TRY(measure_clones(bench, kClones));
  CHRYSALIS_TRY(measure_idle(bench, kIdle));
  count_writes(bench, "boot", "boot.writes", "API writes a boot, to Ready");
  count_writes(bench, "clone", "clone.writes", "API writes a clone, to Ready");
  return measure_many(bench, kMany, kManyWithin);
}

int run(const fs::path& root, const fs::path& build, const fs::path& out) {
  const Programs programs = find_programs(build);
  Rows rows;
  std::string logs;
  const auto done = [&]() -> Result<> {
    CHRYSALIS_TRY(make_images(root, programs));
    CHRYSALIS_ASSIGN(const auto world, ClusterWorld::start(programs, root));
    Watcher vms(world->transport(), kVms);
    Watcher snapshots(world->transport(), kSnapshots);
    Watcher bare_watch(world->transport(), kBare);
    BareApi bare(world->client(), bare_watch);
    RawRun raw(programs, root / "raw", root / "images");
    fs::create_directories(root / "raw");
    auto result = measure({*world, vms, snapshots, bare, raw, rows});
    if (!result) logs = world->logs();
    return result;
  }();
  if (!done) {
    std::cerr << logs << "bench_cluster: " << done.error().message << "\n";
    return 1;
  }
  return rows.write(out) ? 0 : 1;
}

}  // namespace
}  // namespace chrysalis::bench

int main(int argc, char** argv) {
  using namespace chrysalis::bench;
  return isolated_main("bench_cluster", kAtMost, argc, argv, run);
}
