#include "controller/api/enums.h"
#include "controller/api/schema.h"

namespace chrysalis::api {

using namespace schema;

Schema snapshot_spec_schema() {
  Schema vm, directory, sources, p;
  vm["name"] = label("A VirtualMachine of the same namespace.");
  directory["nodeName"] = subdomain("The node that has it.");
  directory["name"] = label("A directory below the import root.");
  sources["virtualMachine"] =
      require(object("Take a snapshot of a running VM.", vm), {"name"});
  sources["directory"] =
      require(object("Import a directory; it is never changed.", directory),
              {"nodeName", "name"});
  p["source"] = object(
      "Exactly one of virtualMachine and directory; immutable.", sources);
  p["description"] = text("For a human.", 1024);
  p["deletionPolicy"] = with_default(
      every_name_of("What deletion does to the files.", kDeletionPolicies),
      "Delete");
  return require(object("What the user wants. Taken once.", p), {"source"});
}

namespace {

Schema hypervisor_status() {
  Schema p;
  p["name"] = text("CloudHypervisor or Firecracker.", 32);
  p["version"] = text("As the program says it.", 128);
  p["binarySHA256"] = text("sha256 of the program.", 71);
  p["format"] = text("Version of its snapshot format.", 64);
  return object("The program that wrote it.", p);
}

Schema host_status() {
  Schema p;
  p["cpuModel"] = text("CPU it was taken on.", 256);
  p["kernel"] = text("Kernel it was taken on.", 256);
  return object("The host it was taken on.", p);
}

Schema size_status() {
  Schema p;
  p["memory"] = text("Data of the memory file.", 32);
  p["disk"] = text("Data of the disks.", 32);
  p["total"] = text("Both.", 32);
  return object("Bytes on disk.", p);
}

}  // namespace

Schema snapshot_status_schema() {
  Schema p;
  p["observedGeneration"] =
      integer("The generation this status speaks of.", 0, kMaxCount);
  p["readyToUse"] = boolean("Complete, hashed and durable.");
  p["nodeName"] = text("The node that has it.", 253);
  p["capturedAt"] = timestamp("The instant it holds.");
  p["snapshotID"] = text("Its id on the node.", 64);
  p["phase"] = every_name_of("One word, for a table.", kSnapshotPhases);
  p["sourceUID"] =
      text("UID of the VM it was taken of; empty for an import.", 64);
  p["hypervisor"] = hypervisor_status();
  p["host"] = host_status();
  p["config"] = config("The whole topology that a clone inherits.");
  p["size"] = size_status();
  p["pauseMilliseconds"] =
      integer("How long the source was paused.", 0, kMaxCount);
  p["manifestDigest"] = text("Digest of the manifest.", 71);
  p["conditions"] = conditions();
  return object("What is. Written by Chrysalis only.", p);
}

}  // namespace chrysalis::api
