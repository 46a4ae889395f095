#include "tests/bench/drive/cluster_runs.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "tests/bench/drive/stopwatch.h"

namespace chrysalis::bench {
namespace {

using nlohmann::json;
using Samples = std::map<std::string, std::vector<double>>;

constexpr seconds kWithin{30};
constexpr int kWarmUps = 3;

bool is_running(const Seen& seen) { return has_phase(seen, "Running"); }

std::string suffix(model::Hypervisor kind) {
  return kind == model::Hypervisor::kCloudHypervisor ? ".ch" : ".fc";
}

struct Cpu {
  double agent_ms = 0, controller_ms = 0;
  [[nodiscard]] double both() const { return agent_ms + controller_ms; }
};
Result<Cpu> cpu_of(const ClusterWorld& world) {
  CHRYSALIS_ASSIGN(const Use agent, use_of(world.agent()));
  CHRYSALIS_ASSIGN(const Use controller, use_of(world.controller()));
  return Cpu{agent.cpu_ms, controller.cpu_ms};
}

// What the writes to one VM said, and when the watch showed each.
void add_timeline(const std::vector<Seen>& history, Mono from, Samples& of,
                  std::vector<std::string>& order) {
  json before;
  for (const Seen& seen : history) {
    const json& now = seen.object;
    std::string what = "created";
    if (!before.is_null()) {
      const bool finalizer = now["metadata"].value("finalizers", json()) !=
                             before["metadata"].value("finalizers", json());
      const json status = now.value("status", json::object());
      what = finalizer ? "finalizer"
                       : "status, phase " +
                             status.value("phase", std::string("none")) +
                             (status.contains("nodeName") ? ", placed" : "");
    }
    before = now;
    if (!of.contains(what)) order.push_back(what);
    of[what].push_back(in_ms(from, seen.at));
  }
}

struct Boot {
  double ms = 0;
  Cpu cpu{};
  Mono from{};
  std::vector<Seen> history{};
};

Result<Boot> boot_one(const ClusterBench& bench, const std::string& name,
                      const json& spec) {
  CHRYSALIS_ASSIGN(const Cpu before, cpu_of(bench.world));
  Boot boot{.from = Mono::clock::now()};
  CHRYSALIS_TRY(bench.apply(name, spec));
  CHRYSALIS_ASSIGN(const Seen ran, bench.vms.wait(name, is_running, kWithin));
  boot.ms = in_ms(boot.from, ran.at);
  CHRYSALIS_ASSIGN(const Cpu after, cpu_of(bench.world));
  boot.cpu = {after.agent_ms - before.agent_ms,
              after.controller_ms - before.controller_ms};
  boot.history = bench.vms.take(name);
  CHRYSALIS_TRY(bench.remove(name));
  return boot;
}

void add_boot_rows(Rows& rows, model::Hypervisor kind, const Samples& of) {
  const std::string who(to_string(kind));
  const std::string end = suffix(kind);
  const auto add = [&](const std::string& id, const std::string& what,
                       const std::string& key, const std::string& how) {
    rows.add_quantiles(id + end, who + ": " + what, of.at(key), "ms", how);
  };
  add("boot", "apply -> Running, end to end", "boot",
      "create sent ... a watch shows phase Running; one VM after another");
  add("boot.added", "apply -> Running, added", "added",
      "end to end - bare writes in a row - raw VMM - raw disk copy, each "
      "measured after each VM; the network is ours");
  add("boot.added.turn", "the same, bare writes in turn", "turn",
      "each bare write waits until a watch shows the one before, as an "
      "operator must");
  add("boot.api", "API server's share: bare writes in a row", "api",
      "the create and the very patches that were seen, to a kind that nobody "
      "reconciles; until a watch shows the last");
  add("boot.api.turn", "bare writes in turn", "api.turn", "as above");
  add("boot.vmm", "VMM's share", "vmm", "exec ... boot answered; no shim");
  add("boot.disk", "disk copy's share", "disk",
      "copy of 2 MiB or reflink, grown, fsync");
  add("boot.cpu", "CPU of controller + agent a VM", "cpu",
      "process CPU clocks over apply -> Running; children (shims) not in it");
  add("boot.cpu.controller", "of that the controller's", "cpu.controller",
      "as above");
  add("boot.cpu.host", "CPU of network and disk copy alone", "cpu.host",
      "in the agent's figure above; made again by the driver, timed by its "
      "own process clock");
}

void add_timeline_rows(Rows& rows, model::Hypervisor kind, const Samples& of,
                       const std::vector<std::string>& order) {
  int n = 0;
  for (const std::string& what : order)
    rows.add({.id = "boot.timeline" + suffix(kind) + "." + std::to_string(n++),
              .what = std::string(to_string(kind)) + ": watch shows: " + what,
              .value = percentile(of.at(what), 50),
              .unit = "ms",
              .how = "since the create was sent, p50"});
}

}  // namespace

Result<> ClusterBench::apply(const std::string& name, const json& spec) const {
  CHRYSALIS_TRY(world.client().create(kVms, "default",
                                      {{"apiVersion", "chrysalis.dev/v1alpha1"},
                                       {"kind", "VirtualMachine"},
                                       {"metadata", {{"name", name}}},
                                       {"spec", spec}}));
  return {};
}

Result<> ClusterBench::apply_placed(const std::string& name,
                                    const json& spec) const {
  CHRYSALIS_TRY(apply(name, spec));
  CHRYSALIS_ASSIGN(const kube::Object object,
                   world.client().get(kVms, {"default", name}));
  CHRYSALIS_TRY(world.client().apply_status(
      kVms, {{"default", name}, object.meta.resource_version},
      {{"nodeName", kNode}, {"observedGeneration", 1}}));
  return {};
}

Result<> ClusterBench::apply_snapshot(const std::string& name,
                                      const std::string& vm) const {
  CHRYSALIS_TRY(world.client().create(
      kSnapshots, "default",
      {{"apiVersion", "chrysalis.dev/v1alpha1"},
       {"kind", "VMSnapshot"},
       {"metadata", {{"name", name}}},
       {"spec", {{"source", {{"virtualMachine", {{"name", vm}}}}}}}}));
  return {};
}

Result<> ClusterBench::remove(const std::string& name) const {
  CHRYSALIS_TRY(world.client().remove(kVms, {"default", name}));
  CHRYSALIS_TRY(vms.wait(name, is_deleted, kWithin));
  (void)vms.take(name);
  return {};
}

json boot_spec(model::Hypervisor kind) {
  return {{"hypervisor", std::string(to_string(kind))},
          {"source", {{"image", {{"name", image_of(kind)}}}}},
          {"stopGracePeriodSeconds", 0},
          {"resources",
           {{"cpu", 1}, {"memory", "64Mi"}, {"storage", "16Mi"}, {"nics", 1}}}};
}

json clone_spec(const std::string& snapshot) {
  return {{"source", {{"snapshot", {{"name", snapshot}}}}},
          {"stopGracePeriodSeconds", 0}};
}

Result<> measure_boots(const ClusterBench& bench, model::Hypervisor kind,
                       int count) {
  Samples of, timeline;
  std::vector<std::string> order;
  const json spec = boot_spec(kind);
  size_t line_bytes = 0;
  for (int i = -kWarmUps; i < count; ++i) {
    const std::string name = (i < 0 ? "warm" : "boot") +
                             suffix(kind).substr(1) + "-" +
                             std::to_string(i + kWarmUps);
    CHRYSALIS_ASSIGN(const Boot boot, boot_one(bench, name, spec));
    CHRYSALIS_ASSIGN(const BareTimes api,
                     bench.bare.replay(spec, boot.history));
    CHRYSALIS_ASSIGN(const RawTimes raw, bench.raw.boot(kind));
    if (i < 0) continue;
    const double others = raw.vmm_ms + raw.disk_ms;
    of["boot"].push_back(boot.ms);
    of["cpu"].push_back(boot.cpu.both());
    of["cpu.controller"].push_back(boot.cpu.controller_ms);
    of["cpu.host"].push_back(raw.host_cpu_ms);
    of["api"].push_back(api.in_a_row_ms);
    of["api.turn"].push_back(api.in_turn_ms);
    of["vmm"].push_back(raw.vmm_ms);
    of["disk"].push_back(raw.disk_ms);
    of["added"].push_back(boot.ms - api.in_a_row_ms - others);
    of["turn"].push_back(boot.ms - api.in_turn_ms - others);
    line_bytes = boot.history.back().bytes;
    add_timeline(boot.history, boot.from, timeline, order);
  }
  add_boot_rows(bench.rows, kind, of);
  add_timeline_rows(bench.rows, kind, timeline, order);
  bench.rows.add({.id = "watch.line" + suffix(kind),
                  .what = "a watch line of a running VM",
                  .value = static_cast<double>(line_bytes),
                  .unit = "bytes",
                  .how = "as the server sent it"});
  return {};
}

Result<> measure_clones(const ClusterBench& bench, int count) {
  const auto kind = model::Hypervisor::kCloudHypervisor;
  CHRYSALIS_TRY(bench.apply("source", boot_spec(kind)));
  CHRYSALIS_TRY(bench.vms.wait("source", is_running, kWithin));
  const Stopwatch watch;
  CHRYSALIS_TRY(bench.apply_snapshot("golden", "source"));
  CHRYSALIS_TRY(bench.snapshots.wait("golden", is_ready, kWithin));
  bench.rows.add({.id = "snapshot.ch",
                  .what = "CloudHypervisor: snapshot applied -> Ready",
                  .value = watch.ms(),
                  .unit = "ms",
                  .how = "once; a watch shows Ready"});
  std::vector<double> took;
  for (int i = -kWarmUps; i < count; ++i) {
    const std::string name = "clone-" + std::to_string(i + kWarmUps);
    CHRYSALIS_ASSIGN(const Boot clone,
                     boot_one(bench, name, clone_spec("golden")));
    if (i >= 0) took.push_back(clone.ms);
  }
  bench.rows.add_quantiles(
      "clone.ch", "CloudHypervisor: clone applied -> Running, end to end", took,
      "ms", "create sent ... a watch shows phase Running");
  return {};
}

namespace {

struct Counts {
  double kinds = 0, leases = 0;
};
Counts writes_so_far(const ClusterBench& bench) {
  Counts counts;
  for (const auto& event : bench.world.server().audit_events()) {
    if (!event.is_write() || !event.user_agent.starts_with("chrysalis/"))
      continue;
    if (event.group == "chrysalis.dev") ++counts.kinds;
    if (event.group == "coordination.k8s.io") ++counts.leases;
  }
  return counts;
}

void add_rss(Rows& rows, const std::string& id, const std::string& who,
             const Use& use) {
  rows.add({.id = id,
            .what = who + ", RSS",
            .value = use.rss_mb,
            .unit = "MB",
            .how = "VmRSS; not shared with a file: " +
                   std::to_string(static_cast<int>(use.anonymous_mb)) + " MB"});
}

}  // namespace

Result<> measure_idle(const ClusterBench& bench, seconds time) {
  // What is under way ends first.
  for (int i = 0; i < 5 && !bench.vms.silent_for(seconds{1}); ++i) {
  }
  const Counts before = writes_so_far(bench);
  CHRYSALIS_ASSIGN(const Cpu cpu_before, cpu_of(bench.world));
  const bool silent = bench.vms.silent_for(time);
  CHRYSALIS_ASSIGN(const Cpu cpu_after, cpu_of(bench.world));
  const Counts after = writes_so_far(bench);
  const std::string over =
      "audit log over " + std::to_string(time.count()) +
      " s, one VM running, one snapshot" +
      (silent ? "" : "; a watch showed something before the time was over");
  Rows& rows = bench.rows;
  rows.add({.id = "idle.writes",
            .what = "API writes when idle, to our two kinds",
            .value = after.kinds - before.kinds,
            .unit = "",
            .how = over});
  rows.add({.id = "idle.leases",
            .what = "lease renewals in that time",
            .value = after.leases - before.leases,
            .unit = "",
            .how = over});
  rows.add({.id = "idle.cpu",
            .what = "CPU of controller + agent when idle",
            .value = (cpu_after.both() - cpu_before.both()) /
                     static_cast<double>(time.count()),
            .unit = "ms/s",
            .how = over});
  CHRYSALIS_ASSIGN(const Use controller, use_of(bench.world.controller()));
  CHRYSALIS_ASSIGN(const Use agent, use_of(bench.world.agent()));
  add_rss(rows, "rss.controller", "controller, idle", controller);
  add_rss(rows, "rss.agent", "agent, idle, one VM", agent);
  return {};
}

// The node has not the memory of so many, so placement would refuse them: they
// are placed by hand, and the controller is gone.
Result<> measure_many(const ClusterBench& bench, size_t count, seconds within) {
  bench.world.end_controller();
  json spec = boot_spec(model::Hypervisor::kCloudHypervisor);
  spec["powerState"] = "Stopped";
  spec["source"]["image"]["name"] = "bare";
  spec["resources"]["nics"] = 0;
  const Stopwatch watch;
  const double at_most = static_cast<double>(milliseconds(within).count());
  for (size_t i = 0; i < count && watch.ms() < at_most; ++i)
    CHRYSALIS_TRY(bench.apply_placed("many-" + std::to_string(i), spec));
  const size_t there = bench.vms.wait_for_many(
      count, [](const Seen& seen) { return has_phase(seen, "Stopped"); },
      within);
  const double took = watch.ms();
  CHRYSALIS_ASSIGN(const Use agent, use_of(bench.world.agent()));
  add_rss(bench.rows, "rss.agent.many",
          "agent with " + std::to_string(there) + " VMs, none started", agent);
  bench.rows.add({.id = "many.rate",
                  .what = "VMs made a second, not started",
                  .value = static_cast<double>(there) / (took / 1000),
                  .unit = "1/s",
                  .how = "one client creates and places, one after another"});
  if (there < count)
    bench.rows.note("of " + std::to_string(count) + " stopped VMs only " +
                    std::to_string(there) + " were made in time");
  return {};
}

void count_writes(const ClusterBench& bench, const std::string& prefix,
                  const std::string& id, const std::string& what) {
  std::map<std::string, int> by_name;
  std::map<std::string, bool> deleted;
  for (const auto& event : bench.world.server().audit_events()) {
    if (event.resource != "virtualmachines" || !event.is_write() ||
        !event.name.starts_with(prefix))
      continue;
    if (event.verb == "delete") deleted[event.name] = true;
    if (event.user_agent.starts_with("chrysalis/") && !deleted[event.name])
      ++by_name[event.name];
  }
  std::vector<double> counts;
  for (const auto& [name, writes] : by_name) counts.push_back(writes);
  if (counts.empty()) return bench.rows.note(what + ": none in the audit log");
  bench.rows.add(
      {.id = id,
       .what = what,
       .value = percentile(counts, 100),
       .unit = "",
       .how = "audit log, writes of controller and agent before "
              "the delete, at most of any; median " +
              std::to_string(static_cast<int>(percentile(counts, 50))) +
              "; n=" + std::to_string(counts.size())});
}

}  // namespace chrysalis::bench
