// bench_cache OUT.json: what objects cost in a cache. The reflector and the
// store of the controller, over a transport that says so many objects and
// nothing else, in a process that holds nothing else.

#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "controller/api/objects/virtual_machine.h"
#include "controller/runtime/cluster/kube_objects.h"
#include "tests/bench/micro/realistic.h"
#include "tests/bench/rows.h"

namespace chrysalis::bench {
namespace {

constexpr size_t kObjects = 10'000;
constexpr seconds kWithin{60};

// One watch of initial events, then silence until the stop.
class ManyObjects final : public kube::Transport {
 public:
  Result<kube::Response> send(const kube::Request&, Mono,
                              std::stop_token) override {
    return fail(Code::kUnsupported, "nothing is sent here");
  }
  Result<kube::StreamOutcome> stream(const kube::Request&,
                                     kube::StreamSink& sink,
                                     const kube::StreamLimits&,
                                     std::stop_token stop) override {
    bool more = sink.opened();
    for (size_t i = 0; more && i < kObjects; ++i)
      more = sink.data(watch_line("ADDED", i));
    if (more) sink.data(end_of_initial_events(kObjects));
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, stop, kWithin, [] { return false; });
    return fail(Code::kUnavailable, "stopped");
  }
  void refresh_credential() override {}
};

double rss_bytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// Of all objects; `took`: milliseconds.
Rows rows_of(double rss, double heap, double took) {
  Rows rows;
  const std::string of = std::to_string(kObjects) +
                         " running VMs through reflector and store; lines of " +
                         std::to_string(watch_line("ADDED", 1).size()) +
                         " bytes";
  rows.add({.id = "cache.object",
            .what = "memory a cached VM, by RSS",
            .value = rss / static_cast<double>(kObjects),
            .unit = "bytes",
            .how = of});
  rows.add({.id = "cache.heap",
            .what = "memory a cached VM, by the allocator",
            .value = heap / static_cast<double>(kObjects),
            .unit = "bytes",
            .how = of + "; main arena alone"});
  rows.add({.id = "cache.rss",
            .what = "RSS of this process with 10k cached VMs",
            .value = rss_bytes() / 1e6,
            .unit = "MB",
            .how = of});
  rows.add({.id = "cache.rate",
            .what = "initial watch: VMs a second into the cache",
            .value = static_cast<double>(kObjects) / (took / 1000),
            .unit = "1/s",
            .how = "the lines are made in the same time"});
  return rows;
}

int run(const std::string& out) {
  ManyObjects transport;
  runtime::SystemTimer timer;
  kube::Client client(transport, timer);
  runtime::KubeObjects<api::VirtualMachine> vms({client, transport, timer}, "");
  const double rss_before = rss_bytes();
  const auto heap_before = static_cast<double>(::mallinfo2().uordblks);
  const Mono from = timer.mono();
  vms.start();
  if (!vms.wait_until_synced(from + kWithin) ||
      vms.cache().size() != kObjects) {
    std::cerr << "bench_cache: " << vms.cache().size() << " objects came\n";
    return 1;
  }
  const double took =
      std::chrono::duration<double, std::milli>(timer.mono() - from).count();
  const double rss = rss_bytes() - rss_before;
  const auto heap = static_cast<double>(::mallinfo2().uordblks) - heap_before;
  const Rows rows = rows_of(rss, heap, took);
  vms.stop();
  return rows.write(out) ? 0 : 1;
}

}  // namespace
}  // namespace chrysalis::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: bench_cache OUT.json\n";
    return 2;
  }
  return chrysalis::bench::run(argv[1]);
}
