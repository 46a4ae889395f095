#pragma once

// Golden files of tests/golden/hypervisor, and the specs they were made of.
// CHRYSALIS_UPDATE_GOLDEN=1 writes them anew: read the diff before a commit.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "src/hypervisor/backend.h"

namespace chrysalis::hypervisor {

inline std::string golden_path(const std::string& name) {
  return std::string(CHRYSALIS_SOURCE_DIR) + "/tests/golden/hypervisor/" + name;
}

inline std::string read_golden(const std::string& name) {
  std::ifstream in(golden_path(name), std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void expect_golden(const std::string& name, const std::string& text) {
  if (std::getenv("CHRYSALIS_UPDATE_GOLDEN") != nullptr)
    std::ofstream(golden_path(name), std::ios::binary) << text;
  EXPECT_EQ(text, read_golden(name)) << name;
}

inline std::string in_words(const std::vector<HttpRequest>& requests) {
  std::string out;
  for (const HttpRequest& r : requests)
    out += std::string(to_string(r.method)) + " " + r.target +
           (r.body.empty() ? "" : " " + r.body) + "\n";
  return out;
}

inline std::string in_words(const std::vector<std::string>& argv) {
  std::string out;
  for (const std::string& word : argv) out += word + "\n";
  return out;
}

inline BootSpec a_boot() {
  BootSpec spec;
  spec.config.cpu = 2;
  spec.config.memory = model::Bytes{64U << 20};
  spec.config.disk_queue_size = 512;
  spec.config.queue_size = 512;
  spec.cmdline = "console=ttyS0";
  spec.disks = {{"disk0", "disk0", false}};
  spec.nics = {{"net0", "tap0", "02:00:00:00:00:01", 1450}};
  return spec;
}

// Of the dump in ch-v53-{config,state}.json.
inline LoadSpec a_load() {
  const BootSpec boot = a_boot();
  LoadSpec spec;
  spec.config = boot.config;
  spec.disks = boot.disks;
  spec.saved_nics = {{"net0", "throwaway0", "", 0}};
  return spec;
}

}  // namespace chrysalis::hypervisor
