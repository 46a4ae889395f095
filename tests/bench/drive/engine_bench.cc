// bench_engine BUILD_DIR OUT.json: the engine in this process, over the shim
// and a hypervisor, beside the raw hypervisor, the raw disk copy and the raw
// network, one after the other so that all see the same machine.

#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "src/base/log.h"
#include "tests/bench/drive/engine_run.h"
#include "tests/bench/drive/isolate.h"
#include "tests/bench/drive/raw_run.h"
#include "tests/bench/rows.h"

namespace chrysalis::bench {
namespace {

namespace fs = std::filesystem;

constexpr seconds kAtMost{180};
constexpr int kWarmUps = 2, kBoots = 60, kClones = 60, kPauses = 25;

using Samples = std::map<std::string, std::vector<double>>;

struct Bench {
  const Programs& programs;
  fs::path root;
  EngineRun& engine;
  RawRun& raw;
  Rows& rows;

  [[nodiscard]] engine::BootRequest boot_request(model::Hypervisor kind) const {
    engine::BootRequest request;
    request.ns = "default";
    request.name = "vm";
    request.config = config_of(kind);
    return request;
  }
  Result<> remove(const std::string& uid) const {
    CHRYSALIS_TRY(engine.run(uid, engine::DeleteVmRequest{}));
    return {};
  }
};

std::string id_of(const std::string& what, model::Hypervisor kind) {
  return what + (kind == model::Hypervisor::kCloudHypervisor ? ".ch" : ".fc");
}

std::string uid_of(const std::string& what, model::Hypervisor kind, int n) {
  return what + "-" + std::to_string(static_cast<int>(kind)) + "-" +
         std::to_string(n);
}

// Where the time goes, step by step: medians.
void add_steps(Rows& rows, const std::string& id, const std::string& what,
               const std::vector<Ran>& runs) {
  Samples intents, actions;
  std::vector<std::string> order;
  std::vector<double> ends;
  for (const Ran& ran : runs) {
    for (const StepTime& step : ran.steps) {
      if (!intents.contains(step.name)) order.push_back(step.name);
      intents[step.name].push_back(step.intent_ms);
      actions[step.name].push_back(step.actions_ms);
    }
    ends.push_back(ran.end_ms);
  }
  const auto add = [&](const std::string& step, const std::string& part,
                       const std::vector<double>& samples) {
    rows.add({.id = id + ".step." + step + "." + part,
              .what = what + ": " + step + ", " + part + ", p50",
              .value = percentile(samples, 50),
              .unit = "ms",
              .how = "between the engine's own failpoints"});
  };
  for (const std::string& name : order) {
    add(name, "intent", intents[name]);
    add(name, "actions", actions[name]);
  }
  add("end", "commit and view", ends);
}

void add_boot_rows(Rows& rows, model::Hypervisor kind, const Samples& of) {
  const std::string who(to_string(kind));
  const auto add = [&](const std::string& id, const std::string& what,
                       const std::string& key, const std::string& how) {
    rows.add_quantiles(id_of(id, kind), who + ": " + what, of.at(key), "ms",
                       how);
  };
  add("engine.boot", "engine, boot", "engine",
      "submit ... view says it runs; nobody else asks");
  add("raw.boot", "raw VMM, boot", "vmm", "exec ... boot answered; no shim");
  add("raw.disk", "raw disk copy", "disk",
      "reflink or sparse copy of 2 MiB, grown to 16 MiB, fsync");
  add("raw.network", "network of a VM, in the engine's boot", "network",
      "namespace, uplink, TAP, redirect; made again by the driver");
  add("engine.added", "added by the engine to VMM and disk copy", "added",
      "engine - raw VMM - raw disk copy, each in turn");
  rows.add({.id = id_of("engine.commits", kind),
            .what = who + ": commits a boot, at most",
            .value = percentile(of.at("commits"), 100),
            .unit = "",
            .how = "NodeDb::commits() before and after"});
}

Result<> boots(const Bench& bench, model::Hypervisor kind) {
  Samples of;
  std::vector<Ran> runs;
  for (int i = -kWarmUps; i < kBoots; ++i) {
    const std::string uid = uid_of("boot", kind, i + kWarmUps);
    CHRYSALIS_ASSIGN(Ran ran, bench.engine.run(uid, bench.boot_request(kind)));
    CHRYSALIS_TRY(bench.remove(uid));
    CHRYSALIS_ASSIGN(const RawTimes raw, bench.raw.boot(kind));
    bench.rows.fact("disk copy", raw.reflink ? "reflink" : "sparse copy");
    if (i < 0) continue;
    of["engine"].push_back(ran.ms);
    of["vmm"].push_back(raw.vmm_ms);
    of["disk"].push_back(raw.disk_ms);
    of["network"].push_back(raw.network_ms);
    of["added"].push_back(ran.ms - raw.vmm_ms - raw.disk_ms);
    of["commits"].push_back(static_cast<double>(ran.commits));
    runs.push_back(std::move(ran));
  }
  add_boot_rows(bench.rows, kind, of);
  add_steps(bench.rows, id_of("engine.boot", kind),
            std::string(to_string(kind)) + " boot", runs);
  return {};
}

// Ours over theirs, pair by pair: both of a pair saw the same moment.
void add_ratio(Rows& rows, const std::string& id, const std::string& what,
               const std::vector<double>& ours,
               const std::vector<double>& theirs) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i)
    ratios.push_back(ours[i] / theirs[i]);
  rows.add_quantiles(id, what, ratios, "x", "of each pair, made in turn");
}

Result<> pauses(const Bench& bench, model::Hypervisor kind,
                const std::string& vm) {
  std::vector<double> ours, raw;
  std::vector<Ran> runs;
  for (int i = 0; i <= kPauses; ++i) {
    const std::string uid = vm + "-s" + std::to_string(i);
    CHRYSALIS_ASSIGN(Ran ran, bench.engine.run(vm, engine::SnapshotRequest{
                                                       uid, "default", uid}));
    CHRYSALIS_ASSIGN(const auto theirs, bench.raw.pauses(kind, 2));
    if (i == 0) continue;  // the clones' own, and a warm-up
    CHRYSALIS_TRY(bench.engine.run(uid, engine::DeleteSnapshotRequest{}));
    ours.push_back(ran.pause_ms);
    raw.push_back(theirs.back());
    runs.push_back(std::move(ran));
  }
  const std::string who(to_string(kind));
  Rows& rows = bench.rows;
  rows.add_quantiles(id_of("engine.pause", kind),
                     who + ": source's pause in a snapshot", ours, "ms",
                     "pause answered ... resume answered");
  rows.add_quantiles(id_of("raw.pause", kind), who + ": raw dump + disk copy",
                     raw, "ms",
                     "pause answered ... resume answered; of another VM, its "
                     "second dump");
  add_ratio(rows, id_of("pause.ratio", kind),
            who + ": source's pause / raw dump + disk copy", ours, raw);
  add_steps(rows, id_of("engine.snapshot", kind), who + " snapshot", runs);
  return {};
}

Result<> clones(const Bench& bench, model::Hypervisor kind,
                const std::string& snapshot) {
  const auto record = bench.engine.node().db().snapshot(snapshot);
  const fs::path files = bench.engine.node().paths().snapshot(snapshot);
  std::vector<double> ours, raw;
  std::vector<Ran> runs;
  for (int i = -kWarmUps; i < kClones; ++i) {
    const std::string uid = uid_of("clone", kind, i + kWarmUps);
    engine::CloneRequest request;
    request.ns = "default";
    request.name = uid;
    request.snapshot_uid = snapshot;
    CHRYSALIS_ASSIGN(Ran ran, bench.engine.run(uid, request));
    CHRYSALIS_TRY(bench.remove(uid));
    CHRYSALIS_ASSIGN(const RawTimes times, bench.raw.load(files, *record));
    if (i < 0) continue;
    ours.push_back(ran.ms);
    raw.push_back(times.vmm_ms);
    runs.push_back(std::move(ran));
  }
  const std::string who(to_string(kind));
  Rows& rows = bench.rows;
  rows.add_quantiles(id_of("engine.clone", kind),
                     who + ": clone request -> resumed", ours, "ms",
                     "submit ... view says it runs; staging, network and, on "
                     "Cloud Hypervisor, the NIC swap in it");
  rows.add_quantiles(id_of("raw.load", kind),
                     who + ": raw VMM, spawn + load + resume", raw, "ms",
                     "exec ... resume answered; files and network ready, "
                     "no NIC swap, no shim");
  add_ratio(rows, id_of("clone.ratio", kind),
            who + ": clone request / raw spawn + load + resume", ours, raw);
  add_steps(rows, id_of("engine.clone", kind), who + " clone", runs);
  return {};
}

Result<> measure(const Bench& bench) {
  for (const auto kind : model::kHypervisors) {
    CHRYSALIS_TRY(boots(bench, kind));
    const std::string vm = uid_of("source", kind, 0);
    CHRYSALIS_TRY(bench.engine.run(vm, bench.boot_request(kind)));
    CHRYSALIS_TRY(pauses(bench, kind, vm));
    CHRYSALIS_TRY(clones(bench, kind, vm + "-s0"));
    CHRYSALIS_TRY(bench.remove(vm));
  }
  return {};
}

int run(const fs::path& root, const fs::path& build, const fs::path& out) {
  log::set_level(log::Level::kWarning);
  const Programs programs = find_programs(build);
  Rows rows;
  rows.fact("hypervisors", programs.simulated ? "SIMULATED" : "real");
  const auto done = [&]() -> Result<> {
    CHRYSALIS_TRY(make_images(root, programs));
    CHRYSALIS_ASSIGN(const auto engine, EngineRun::open(programs, root));
    RawRun raw(programs, root, root / "images");
    return measure({programs, root, *engine, raw, rows});
  }();
  if (!done) {
    std::cerr << "bench_engine: " << done.error().message << "\n";
    return 1;
  }
  return rows.write(out) ? 0 : 1;
}

}  // namespace
}  // namespace chrysalis::bench

int main(int argc, char** argv) {
  using namespace chrysalis::bench;
  return isolated_main("bench_engine", kAtMost, argc, argv, run);
}
