#include "src/model/inherit.h"

#include <gtest/gtest.h>

namespace chrysalis::model {
namespace {

const NodeFacts kNode{"default", "sha256:aa", "direct"};

VmWish an_image_wish() {
  VmWish w;
  w.image = "tick";
  return w;
}

Recorded first_boot(const VmWish& wish) {
  const Assembled a = assemble_first_boot(wish, kNode);
  EXPECT_TRUE(a.ok()) << join(a.faults);
  return a.recorded();
}

TEST(FirstBoot, DefaultsAreRecordedAsDefaults) {
  const Recorded r = first_boot(an_image_wish());
  EXPECT_EQ(r.config.cpu, 2U);
  EXPECT_EQ(r.config.memory, 1_GiB);
  EXPECT_EQ(r.config.storage, 10_GiB);
  EXPECT_EQ(r.config.nics, 1U);
  EXPECT_EQ(r.config.queue_size, 512U);
  EXPECT_EQ(r.config.network, "default");
  EXPECT_EQ(r.sources.cpu, Source::kDefault);
  EXPECT_EQ(r.sources.network, Source::kDefault);
  EXPECT_EQ(r.sources.image, Source::kSpec);
  EXPECT_EQ(r.sources.image_digest, Source::kGenerated);
  EXPECT_EQ(r.config.image_digest, "sha256:aa");
}

TEST(FirstBoot, FirecrackerRecordsWhatItReallyDoes) {
  VmWish w = an_image_wish();
  w.hypervisor = Hypervisor::kFirecracker;
  const Recorded r = first_boot(w);
  EXPECT_EQ(r.config.queue_size, 256U);
  EXPECT_EQ(r.config.disk_queue_size, 256U);
  EXPECT_TRUE(r.config.no_direct_io);
  EXPECT_EQ(r.sources.queue_size, Source::kDefault);
  w.queue_size = 512;
  EXPECT_FALSE(assemble_first_boot(w, kNode).ok());
}

// Something else than `base`, and in bounds.
template <class T>
T other_than(const T& base) {
  if constexpr (std::is_same_v<T, bool>) {
    return !base;
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return Bytes{base.count * 2};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return base + "x";
  } else if constexpr (std::is_same_v<T, Hypervisor>) {
    return base == Hypervisor::kFirecracker ? Hypervisor::kCloudHypervisor
                                            : Hypervisor::kFirecracker;
  } else {
    return base * 2;
  }
}

TEST(Clone, EachRowDoesWhatItsPolicySays) {
  const VmConfig snapshot = first_boot(an_image_wish()).config;
  for_each_field([&](const auto& row, auto at) {
    for (const bool equal : {true, false}) {
      VmWish wish;
      at(wish) = equal ? at(snapshot) : other_than(at(snapshot));
      const Assembled a = assemble_clone(wish, snapshot);
      switch (row.clone) {
        case Clone::kRefused:  // even when equal
          EXPECT_FALSE(a.ok()) << row.key;
          break;
        case Clone::kEqual:
          EXPECT_EQ(a.ok(), equal) << row.key;
          EXPECT_EQ(at(a.sources), Source::kSnapshot) << row.key;
          break;
        case Clone::kSpecElseSnapshot:
          EXPECT_TRUE(a.ok()) << row.key << join(a.faults);
          EXPECT_EQ(at(a.config), *at(wish)) << row.key;
          EXPECT_EQ(at(a.sources), Source::kSpec) << row.key;
          break;
      }
    }
  });
}

TEST(Clone, TakesEverythingFromTheSnapshot) {
  VmConfig snapshot = first_boot(an_image_wish()).config;
  snapshot.cpu = 7;
  const Assembled a = assemble_clone(VmWish{}, snapshot);
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(a.config, snapshot);
  for_each_field([&](const auto& row, auto at) {
    EXPECT_EQ(at(a.sources), Source::kSnapshot) << row.key;
  });
}

TEST(Clone, NamesEveryRefusedFieldAtOnce) {
  const VmConfig snapshot = first_boot(an_image_wish()).config;
  VmWish wish;
  wish.cpu = 2;
  wish.memory = 1_GiB;
  EXPECT_EQ(join(assemble_clone(wish, snapshot).faults),
            "spec.resources.cpu: cpu 2: a clone inherits cpu from its "
            "snapshot; remove spec.resources.cpu; spec.resources.memory: "
            "memory 1Gi: a clone inherits memory from its snapshot; remove "
            "spec.resources.memory");
}

TEST(Clone, ASnapshotThatLiesAboutItselfIsRefused) {
  VmConfig snapshot = first_boot(an_image_wish()).config;
  snapshot.cpu = 0;
  EXPECT_EQ(join(assemble_clone(VmWish{}, snapshot).faults),
            "spec.resources.cpu: snapshot config: cpu 0: must be from 1 to "
            "254");
}

TEST(Restore, TakesSnapshotButKeepsIdentity) {
  const VmWish wish = an_image_wish();
  const Recorded target = first_boot(wish);
  VmConfig snapshot = target.config;
  snapshot.cpu = 5;
  snapshot.image = "other";
  snapshot.network = "elsewhere";
  snapshot.queue_size = 128;
  const Assembled a = assemble_restore(wish, target, snapshot);
  ASSERT_TRUE(a.ok()) << join(a.faults);
  EXPECT_EQ(a.config.cpu, 5U);
  EXPECT_EQ(a.config.image, "other");
  EXPECT_EQ(a.config.queue_size, 128U);
  EXPECT_EQ(a.config.network, "default");
  EXPECT_EQ(a.sources.cpu, Source::kSnapshot);
  EXPECT_EQ(a.sources.network, Source::kVirtualMachine);
  EXPECT_EQ(a.sources.nics, Source::kVirtualMachine);
  EXPECT_EQ(a.sources.hypervisor, Source::kVirtualMachine);
}

TEST(Restore, CountsOfNicsMustAgreeInTheFoundingWords) {
  const Recorded target = first_boot(an_image_wish());
  VmConfig snapshot = target.config;
  snapshot.nics = 3;
  EXPECT_EQ(join(assemble_restore(VmWish{}, target, snapshot).faults),
            "nic count mismatch: vm has 1, snapshot has 3");
}

TEST(Restore, RefusesTheFourEvenWhenEqual) {
  const Recorded target = first_boot(an_image_wish());
  size_t refused = 0;
  for_each_field([&](const auto& row, auto at) {
    VmWish wish;
    at(wish) = at(target.config);
    const bool ok = assemble_restore(wish, target, target.config).ok();
    EXPECT_EQ(ok, !refused_beside_restore(row)) << row.key;
    if (!ok) ++refused;
  });
  EXPECT_EQ(refused, 4U);
}

TEST(ColdBoot, AfterACloneKeepsTheRecordAndNotTheDefaults) {
  VmConfig snapshot = first_boot(an_image_wish()).config;
  snapshot.cpu = 7;
  const Recorded clone = assemble_clone(VmWish{}, snapshot).recorded();
  const Assembled a = assemble_cold_boot(VmWish{}, clone);
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(a.recorded(), clone);
}

TEST(ColdBoot, EachRowDoesWhatItsPolicySays) {
  const Recorded record = first_boot(an_image_wish());
  for_each_field([&](const auto& row, auto at) {
    VmWish wish;
    at(wish) = other_than(at(record.config));  // Bytes: grows
    const Assembled a = assemble_cold_boot(wish, record);
    const bool applies = row.cold_boot != ColdBoot::kRecord;
    EXPECT_EQ(at(a.config) == *at(wish), applies) << row.key;
    EXPECT_EQ(at(a.sources) == Source::kSpec, applies || row.key == "image")
        << row.key;
  });
}

TEST(ColdBoot, StorageGrowsButNeverShrinks) {
  const Recorded record = first_boot(an_image_wish());
  VmWish wish;
  wish.storage = 20_GiB;
  EXPECT_EQ(assemble_cold_boot(wish, record).config.storage, 20_GiB);
  EXPECT_EQ(assemble_cold_boot(wish, record).sources.storage, Source::kSpec);
  wish.storage = 5_GiB;
  EXPECT_EQ(assemble_cold_boot(wish, record).config.storage, 10_GiB);
  const auto drift = spec_drift(wish, record.config);
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0],
            (Drift{"storage", "5Gi", "10Gi", Drift::ClearedBy::kRecreate}));
}

TEST(Drift, NamesWhatARestartWouldClear) {
  const Recorded record = first_boot(an_image_wish());
  VmWish wish = an_image_wish();
  EXPECT_TRUE(spec_drift(wish, record.config).empty());
  wish.cpu = 4;
  const auto drift = spec_drift(wish, record.config);
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_EQ(drift[0], (Drift{"cpu", "4", "2", Drift::ClearedBy::kRestart}));
}

}  // namespace
}  // namespace chrysalis::model
