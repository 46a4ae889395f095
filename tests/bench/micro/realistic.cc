#include "tests/bench/micro/realistic.h"

#include <cstdlib>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

namespace chrysalis::bench {
namespace {

using nlohmann::json;

// As a server sent it.
const json& sample() {
  static const json vm = [] {
    const std::string path =
        CHRYSALIS_SOURCE_DIR "/tests/bench/micro/running_vm.json";
    std::ifstream in(path);
    json out = json::parse(in, nullptr, false);
    if (out.is_object()) return out;
    std::cerr << "bench: " << path << " cannot be read\n";
    std::exit(1);
  }();
  return vm;
}

}  // namespace

json running_vm(size_t n) {
  json vm = sample();
  const std::string id = std::to_string(100'000'000 + n);
  vm["metadata"]["name"] = "vm-" + id;
  vm["metadata"]["uid"] = id.substr(1) + "-c2b1-4f0e-9d5c-3a1f6b7e8d90";
  vm["metadata"]["resourceVersion"] = std::to_string(1000 + n);
  return vm;
}

std::string watch_line(const std::string& type, size_t n) {
  return R"({"type":")" + type + R"(","object":)" + running_vm(n).dump() +
         "}\n";
}

std::string end_of_initial_events(size_t version) {
  const json object = {
      {"kind", "VirtualMachine"},
      {"apiVersion", "chrysalis.dev/v1alpha1"},
      {"metadata",
       {{"resourceVersion", std::to_string(2000 + version)},
        {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}};
  return json{{"type", "BOOKMARK"}, {"object", object}}.dump() + "\n";
}

}  // namespace chrysalis::bench
