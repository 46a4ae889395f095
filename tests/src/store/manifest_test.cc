#include "src/store/manifest.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "tests/src/store/a_snapshot.h"

namespace chrysalis::store {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const SnapshotRecord kRecord = a_valid_snapshot("snap-1");

Error refused(const std::string& bytes) {
  const auto manifest = decode_manifest(bytes);
  EXPECT_FALSE(manifest.has_value()) << bytes.substr(0, 200);
  return manifest ? Error{} : manifest.error();
}

// The manifest with one value changed; null: without it.
Error refused_with(const std::string& pointer, const json& value) {
  json all = json::parse(encode(a_manifest(kRecord)));
  const json::json_pointer at(pointer);
  json& parent = all[at.parent_pointer()];
  if (!value.is_null())
    all[at] = value;
  else if (parent.is_array())
    parent.erase(std::stoul(at.back()));
  else
    parent.erase(at.back());
  const Error error = refused(all.dump());
  EXPECT_EQ(error.code, Code::kCorrupt) << pointer << ": " << error.message;
  return error;
}

TEST(Manifest, ComesBackAsItWas) {
  for (const auto kind : model::kHypervisors) {
    const SnapshotRecord record = a_valid_snapshot("snap-1", kind);
    const Manifest manifest = a_manifest(record);
    const auto back = decode_manifest(encode(manifest));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_EQ(*back, manifest);
    EXPECT_EQ(encode(*back), encode(manifest));

    SnapshotRecord expected = record;
    expected.uid = expected.ns = expected.name = "";
    expected.memory_bytes = 1;
    expected.disk_bytes = record.disks.size();
    EXPECT_EQ(record_of(*back), expected);
  }
}

// Bytes of version 1 are for ever: an old snapshot must stay readable, and its
// digest the same. The digest was computed by sha256sum.
TEST(Manifest, VersionOneIsGolden) {
  std::ifstream in(std::string(CHRYSALIS_SOURCE_DIR) +
                   "/tests/golden/manifest_v1.json");
  const std::string golden{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(encode(a_manifest(kRecord)), golden);
  EXPECT_TRUE(decode_manifest(golden).has_value());
  EXPECT_EQ(manifest_digest(golden).value(),
            "sha256:"
            "4ec91764fc1463e45c200415e890c4f4f5cb435c485bd30dc93461c61b00fa8d");
}

TEST(Manifest, NamesTheFilesOfASnapshot) {
  EXPECT_THAT(snapshot_file_names(kRecord),
              ElementsAre("config.json", "disk0", "disk1", "initrd", "kernel",
                          "memory-ranges", "state.json"));
  EXPECT_THAT(snapshot_file_names(
                  a_valid_snapshot("snap-1", model::Hypervisor::kFirecracker)),
              ElementsAre("disk0", "kernel", "mem", "vmstate"));
}

TEST(Manifest, EveryMemberIsNeededAndNoOtherIsTaken) {
  const json all = json::parse(encode(a_manifest(kRecord)));
  for (const auto& [key, value] : all.items())
    EXPECT_THAT(refused_with("/" + key, nullptr).message, HasSubstr(key));
  for (const char* inner : {"/config/cpu", "/topology/nics/0/mtu",
                            "/disks/0/role", "/files/0/sha256", "/vmm/format"})
    (void)refused_with(inner, nullptr);
  for (const char* unknown : {"/extra", "/config/extra", "/topology/nics/0/x",
                              "/disks/1/path", "/files/0/x", "/vmm/x"})
    EXPECT_THAT(refused_with(unknown, 1).message, HasSubstr("unknown key"))
        << unknown;
}

TEST(Manifest, ANewerOneSaysSo) {
  json all = json::parse(encode(a_manifest(kRecord)));
  all["version"] = 2;
  all["whatever"] = "it has";
  const Error error = refused(all.dump());
  EXPECT_EQ(error.code, Code::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("upgrade"));
  EXPECT_THAT(refused_with("/version", 0).message, StartsWith("version: "));
  EXPECT_THAT(refused_with("/version", "1").message, StartsWith("version: "));
  EXPECT_THAT(refused_with("/format", "tar").message, StartsWith("format: "));
}

TEST(Manifest, MustAgreeWithItself) {
  const std::string sum(64, 'b');
  const json file = {
      {"name", "zzz"}, {"bytes", 1}, {"dataBytes", 1}, {"sha256", sum}};
  const struct {
    const char* pointer;
    json value;
    const char* said;
  } cases[] = {
      {"/config/cpu", 255, "config: "},
      {"/config/cpu", 4, "topology.cpu: "},
      {"/config/memory", "32Mi", "topology.memory: "},
      {"/config/nics", 2, "topology.nics: "},
      {"/config/storage", "2Mi", "disks[0].bytes: "},
      {"/config/hypervisor", "Firecracker", "config: "},
      {"/config/hypervisor", "Xen", "no known hypervisor"},
      {"/topology/disks/0/id", "disk9", "disks[0].id: "},
      {"/topology/disks/0/bytes", 4096, "disks[0].bytes: "},
      {"/topology/disks/1/readonly", false, "disks[1].id: "},
      {"/topology/disks/1/role", "root", "disks[1].id: "},
      {"/topology/disks", json::array(), "topology.disks: "},
      {"/topology/nics/0/id", "../net0", "topology.nics[0].id: "},
      {"/topology/nics/0/mac", "02:00:00:00:00:0G", "topology.nics[0].mac: "},
      {"/topology/nics/0/mac", "02:00:00:00:00:0A", "topology.nics[0].mac: "},
      {"/topology/cpu", -1, "topology: cpu: out of range"},
      {"/topology/cpu", 2.5, "topology: cpu: not a whole number"},
      {"/config/queueSize", 256, "topology.nics[0].queueSize: "},
      {"/config/queueSize", 100, "queueSize 100: must be a power of two"},
      {"/config/diskQueueSize", 256, "topology.disks[0].queueSize: "},
      {"/topology/nics/0/queueSize", 100, "topology.nics[0].queueSize: "},
      {"/topology/disks/1/queueSize", 1024, "topology.disks[1].queueSize: "},
      {"/disks/0/file", "../../etc/shadow", "disks[0].file: "},
      {"/disks/0/file", "disk1", "disks[0].file: "},
      {"/disks/0/bytes", 4096, "disks[0].bytes: "},
      {"/cmdline", "a\nb", "cmdline: "},
      {"/cmdline", std::string(4097, 'a'), "cmdline: "},
      {"/vmm/sha256", "../../bin/sh", "vmm.sha256: "},
      {"/vmm/version", std::string(257, '1'), "vmm.version: "},
      {"/cacheType", "Writeback", "cacheType: "},
      {"/files/0/name", "a/b", "files[0].name: "},
      {"/files/0/sha256", "short", "files[0].sha256: "},
      {"/files/0/dataBytes", 101, "files[0].dataBytes: "},
      {"/files/0/bytes", uint64_t{10} << 30, "config.json is larger than"},
      {"/files/6/bytes", uint64_t{10} << 30, "state.json is larger than"},
      {"/files/1/bytes", 4096, "disks[0].bytes: "},
      {"/files/5/bytes", 4096, "memory-ranges is not as large"},
      {"/files/5/name", "disk1", "files[5].name: "},
      {"/files/7", file, "'zzz' is no part"},
      {"/files/6", nullptr, "state.json is missing"},
      {"/files", json::array(), "config.json is missing"},
      {"/hasInitrd", false, "'initrd' is no part"},
      {"/disks", json::array(), "files: none"},
      {"/pauseMs", "7", "pauseMs: not a whole number"},
  };
  for (const auto& row : cases)
    EXPECT_THAT(refused_with(row.pointer, row.value).message,
                HasSubstr(row.said))
        << row.pointer << " = " << row.value;
}

TEST(Manifest, HostileBytesAreRefusedEarly) {
  EXPECT_THAT(refused(std::string(300'000, ' ')).message, HasSubstr("larger"));
  EXPECT_THAT(refused(std::string(10'000, '[')).message, HasSubstr("deeper"));
  std::string many = "[1";
  for (int i = 0; i < 3000; ++i) many += ",1";
  EXPECT_THAT(refused(many + "]").message, HasSubstr("values"));
  const std::string good = encode(a_manifest(kRecord));
  EXPECT_THAT(refused("{\"cmdline\":\"\"," + good.substr(1)).message,
              HasSubstr("twice"));
  for (size_t cut = 0; cut + 2 < good.size(); cut += 7)
    EXPECT_EQ(refused(good.substr(0, cut)).code, Code::kCorrupt) << cut;
  for (const char* bad : {"", "null", "[]", "1", "\"x\"", "{}", "\xff\xfe"})
    EXPECT_EQ(refused(bad).code, Code::kCorrupt) << bad;
}

}  // namespace
}  // namespace chrysalis::store
