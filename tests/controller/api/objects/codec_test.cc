#include "controller/api/objects/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "controller/api/structural.h"
#include "tests/controller/api/objects.h"
#include "tests/controller/api/objects/random_status.h"

namespace chrysalis::api {
namespace {

using nlohmann::json;

json full_vm() {
  return json::parse(R"({
  "apiVersion": "chrysalis.dev/v1alpha1", "kind": "VirtualMachine",
  "metadata": {"namespace": "n", "name": "a", "uid": "u", "generation": 7,
    "resourceVersion": "12", "creationTimestamp": "2026-11-24T09:00:00Z",
    "deletionTimestamp": "2026-11-24T09:01:00Z", "finalizers": ["f/1", "f/2"]},
  "spec": {
    "source": {"image": {"name": "ubuntu-24.04"}},
    "hypervisor": "Firecracker", "powerState": "Paused",
    "restartPolicy": "Always", "stopGracePeriodSeconds": 5,
    "restart": {"attempt": 3},
    "resources": {"cpu": 4, "memory": "2Gi", "storage": "11Mi", "nics": 0},
    "network": {"name": "blue"}, "queueSize": 128, "diskQueueSize": 64,
    "noDirectIO": true, "windows": false, "sharedMemory": true,
    "restore": {"snapshot": "s", "attempt": 9, "onDemand": true,
      "allowForeign": true, "manifestDigest": "sha256:0"},
    "nodeName": "node-1"},
  "status": {
    "observedGeneration": 6, "nodeName": "node-1",
    "hypervisor": {"name": "Firecracker", "version": "v1.13.1"},
    "phase": "Restoring",
    "config": {"cpu": 4, "memory": "2Gi", "storage": "10Gi", "nics": 1,
      "image": "ubuntu-24.04", "imageDigest": "sha256:1", "imageType": "raw",
      "windows": false, "sharedMemory": false, "diskQueueSize": 256,
      "queueSize": 256, "noDirectIO": true, "hypervisor": "Firecracker",
      "network": "blue"},
    "provenance": {"cpu": "Snapshot", "memory": "Spec", "storage": "Default",
      "nics": "VirtualMachine", "image": "Spec", "imageDigest": "Generated",
      "imageType": "Generated", "windows": "Default", "sharedMemory": "Default",
      "diskQueueSize": "Default", "queueSize": "Default",
      "noDirectIO": "Default", "hypervisor": "Spec", "network": "Spec"},
    "inheritedFrom": {"snapshot": "s", "uid": "su", "manifestDigest": "d"},
    "specDrift": [{"field": "cpu", "spec": "4", "running": "2",
      "clearedBy": "Restart"}],
    "restore": {"snapshot": "s", "snapshotUID": "su", "attempt": 9,
      "result": "RolledBack", "reason": "LoadFailed", "message": "m",
      "startedAt": "2026-11-24T09:00:01Z",
      "finishedAt": "2026-11-24T09:00:02Z", "pauseMilliseconds": 12},
    "restart": {"attempt": 2}, "restarts": 4, "guestReboots": 5,
    "startedAt": "2026-11-24T09:00:03Z",
    "lastExit": {"at": "2026-11-24T09:00:04Z", "reason": "VmmExited",
      "exitCode": -1},
    "interfaces": [{"name": "net0", "network": "blue", "mac": "02:0",
      "guestMAC": "02:1", "ips": ["10.0.0.2"]}],
    "conditions": [{"type": "Ready", "status": "True", "reason": "Running",
      "message": "m", "observedGeneration": 6,
      "lastTransitionTime": "2026-11-24T09:00:05Z"}]}})");
}

json full_snapshot() {
  json out = json::parse(R"({
  "apiVersion": "chrysalis.dev/v1alpha1", "kind": "VMSnapshot",
  "metadata": {"namespace": "n", "name": "s", "uid": "u", "generation": 1,
    "resourceVersion": "12"},
  "spec": {"source": {"directory": {"nodeName": "node-1", "name": "d"}},
    "description": "text", "deletionPolicy": "Retain"},
  "status": {
    "observedGeneration": 1, "readyToUse": true, "nodeName": "node-1",
    "capturedAt": "2026-11-24T09:00:00Z", "snapshotID": "u",
    "phase": "Ready", "sourceUID": "",
    "hypervisor": {"name": "Firecracker", "version": "v1", "binarySHA256": "b",
      "format": "4"},
    "host": {"cpuModel": "c", "kernel": "k"},
    "size": {"memory": "1Gi", "disk": "1Mi", "total": "1025Mi"},
    "pauseMilliseconds": 3, "manifestDigest": "sha256:2",
    "conditions": [{"type": "Ready", "status": "True", "reason": "Captured",
      "lastTransitionTime": "2026-11-24T09:00:05Z"}]}})");
  out["status"]["config"] = full_vm()["status"]["config"];
  return out;
}

std::string fault_of(json object) {
  const auto vm = decode_vm(object);
  return vm ? "" : vm.error().message;
}

TEST(Codec, AFullVmIsReadWholeAndWrittenBackAsItWas) {
  const json object = full_vm();
  const auto vm = decode_vm(object);
  ASSERT_TRUE(vm) << vm.error().message;
  EXPECT_EQ(encode(*vm), object);
  EXPECT_EQ(encode_status(vm->status), object["status"]);
  EXPECT_EQ(vm->meta.generation, 7U);
  EXPECT_EQ(vm->spec.wish.image, "ubuntu-24.04");
  EXPECT_EQ(vm->spec.wish.memory, model::Bytes{uint64_t{2} << 30});
  EXPECT_EQ(vm->spec.restore->attempt, 9U);
  EXPECT_EQ(vm->spec.clone, std::nullopt);
  EXPECT_EQ(vm->status.last_exit->exit_code, -1);
}

TEST(Codec, ACloneIsReadWithItsRequest) {
  json object = full_vm();
  object["spec"]["source"] = {
      {"snapshot", {{"name", "s"}, {"onDemand", true}}}};
  const auto vm = decode_vm(object);
  ASSERT_TRUE(vm);
  EXPECT_EQ(vm->spec.clone, (CloneSource{"s", true, ""}));
  EXPECT_EQ(vm->spec.wish.image, std::nullopt);
}

// So that whoever judges the value can refuse them by name.
TEST(Codec, NamesDeclaredInsideARequestAreKeptAsTheyWere) {
  json object = full_vm();
  object["spec"]["source"] = {
      {"snapshot",
       {{"name", "s"}, {"onDemand", false}, {"cpu", 4}, {"memory", "1Gi"}}}};
  object["spec"]["restore"]["nics"] = 1;
  object["spec"]["restore"]["queueSize"] = 2;  // no such name: not kept
  const auto vm = decode_vm(object);
  ASSERT_TRUE(vm) << vm.error().message;
  object["spec"]["restore"].erase("queueSize");
  EXPECT_EQ(encode(*vm)["spec"]["source"], object["spec"]["source"]);
  EXPECT_EQ(encode(*vm)["spec"]["restore"], object["spec"]["restore"]);
  object["spec"]["restore"]["nics"] = 1.5;
  EXPECT_EQ(decode_vm(object).error().message,
            "spec.restore.nics: must be an integer or a string");
}

TEST(Codec, AFullSnapshotIsReadWholeAndWrittenBackAsItWas) {
  const json object = full_snapshot();
  const auto snapshot = decode_snapshot(object);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(encode(*snapshot), object);
  EXPECT_EQ(encode_status(snapshot->status), object["status"]);
  EXPECT_EQ(snapshot->status.source_uid, "");
}

// What the schema fills in is what a value starts with.
TEST(Codec, DefaultsOfTheSchemaAreThoseOfTheValues) {
  const char* specs[] = {R"({"source": {"image": {"name": "i"}}})",
                         R"({"source": {"snapshot": {"name": "s"}}})",
                         R"({"source": {"image": {"name": "i"}}, "restart": {},
          "restore": {"snapshot": "s"}})"};
  for (const char* spec : specs)
    EXPECT_EQ(decode_vm(object_of(Kind::kVirtualMachine, "a", spec)).value(),
              decode_vm(defaulted(Kind::kVirtualMachine, "a", spec)).value())
        << spec;
  const char* spec = R"({"source": {"virtualMachine": {"name": "v"}}})";
  const auto snapshot =
      decode_snapshot(object_of(Kind::kVmSnapshot, "s", spec));
  EXPECT_EQ(snapshot.value(),
            decode_snapshot(defaulted(Kind::kVmSnapshot, "s", spec)).value());
  EXPECT_EQ(snapshot->spec.virtual_machine, "v");
}

TEST(Codec, AnEmptyStatusHasNoKeys) {
  EXPECT_EQ(encode_status(VmStatus{}), json::object());
  EXPECT_EQ(encode_status(SnapshotStatus{}), json::object());
}

// The key of every property of the schema is known to the codec, and the codec
// writes no key that the schema lacks.
void expect_same_keys(const Schema& schema, const json& value,
                      const std::string& path) {
  if (value.is_array()) {
    ASSERT_FALSE(value.empty()) << path;
    if (schema["items"].contains("properties"))
      expect_same_keys(schema["items"], value[0], path + "[0]");
    return;
  }
  if (!schema.contains("properties")) return;
  for (const auto& [key, property] : schema["properties"].items()) {
    ASSERT_TRUE(value.contains(key)) << path << "." << key;
    expect_same_keys(property, value[key], path + "." + key);
  }
  EXPECT_EQ(value.size(), schema["properties"].size()) << path;
}

TEST(Codec, StatusHasTheKeysOfTheSchemaAndNoOther) {
  expect_same_keys(vm_status_schema(),
                   encode_status(decode_vm(full_vm())->status), "status");
  json snapshot = encode_status(decode_snapshot(full_snapshot())->status);
  snapshot["conditions"][0]["message"] = "";  // absent when it is empty
  snapshot["conditions"][0]["observedGeneration"] = 1;
  expect_same_keys(snapshot_status_schema(), snapshot, "status");
}

std::string faults(const Schema& schema, const json& value) {
  return model::join(check_structure(schema, value));
}

TEST(CodecProperty, EveryObjectReadsBackAndItsStatusFitsTheSchema) {
  const Schema vm_schema = vm_status_schema();
  const Schema snapshot_schema = snapshot_status_schema();
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    RandomObjects random(seed);
    const VirtualMachine vm = random.vm();
    ASSERT_EQ(decode_vm(encode(vm)).value(), vm) << "seed " << seed;
    ASSERT_EQ(faults(vm_schema, encode_status(vm.status)), "") << seed;
    const VmSnapshot snapshot = random.snapshot();
    ASSERT_EQ(decode_snapshot(encode(snapshot)).value(), snapshot) << seed;
    ASSERT_EQ(faults(snapshot_schema, encode_status(snapshot.status)), "")
        << seed;
  }
}

TEST(Codec, AnotherTypeIsReportedWithItsPath) {
  const auto with = [](const char* pointer, json value) {
    json object = full_vm();
    object[json::json_pointer(pointer)] = std::move(value);
    return fault_of(std::move(object));
  };
  EXPECT_EQ(with("/spec/powerState", 1), "spec.powerState: must be a string");
  EXPECT_EQ(with("/spec/powerState", "Asleep"),
            "spec.powerState: no such value: \"Asleep\"");
  EXPECT_EQ(with("/spec/resources/cpu", "two"),
            "spec.resources.cpu: must be a whole number");
  EXPECT_EQ(with("/spec/resources/cpu", -1),
            "spec.resources.cpu: -1 is out of range");
  EXPECT_EQ(with("/spec/resources/cpu", 4294967296),
            "spec.resources.cpu: 4294967296 is out of range");
  EXPECT_EQ(with("/spec/resources/memory", "1.5.5"),
            "spec.resources.memory: must be a quantity of whole bytes");
  EXPECT_EQ(with("/spec/resources/memory", -1),
            "spec.resources.memory: must be a quantity of whole bytes");
  EXPECT_EQ(with("/spec/resources", 3), "spec.resources: must be an object");
  EXPECT_EQ(with("/spec/source/image", 3),
            "spec.source.image: must be an object");
  EXPECT_EQ(with("/spec/source", "image"), "spec.source: must be an object");
  EXPECT_EQ(with("/spec/windows", "no"), "spec.windows: must be true or false");
  EXPECT_EQ(with("/metadata/generation", 18446744073709551615U),
            "metadata.generation: must be a whole number");
  EXPECT_EQ(with("/metadata/finalizers", "f"),
            "metadata.finalizers: must be a list");
  EXPECT_EQ(with("/metadata/finalizers/1", 5),
            "metadata.finalizers[1]: must be a string");
  EXPECT_EQ(with("/metadata/creationTimestamp", "yesterday"),
            "metadata.creationTimestamp: must be an RFC 3339 time");
  EXPECT_EQ(with("/status/conditions/0/status", "Maybe"),
            "status.conditions[0].status: no such value: \"Maybe\"");
  EXPECT_EQ(with("/status/config/cpu", "x"),
            "status.config.cpu: must be a whole number");
  EXPECT_EQ(fault_of(json::array()), "must be an object");
}

TEST(Codec, AConfigThatLacksAKeyIsNotBelieved) {
  for (const char* what : {"config", "provenance"}) {
    json object = full_vm();
    object["status"][what].erase("cpu");
    const auto vm = decode_vm(object);
    ASSERT_TRUE(vm);
    EXPECT_EQ(vm->status.config.has_value(), what != std::string("config"));
    EXPECT_EQ(vm->status.provenance.has_value(),
              what != std::string("provenance"));
  }
}

TEST(Codec, NullIsAbsentAndTheUnknownIsSkipped) {
  json object = full_vm();
  object["spec"]["restore"] = nullptr;
  object["spec"]["resources"]["cpu"] = nullptr;
  object["spec"]["future"] = {{"deep", {1, 2}}};
  object["spec"]["resources"]["gpu"] = 1;
  object["status"]["conditions"][0]["future"] = "x";
  object["status"]["phase"] = nullptr;
  object["more"] = 1;
  const auto vm = decode_vm(object);
  ASSERT_TRUE(vm) << vm.error().message;
  EXPECT_EQ(vm->spec.restore, std::nullopt);
  EXPECT_EQ(vm->spec.wish.cpu, std::nullopt);
  EXPECT_EQ(vm->status.phase, std::nullopt);
  EXPECT_EQ(vm->spec.wish.nics, 0U);
}

}  // namespace
}  // namespace chrysalis::api
