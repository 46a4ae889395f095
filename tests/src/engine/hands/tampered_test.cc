// Snapshots that lie, or that were damaged: each is refused by name before a
// process, a TAP or a disk exists, and leaves everything as it was. The lies
// are whole: their maker hashed them again, as the owner of an import can.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>

#include <nlohmann/json.hpp>

#include "src/base/file_system.h"
#include "src/base/tree_hash.h"
#include "src/network/vm_network.h"
#include "src/store/records.h"
#include "tests/src/engine/hands/node_fixture.h"

namespace chrysalis::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Edit = std::function<void(json&)>;

constexpr auto kCh = model::Hypervisor::kCloudHypervisor;
constexpr auto kFc = model::Hypervisor::kFirecracker;
constexpr uint64_t kHuge = uint64_t{10} << 30;
const std::string kNested = std::string(10'000, '[') + std::string(10'000, ']');

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const fs::path& path, const std::string& bytes) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

void edit_json(const fs::path& path, const Edit& edit) {
  json all = json::parse(bytes_of(path));
  edit(all);
  put(path, all.dump());
}

// Of the JSON that a device's state is, inside the JSON of state.json.
void edit_device(const fs::path& dir, const std::string& id, const Edit& edit) {
  edit_json(dir / "state.json", [&](json& state) {
    json& of = state["snapshots"]["device-manager"]["snapshots"][id];
    json inner = json::parse(of["snapshot_data"]["state"].get<std::string>());
    edit(inner);
    of["snapshot_data"]["state"] = inner.dump();
  });
}

void edit_manifest(const fs::path& dir, const Edit& edit) {
  edit_json(dir / "manifest.json", edit);
}

// Its size and sum in the manifest become those that it has.
void seal(const fs::path& dir, const std::string& name) {
  PosixFileSystem posix;
  FileSystem& files = posix;
  const auto file = files.open(dir / name, FileSystem::Mode::kRead);
  ASSERT_TRUE(file) << name;
  const uint64_t bytes = (*file)->stat()->size;
  const auto sum = tree_hash(**file, bytes, dir / name);
  ASSERT_TRUE(sum);
  edit_manifest(dir, [&](json& manifest) {
    for (json& entry : manifest["files"]) {
      if (entry["name"] != name) continue;
      entry["bytes"] = bytes;
      entry["sha256"] = *sum;
      entry["dataBytes"] = 0;
    }
  });
}

// A manifest that says so, all of it consistent where that is possible.
std::function<void(const fs::path&)> says(const std::string& pointer,
                                          json value) {
  return [pointer, value = std::move(value)](const fs::path& dir) {
    edit_manifest(dir, [&](json& manifest) {
      manifest[json::json_pointer(pointer)] = value;
    });
  };
}

// config.json of Cloud Hypervisor, hashed again.
std::function<void(const fs::path&)> configured(Edit edit) {
  return [edit = std::move(edit)](const fs::path& dir) {
    edit_json(dir / "config.json", edit);
    seal(dir, "config.json");
  };
}

std::function<void(const fs::path&)> as_file(const std::string& name,
                                             const std::string& bytes) {
  return [=](const fs::path& dir) {
    put(dir / name, bytes);
    seal(dir, name);
  };
}

struct Tampering {
  const char* name;
  std::function<void(const fs::path&)> tamper;
  const char* words;
  std::optional<model::Hypervisor> only = {};
  Reason reason = Reason::kCorrupt;
};

// What the manifest says of itself: refused before a byte is copied.
const std::vector<Tampering> kManifests = {
    {"zero cpu", says("/config/cpu", 0), "cpu 0: must be from 1 to 254"},
    {"negative cpu", says("/config/cpu", -1), "config: cpu"},
    {"fractional cpu", says("/config/cpu", 1.5), "config: cpu"},
    {"other cpu", says("/config/cpu", 4),
     "topology.cpu: differs from config.cpu"},
    {"zero memory", says("/config/memory", "0"),
     "memory 0: must be from 16Mi to 16Ti"},
    {"negative memory", says("/config/memory", "-1"), "config: memory"},
    {"memory that is not its file's size",
     [](const fs::path& dir) {
       says("/config/memory", "128Mi")(dir);
       says("/topology/memory", 128 << 20)(dir);
     },
     " is not as large as the RAM"},
    {"storage that is not its disk's size", says("/config/storage", "32Mi"),
     "disks[0].bytes: differs from config.storage"},
    {"disk that is not its file's size",
     [](const fs::path& dir) {
       says("/config/storage", "32Mi")(dir);
       says("/disks/0/bytes", 32 << 20)(dir);
       says("/topology/disks/0/bytes", 32 << 20)(dir);
     },
     "disks[0].bytes: differs from its file's"},
    {"NIC count without the NICs", says("/config/nics", 2),
     "topology.nics: there are not config.nics of them"},
    {"NIC count out of bounds", says("/config/nics", 9),
     "nics 9: must be from 0 to 8"},
    {"queue size no power of two", says("/config/queueSize", 300),
     "queueSize 300: must be a power of two from 2 to 1024"},
    {"disk queue size no power of two", says("/config/diskQueueSize", 300),
     "diskQueueSize 300: must be a power of two from 2 to 1024"},
    {"queue size that is not the ring's",
     says("/topology/nics/0/queueSize", 1024),
     "topology.nics[0].queueSize: differs from config.queueSize"},
    {"missing format",
     [](const fs::path& dir) {
       edit_manifest(dir, [](json& m) { m.erase("format"); });
     },
     "format: not a manifest of a snapshot"},
    {"missing version",
     [](const fs::path& dir) {
       edit_manifest(dir, [](json& m) { m.erase("version"); });
     },
     "version: missing, or no version"},
    {"newer version",
     says("/version", 2),
     "version: it has 2, this program reads up to 1: upgrade it",
     {},
     Reason::kSnapshotUnsupported},
    {"truncated JSON",
     [](const fs::path& dir) {
       const std::string all = bytes_of(dir / "manifest.json");
       put(dir / "manifest.json", all.substr(0, all.size() / 2));
     },
     "manifest.json: not valid JSON"},
    {"a path that leaves the directory", says("/disks/0/file", "../../disk0"),
     "disks[0].file: must be disk0"},
    {"a file that leaves the directory", says("/files/0/name", "../passwd"),
     "files[0].name: not a file name"},
    {"10 GB of sparse JSON",
     [](const fs::path& dir) { fs::resize_file(dir / "manifest.json", kHuge); },
     "manifest.json is a link, no regular file, or too large"},
    {"10,000 nested arrays",
     [](const fs::path& dir) { put(dir / "manifest.json", kNested); },
     "manifest.json: JSON is nested deeper than 8 levels"},
};

// What lies there is not what may lie there.
const std::vector<Tampering> kFiles = {
    {"a symbolic link",
     [](const fs::path& dir) {
       fs::rename(dir / "disk0", dir.parent_path() / "aside");
       fs::create_symlink(dir.parent_path() / "aside", dir / "disk0");
     },
     "disk0 is not a regular file"},
    {"a hard link",
     [](const fs::path& dir) {
       fs::create_hard_link(dir / "disk0", dir.parent_path() / "aside");
     },
     "disk0 is linked elsewhere: it could change"},
    {"a FIFO",
     [](const fs::path& dir) {
       fs::remove(dir / "disk0");
       ASSERT_EQ(::mkfifo((dir / "disk0").c_str(), 0666), 0);
     },
     "disk0 is not a regular file"},
    {"a file too many",
     [](const fs::path& dir) { put(dir / "payload.so", "x"); },
     "'payload.so' is no part of the snapshot"},
    {"a file too few", [](const fs::path& dir) { fs::remove(dir / "disk0"); },
     "disk0 is missing"},
};

// What the VMM's own files say, be the manifest as honest as it likes.
const std::vector<Tampering> kOwnFiles = {
    {"10 GB of sparse state",
     [](const fs::path& dir) {
       const char* name =
           fs::exists(dir / "vmstate") ? "vmstate" : "state.json";
       fs::resize_file(dir / name, kHuge);
       seal(dir, name);
     },
     " is larger than any VMM writes it"},
    {"10 GB of sparse configuration",
     [](const fs::path& dir) {
       fs::resize_file(dir / "config.json", kHuge);
       seal(dir, "config.json");
     },
     "config.json is larger than any VMM writes it", kCh},
    {"10,000 nested arrays of state", as_file("state.json", kNested),
     "state.json: JSON is nested deeper than 24 levels", kCh},
    {"10,000 nested arrays of configuration", as_file("config.json", kNested),
     "config.json: JSON is nested deeper than", kCh},
    {"truncated state", as_file("state.json", "{\"snapshots\":{"),
     "state.json: not valid JSON", kCh},
    {"empty state", as_file("vmstate", ""), "the state file has 0 bytes", kFc},
    {"cpu of both, but not of the state",
     [](const fs::path& dir) {
       configured([](json& c) {
         c["cpus"]["boot_vcpus"] = c["cpus"]["max_vcpus"] = 4;
       })(dir);
       says("/config/cpu", 4)(dir);
       says("/topology/cpu", 4)(dir);
     },
     "vCPUs: state.json says 1, config.json says 4", kCh},
    {"cpu of the manifest alone",
     [](const fs::path& dir) {
       says("/config/cpu", 4)(dir);
       says("/topology/cpu", 4)(dir);
     },
     "cpu: the manifest says 4, the VMM's own files say 1", kCh},
    {"memory of both and of the file, but not of the state",
     [](const fs::path& dir) {
       configured([](json& c) { c["memory"]["size"] = 128 << 20; })(dir);
       says("/config/memory", "128Mi")(dir);
       says("/topology/memory", 128 << 20)(dir);
       fs::resize_file(dir / "memory-ranges", 128 << 20);
       seal(dir, "memory-ranges");
     },
     "memory: state.json says 67108864, config.json says 134217728", kCh},
    {"storage of both and of the file, but not of the state",
     [](const fs::path& dir) {
       fs::resize_file(dir / "disk0", 32 << 20);
       seal(dir, "disk0");
       says("/config/storage", "32Mi")(dir);
       says("/disks/0/bytes", 32 << 20)(dir);
       says("/topology/disks/0/bytes", 32 << 20)(dir);
     },
     "disks[disk0].bytes: the manifest says 33554432, the VMM's own files say "
     "16777216",
     kCh},
    {"a NIC less than the state has",
     [](const fs::path& dir) {
       configured([](json& c) { c["net"] = json::array(); })(dir);
       says("/config/nics", 0)(dir);
       says("/topology/nics", json::array())(dir);
     },
     "net0 is not in config.json", kCh},
    {"a NIC more than the state has",
     [](const fs::path& dir) {
       configured([](json& c) {
         c["net"].push_back(c["net"][0]);
         c["net"][1]["id"] = "net1";
       })(dir);
       edit_manifest(dir, [](json& m) {
         m["config"]["nics"] = 2;
         m["topology"]["nics"].push_back(m["topology"]["nics"][0]);
         m["topology"]["nics"][1]["id"] = "net1";
       });
     },
     "a NIC swap is in progress: net1 is not in state.json", kCh},
    {"a MAC that the guest has not",
     says("/topology/nics/0/mac", "02:00:00:00:00:99"),
     "nics[net0].mac: the manifest says 02:00:00:00:00:99", kCh},
    {"a ring that the guest has not",
     [](const fs::path& dir) {
       configured([](json& c) { c["net"][0]["queue_size"] = 64; })(dir);
       says("/config/queueSize", 64)(dir);
       says("/topology/nics/0/queueSize", 64)(dir);
     },
     "net0 ring: state.json says 512, config.json says 64", kCh},
    {"an added device section", configured([](json& c) {
       c["devices"] = {{{"path", "/sys/bus/pci/devices/0000:00:02.0"}}};
     }),
     "config.json: devices is not a part of a VM of ours", kCh},
    {"an added file system",
     configured([](json& c) { c["fs"] = {{{"tag", "x"}, {"socket", "/s"}}}; }),
     "config.json: fs is not a part of a VM of ours", kCh},
    {"a disk of the host",
     configured([](json& c) { c["disks"][0]["path"] = "/dev/sda"; }),
     "config.json: disks[0].path is not", kCh},
    {"a state that leaves the directory",
     [](const fs::path& dir) {
       edit_device(dir, "disk0", [](json& d) {
         d["disk_path"] = "/run/chrysalis/vm/../../../dev/sda";
       });
       seal(dir, "state.json");
     },
     "state.json: disk0 lies outside of /run/chrysalis/vm", kCh},
};

class NodeTampered : public NodeTest {
 protected:
  static constexpr const char* kSnapshot = "snap-1";

  // What there is on the host: VMMs by their program, TAPs, files, rows.
  struct Census {
    std::set<int> processes;
    std::set<std::string> taps, files;
    std::vector<size_t> rows;
    friend bool operator==(const Census&, const Census&) = default;
  };
  Census census() {
    Census out;
    std::set<std::pair<dev_t, ino_t>> programs;
    struct stat found{};
    for (const auto& entry : fs::directory_iterator(root_ / "state/bin"))
      if (::stat(entry.path().c_str(), &found) == 0)
        programs.emplace(found.st_dev, found.st_ino);
    EXPECT_FALSE(programs.empty());
    for (const auto& entry : fs::directory_iterator("/proc"))
      if (::stat((entry.path() / "exe").c_str(), &found) == 0 &&
          programs.contains({found.st_dev, found.st_ino}))
        out.processes.insert(std::stoi(entry.path().filename()));
    const auto networks = network::VmNetwork().census();
    EXPECT_TRUE(networks);
    for (const auto& seen : *networks) {
      out.taps.insert(seen.vm_uid);
      for (const std::string& tap : seen.taps)
        out.taps.insert(seen.vm_uid + "/" + tap);
    }
    for (const char* below : {"state/vms", "state/snapshots"})
      for (const auto& entry : fs::recursive_directory_iterator(root_ / below))
        out.files.insert(entry.path());
    const store::NodeDb& db = node_->db();
    out.rows = {db.vms().size(), db.snapshots().size(), db.processes().size(),
                db.holds(kSnapshot).size(), db.running_operations().size()};
    return out;
  }

  fs::path import_directory() {
    return node_->paths().import("default", "golden");
  }
  // What its owner would lay down: the snapshot, before it was tampered with.
  void lay_down() {
    PosixFileSystem posix;
    FileSystem& files = posix;
    fs::remove_all(import_directory().parent_path());
    fs::create_directories(import_directory());
    for (const auto& entry :
         fs::directory_iterator(node_->paths().snapshot(kSnapshot)))
      ASSERT_TRUE(files.clone_file(
          entry.path(), import_directory() / entry.path().filename(), 0644));
  }
  Outcome take_in() {
    ImportRequest request;
    request.ns = "default";
    request.name = "golden";
    request.directory = "golden";
    return run("snap-2", request);
  }
  static RestoreRequest foreign_restore_to(const std::string& snapshot,
                                           uint64_t attempt = 1) {
    RestoreRequest request = restore_to(snapshot, attempt);
    request.allow_foreign = true;
    return request;
  }
  void set_up_source() {
    boot("vm-1");
    snapshot("vm-1", kSnapshot);
    ASSERT_NE(vmm_pid("vm-1"), 0);
  }
};

TEST_P(NodeTampered, AnImportThatLiesIsRefusedByNameAndLeavesNothing) {
  set_up_source();
  lay_down();
  const Outcome honest = take_in();
  ASSERT_TRUE(honest.ok) << honest.message;
  ASSERT_TRUE(run("snap-2", DeleteSnapshotRequest{}).ok);
  const Census before = census();
  ASSERT_FALSE(before.processes.empty());
  ASSERT_FALSE(before.taps.empty());
  size_t cases = 0;
  for (const auto* table : {&kManifests, &kFiles, &kOwnFiles}) {
    for (const Tampering& row : *table) {
      if (row.only && *row.only != GetParam()) continue;
      SCOPED_TRACE(row.name);
      lay_down();
      row.tamper(import_directory());
      const Outcome outcome = take_in();
      EXPECT_FALSE(outcome.ok);
      EXPECT_EQ(outcome.reason, row.reason) << to_string(outcome.reason);
      EXPECT_THAT(outcome.message, HasSubstr(row.words));
      EXPECT_FALSE(engine().snapshot("snap-2").ready);
      EXPECT_EQ(census(), before);
      ++cases;
    }
  }
  EXPECT_GE(cases, GetParam() == kCh ? 43U : 28U);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
}

// Whoever may write below STATE changed it after it was published: the hashes
// tell, and it is refused to a clone and to a restore alike.
TEST_P(NodeTampered, AStoredSnapshotThatWasChangedIsRefusedBeforeAnything) {
  set_up_source();
  const fs::path dir = node_->paths().snapshot(kSnapshot);
  const fs::path kept = root_ / "kept";
  PosixFileSystem posix;
  FileSystem& files = posix;
  const auto copy = [&](const fs::path& from, const fs::path& to) {
    fs::remove_all(to);
    fs::create_directory(to);
    for (const auto& entry : fs::directory_iterator(from))
      ASSERT_TRUE(
          files.clone_file(entry.path(), to / entry.path().filename(), 0444));
  };
  copy(dir, kept);
  const int pid = vmm_pid("vm-1");
  const auto record = *view("vm-1").record;
  std::vector<Tampering> rows = {
      {"swapped after hashing",
       [&](const fs::path& at) {
         std::string other = bytes_of(at / "disk0");
         other[4096] ^= 1;
         put(at / "disk0", other);
       },
       "disk0 is not what was published"},
      {"an honest manifest of a lie",
       [](const fs::path& at) {
         says("/config/cpu", 4)(at);
         says("/topology/cpu", 4)(at);
       },
       "manifest.json has sha256:"},
  };
  for (const auto* table : {&kManifests, &kFiles, &kOwnFiles})
    for (const Tampering& row : *table) rows.push_back(row);
  for (const Tampering& row : rows) {
    if (row.only && *row.only != GetParam()) continue;
    SCOPED_TRACE(row.name);
    copy(kept, dir);
    fs::remove(dir.parent_path() / "aside");
    row.tamper(dir);
    const Census before = census();
    const Outcome clone = run("vm-2", clone_of(kSnapshot));
    const Outcome restore = run("vm-1", foreign_restore_to(kSnapshot));
    for (const Outcome* outcome : {&clone, &restore}) {
      EXPECT_TRUE(outcome->refused);
      EXPECT_EQ(outcome->reason, Reason::kCorrupt) << outcome->message;
      EXPECT_THAT(outcome->message, HasSubstr("snapshot snap-1: "));
    }
    if (&row - rows.data() < 2) {
      EXPECT_THAT(clone.message, HasSubstr(row.words));
    }
    EXPECT_EQ(census(), before);
    EXPECT_EQ(vmm_pid("vm-1"), pid);
    EXPECT_EQ(*view("vm-1").record, record);
  }
  copy(kept, dir);
  fs::remove(dir.parent_path() / "aside");
  const Outcome honest = run("vm-1", foreign_restore_to(kSnapshot));
  EXPECT_TRUE(honest.ok) << honest.message;
}

// A byte of config.json that no hash was taken of again: what it would open
// is looked at each time.
TEST_P(NodeTampered, WhatAConfigurationWouldOpenIsLookedAtEachTime) {
  if (GetParam() != kCh) return;  // Firecracker has no configuration file
  set_up_source();
  ASSERT_TRUE(run("vm-2", clone_of(kSnapshot)).ok);
  const fs::path file = node_->paths().snapshot(kSnapshot) / "config.json";
  struct stat was{};
  ASSERT_EQ(::stat(file.c_str(), &was), 0);
  // In place: the same inode, size and time.
  std::string text = bytes_of(file);
  const size_t at = text.find("/run/chrysalis/vm/disk0");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 23, "/run/chrysalis/vm/disk9");
  {
    std::ofstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out << text;
  }
  const timespec times[2] = {was.st_atim, was.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  const Census before = census();
  for (const Outcome& outcome : {run("vm-3", clone_of(kSnapshot)),
                                 run("vm-1", foreign_restore_to(kSnapshot))}) {
    EXPECT_TRUE(outcome.refused);
    EXPECT_EQ(outcome.reason, Reason::kCorrupt);
    EXPECT_THAT(
        outcome.message,
        HasSubstr("snapshot snap-1: config.json: disks[0].path is not"));
  }
  EXPECT_EQ(census(), before);
}

// Only Firecracker itself can read its state file: it is asked when it has
// loaded, paused, before any vCPU runs.
TEST_P(NodeTampered, WhatOnlyTheVmmCanReadIsComparedBeforeItRuns) {
  if (GetParam() != kFc) return;  // the files have told already
  set_up_source();
  lay_down();
  says("/config/cpu", 4)(import_directory());
  says("/topology/cpu", 4)(import_directory());
  ASSERT_TRUE(take_in().ok);
  const Census before = census();
  const int pid = vmm_pid("vm-1");
  const Outcome clone = run("vm-2", clone_of("snap-2"));
  EXPECT_EQ(clone.reason, Reason::kTopologyMismatch) << clone.message;
  EXPECT_THAT(clone.message,
              HasSubstr("cpu: the snapshot has 4, 1 was loaded"));
  EXPECT_THAT(left_of("vm-2"), testing::IsEmpty());
  const Outcome restore = run("vm-1", foreign_restore_to("snap-2"));
  EXPECT_EQ(restore.reason, Reason::kTopologyMismatch);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
  EXPECT_EQ(census().processes, before.processes);
  EXPECT_EQ(census().taps, before.taps);
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodeTampered,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
