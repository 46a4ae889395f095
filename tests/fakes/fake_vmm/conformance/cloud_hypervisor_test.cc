// What Cloud Hypervisor v53.0 was seen to do, asked of the simulated one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include "tests/fakes/fake_vmm/conformance/vmm_process.h"

namespace chrysalis::fake_vmm {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kFaults = "tap=claim";

class CloudHypervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/fake-ch-XXXXXX";
    dir_ = ::mkdtemp(name);
    spill(dir_ + "/kernel", "simulated-guest eject acpi");
    spill(dir_ + "/deaf", "simulated-guest");
    spill(dir_ + "/disk0", std::string(65536, 'd'));
    spill(dir_ + "/disk1", std::string(65536, 'd'));
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<VmmProcess> start(const std::string& name,
                                    const std::string& faults = kFaults) {
    return std::make_unique<VmmProcess>(
        "cloud-hypervisor", dir_, name,
        std::vector<std::string>{"--no-shutdown", "--event-monitor",
                                 "path=" + dir_ + "/" + name + ".events"},
        faults);
  }
  // TAP names carry the process id: they are one a network namespace.
  static std::string tap(const std::string& end) {
    return "f" + std::to_string(::getpid()) + end;
  }
  json config(const std::string& disk, const std::string& tap_name,
              const std::string& kernel = "kernel") {
    return {{"cpus", {{"boot_vcpus", 2}, {"max_vcpus", 2}}},
            {"memory", {{"size", 8 << 20}}},
            {"payload", {{"kernel", dir_ + "/" + kernel}}},
            {"disks", {{{"id", "d"}, {"path", dir_ + "/" + disk}}}},
            {"net",
             {{{"id", "n"}, {"tap", tap_name}, {"mac", "02:00:00:00:00:01"}}}},
            {"serial", {{"mode", "Tty"}}},
            {"console", {{"mode", "Off"}}},
            {"unknown-field", 1}};
  }
  static Answer put(VmmProcess& vmm, const std::string& call,
                    const json& body = json()) {
    return vmm.call("PUT", "/api/v1/vm." + call,
                    body.is_null() ? "" : body.dump());
  }
  static json info(VmmProcess& vmm) {
    return json::parse(vmm.call("GET", "/api/v1/vm.info").body, nullptr, false);
  }
  void boot(VmmProcess& vmm, const std::string& disk, const std::string& t,
            const std::string& kernel = "kernel") {
    ASSERT_EQ(put(vmm, "create", config(disk, t, kernel)).status, 204);
    const Answer answer = put(vmm, "boot");
    ASSERT_EQ(answer.status, 204) << answer.body;
    ASSERT_TRUE(eventually([&] {
      return vmm.console().find("guest nonce=") != std::string::npos;
    }));
  }
  json url(const std::string& key, const std::string& name) {
    return {{key, "file://" + dir_ + "/" + name}};
  }
  void snapshot(VmmProcess& vmm, const std::string& name) {
    std::filesystem::create_directory(dir_ + "/" + name);
    ASSERT_EQ(put(vmm, "pause").status, 204);
    const Answer answer = put(vmm, "snapshot", url("destination_url", name));
    ASSERT_EQ(answer.status, 204) << answer.body;
  }
  void rewrite(const std::string& name,
               const std::function<void(json&)>& change) {
    const std::string file = dir_ + "/" + name + "/config.json";
    json saved = json::parse(slurp(file));
    saved["disks"][0]["path"] = dir_ + "/disk1";
    saved["net"][0]["tap"] = tap("b");
    saved["net"][0].erase("host_mac");
    change(saved);
    spill(file, saved.dump());
  }
  static std::string page(const std::string& file) {
    return slurp(file).substr(0x200000, 32);
  }

  std::string dir_;
};

TEST_F(CloudHypervisorTest, SaysThatItIsSimulated) {
  auto vmm = start("a");
  EXPECT_THAT(vmm->call("GET", "/api/v1/vmm.ping").body,
              HasSubstr("v53.0-simulated"));
}

struct Refusal {
  const char* method;
  const char* path;
  const char* body;
  int status;
  const char* text;
};

TEST_F(CloudHypervisorTest, RefusesInTheWordsOfTheRealOne) {
  const Refusal table[] = {
      {"GET", "/api/v1/vm.info", "", 404, "VM is not created"},
      {"PUT", "/api/v1/vm.boot", "", 404, "VM config is missing"},
      {"PUT", "/api/v1/vm.pause", "", 500, "VM is not running"},
      {"PUT", "/api/v1/vm.shutdown", "", 500, "VM is not running"},
      {"PUT", "/api/v1/vm.boot", "{}", 400, "Bad Request"},
      {"PUT", "/api/v1/vm.create", "", 400, ""},
      {"GET", "/api/v1/vm.pause", "", 400, "Bad Request"},
      {"PATCH", "/api/v1/vm.boot", "{}", 400, ""},
      {"GET", "/api/v1/nope", "", 404, "Not Found"},
      {"PUT", "/api/v1/vm.create", R"({"cpus":{"boot_vcpus":"x"}})", 400,
       "Failed to deserialize JSON"},
      {"PUT", "/api/v1/vm.create", R"({"cpus":{"boot_vcpus":1}})", 400,
       "missing field `max_vcpus`"},
      {"PUT", "/api/v1/vm.restore", R"({"source_url":"file:///nope"})", 500,
       "Destination is not a directory"},
      {"PUT", "/api/v1/vm.delete", "", 204, ""}};
  auto vmm = start("a");
  for (const Refusal& row : table) {
    const Answer answer = vmm->call(row.method, row.path, row.body);
    EXPECT_EQ(answer.status, row.status) << row.path << " " << row.body;
    EXPECT_THAT(answer.body, HasSubstr(row.text)) << row.path;
  }
}

TEST_F(CloudHypervisorTest, PauseAndResumeAreNotIdempotent) {
  auto vmm = start("a");
  boot(*vmm, "disk0", tap("a"));
  EXPECT_THAT(put(*vmm, "resume").body,
              HasSubstr("InvalidStateTransition(Running, Running)"));
  EXPECT_EQ(put(*vmm, "pause").status, 204);
  const Answer again = put(*vmm, "pause");
  EXPECT_EQ(again.status, 500);
  EXPECT_THAT(again.body, HasSubstr("InvalidStateTransition(Paused, Paused)"));
  EXPECT_EQ(put(*vmm, "resume").status, 204);
}

TEST_F(CloudHypervisorTest, LocksDisksAndTapsBetweenProcesses) {
  auto first = start("a");
  boot(*first, "disk0", tap("a"));
  auto second = start("b");
  put(*second, "create", config("disk1", tap("a")));
  EXPECT_THAT(put(*second, "boot").body,
              HasSubstr("Unable to configure tap interface"));
  put(*second, "delete");
  put(*second, "create", config("disk0", tap("b")));
  EXPECT_THAT(put(*second, "boot").body,
              HasSubstr("Error locking disk images"));
  // The machine was built, so it stays until it is deleted.
  EXPECT_THAT(put(*second, "boot").body, HasSubstr("VM is already created"));
  EXPECT_EQ(put(*second, "delete").status, 204);
}

TEST_F(CloudHypervisorTest, RestoredGuestGoesOnAndRebootedOneIsAnother) {
  auto vmm = start("a");
  boot(*vmm, "disk0", tap("a"));
  snapshot(*vmm, "s1");
  rewrite("s1", [](json& saved) {
    saved["memory"]["size"] = 64 << 20;
    saved["cpus"] = {{"boot_vcpus", 7}, {"max_vcpus", 7}};
    saved["net"][0]["mac"] = "02:ff:ff:ff:ff:ff";
  });
  EXPECT_THAT(put(*vmm, "restore", url("source_url", "s1")).body,
              HasSubstr("VM is already created"));
  auto copy = start("b");
  json request = url("source_url", "s1");
  request["resume"] = true;
  ASSERT_EQ(put(*copy, "restore", request).status, 204);
  // vm.info echoes the edited file; the guest has what the state says.
  EXPECT_EQ(info(*copy)["config"]["cpus"]["boot_vcpus"], 7);
  EXPECT_EQ(info(*copy)["memory_actual_size"], 64 << 20);
  ASSERT_TRUE(eventually([&] {
    return copy->console().find(
               "vcpus=2 memory=8388608 "
               "nics=n/02:00:00:00:00:01") != std::string::npos;
  }));
  const std::string saved = page(dir_ + "/s1/memory-ranges");
  snapshot(*copy, "s2");
  const std::string later = page(dir_ + "/s2/memory-ranges");
  EXPECT_EQ(later.substr(8, 24), saved.substr(8, 24));  // the nonce
  uint32_t before = 0, after = 0;
  std::memcpy(&before, saved.data(), 4);
  std::memcpy(&after, later.data(), 4);
  EXPECT_GE(after, before);
  put(*copy, "resume");
  copy->type("r");  // a reboot inside the process: another nonce
  ASSERT_TRUE(eventually([&] {
    return slurp(dir_ + "/b.events").find("rebooted") != std::string::npos;
  }));
  snapshot(*copy, "s3");
  EXPECT_NE(page(dir_ + "/s3/memory-ranges").substr(8, 16),
            saved.substr(8, 16));
}

TEST_F(CloudHypervisorTest, SnapshotNeedsAPauseAndAFreshDirectory) {
  auto vmm = start("a");
  boot(*vmm, "disk0", tap("a"));
  std::filesystem::create_directory(dir_ + "/s");
  EXPECT_THAT(put(*vmm, "snapshot", url("destination_url", "s")).body,
              HasSubstr("Trying to snapshot while VM is running"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ + "/s"));
  snapshot(*vmm, "s2");
  EXPECT_THAT(put(*vmm, "snapshot", url("destination_url", "s2")).body,
              HasSubstr("File exists"));
  EXPECT_THAT(put(*vmm, "snapshot", url("destination_url", "no")).body,
              HasSubstr("Destination is not a directory"));
  // The disk tells the instant of the memory.
  EXPECT_THAT(slurp(dir_ + "/disk0"), HasSubstr("fake-guest nonce="));
}

TEST_F(CloudHypervisorTest, RemovedNicKeepsTapAndIdUntilTheGuestEjects) {
  auto vmm = start("a");
  boot(*vmm, "disk0", tap("a"));
  ASSERT_EQ(put(*vmm, "pause").status, 204);
  EXPECT_EQ(put(*vmm, "remove-device", {{"id", "none"}}).status, 500);
  ASSERT_EQ(put(*vmm, "remove-device", {{"id", "n"}}).status, 204);
  EXPECT_TRUE(info(*vmm)["config"]["net"].empty());
  EXPECT_THAT(put(*vmm, "add-net", {{"id", "x"}, {"tap", tap("a")}}).body,
              HasSubstr("Unable to configure tap interface"));
  EXPECT_THAT(put(*vmm, "add-net", {{"id", "n"}, {"tap", tap("b")}}).body,
              HasSubstr("it is not unique: n"));
  const Answer added = put(*vmm, "add-net", {{"id", "x"}, {"tap", tap("b")}});
  EXPECT_EQ(added.status, 200);
  EXPECT_THAT(added.body, HasSubstr("\"bdf\":\"0000:00:04.0\""));
  EXPECT_TRUE(info(*vmm)["device_tree"].contains("n"));
  put(*vmm, "resume");
  ASSERT_TRUE(eventually([&] {
    return slurp(dir_ + "/a.events").find("device-removed") !=
           std::string::npos;
  }));
  EXPECT_FALSE(info(*vmm)["device_tree"].contains("n"));
}

TEST_F(CloudHypervisorTest, DeafGuestNeverEjectsAndIgnoresTheButton) {
  auto vmm = start("a");
  boot(*vmm, "disk0", tap("a"), "deaf");
  put(*vmm, "remove-device", {{"id", "n"}});
  EXPECT_EQ(put(*vmm, "power-button").status, 204);
  snapshot(*vmm, "s");
  const json state = json::parse(slurp(dir_ + "/s/state.json"));
  EXPECT_TRUE(state["snapshots"]["device-manager"]["snapshots"].contains("n"));
  EXPECT_EQ(info(*vmm)["state"], "Paused");
}

TEST_F(CloudHypervisorTest, PowerOffLeavesTheProcessAndLostKernelEndsIt) {
  auto vmm = start("a");
  boot(*vmm, "disk0", tap("a"));
  EXPECT_EQ(put(*vmm, "power-button").status, 204);
  ASSERT_TRUE(eventually([&] { return info(*vmm)["state"] == "Created"; }));
  EXPECT_THAT(slurp(dir_ + "/a.events"), HasSubstr("\"shutdown\""));
  ASSERT_EQ(put(*vmm, "boot").status, 204);
  std::filesystem::remove(dir_ + "/kernel");
  vmm->type("c");
  EXPECT_EQ(vmm->wait(), 1);
}

TEST_F(CloudHypervisorTest, EndsInOrderOnSigtermAndGuardsItsSocket) {
  auto vmm = start("a");
  ASSERT_EQ(vmm->call("GET", "/api/v1/vmm.ping").status, 200);
  VmmProcess rival("cloud-hypervisor", dir_, "a");
  EXPECT_EQ(rival.wait(), 1);
  vmm->signal(SIGTERM);
  EXPECT_EQ(vmm->wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/a.sock"));
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/a.sock.lock"));
}

TEST_F(CloudHypervisorTest, FaultsComeByNameAndStep) {
  auto vmm = start("a", "tap=claim;boot=error!1;snapshot=enospc");
  ASSERT_EQ(put(*vmm, "create", config("disk0", tap("a"))).status, 204);
  EXPECT_EQ(put(*vmm, "boot").status, 500);
  EXPECT_EQ(put(*vmm, "boot").status, 204);
  put(*vmm, "pause");
  std::filesystem::create_directory(dir_ + "/s");
  EXPECT_THAT(put(*vmm, "snapshot", url("destination_url", "s")).body,
              HasSubstr("No space left on device"));
  spill(dir_ + "/fault.json", R"({"die-at": "resume"})");
  EXPECT_EQ(put(*vmm, "resume").status, 0);
  EXPECT_EQ(vmm->wait(), 128 + SIGKILL);
}

}  // namespace
}  // namespace chrysalis::fake_vmm
