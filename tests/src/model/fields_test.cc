#include "src/model/fields.h"

#include <gtest/gtest.h>

#include <set>

#include "src/model/law.h"

namespace chrysalis::model {
namespace {

TEST(FieldTable, RowsAreSound) {
  std::set<std::string_view> keys, paths;
  for_each_field([&](const auto& row, auto) {
    EXPECT_TRUE(keys.insert(row.key).second) << row.key;
    EXPECT_FALSE(row.doc.empty()) << row.key;
    if (!row.path.empty()) {
      EXPECT_TRUE(paths.insert(row.path).second) << row.path;
    }
    if constexpr (requires { row.min; }) {
      EXPECT_EQ(row.min.has_value(), row.max.has_value()) << row.key;
      if (row.min && row.fallback) {
        EXPECT_LE(*row.min, *row.fallback) << row.key;
        EXPECT_GE(*row.max, *row.fallback) << row.key;
      }
      EXPECT_EQ(row.honoured == Honoured::kByCloudHypervisorOnly,
                row.on_firecracker.has_value())
          << row.key;
    }
  });
  EXPECT_EQ(keys.size(), 14U);
}

VmConfig a_config() {
  VmConfig c;
  c.cpu = 2;
  c.memory = 1_GiB;
  c.storage = 10_GiB;
  c.nics = 1;
  c.disk_queue_size = c.queue_size = 512;
  return c;
}

std::string faults_of(const VmConfig& c) { return join(validate(c)); }

TEST(Validate, AcceptsTheDefaults) { EXPECT_EQ(faults_of(a_config()), ""); }

TEST(Validate, SaysBoundAndValue) {
  VmConfig c = a_config();
  c.cpu = 0;
  c.memory = 8_MiB;
  c.queue_size = 500;
  EXPECT_EQ(faults_of(c),
            "spec.resources.cpu: cpu 0: must be from 1 to 254; "
            "spec.resources.memory: memory 8Mi: must be from 16Mi to 16Ti; "
            "spec.queueSize: queueSize 500: must be a power of two from 2 to "
            "1024");
}

TEST(Validate, HoldsAtEachEdge) {
  VmConfig c = a_config();
  for (const uint32_t cpu : {1U, 254U}) {
    c.cpu = cpu;
    EXPECT_EQ(faults_of(c), "");
  }
  c.cpu = 255;
  EXPECT_NE(faults_of(c), "");
  c = a_config();
  c.memory = Bytes{(16_MiB).count + 1};
  EXPECT_EQ(faults_of(c),
            "spec.resources.memory: memory 16777217: must be whole MiB, as in "
            "512Mi or 2Gi");
  c = a_config();
  for (const uint32_t q : {2U, 1024U}) {
    c.queue_size = q;
    EXPECT_EQ(faults_of(c), "");
  }
  for (const uint32_t q : {0U, 1U, 3U, 2048U}) {
    c.queue_size = q;
    EXPECT_NE(faults_of(c), "") << q;
  }
}

TEST(Validate, FirecrackerIsHeldToWhatItHas) {
  VmConfig c = a_config();
  c.hypervisor = Hypervisor::kFirecracker;
  c.queue_size = c.disk_queue_size = 256;
  c.no_direct_io = true;
  EXPECT_EQ(faults_of(c), "");
  c.cpu = 33;
  c.windows = true;
  EXPECT_EQ(faults_of(c),
            "spec.resources.cpu: cpu 33: Firecracker runs at most 32; "
            "spec.windows: windows true: Firecracker has no windows (it is "
            "always false); remove spec.windows");
}

TEST(Fill, LeavesWhatItHasNoValueFor) {
  const std::string one[] = {"x"};
  EXPECT_EQ(fill("%s and %s", one), "x and %s");
}

}  // namespace
}  // namespace chrysalis::model
