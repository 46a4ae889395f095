#include "controller/runtime/directory/directory_objects.h"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/runtime/directory/directory_watch.h"
#include "controller/runtime/directory/identity.h"
#include "controller/runtime/directory/judge.h"
#include "controller/runtime/directory/kind_objects.h"
#include "controller/runtime/directory/manifest_reader.h"
#include "controller/runtime/directory/new_uid.h"
#include "controller/runtime/directory/orphan.h"
#include "controller/runtime/directory/presentation.h"
#include "controller/runtime/directory/refusal_status.h"
#include "controller/runtime/directory/status_files.h"
#include "src/base/log.h"

namespace chrysalis::runtime::directory {
namespace {

using store::IdentityRow;
using Row = store::Shared<IdentityRow>;

constexpr api::Kind kVm = api::Kind::kVirtualMachine;

std::string kind_name(api::Kind kind) {
  return std::string(api::names_of(kind).kind);
}

class LogEvents final : public EventSink {
 public:
  void tell(EventNote note) override {
    // Many transitions are told by their reason alone.
    log::write(note.warning ? log::Level::kWarning : log::Level::kInfo,
               note.message.empty() ? note.reason : note.message,
               {{"kind", api::names_of(note.kind).kind},
                {"object", to_string(note.key)},
                {"reason", note.reason},
                {"action", note.action}});
  }
};

class Directory final : public DirectoryObjects, private ObjectHost {
 public:
  Directory(Options options, Deps deps)
      : options_(std::move(options)),
        deps_(deps),
        reader_(options_.manifests, rules_, disk_clock_),
        status_files_(deps.files, options_.manifests),
        watch_(options_.manifests),
        vms_(kVm, *this),
        snapshots_(api::Kind::kVmSnapshot, *this) {}
  ~Directory() override { stop(); }

  Result<> load();

  ObjectStore store() override { return {vms_, snapshots_, events_}; }
  Result<> start() override;
  void stop() override;
  Result<> scan() override {
    const std::lock_guard lock(writing_);
    return scan_locked();
  }
  [[nodiscard]] std::vector<Said> said() const override {
    const std::lock_guard lock(writing_);
    return said_;
  }
  Result<std::string> ask_delete(const ObjectId& id) override;
  Result<> wait_gone(const ObjectId& id, const std::string& uid, Mono deadline,
                     std::stop_token stop) override;

 private:
  // ---- ObjectHost
  std::mutex& writing() override { return writing_; }
  std::string next_version() override { return std::to_string(++version_); }
  void status_written(const ObjectId& id) override { write_status_file(id); }
  Result<> finalized(const ObjectId& id) override;

  // ---- all below: under writing_
  Result<> scan_locked();
  Result<> take(const Decision& decision);
  void tell(std::vector<Said> said);
  [[nodiscard]] View view() const;
  [[nodiscard]] Row row_of(const ObjectId& id) const {
    return deps_.db.identity(kind_name(id.kind), id.ns, id.name);
  }
  [[nodiscard]] Shown shown(const IdentityRow& row) const;
  Result<> remember(std::vector<IdentityRow> rows);

  // What reconcilers see of an object, brought up to date.
  struct Presented {
    Row row;  // null: never
    Shown how = Shown::kHidden;
    std::string fault;  // a spec that this version does not read
  };
  void refresh(const ObjectId& id);
  template <class T, class Present>
  bool show(const ObjectId& id, KindObjects<T>& objects, Presented& presented,
            Present present);  // true: something changed
  void refresh_all();
  void seed_status(const ObjectId& id, const IdentityRow& row);
  void refuse(std::map<ObjectId, Refusal> refused);
  void write_status_file(const ObjectId& id);
  template <class T>
  void write_status_file(const ObjectId& id, const KindObjects<T>& objects);
  template <class T>
  [[nodiscard]] std::string text_of(const ObjectId& id, const T& object) const;
  [[nodiscard]] Here here() const {
    return {options_.node_name, options_.finalizer};
  }
  // Why a manifest may still ask for it; empty: none does.
  [[nodiscard]] std::string asked_by(const ObjectId& id,
                                     const IdentityRow* row) const;
  Result<IdentityRow> deletable(const ObjectId& id) const;
  void watch_until_stopped(const std::stop_token& stop);

  struct Standing {  // a refusal and since when
    Refusal refusal;
    Wall since{};
  };

  const Options options_;
  const Deps deps_;
  const Rulebook rules_;
  const SystemClock disk_clock_;

  mutable std::mutex writing_;
  std::condition_variable_any gone_;
  ManifestReader reader_;
  StatusFiles status_files_;
  Scan last_;  // its documents: what the directory asks for now
  std::vector<Said> said_;
  std::map<ObjectId, Presented> presented_;
  bool swept_ = false;  // of status files that nobody stands for
  std::map<ObjectId, Standing> refused_;
  uint64_t version_ = 0;

  DirectoryWatch watch_;
  LogEvents events_;
  KindObjects<api::VirtualMachine> vms_;
  KindObjects<api::VmSnapshot> snapshots_;
  std::jthread thread_;  // last: it uses all of the above
};

// ---- life

Result<> Directory::load() {
  const std::lock_guard lock(writing_);
  bool remembered = false;
  for (const Row& row : deps_.db.identities()) {
    ObjectId id;
    if (!id_of(*row, id)) continue;
    remembered = true;
    refresh(id);
    seed_status(id, *row);
  }
  CHRYSALIS_TRY(scan_locked());
  if (last_.failure && !remembered)
    return fail(Code::kNotFound, *last_.failure);
  vms_.now_synced();
  snapshots_.now_synced();
  return {};
}

Result<> Directory::start() {
  thread_ = std::jthread(
      [this](const std::stop_token& stop) { watch_until_stopped(stop); });
  return {};
}

void Directory::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  watch_.wake();
  thread_.join();
}

void Directory::watch_until_stopped(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    watch_.arm();
    // A refusal of node.db is logged where it was met; the next scan tries.
    (void)scan();
    watch_.wait(options_.rescan);
  }
}

// ---- scans

View Directory::view() const {
  View view;
  for (const Row& row : deps_.db.identities()) {
    ObjectId id;
    if (!id_of(*row, id) || row->manifest.empty()) continue;
    view[id] = {row->manifest, row->spec};
  }
  return view;
}

Result<> Directory::scan_locked() {
  last_ = reader_.scan();
  if (!last_.failure) status_files_.retry(reader_.status_files());
  Decision decision = decide(view(), last_);
  const auto taken = decision.disregarded ? Result<>{} : take(decision);
  refresh_all();
  if (!taken)
    decision.said.push_back(
        {"", 0, "nothing was changed: " + taken.error().message});
  tell(std::move(decision.said));
  return taken;
}

Result<> Directory::take(const Decision& decision) {
  auto judged = judge(
      decision, {.rules = rules_,
                 .node_name = options_.node_name,
                 .now = deps_.clock.wall(),
                 .known = [this](const ObjectId& id) { return row_of(id); },
                 .new_uid = new_uid});
  CHRYSALIS_TRY(remember(std::move(judged.rows)));
  refuse(std::move(judged.refused));
  if (!swept_) status_files_.remove_left_over(reader_.status_files());
  swept_ = true;
  return {};
}

Result<> Directory::remember(std::vector<IdentityRow> rows) {
  std::vector<store::Mutation> mutations;
  for (IdentityRow& row : rows) {
    const auto before = deps_.db.identity(row.kind, row.ns, row.name);
    if (!before || *before != row) mutations.emplace_back(std::move(row));
  }
  if (mutations.empty()) return {};
  return deps_.db.commit(std::move(mutations));
}

// Says what is new; what was said and still stands is not repeated.
void Directory::tell(std::vector<Said> said) {
  for (const auto& [id, standing] : refused_)
    said.push_back({standing.refusal.file, standing.refusal.line,
                    to_string(id) + ": " + standing.refusal.message});
  std::ranges::copy(status_files_.said(), std::back_inserter(said));
  for (const auto& [id, presented] : presented_)
    if (!presented.fault.empty())
      said.push_back({presented.row->manifest, 0, presented.fault});
  std::ranges::sort(said);
  std::vector<Said> news;
  std::ranges::set_difference(said, said_, std::back_inserter(news));
  for (const Said& one : news)
    log::warning("manifests", {{"said", to_string(one)}});
  said_ = std::move(said);
}

// ---- what is shown

Shown Directory::shown(const IdentityRow& row) const {
  NodeData data;
  data.any = deps_.db.vm(row.uid) != nullptr;
  for (const auto& operation : deps_.db.operations(row.uid))
    data.any = data.any || operation->state == store::OperationState::kRunning;
  const auto snapshot = deps_.db.snapshot(row.uid);
  data.published = snapshot && snapshot->ready;
  return shown_as(row, data);
}

void Directory::refresh(const ObjectId& id) {
  const Row row = row_of(id);
  const Shown how = row ? shown(*row) : Shown::kHidden;
  Presented& presented = presented_[id];
  if (row && presented.row == row && presented.how == how) return;
  presented = {row, how, {}};
  const bool changed = id.kind == kVm
                           ? show(id, vms_, presented, present_vm)
                           : show(id, snapshots_, presented, present_snapshot);
  // Its header, or the note on top of the file.
  if (changed && status_files_.has(id)) write_status_file(id);
  if (!row) presented_.erase(id);
}

template <class T, class Present>
bool Directory::show(const ObjectId& id, KindObjects<T>& objects,
                     Presented& presented, Present present) {
  if (presented.how == Shown::kHidden) {
    objects.hide(id);
    return true;
  }
  auto object = present(*presented.row, presented.how, here());
  if (object) return objects.show(std::move(*object));
  presented.fault = to_string(id) + ": " + object.error().message;
  return false;
}

void Directory::refresh_all() {
  for (const Row& row : deps_.db.identities()) {
    ObjectId id;
    if (id_of(*row, id)) refresh(id);
  }
}

// Once, at the start: its status as it was last written.
void Directory::seed_status(const ObjectId& id, const IdentityRow& row) {
  auto file = status_files_.read(id);
  if (!file) return;
  const auto seed = [&](auto& objects, auto decoded) {
    const auto current = objects.get({id.ns, id.name});
    if (!decoded || !current || decoded->meta.uid != row.uid) return;
    decoded->status.node_name = options_.node_name;
    unsay_refused(decoded->status.conditions);
    objects.seed(*current, std::move(decoded->status));
  };
  (*file)["spec"] = object_of(id, row.spec)["spec"];
  if (id.kind == kVm)
    seed(vms_, api::decode_vm(*file));
  else
    seed(snapshots_, api::decode_snapshot(*file));
}

// ---- status files

template <class T>
std::string Directory::text_of(const ObjectId& id, const T& object) const {
  auto status = object.status;
  const auto refused = refused_.find(id);
  if (refused != refused_.end())
    say_refused(status.conditions, refused->second.refusal,
                object.meta.generation, refused->second.since);
  const Row row = row_of(id);
  const bool removed = row && row->manifest.empty() && !row->deleted_at;
  return status_text(id, object.meta, api::encode_status(status),
                     removed ? removed_note(id) : std::string{});
}

template <class T>
void Directory::write_status_file(const ObjectId& id,
                                  const KindObjects<T>& objects) {
  if (const auto object = objects.get({id.ns, id.name}))
    return status_files_.write(id, text_of(id, *object));
  if (!refused_.contains(id)) return status_files_.remove(id);
  T object;  // never accepted: it has no uid
  object.meta.ns = id.ns;
  object.meta.name = id.name;
  object.status.node_name = options_.node_name;
  status_files_.write(id, text_of(id, object));
}

void Directory::write_status_file(const ObjectId& id) {
  id.kind == kVm ? write_status_file(id, vms_)
                 : write_status_file(id, snapshots_);
}

// Takes the refusals of a scan in place of those before.
void Directory::refuse(std::map<ObjectId, Refusal> refused) {
  std::vector<ObjectId> changed;
  for (const auto& [id, standing] : refused_)
    if (!refused.contains(id)) changed.push_back(id);
  for (const ObjectId& id : changed) refused_.erase(id);
  for (auto& [id, refusal] : refused) {
    const auto [at, is_new] = refused_.try_emplace(id);
    if (!is_new && at->second.refusal == refusal) continue;
    at->second = {std::move(refusal), deps_.clock.wall()};
    changed.push_back(id);
  }
  for (const ObjectId& id : changed) write_status_file(id);
}

// ---- deletion

std::string Directory::asked_by(const ObjectId& id,
                                const IdentityRow* row) const {
  for (const ScannedFile& file : last_.files) {
    for (const Document& document : file.documents)
      if (document.id == id) return file.name + " asks for it";
    if (file.doubtful && row != nullptr && row->manifest == file.name)
      return file.name + " asked for it and cannot be understood now";
  }
  return {};
}

Result<IdentityRow> Directory::deletable(const ObjectId& id) const {
  const Row known = row_of(id);
  if (known && known->deleted_at) return *known;  // asked before
  if (last_.failure) return fail(Code::kUnavailable, *last_.failure);
  if (auto file = asked_by(id, known.get()); !file.empty())
    return fail(Code::kConflict, to_string(id) + ": " + file +
                                     "; remove it from there first, or it "
                                     "would come back at once");
  if (known) {
    IdentityRow row = without_manifest(*known);
    return deleting(std::move(row), deps_.clock.wall());
  }
  if (auto orphan = orphan_of(id, deps_.db))
    return deleting(std::move(*orphan), deps_.clock.wall());
  return fail(Code::kNotFound, "there is no " + to_string(id));
}

Result<std::string> Directory::ask_delete(const ObjectId& id) {
  const std::lock_guard lock(writing_);
  CHRYSALIS_TRY(scan_locked());
  CHRYSALIS_ASSIGN(const IdentityRow row, deletable(id));
  CHRYSALIS_TRY(remember({row}));
  refresh(id);
  return row.uid;
}

Result<> Directory::finalized(const ObjectId& id) {
  CHRYSALIS_TRY(deps_.db.commit(
      {store::EraseIdentity{kind_name(id.kind), id.ns, id.name}}));
  refresh(id);
  write_status_file(id);
  gone_.notify_all();
  watch_.wake();  // its manifest may have come back meanwhile
  return {};
}

Result<> Directory::wait_gone(const ObjectId& id, const std::string& uid,
                              Mono deadline, std::stop_token stop) {
  std::unique_lock lock(writing_);
  const auto gone = [&] {
    const Row row = row_of(id);
    return !row || row->uid != uid;
  };
  if (gone_.wait_until(lock, stop, deadline, gone)) return {};
  if (stop.stop_requested())
    return fail(Code::kUnavailable, "stopping; " + to_string(id) +
                                        " will be deleted by the next start");
  return fail(Code::kTimeout,
              to_string(id) + " is being deleted, but not gone yet");
}

}  // namespace

Result<std::unique_ptr<DirectoryObjects>> DirectoryObjects::open(
    Options options, Deps deps) {
  auto directory = std::make_unique<Directory>(std::move(options), deps);
  CHRYSALIS_TRY(directory->load());
  return directory;
}

}  // namespace chrysalis::runtime::directory
