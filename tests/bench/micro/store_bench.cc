// What the node's memory takes to be told something, durably.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>

#include "src/store/node_db.h"
#include "tests/bench/rows.h"
#include "tests/src/store/a_record.h"

namespace chrysalis::bench {
namespace {

// On the file system of /tmp, as the states of the drivers.
struct TemporaryDirectory {
  std::filesystem::path path;
  TemporaryDirectory() {
    char name[] = "/tmp/chrysalis-bench-XXXXXX";
    if (::mkdtemp(name) != nullptr) path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
};

// An intent as a boot writes it: the record and its journal row.
void store_commit(benchmark::State& state) {
  const TemporaryDirectory directory;
  auto db = store::NodeDb::open(directory.path / "node.db");
  if (!db) return state.SkipWithError(db.error().message.c_str());
  std::vector<double> took;
  for (auto _ : state) {
    const auto from = Mono::clock::now();
    const auto done = (*db)->commit(
        {store::a_vm("vm-1"),
         store::an_operation("vm-1", 1, store::OperationState::kRunning)});
    if (!done) return state.SkipWithError(done.error().message.c_str());
    took.push_back(
        std::chrono::duration<double, std::micro>(Mono::clock::now() - from)
            .count());
  }
  state.counters["p50_us"] = percentile(took, 50);
  state.counters["p99_us"] = percentile(took, 99);
}
BENCHMARK(store_commit)->Iterations(2000)->UseRealTime();

void store_read(benchmark::State& state) {
  const TemporaryDirectory directory;
  auto db = store::NodeDb::open(directory.path / "node.db");
  if (!db) return state.SkipWithError(db.error().message.c_str());
  if (!(*db)->commit({store::a_vm("vm-1")}))
    return state.SkipWithError("no commit");
  for (auto _ : state) benchmark::DoNotOptimize((*db)->vm("vm-1"));
}
BENCHMARK(store_read);

}  // namespace
}  // namespace chrysalis::bench
