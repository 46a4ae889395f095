#include "controller/api/crd.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "controller/api/yaml.h"
#include "src/model/fields.h"

namespace chrysalis::api {
namespace {

TEST(Crds, FilesAreWhatTheTableSays) {
  for (const Kind kind : kKinds) {
    const std::string path =
        std::string(CHRYSALIS_SOURCE_DIR) + "/crds/" + crd_file_name(kind);
    std::ifstream in(path);
    ASSERT_TRUE(in) << path;
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_TRUE(text.str() == crd_yaml(kind))
        << path << " is stale: run `make crds`";
  }
}

// As people read them; wide ones have a priority.
TEST(Crds, ColumnsAreThoseOfTheDesign) {
  const auto names = [](Kind kind, int priority) {
    std::string out;
    const Schema version = crd(kind)["spec"]["versions"][0];
    for (const auto& column : version["additionalPrinterColumns"])
      if (column.value("priority", 0) == priority)
        out += (out.empty() ? "" : " ") + column["name"].get<std::string>();
    return out;
  };
  EXPECT_EQ(names(Kind::kVirtualMachine, 0),
            "PHASE READY CPU MEMORY SNAPSHOT NODE IP RESTARTS AGE");
  EXPECT_EQ(names(Kind::kVirtualMachine, 1),
            "HYPERVISOR STORAGE NICS RESTART-REQUIRED REASON");
  EXPECT_EQ(names(Kind::kVmSnapshot, 0),
            "READY CPU MEMORY STORAGE NICS SIZE NODE AGE");
}

void expect_docs(const Schema& schema, const std::string& path) {
  if (schema.contains("properties"))
    for (const auto& [key, property] : schema["properties"].items()) {
      if (path.empty() && key != "spec" && key != "status") continue;
      EXPECT_FALSE(property.value("description", "").empty())
          << path << "." << key;
      expect_docs(property, path + "." + key);
    }
  if (schema.contains("items")) expect_docs(schema["items"], path + "[]");
}

TEST(Schema, EveryFieldHasItsDoc) {
  for (const Kind kind : kKinds) expect_docs(object_schema(kind), "");
}

TEST(Schema, NoDefaultThatACloneMustNotHave) {
  const Schema spec = vm_spec_schema();
  model::for_each_field([&](const auto& row, auto) {
    std::string pointer;
    std::stringstream path{std::string(row.path)};
    for (std::string part; std::getline(path, part, '.');)
      pointer += "/properties/" + part;
    if (pointer.empty()) return;
    const auto& property = spec.at(Schema::json_pointer(pointer));
    EXPECT_FALSE(property.contains("default")) << row.path;
  });
}

TEST(Schema, ConfigAndProvenanceHaveTheSameKeys) {
  const Schema status = vm_status_schema()["properties"];
  std::set<std::string> config, provenance;
  for (const auto& [key, _] : status["config"]["properties"].items())
    config.insert(key);
  for (const auto& [key, _] : status["provenance"]["properties"].items())
    provenance.insert(key);
  EXPECT_EQ(config, provenance);
  EXPECT_EQ(config.size(), 14U);
}

TEST(Yaml, QuotesStringsSoThatNoTypeChanges) {
  const Schema value = {{"a", "true"}, {"b", 1}, {"c", Schema::object()}};
  EXPECT_EQ(to_yaml(value), "a: \"true\"\nb: 1\nc: {}\n");
}

}  // namespace
}  // namespace chrysalis::api
