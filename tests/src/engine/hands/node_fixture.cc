#include "tests/src/engine/hands/node_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "src/base/unique_fd.h"
#include "src/hypervisor/process_identity.h"
#include "src/model/guest_files.h"
#include "src/network/vm_network.h"
#include "tests/fakes/own_host.h"

namespace chrysalis::engine {
namespace {

constexpr off_t kGuestPage = 0x200000;

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

void NodeTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED LOUDLY: needs root";
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0)
    GTEST_SKIP() << "SKIPPED LOUDLY: needs namespaces";
  ASSERT_TRUE(share_own_mounts() && own_netns_directory());
  char name[] = "/tmp/chrysalis-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  root_ = name;
  ASSERT_EQ(::chmod(name, 0711), 0);
  write_file(root_ / "images/counter/kernel", "simulated-guest eject acpi\n");
  write_file(root_ / "images/deaf/kernel", "simulated-guest deaf\n");
  open();
}

void NodeTest::TearDown() {
  if (node_) {
    for (const auto& row : node_->db().processes()) {
      for (const auto& identity :
           {hypervisor::ProcessIdentity{row->vmm_pid, row->vmm_start},
            hypervisor::ProcessIdentity{row->shim_pid, row->shim_start}}) {
        auto process = hypervisor::open_process(identity);
        if (!process) continue;
        if (identity.pid == row->vmm_pid)
          (void)hypervisor::signal_process(process->get(), SIGKILL);
        EXPECT_TRUE(hypervisor::wait_process(process->get(),
                                             clock_.mono() + seconds{20}));
      }
    }
    node_.reset();
  }
  if (!root_.empty()) std::filesystem::remove_all(root_);
}

NodeOptions NodeTest::options() {
  const std::filesystem::path build = CHRYSALIS_BINARY_DIR;
  NodeOptions out;
  out.state_dir = root_ / "state";
  out.image_root = root_ / "images";
  out.cloud_hypervisor = build / "simulated/cloud-hypervisor";
  out.firecracker = build / "simulated/firecracker";
  out.cgroups = root_ / "no-cgroups";
  out.max_pause = max_pause_;
  out.shim = build / "src/shim/chrysalis-shim";
  out.strike = [this](const Failpoint& at) {
    std::function<void(const Failpoint&)> meddle;
    {
      const std::lock_guard lock(mutex_);
      meddle = meddle_;
      if (name_of(at) == dies_at_) {
        dies_at_.clear();
        changed_.notify_all();
        return Struck::kDeath;
      }
    }
    if (meddle) meddle(at);
    const std::lock_guard lock(mutex_);
    return name_of(at) == fails_at_ ? Struck::kError : Struck::kNot;
  };
  out.room = [this]() -> Result<Room> {
    const std::lock_guard lock(mutex_);
    if (room_) return *room_;
    return room_of(root_);
  };
  return out;
}

void NodeTest::open() {
  auto node = Node::open(options(), clock_);
  ASSERT_TRUE(node) << node.error().message;
  node_ = std::move(*node);
  node_->engine().on_change([this](const std::string&) {
    const std::lock_guard lock(mutex_);
    ++changes_;
    changed_.notify_all();
  });
  const auto adopted = node_->engine().adopt();
  ASSERT_TRUE(adopted) << adopted.error().message;
  for (const std::string& uid : engine().vms())
    ASSERT_TRUE(await([&] {
      return !view(uid).adopting && !view(uid).running;
    })) << uid;
}

bool NodeTest::await(const std::function<bool()>& holds) {
  const Mono deadline = clock_.mono() + seconds{30};
  for (;;) {
    uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      seen = changes_;
    }
    if (holds()) return true;
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [&] { return changes_ != seen; }))
      return holds();
  }
}

Outcome NodeTest::run(const std::string& uid, Request request) {
  const Kind kind = kind_of(request);
  const auto accepted = engine().submit(uid, std::move(request));
  EXPECT_TRUE(accepted) << accepted.error().message;
  EXPECT_TRUE(await([&] { return !view(uid).running; })) << to_string(kind);
  const auto last = kind == Kind::kDeleteSnapshot || kind == Kind::kImport
                        ? engine().snapshot(uid).last
                        : view(uid).last;
  return last.value_or(Outcome{});
}

BootRequest NodeTest::boot_request(const std::string& name) const {
  BootRequest request;
  request.ns = "default";
  request.name = name;
  request.config.cpu = 1;
  request.config.memory = {uint64_t{64} << 20};
  request.config.storage = {uint64_t{16} << 20};
  request.config.nics = 1;
  request.config.image = "counter";
  request.config.network = "default";
  request.config.hypervisor = GetParam();
  const bool ch = GetParam() == model::Hypervisor::kCloudHypervisor;
  request.config.disk_queue_size = request.config.queue_size = ch ? 512 : 256;
  request.config.no_direct_io = !ch;
  return request;
}

CloneRequest NodeTest::clone_of(const std::string& snapshot) {
  CloneRequest request;
  request.ns = "default";
  request.name = "clone";
  request.snapshot_uid = snapshot;
  return request;
}

RestoreRequest NodeTest::restore_to(const std::string& snapshot,
                                    uint64_t attempt) {
  RestoreRequest request;
  request.snapshot_uid = snapshot;
  request.attempt = attempt;
  return request;
}

void NodeTest::boot(const std::string& uid) {
  const Outcome outcome = run(uid, boot_request(uid));
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
}

void NodeTest::snapshot(const std::string& vm, const std::string& uid) {
  const Outcome outcome = run(vm, SnapshotRequest{uid, "default", uid});
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  ASSERT_TRUE(engine().snapshot(uid).ready);
}

int NodeTest::vmm_pid(const std::string& uid) {
  const auto rows = node_->db().processes(uid);
  return rows.empty() ? 0 : rows.back()->vmm_pid;
}

NodeTest::Mark NodeTest::mark_in(const std::string& snapshot_uid) {
  const auto memory = node_->paths().snapshot(snapshot_uid) /
                      model::dump_files(GetParam()).memory;
  const UniqueFd file(::open(memory.c_str(), O_RDONLY | O_CLOEXEC));
  char page[24] = {};
  EXPECT_EQ(::pread(file.get(), page, sizeof page, kGuestPage),
            static_cast<ssize_t>(sizeof page));
  Mark mark;
  std::memcpy(&mark.counter, page, sizeof mark.counter);
  mark.nonce.assign(page + 8, 16);
  return mark;
}

NodeTest::Mark NodeTest::mark_of(const std::string& vm) {
  const std::string uid = "mark-" + std::to_string(++snapshots_);
  const Outcome outcome = run(vm, SnapshotRequest{uid, "default", uid});
  EXPECT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  return outcome.ok ? mark_in(uid) : Mark{};
}

void NodeTest::meddle(std::function<void(const Failpoint&)> meddle) {
  const std::lock_guard lock(mutex_);
  meddle_ = std::move(meddle);
}

void NodeTest::die_at(const std::string& failpoint) {
  const std::lock_guard lock(mutex_);
  dies_at_ = failpoint;
}

void NodeTest::fail_at(const std::string& failpoint) {
  const std::lock_guard lock(mutex_);
  fails_at_ = failpoint;
}

bool NodeTest::await_death() {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, clock_.mono() + seconds{30},
                             [&] { return dies_at_.empty(); });
}

void NodeTest::run_and_die(const std::string& uid, Request request,
                           const std::string& failpoint) {
  die_at(failpoint);
  ASSERT_TRUE(engine().submit(uid, std::move(request)));
  ASSERT_TRUE(await_death()) << failpoint;
  close();
}

void NodeTest::set_room(std::optional<Room> room) {
  const std::lock_guard lock(mutex_);
  room_ = room;
}

void NodeTest::fault(const std::string& uid, uint32_t generation,
                     const std::string& json) {
  // Whole at once: the VMM reads it at every step.
  const auto file = node_->paths().generation(uid, generation).file("fault");
  std::ofstream(file) << json;
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  std::filesystem::rename(file, file.string() + ".json");
}

store::GenerationPaths NodeTest::first_generation(const std::string& uid) {
  return store::StatePaths::open(root_ / "state")->generation(uid, 1);
}

bool NodeTest::await_file(const std::filesystem::path& file,
                          const std::string& text, size_t times) {
  const UniqueFd news(::inotify_init1(IN_CLOEXEC));
  ::inotify_add_watch(news.get(), file.c_str(), IN_MODIFY);
  const Mono deadline = clock_.mono() + seconds{30};
  for (;;) {
    std::ifstream in(file);
    const std::string all{std::istreambuf_iterator<char>(in), {}};
    size_t found = 0;
    for (auto at = all.find(text); at != std::string::npos;
         at = all.find(text, at + 1))
      ++found;
    if (found >= times) return true;
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - clock_.mono()).count();
    pollfd entry{news.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&entry, 1, static_cast<int>(left)) <= 0)
      return false;
    char drained[4096];
    (void)!::read(news.get(), drained, sizeof drained);
  }
}

void NodeTest::type(const std::string& uid, char letter) {
  const auto paths =
      node_->paths().generation(uid, view(uid).record->generation);
  // CH: the shim holds the serial line; its guest is told by fault of nobody.
  const UniqueFd fifo(
      ::open(paths.stdin_fifo().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(fifo.valid()) << paths.stdin_fifo();
  ASSERT_EQ(::write(fifo.get(), &letter, 1), 1);
}

std::vector<std::string> NodeTest::left_of(const std::string& uid) {
  std::vector<std::string> out;
  if (std::filesystem::exists(node_->paths().vm(uid))) out.push_back("files");
  if (std::filesystem::exists(network::VmNetwork().netns_path(uid)))
    out.push_back("network namespace");
  if (node_->db().vm(uid)) out.push_back("record");
  if (!node_->db().processes(uid).empty()) out.push_back("process rows");
  return out;
}

}  // namespace chrysalis::engine
