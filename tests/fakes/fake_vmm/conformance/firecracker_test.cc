// What Firecracker v1.16.1 was seen to do, asked of the simulated one.

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

class FirecrackerTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/fake-fc-XXXXXX";
    dir_ = ::mkdtemp(name);
    spill(dir_ + "/kernel", "simulated-guest");
    spill(dir_ + "/disk", std::string(65536, 'd'));
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<VmmProcess> start(const std::string& name,
                                    const std::string& faults = "tap=claim") {
    return std::make_unique<VmmProcess>("firecracker", dir_, name,
                                        std::vector<std::string>{}, faults);
  }
  static std::string tap(const std::string& end) {
    return "g" + std::to_string(::getpid()) + end;
  }
  static Answer put(VmmProcess& vmm, const std::string& path,
                    const json& body) {
    return vmm.call("PUT", path, body.dump());
  }
  static Answer set_state(VmmProcess& vmm, const char* state) {
    return vmm.call("PATCH", "/vm", json{{"state", state}}.dump());
  }
  static json get(VmmProcess& vmm, const std::string& path) {
    return json::parse(vmm.call("GET", path).body, nullptr, false);
  }
  void boot(VmmProcess& vmm) {
    put(vmm, "/machine-config", {{"vcpu_count", 2}, {"mem_size_mib", 8}});
    put(vmm, "/boot-source", {{"kernel_image_path", dir_ + "/kernel"}});
    put(vmm, "/drives/d",
        {{"drive_id", "d"},
         {"is_root_device", true},
         {"path_on_host", dir_ + "/disk"}});
    const Answer net = put(vmm, "/network-interfaces/n",
                           {{"iface_id", "n"},
                            {"host_dev_name", tap("a")},
                            {"guest_mac", "02:00:00:00:00:01"}});
    ASSERT_EQ(net.status, 204) << net.body;
    ASSERT_EQ(put(vmm, "/actions", {{"action_type", "InstanceStart"}}).status,
              204);
  }
  json snapshot_paths(const std::string& name) {
    return {{"snapshot_path", dir_ + "/" + name + ".state"},
            {"mem_file_path", dir_ + "/" + name + ".mem"}};
  }
  json load_request(const std::string& name) {
    return {{"snapshot_path", dir_ + "/" + name + ".state"},
            {"mem_backend",
             {{"backend_type", "File"},
              {"backend_path", dir_ + "/" + name + ".mem"}}},
            {"network_overrides",
             {{{"iface_id", "n"}, {"host_dev_name", tap("b")}}}}};
  }

  std::string dir_;
};

TEST_F(FirecrackerTest, RefusesInTheWordsOfTheRealOne) {
  struct Row {
    const char* method;
    const char* path;
    const char* body;
    const char* text;
  };
  const Row table[] = {
      {"GET", "/nope", "", "Invalid request method and/or path: GET nope."},
      {"PUT", "/machine-config", "", "Empty PUT request."},
      {"GET", "/", "{}", "GET request cannot have a body."},
      {"PATCH", "/vm", R"({"state":"Paused"})",
       "not supported before starting the microVM"},
      {"PUT", "/actions", R"({"action_type":"InstanceStart"})",
       "Cannot start microvm without kernel configuration."},
      {"PUT", "/machine-config",
       R"({"vcpu_count":1,"mem_size_mib":8,"queue":1})",
       "unknown field `queue`"},
      {"PUT", "/machine-config", R"({"vcpu_count":33,"mem_size_mib":8})",
       "The number of vCPUs must be greater than 0"},
      {"PUT", "/drives/d-1", "{}", "alphanumeric characters"},
      {"PUT", "/boot-source", R"({"kernel_image_path":"/nope"})",
       "The kernel file cannot be opened: No such file"},
      {"PUT", "/drives/d",
       R"({"drive_id":"d","is_root_device":true,"path_on_host":"/nope"})",
       "Error manipulating the backing file: No such file"},
      {"PUT", "/snapshot/load",
       R"({"snapshot_path":"/s","mem_backend":{"backend_type":"File",)"
       R"("backend_path":"/m"}})",
       "not allowed after configuring boot-specific resources"}};
  auto vmm = start("a");
  for (const Row& row : table) {
    const Answer answer = vmm->call(row.method, row.path, row.body);
    EXPECT_EQ(answer.status, 400) << row.path << " " << row.body;
    EXPECT_THAT(answer.body, HasSubstr(row.text)) << row.path;
  }
  EXPECT_EQ(get(*vmm, "/")["state"], "Not started");
}

TEST_F(FirecrackerTest, PauseIsIdempotentAndPhasesAreKept) {
  auto vmm = start("a");
  boot(*vmm);
  EXPECT_THAT(put(*vmm, "/boot-source", {{"kernel_image_path", "/x"}}).body,
              HasSubstr("not supported after starting the microVM"));
  EXPECT_THAT(put(*vmm, "/snapshot/create", snapshot_paths("s")).body,
              HasSubstr("save/restore unavailable while running"));
  EXPECT_EQ(set_state(*vmm, "Paused").status, 204);
  EXPECT_EQ(set_state(*vmm, "Paused").status, 204);
  EXPECT_EQ(get(*vmm, "/")["state"], "Paused");
  EXPECT_EQ(set_state(*vmm, "Resumed").status, 204);
  EXPECT_EQ(set_state(*vmm, "Resumed").status, 204);
}

TEST_F(FirecrackerTest, CloneGoesOnWithTheSourcesMac) {
  auto vmm = start("a");
  boot(*vmm);
  set_state(*vmm, "Paused");
  ASSERT_EQ(put(*vmm, "/snapshot/create", snapshot_paths("s")).status, 204);
  set_state(*vmm, "Resumed");
  EXPECT_EQ(std::filesystem::file_size(dir_ + "/s.mem"), 8u << 20);
  auto clone = start("b");
  const Answer loaded = put(*clone, "/snapshot/load", load_request("s"));
  ASSERT_EQ(loaded.status, 204) << loaded.body;
  EXPECT_EQ(get(*clone, "/")["state"], "Paused");
  EXPECT_EQ(get(*clone, "/machine-config")["vcpu_count"], 2);
  const json nic = get(*clone, "/vm/config")["network-interfaces"][0];
  EXPECT_EQ(nic["guest_mac"], "02:00:00:00:00:01");
  EXPECT_EQ(nic["host_dev_name"], tap("b"));
  EXPECT_EQ(set_state(*clone, "Resumed").status, 204);
  const std::string page = slurp(dir_ + "/s.mem").substr(0x200000, 32);
  ASSERT_TRUE(eventually([&] {
    return clone->console().find("guest nonce=") != std::string::npos;
  }));
  set_state(*clone, "Paused");
  ASSERT_EQ(put(*clone, "/snapshot/create", snapshot_paths("t")).status, 204);
  EXPECT_EQ(slurp(dir_ + "/t.mem").substr(0x200008, 16), page.substr(8, 16));
}

TEST_F(FirecrackerTest, AFailedLoadIsFatal) {
  auto vmm = start("a");
  boot(*vmm);
  set_state(*vmm, "Paused");
  ASSERT_EQ(put(*vmm, "/snapshot/create", snapshot_paths("s")).status, 204);
  const std::string state = slurp(dir_ + "/s.state");
  struct Row {
    const char* text;
    std::function<void(json&)> spoil;
  };
  const Row table[] = {
      {"Failed to open snapshot file",
       [](json& r) { r["snapshot_path"] = "/nope"; }},
      {"bitcode error",
       [&](json& r) {
         spill(dir_ + "/x", state.substr(0, state.size() - 20));
         r["snapshot_path"] = dir_ + "/x";
       }},
      {"CRC64 validation failed",
       [&](json& r) {
         spill(dir_ + "/x", state.substr(0, state.size() - 1) + "?");
         r["snapshot_path"] = dir_ + "/x";
       }},
      {"Total sum of memory regions exceeds",
       [&](json& r) {
         spill(dir_ + "/x", "short");
         r["mem_backend"]["backend_path"] = dir_ + "/x";
       }},
      {"Unknown Network Device",
       [](json& r) { r["network_overrides"][0]["iface_id"] = "zz"; }},
      {"Device or resource busy",
       [](json& r) { r.erase("network_overrides"); }}};
  int n = 0;
  for (const Row& row : table) {
    auto loser = start("loser" + std::to_string(n++));
    json request = load_request("s");
    row.spoil(request);
    const Answer answer = put(*loser, "/snapshot/load", request);
    EXPECT_EQ(answer.status, 400) << row.text;
    EXPECT_THAT(answer.body, HasSubstr(row.text));
    EXPECT_EQ(loser->wait(), 1) << row.text;
  }
}

TEST_F(FirecrackerTest, EndsAsItsGuestEnds) {
  struct Row {
    const char* keys;
    int code;
  };
  for (const Row& row : {Row{"q", 0}, Row{"r", 0}, Row{"c", 1}}) {
    auto vmm = start(std::string("end") + row.keys);
    boot(*vmm);
    vmm->type(row.keys);
    EXPECT_EQ(vmm->wait(), row.code) << row.keys;
  }
  auto asked = start("asked");
  boot(*asked);
  put(*asked, "/actions", {{"action_type", "SendCtrlAltDel"}});
  EXPECT_EQ(asked->wait(), 0);
  auto killed = start("killed");
  boot(*killed);
  killed->signal(SIGTERM);
  EXPECT_EQ(killed->wait(), 128 + SIGTERM);
}

TEST_F(FirecrackerTest, RefusesAnExistingSocketPath) {
  spill(dir_ + "/a.sock", "");
  auto vmm = start("a");
  EXPECT_EQ(vmm->wait(), 1);
}

}  // namespace
}  // namespace chrysalis::fake_vmm
