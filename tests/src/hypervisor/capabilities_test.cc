#include "src/hypervisor/capabilities.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "src/hypervisor/backend.h"
#include "src/hypervisor/guest_view.h"

namespace chrysalis::hypervisor {
namespace {

TEST(Capabilities, EveryKindHasItsRow) {
  for (const model::Hypervisor kind : model::kHypervisors) {
    const Capabilities& row = capabilities(kind);
    EXPECT_EQ(row.kind, kind);
    EXPECT_FALSE(row.program.empty());
    EXPECT_LE(row.minimum_to_run, row.minimum_to_snapshot);
    // A saved NIC must be led to another TAP somehow.
    EXPECT_TRUE(row.overrides_taps || row.topology_in_files);
    EXPECT_TRUE(row.event_file || !row.survives_guest_end);
  }
}

TEST(GuestView, NamesNoVmAndNoHost) {
  EXPECT_EQ(guest_path("disk0"), "/run/chrysalis/vm/disk0");
  EXPECT_EQ(fresh_nic_id("1c919d6a-4af9-77f0", 7, 1), "n1c919d6a-7-1");
  for (const model::Hypervisor kind : model::kHypervisors) {
    const DumpFiles files = dump_files(kind);
    EXPECT_NE(std::find(files.names.begin(), files.names.end(), files.memory),
              files.names.end());
  }
}

TEST(VmmState, HasWords) {
  EXPECT_EQ(to_string(VmmState::kEnded), "ended");
  EXPECT_EQ(to_string(VmmState::kPaused), "paused");
}

}  // namespace
}  // namespace chrysalis::hypervisor
