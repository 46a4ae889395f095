#include "controller/runtime/directory/manifest_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/fakes/fake_clock.h"

namespace chrysalis::runtime::directory {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ManifestReaderTest : public ::testing::Test {
 protected:
  ManifestReaderTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-read-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~ManifestReaderTest() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name) << text;
  }
  static std::string vm(const std::string& name) {
    return "apiVersion: chrysalis.dev/v1alpha1\nkind: VirtualMachine\n"
           "metadata: {name: " +
           name + "}\nspec: {source: {image: {name: ubuntu}}}\n";
  }
  // The one file of a directory that holds one.
  ScannedFile only(ManifestReader& reader) const {
    auto scan = reader.scan();
    EXPECT_FALSE(scan.failure) << *scan.failure;
    EXPECT_EQ(scan.files.size(), 1u);
    return scan.files.empty() ? ScannedFile{} : scan.files[0];
  }

  std::filesystem::path dir_;
  const Rulebook rules_;
  const SystemClock clock_;
};

TEST_F(ManifestReaderTest, ReadsEachDocumentWithItsLineAndDigest) {
  write("web.yaml", vm("a") + "---\n" + vm("b"));
  write("virtualmachine.default.a.status.yaml", "x");
  write(".web.yaml.tmp", "x");
  ManifestReader reader(dir_, rules_, clock_);
  const auto file = only(reader);
  EXPECT_FALSE(file.doubtful);
  EXPECT_THAT(file.said, IsEmpty());
  ASSERT_EQ(file.documents.size(), 2u);
  EXPECT_EQ(file.documents[0].id.name, "a");
  EXPECT_EQ(file.documents[0].line, 1u);
  EXPECT_EQ(file.documents[1].line, 6u);
  EXPECT_THAT(file.documents[0].digest, StartsWith("sha256:"));
  EXPECT_EQ(file.documents[0].digest.size(), 71u);
  EXPECT_THAT(reader.status_files(),
              testing::ElementsAre("virtualmachine.default.a.status.yaml"));
}

TEST_F(ManifestReaderTest, AMissingDirectoryIsAFailure) {
  ManifestReader reader(dir_ / "none", rules_, clock_);
  EXPECT_THAT(reader.scan().failure.value_or(""), HasSubstr("No such file"));
  write("file", "");
  ManifestReader of_a_file(dir_ / "file", rules_, clock_);
  EXPECT_THAT(of_a_file.scan().failure.value_or(""),
              HasSubstr("Not a directory"));
}

TEST_F(ManifestReaderTest, TooManyFilesAreAFailure) {
  for (size_t i = 0; i <= ManifestReader::kMaxFiles; ++i)
    write(std::to_string(i) + ".yaml", "");
  ManifestReader reader(dir_, rules_, clock_);
  EXPECT_THAT(reader.scan().failure.value_or(""),
              HasSubstr("4097 files; at most 4096 are read"));
}

TEST_F(ManifestReaderTest, WhatHoldsNothingIsDoubtful) {
  ManifestReader reader(dir_, rules_, clock_);
  for (const auto* text : {"", "# a comment\n", "---\n---\n"}) {
    write("web.yaml", text);
    const auto file = only(reader);
    EXPECT_TRUE(file.doubtful);
    ASSERT_EQ(file.said.size(), 1u);
    EXPECT_THAT(file.said[0].message, HasSubstr("holds no object"));
  }
}

TEST_F(ManifestReaderTest, AFaultHasItsLine) {
  write("web.yaml", vm("a") + "spec: {}\n");
  ManifestReader reader(dir_, rules_, clock_);
  const auto file = only(reader);
  EXPECT_TRUE(file.doubtful);
  ASSERT_EQ(file.said.size(), 1u);
  EXPECT_EQ(to_string(file.said[0]), "web.yaml:5: key \"spec\" stands twice");
}

TEST_F(ManifestReaderTest, WhatDidNotChangeIsNotReadAgain) {
  FakeClock later;  // than anything on this disk, in whatever year
  later.advance(std::chrono::hours{24 * 36'500});
  ASSERT_GT(later.wall(), clock_.wall());
  write("web.yaml", vm("a"));
  ManifestReader reader(dir_, rules_, later);
  const auto first = only(reader);
  EXPECT_EQ(only(reader).documents[0].spec, first.documents[0].spec);
  EXPECT_EQ(reader.files_read(), 1u);
  write("web.yaml", vm("abc"));  // another size
  EXPECT_EQ(only(reader).documents[0].id.name, "abc");
  EXPECT_EQ(reader.files_read(), 2u);
}

TEST_F(ManifestReaderTest, AYoungFileIsReadAgain) {
  // Two writes of one size within one tick of the disk's clock look the same.
  ManifestReader reader(dir_, rules_, clock_);
  for (const auto* name : {"a", "b", "c", "d"}) {
    write("web.yaml", vm(name));
    EXPECT_EQ(only(reader).documents[0].id.name, name);
  }
}

}  // namespace
}  // namespace chrysalis::runtime::directory
