#pragma once

// A directory of manifests, a node.db and a clock for each test; open() stands
// for a start of the program, restart() for kill -9 and another start.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "controller/runtime/directory/directory_objects.h"
#include "src/base/file_system.h"
#include "src/store/node_db.h"
#include "tests/fakes/fake_clock.h"

namespace chrysalis::runtime::directory {

inline const std::string kFinalizer = "chrysalis.dev/node-0123456789abcdef";

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-dir-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    dir_ = root_ / "manifests";
    std::filesystem::create_directory(dir_);
    open_db();
  }
  ~DirectoryTest() override { std::filesystem::remove_all(root_); }

  void open_db(store::NodeDb::Options options = {}) {
    db_.reset();
    auto db = store::NodeDb::open(root_ / "node.db", std::move(options));
    ASSERT_TRUE(db) << db.error().message;
    db_ = std::move(*db);
  }
  Result<std::unique_ptr<DirectoryObjects>> try_open() {
    return DirectoryObjects::open({.manifests = dir_,
                                   .node_name = "node-a",
                                   .finalizer = kFinalizer,
                                   .rescan = seconds{3600}},
                                  {files_, *db_, clock_});
  }
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
    objects_ = std::move(*opened);
  }
  void restart() {
    objects_.reset();
    open_db();
    open();
  }
  void scan() { ASSERT_TRUE(objects_->scan()); }

  // ---- the directory, as a person sees it
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name) << text;
  }
  void remove(const std::string& name) const {
    ASSERT_TRUE(std::filesystem::remove(dir_ / name));
  }
  [[nodiscard]] bool exists(const std::string& name) const {
    return std::filesystem::exists(dir_ / name);
  }
  [[nodiscard]] std::string text_of(const std::string& name) const {
    std::ifstream in(dir_ / name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  [[nodiscard]] static std::string vm_yaml(const std::string& name,
                                           const std::string& more = "") {
    return "apiVersion: chrysalis.dev/v1alpha1\nkind: VirtualMachine\n"
           "metadata: {name: " +
           name + "}\nspec:\n  source: {image: {name: ubuntu}}\n" + more;
  }
  [[nodiscard]] static std::string snapshot_yaml(const std::string& name,
                                                 const std::string& more = "") {
    return "apiVersion: chrysalis.dev/v1alpha1\nkind: VMSnapshot\n"
           "metadata: {name: " +
           name + "}\nspec:\n  source: {virtualMachine: {name: web}}\n" + more;
  }

  // ---- what reconcilers see
  [[nodiscard]] std::shared_ptr<const api::VirtualMachine> vm(
      const std::string& name) const {
    return objects_->store().vms.get({"default", name});
  }
  [[nodiscard]] std::shared_ptr<const api::VmSnapshot> snapshot(
      const std::string& name) const {
    return objects_->store().snapshots.get({"default", name});
  }
  static api::VmStatus some_status() {
    api::VmStatus status;
    status.observed_generation = 1;
    status.node_name = "node-a";
    return status;
  }
  [[nodiscard]] std::string said() const {
    std::string out;
    for (const Said& one : objects_->said()) out += to_string(one) + "\n";
    return out;
  }
  static ObjectId vm_id(std::string name) {
    return {api::Kind::kVirtualMachine, "default", std::move(name)};
  }
  static ObjectId snapshot_id(std::string name) {
    return {api::Kind::kVmSnapshot, "default", std::move(name)};
  }

  // ---- what the engine would have
  void give_data(const std::string& uid) {
    store::VmRecord record;
    record.uid = uid;
    record.ns = "default";
    record.name = "web";
    ASSERT_TRUE(db_->commit({record}));
  }
  void give_snapshot(const std::string& uid, bool ready) {
    store::SnapshotRecord record;
    record.uid = uid;
    record.ns = "default";
    record.name = "base";
    record.ready = ready;
    ASSERT_TRUE(db_->commit({record}));
  }

  std::filesystem::path root_, dir_;
  PosixFileSystem files_;
  FakeClock clock_;
  std::unique_ptr<store::NodeDb> db_;
  std::unique_ptr<DirectoryObjects> objects_;
};

inline const std::string kWebStatus = "virtualmachine.default.web.status.yaml";

}  // namespace chrysalis::runtime::directory
