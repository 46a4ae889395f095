#include "controller/api/enums.h"
#include "controller/api/schema.h"
#include "src/model/inherit.h"
#include "src/model/law.h"

namespace chrysalis::api {
namespace {

using namespace schema;
using model::for_each_field;
using model::RowValue;

// The schema of one row as a spec may say it. No default ever: a clone takes
// the value from its snapshot.
template <class R>
Schema row_schema(const R& row) {
  using T = RowValue<R>;
  const std::string doc(row.doc);
  if constexpr (std::is_same_v<T, bool>) {
    return boolean(doc);
  } else if constexpr (std::is_same_v<T, model::Bytes>) {
    return quantity(doc);
  } else if constexpr (std::is_same_v<T, uint32_t>) {
    return integer(doc, *row.min, *row.max);
  } else if constexpr (std::is_same_v<T, model::Hypervisor>) {
    return every_name_of(doc, model::kHypervisors);
  } else {
    return row.subdomain ? subdomain(doc) : label(doc);
  }
}

// Puts every row of the table at its path: "resources.cpu" makes a property
// cpu of an object resources.
void add_rows(Schema& properties) {
  for_each_field([&](const auto& row, auto) {
    if (row.path.empty() || row.path.starts_with("source.")) return;
    const std::string path(row.path);
    const auto dot = path.find('.');
    if (dot == std::string::npos) {
      properties[path] = row_schema(row);
      return;
    }
    const std::string parent = path.substr(0, dot);
    if (!properties.contains(parent))
      properties[parent] = object(
          parent == "resources"
              ? "What an image boots with. Never set on a clone or beside a "
                "restore: both take all of it from the snapshot."
              : "The network its interfaces are in.",
          Schema::object());
    properties[parent]["properties"][path.substr(dot + 1)] = row_schema(row);
  });
  properties["network"] = require(properties["network"], {"name"});
}

// cpu, memory, storage, nics where another system would take them: declared
// to be refused by name (rules.cc).
void add_refused_names(Schema& properties, const char* by) {
  for_each_field([&](const auto& row, auto) {
    if (!model::refused_beside_restore(row)) return;
    Schema never;
    never["description"] =
        std::string("Refused: a ") + by + " takes it from the snapshot.";
    never["x-kubernetes-int-or-string"] = true;
    properties[std::string(model::leaf(row.path))] = std::move(never);
  });
}

Schema source() {
  Schema image;
  for_each_field([&](const auto& row, auto) {
    if (row.path == "source.image.name") image["name"] = row_schema(row);
  });
  Schema snapshot;
  snapshot["name"] = label("A VMSnapshot of the same namespace.");
  snapshot["onDemand"] = with_default(
      boolean("Memory pages are read when touched. Cloud Hypervisor only."),
      false);
  snapshot["manifestDigest"] =
      digest("Pins the contents: another snapshot of that name is refused.");
  add_refused_names(snapshot, "clone");
  Schema properties;
  properties["image"] =
      require(object("Cold boot from an image.", image), {"name"});
  properties["snapshot"] =
      require(object("Clone of a snapshot.", snapshot), {"name"});
  return object("Exactly one of image and snapshot; immutable.", properties);
}

Schema restore() {
  Schema p;
  p["snapshot"] = label("A VMSnapshot of the same namespace and node.");
  p["attempt"] =
      with_default(integer("Counts up: each number is one request, done once.",
                           1, kMaxCount),
                   1);
  p["onDemand"] = with_default(
      boolean("Memory pages are read when touched. Cloud Hypervisor only."),
      false);
  p["allowForeign"] = with_default(
      boolean("Accept a snapshot of another VM or an import."), false);
  p["manifestDigest"] =
      digest("Pins the contents: another snapshot of that name is refused.");
  add_refused_names(p, "restore");
  return require(object("Restore in place: a request, done once an attempt. "
                        "Take it out again once it is done.",
                        p),
                 {"snapshot"});
}

}  // namespace

Schema vm_spec_schema() {
  Schema p;
  p["source"] = source();
  p["powerState"] = with_default(
      every_name_of("What the vCPUs shall do.", model::kPowerStates),
      "Running");
  p["restartPolicy"] = with_default(
      every_name_of("What to do when the VMM or the guest ends by itself.",
                    model::kRestartPolicies),
      "OnFailure");
  p["stopGracePeriodSeconds"] = with_default(
      integer("How long the guest may take to power off.", 0, 600), 30);
  Schema attempt;
  attempt["attempt"] = with_default(
      integer("Counts up: each number is one cold boot, done once.", 1,
              kMaxCount),
      1);
  p["restart"] = object("One cold boot; clears RestartRequired.", attempt);
  add_rows(p);
  p["restore"] = restore();
  p["nodeName"] = subdomain("A constraint given to placement.");
  return require(object("What the user wants. Never written by Chrysalis.", p),
                 {"source"});
}

namespace {

Schema list_map(std::string doc, const char* key, Schema item_properties,
                size_t max_items) {
  Schema out;
  out["description"] = std::move(doc);
  out["type"] = "array";
  out["maxItems"] = max_items;
  out["x-kubernetes-list-type"] = "map";
  out["x-kubernetes-list-map-keys"] = {key};
  out["items"] =
      require(object("One of them.", std::move(item_properties)), {key});
  return out;
}

Schema inherited_from() {
  Schema p;
  p["snapshot"] = text("Its name then.", 253);
  p["uid"] = text("Its UID.", 64);
  p["manifestDigest"] = text("Digest of its manifest.", 71);
  return object("The one snapshot behind every `Snapshot` of provenance.", p);
}

Schema spec_drift() {
  Schema p;
  p["field"] = text("Key of status.config.", 64);
  p["spec"] = text(
      "What the spec asks for; where clearedBy is Restore, what is recorded.",
      256);
  p["running"] = text("What runs.", 256);
  p["clearedBy"] =
      every_name_of("What would make them equal.", model::kClearedBys);
  return list_map("Where spec, or record, and running VM differ.", "field", p,
                  32);
}

Schema restore_status() {
  Schema p;
  p["snapshot"] = text("Name of the snapshot.", 253);
  p["snapshotUID"] = text("UID of the snapshot.", 64);
  p["attempt"] = integer("The attempt it speaks of.", 0, kMaxCount);
  p["result"] = every_name_of("How it went.", kRestoreVerdicts);
  p["reason"] = text("One of the enumerated reasons.", 128);
  p["message"] = text("For a human.", 32768);
  p["startedAt"] = timestamp("When it began.");
  p["finishedAt"] = timestamp("When it ended.");
  p["pauseMilliseconds"] =
      integer("How long no vCPU of the VM ran.", 0, kMaxCount);
  return object("The last restore in place.", p);
}

Schema last_exit() {
  Schema p;
  p["at"] = timestamp("When it ended.");
  p["reason"] = text("One of the enumerated reasons.", 128);
  p["exitCode"] = integer("Exit code of the VMM.", -1, 65535);
  return object("How the VMM or the guest last ended by itself.", p);
}

Schema interfaces() {
  Schema p, ips;
  p["name"] = text("Name of the interface.", 64);
  p["network"] = text("Name of its network.", 63);
  p["mac"] = text("The host's MAC.", 17);
  p["guestMAC"] =
      text("What the guest has; differs on a Firecracker clone.", 17);
  ips = {{"description", "Addresses."},
         {"type", "array"},
         {"maxItems", 16},
         {"x-kubernetes-list-type", "set"}};
  ips["items"] = text("One address.", 64);
  p["ips"] = ips;
  return list_map("Network interfaces.", "name", p, 16);
}

Schema hypervisor_status() {
  Schema p;
  p["name"] = text("CloudHypervisor or Firecracker.", 32);
  p["version"] = text("As the program says it.", 128);
  return object("The program that runs it.", p);
}

}  // namespace

Schema vm_status_schema() {
  Schema p;
  p["observedGeneration"] =
      integer("The generation this status speaks of.", 0, kMaxCount);
  p["nodeName"] = text("The node it is placed on; set once.", 253);
  p["hypervisor"] = hypervisor_status();
  p["phase"] = every_name_of("One word, for a table.", kVmPhases);
  p["config"] = config("What runs, read back from the hypervisor.");
  p["provenance"] = provenance();
  p["inheritedFrom"] = inherited_from();
  p["specDrift"] = spec_drift();
  p["restore"] = restore_status();
  Schema attempt;
  attempt["attempt"] = integer("The last restart done.", 0, kMaxCount);
  p["restart"] = object("The last restart asked for.", attempt);
  p["restarts"] = integer("Times the VMM was started anew.", 0, kMaxCount);
  p["guestReboots"] =
      integer("Times the guest rebooted inside the VMM.", 0, kMaxCount);
  p["startedAt"] = timestamp("When the VMM that runs was started.");
  p["lastExit"] = last_exit();
  p["interfaces"] = interfaces();
  p["conditions"] = conditions();
  return object("What is, as read back. Written by Chrysalis only.", p);
}

}  // namespace chrysalis::api
