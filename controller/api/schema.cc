#include "controller/api/schema.h"

#include "controller/api/enums.h"
#include "src/model/fields.h"
#include "src/model/law.h"

namespace chrysalis::api {
namespace schema {
namespace {

Schema typed(const char* type, std::string doc) {
  Schema out;
  out["description"] = std::move(doc);
  out["type"] = type;
  return out;
}

template <class T>
Schema of_row(const std::string& doc) {
  if constexpr (std::is_same_v<T, bool>) {
    return boolean(doc);
  } else if constexpr (std::is_same_v<T, uint32_t>) {
    return integer(doc, 0, UINT32_MAX);
  } else if constexpr (std::is_same_v<T, model::Hypervisor>) {
    return every_name_of(doc, model::kHypervisors);
  } else {
    return typed("string", doc);  // names, digests, canonical quantities
  }
}

}  // namespace

Schema object(std::string doc, Schema properties) {
  Schema out = typed("object", std::move(doc));
  out["properties"] = std::move(properties);
  return out;
}
Schema text(std::string doc, size_t max_length) {
  Schema out = typed("string", std::move(doc));
  out["maxLength"] = max_length;
  return out;
}
Schema label(std::string doc) {
  Schema out = text(std::move(doc), kLabelMax);
  out["minLength"] = 1;
  out["pattern"] = std::string(kLabelPattern);
  return out;
}
Schema subdomain(std::string doc) {
  Schema out = text(std::move(doc), 253);
  out["minLength"] = 1;
  out["pattern"] =
      "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
  return out;
}
Schema digest(std::string doc) {
  Schema out = text(std::move(doc), 71);
  out["pattern"] = "^sha256:[0-9a-f]{64}$";
  return out;
}
Schema integer(std::string doc, int64_t min, int64_t max) {
  Schema out = typed("integer", std::move(doc));
  out["format"] = "int64";
  out["minimum"] = min;
  out["maximum"] = max;
  return out;
}
Schema boolean(std::string doc) { return typed("boolean", std::move(doc)); }
Schema quantity(std::string doc) {
  Schema out;
  out["description"] = std::move(doc);
  out["anyOf"] = {{{"type", "integer"}}, {{"type", "string"}}};
  out["x-kubernetes-int-or-string"] = true;
  out["maxLength"] = 32;
  // Whole numbers only: quantity('1.5Gi').isInteger() is false.
  out["pattern"] = "^[0-9]+(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$";
  return out;
}
Schema timestamp(std::string doc) {
  Schema out = typed("string", std::move(doc));
  out["format"] = "date-time";
  return out;
}
Schema enumeration(std::string doc,
                   std::initializer_list<std::string_view> values) {
  Schema out = typed("string", std::move(doc));
  out["enum"] = Schema::array();
  for (const auto v : values) out["enum"].push_back(std::string(v));
  return out;
}
Schema with_default(Schema of, nlohmann::ordered_json value) {
  of["default"] = std::move(value);
  return of;
}
Schema require(Schema object_of,
               std::initializer_list<std::string_view> names) {
  object_of["required"] = Schema::array();
  for (const auto n : names) object_of["required"].push_back(std::string(n));
  return object_of;
}

Schema conditions() {
  Schema item;
  item["type"] = text("Type of the condition, one of the documented list.", 64);
  item["status"] = every_name_of("Does it hold?", kTruths);
  item["observedGeneration"] =
      integer("The generation it speaks of.", 0, kMaxCount);
  item["lastTransitionTime"] = timestamp("When status last changed.");
  item["reason"] = text("One of the enumerated reasons.", 128);
  item["message"] = text("For a human.", 32768);
  Schema out = typed("array", "What holds now; documented in docs/status.md.");
  out["maxItems"] = 32;
  out["x-kubernetes-list-type"] = "map";
  out["x-kubernetes-list-map-keys"] = {"type"};
  out["items"] = require(object("A condition.", item),
                         {"type", "status", "reason", "lastTransitionTime"});
  return out;
}

Schema config(std::string doc) {
  Schema properties;
  model::for_each_field([&](const auto& row, auto) {
    using T = model::RowValue<decltype(row)>;
    properties[std::string(row.key)] = of_row<T>(std::string(row.doc));
  });
  Schema out = object(std::move(doc), std::move(properties));
  out["x-kubernetes-map-type"] = "atomic";
  return out;
}

Schema provenance() {
  Schema properties;
  model::for_each_field([&](const auto& row, auto) {
    properties[std::string(row.key)] = every_name_of(
        "Where status.config." + std::string(row.key) + " came from.",
        model::kSources);
  });
  Schema out =
      object("Where each value of status.config came from; the same keys.",
             std::move(properties));
  out["x-kubernetes-map-type"] = "atomic";
  return out;
}

}  // namespace schema

Schema object_schema(Kind kind) {
  const bool vm = kind == Kind::kVirtualMachine;
  Schema properties;
  properties["apiVersion"] = {{"type", "string"}};
  properties["kind"] = {{"type", "string"}};
  properties["metadata"] = {{"type", "object"}};
  properties["spec"] = vm ? vm_spec_schema() : snapshot_spec_schema();
  properties["status"] = vm ? vm_status_schema() : snapshot_status_schema();
  return schema::require(
      schema::object(
          vm ? "A microVM on one node, run by Cloud Hypervisor or Firecracker."
             : "Memory, devices and every disk of a VirtualMachine at one "
               "instant.",
          properties),
      {"spec"});
}

}  // namespace chrysalis::api
