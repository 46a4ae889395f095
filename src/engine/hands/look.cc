// What is there: processes found again, their state, and what they say of
// themselves.

#include <algorithm>

#include "src/base/log.h"
#include "src/engine/hands/exits.h"
#include "src/engine/hands/node_hands.h"
#include "src/hypervisor/guest_view.h"
#include "src/store/record_text.h"

namespace chrysalis::engine {
namespace {

constexpr size_t kMaxRecordText = 256 << 10;

Live live_of(hypervisor::VmmState state, bool shim_lost) {
  switch (state) {
    case hypervisor::VmmState::kNotStarted:
      return Live::kStarting;
    case hypervisor::VmmState::kRunning:
      return shim_lost ? Live::kShimLost : Live::kRunning;
    case hypervisor::VmmState::kPaused:
      return Live::kPaused;
    case hypervisor::VmmState::kEnded:
      return Live::kEnded;
  }
  return Live::kStarting;
}

Seen seen_of(hypervisor::VmmState state) {
  switch (state) {
    case hypervisor::VmmState::kNotStarted:
      return Seen::kUnloaded;
    case hypervisor::VmmState::kRunning:
      return Seen::kRunning;
    case hypervisor::VmmState::kPaused:
      return Seen::kPaused;
    case hypervisor::VmmState::kEnded:
      return Seen::kEnded;
  }
  return Seen::kSilent;
}

void take_topology(const hypervisor::ReadBack& seen, model::VmConfig& config) {
  const model::Topology& shape = seen.topology;
  config.cpu = shape.cpu;
  config.memory = shape.memory;
  config.nics = static_cast<uint32_t>(shape.nics.size());
  if (!shape.nics.empty() && shape.nics.front().queue_size != 0)
    config.queue_size = shape.nics.front().queue_size;
  if (!shape.disks.empty()) {
    if (shape.disks.front().queue_size != 0)
      config.disk_queue_size = shape.disks.front().queue_size;
    if (shape.disks.front().bytes.count != 0)
      config.storage = shape.disks.front().bytes;
  }
  config.windows = seen.windows;
  config.shared_memory = seen.shared_memory;
  config.no_direct_io = seen.no_direct_io;
}

}  // namespace

std::filesystem::path NodeHands::loaded_from(
    const store::GenerationPaths& paths, model::Hypervisor kind) const {
  const bool loaded =
      deps_.fs.stat(paths.file(hypervisor::dump_files(kind).names[0]))
          .has_value();
  return loaded ? paths.directory : std::filesystem::path();
}

void NodeHands::hold(const std::string& uid, Guest& guest) {
  const auto record = deps_.db.vm(uid);
  if (!guest.process) return;
  std::filesystem::path events;
  if (record && hypervisor::capabilities(record->config.hypervisor).event_file)
    events = deps_.paths.generation(uid, guest.generation).events();
  deps_.watch.watch(uid, guest.process->pidfd(), events);
}

// The event file is read on from where it was left, by a new agent from its
// start; a VMM that has ended leaves it until its generation boots again.
void NodeHands::hear(Guest& g) {
  using What = hypervisor::VmmEvent::Kind;
  do {
    const auto events = g.events->read();
    if (!events) return;
    g.missed = g.missed || g.events->cut();
    for (const auto& event : *events) {
      if (event.kind == What::kDeviceRemoved) g.ejected.insert(event.device);
      if (event.kind == What::kRebooted) ++g.reboots;
    }
  } while (g.events->more());
}

// The record with what its VMM told since. A reboot makes the devices anew:
// what was swapped out is not among them. Where a VMM told so much that a part
// is gone, the dump will say what is still there.
store::VmRecord NodeHands::heard_of(store::VmRecord record) {
  Guest& g = held(record.uid).current;
  if (!hypervisor::capabilities(record.config.hypervisor).event_file ||
      !g.process || g.generation != record.generation)
    return record;
  if (!g.events) {
    const auto to = deps_.paths.generation(record.uid, g.generation);
    g.events.emplace(to.events());
    g.missed = deps_.fs.stat(to.old_events()).has_value();
  }
  hear(g);
  record.guest_reboots =
      std::max(record.guest_reboots, record.guest_reboots_before + g.reboots);
  std::erase_if(record.ejecting, [&](const std::string& id) {
    return g.missed || g.reboots != 0 || g.ejected.contains(id);
  });
  return record;
}

hypervisor::ProcessIds NodeHands::ids_of(const store::ProcessRow& row) {
  hypervisor::ProcessIds ids;
  ids.shim = {row.shim_pid, row.shim_start};
  ids.vmm = {row.vmm_pid, row.vmm_start};
  ids.boot_id = row.boot_id;
  return ids;
}

// Only what is known to be gone is gone: after any other error, a VMM may live.
Result<> NodeHands::find(const std::string& uid, uint32_t generation,
                         Guest& guest) {
  if (guest.exists() || guest.found) return {};
  for (const auto& row : deps_.db.processes(uid)) {
    if (row->generation != generation) continue;
    auto process = hypervisor::Launcher::adopt(ids_of(*row));
    if (!process && process.error().code == Code::kNotFound) continue;
    if (!process) return tl::unexpected(process.error());
    guest.generation = generation;
    guest.process.emplace(std::move(*process));
  }
  guest.found = true;
  return {};
}

// Its shim says whether it was ever executed.
Seen NodeHands::see_end(const std::string& uid, uint32_t generation) {
  const Mono deadline = deps_.clock.mono() + deps_.config.adopt_deadline;
  for (const auto& row : deps_.db.processes(uid)) {
    if (row->generation != generation) continue;
    const auto exit = hypervisor::read_exit_of(
        ids_of(*row), deps_.paths.generation(uid, generation).exit_status(),
        deadline);
    if (exit && *exit &&
        (*exit)->kind == hypervisor::ExitRecord::Kind::kNotStarted)
      return Seen::kNeverRan;
  }
  return Seen::kGone;
}

Seen NodeHands::see(const store::VmRecord& record, uint32_t generation,
                    Guest& guest) {
  if (!guest.process || guest.process->ended())
    return see_end(record.uid, generation);
  const hypervisor::Vmm vmm{
      deps_.paths.generation(record.uid, generation).api_socket(),
      guest.process->pidfd()};
  const auto& vm = backend(record.config.hypervisor);
  // A dump that a former agent began blocks the API until it is written.
  const Mono deadline = deps_.clock.mono() + deps_.config.adopt_deadline;
  const bool answers = vm.ready(vmm, deadline).has_value();
  if (answers)
    if (const auto state = vm.state(vmm)) return seen_of(*state);
  if (guest.process->ended()) return see_end(record.uid, generation);
  return Seen::kSilent;
}

Result<> NodeHands::take_hold(const std::string& uid) {
  const auto record = deps_.db.vm(uid);
  if (!record) return {};
  Held& h = held(uid);
  CHRYSALIS_TRY(find(uid, record->generation, h.current));
  CHRYSALIS_TRY(find(uid, record->generation + 1, h.next));
  hold(uid, h.current);
  return {};
}

// The records and the snapshot of a job of which the journal told the rest.
void NodeHands::take_up(const std::string& uid, const store::VmRecord* record,
                        Job& job) {
  const uint32_t next = job.after.generation;
  const std::string about = job.snapshot_uid.empty() ? uid : job.snapshot_uid;
  if (const auto snapshot = deps_.db.snapshot(about)) {
    job.snapshot = *snapshot;
    job.snapshot_uid = about;
  }
  if (record == nullptr) return;
  job.before = job.after = *record;
  if (next != record->generation && next != 0) {
    job.after.generation = next;
    const auto text = read_file(
        deps_.fs, deps_.paths.generation(uid, next).vm_json(), kMaxRecordText);
    if (text) {
      const auto staged = store::vm_record_from_text(*text);
      if (staged && staged->uid == uid) job.after = *staged;
    }
  }
  // The record of a generation was written before its processes were made.
  for (const auto& row : deps_.db.processes(uid))
    if (row->generation == job.after.generation)
      job.after.boot_id = row->boot_id;
}

Observed NodeHands::adopt(const std::string& uid, Job* job) {
  const auto record = deps_.db.vm(uid);
  if (job != nullptr) take_up(uid, record.get(), *job);
  if (!record) return {};
  Held& h = held(uid);
  Observed out;
  out.current = see(*record, record->generation, h.current);
  out.next = see(job != nullptr ? job->after : *record, record->generation + 1,
                 h.next);
  // The record may be of a VMM that a boot before this operation ran.
  const auto boot = hypervisor::read_boot_id();
  const bool told = job != nullptr && !job->boot_id.empty();
  out.same_boot = boot && *boot == (told ? job->boot_id : record->boot_id);
  return out;
}

void NodeHands::read_back(const store::VmRecord& record, Guest& guest,
                          Look& look) {
  const auto to = deps_.paths.generation(record.uid, record.generation);
  const hypervisor::Vmm vmm{to.api_socket(), guest.process->pidfd()};
  const auto seen =
      backend(record.config.hypervisor)
          .read_back(vmm, loaded_from(to, record.config.hypervisor));
  if (!seen) {
    log::warning("read-back failed",
                 {{"uid", record.uid}, {"message", seen.error().message}});
    return;
  }
  model::VmConfig config = record.config;
  take_topology(*seen, config);
  look.read_back = std::move(config);
}

// Its process idles until it is killed for good: what the shim writes then is
// how we ended it, not how the guest did.
ExitView NodeHands::see_power_off(store::VmRecord& record) {
  Held& h = held(record.uid);
  if (!h.exit) h.exit = recorded_power_off(record);
  if (!h.exit) {
    const Wall now = deps_.clock.wall();
    h.exit = power_off_at(std::max(now, record.started_at.value_or(now)));
  }
  record.last_exit = to_record(*h.exit);
  return *h.exit;
}

Look NodeHands::look(const std::string& uid) {
  Look look;
  const auto record = deps_.db.vm(uid);
  if (!record) return look;
  for (const store::Nic& nic : record->nics)
    look.nics.push_back({nic.id, nic.mac, nic.guest_mac});
  Guest& guest = held(uid).current;
  store::VmRecord seen = heard_of(*record);
  if (guest.process && !guest.process->ended()) {
    const auto to = deps_.paths.generation(uid, record->generation);
    const auto state = backend(record->config.hypervisor)
                           .state({to.api_socket(), guest.process->pidfd()});
    // Existence is the process: a silent API is no end.
    look.live =
        state ? live_of(*state, guest.process->shim_lost()) : Live::kStarting;
    look.unread = !state && !guest.process->ended();
    look.must_reap = look.live == Live::kEnded;
    if (look.live != Live::kStarting && !look.must_reap)
      read_back(*record, guest, look);
    if (look.must_reap) look.exit = see_power_off(seen);
    if (seen != *record) look.rows.emplace_back(std::move(seen));
    return look;
  }
  if (seen != *record) look.rows.emplace_back(std::move(seen));
  bool recorded = false;
  for (const auto& row : deps_.db.processes(uid))
    recorded = recorded || row->generation == record->generation;
  look.must_reap = recorded || guest.process;
  const bool stopped = record->power == model::PowerState::kStopped ||
                       (!record->first_booted && !record->last_exit);
  look.live = stopped && !look.must_reap ? Live::kStopped : Live::kEnded;
  if (look.live == Live::kEnded) look.exit = recorded_exit(*record);
  return look;
}

}  // namespace chrysalis::engine
