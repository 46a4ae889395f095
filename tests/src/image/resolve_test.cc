#include <sys/socket.h>
#include <sys/un.h>

#include <thread>
#include <vector>

#include "src/base/beneath.h"
#include "tests/src/image/image_fixture.h"

namespace chrysalis::image {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ResolveTest : public ImageTest {
 protected:
  ResolveTest() { put(image() / "kernel", "vmlinux"); }

  Error refused(std::string_view name = "ubuntu") {
    auto image = store_.resolve(name);
    EXPECT_FALSE(image.has_value()) << name;
    return image ? Error{Code::kTimeout, "it was resolved"} : image.error();
  }
  Error cmdline_refused(std::string_view content) {
    put(image() / "cmdline", content);
    return refused();
  }
};

// The digests were computed by another program (Python's hashlib).
TEST_F(ResolveTest, DigestIsTheCanonicalForm) {
  EXPECT_EQ(store_.resolve("ubuntu")->digest,
            "sha256:"
            "c968b83bc0fe9dd1d81ee3fd30d250eaa2d662600b5ea4952cb548524f864067");
  put(image() / "cmdline", "console=ttyS0\n");
  put(image() / "initrd", "cpio");
  put_sparse(image() / "disk.raw", 3 * kMiB + 100, kMiB + 5);
  const auto all = store_.resolve("ubuntu");
  ASSERT_TRUE(all.has_value()) << all.error().message;
  EXPECT_EQ(all->digest,
            "sha256:"
            "c120fb4b8585aa264ee8023370fc481333af43ee701bc6699937753758b95f5e");
  EXPECT_EQ(all->name, "ubuntu");
  EXPECT_EQ(all->cmdline, "console=ttyS0");
  EXPECT_EQ(all->disk_bytes, 3 * kMiB + 100);
  EXPECT_TRUE(all->has_initrd());
}

TEST_F(ResolveTest, OnlyTheKernelIsRequired) {
  const auto image = store_.resolve("ubuntu");
  ASSERT_TRUE(image.has_value());
  EXPECT_EQ(image->cmdline, "");
  EXPECT_EQ(image->disk_bytes, 0U);
  EXPECT_FALSE(image->has_initrd());
  EXPECT_FALSE(image->has_disk());
}

TEST_F(ResolveTest, SaysWhatIsMissingAndWhere) {
  const Error no_image = refused("debian");
  EXPECT_EQ(no_image.code, Code::kNotFound);
  EXPECT_EQ(no_image.message, "image \"debian\": " +
                                  (root() / "debian").string() + " is missing");
  std::filesystem::remove(image() / "kernel");
  EXPECT_EQ(refused().code, Code::kInvalid);
  EXPECT_THAT(refused().message,
              HasSubstr((image() / "kernel").string() + " is missing"));
  std::filesystem::remove_all(root());
  EXPECT_EQ(refused().code, Code::kNotFound);
  EXPECT_THAT(refused().message, HasSubstr("the image root"));
}

TEST_F(ResolveTest, RefusesNamesThatAreNoSingleName) {
  put(dir_ / "kernel", "outside");
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "."sv, ".."sv, "../ubuntu"sv, "ubuntu/.."sv, "ubuntu/"sv,
        "/ubuntu"sv, "./ubuntu"sv, ".hidden"sv, "a b"sv, "a\nb"sv, "\xc3\xa9"sv,
        "ubuntu\0x"sv})
    EXPECT_EQ(refused(name).code, Code::kInvalid) << name;
  EXPECT_THAT(refused("a\nb").message, Not(HasSubstr("\n")));
}

TEST_F(ResolveTest, NameHasItsBound) {
  const std::string longest(253, 'a');
  std::filesystem::create_directory(root() / longest);
  put(root() / longest / "kernel", "k");
  EXPECT_TRUE(store_.resolve(longest).has_value());
  EXPECT_EQ(refused(longest + "a").code, Code::kInvalid);
  EXPECT_THAT(refused(longest + "a").message, HasSubstr("254"));
}

TEST_F(ResolveTest, FollowsNoLinkNeitherOutNorInside) {
  put(dir_ / "secret", "outside");
  for (const Path& target :
       {dir_ / "secret", Path("../../secret"), image() / "kernel",
        Path("kernel"), Path("nowhere")}) {
    for (const char* file : {"initrd", "cmdline", "disk.raw"}) {
      std::filesystem::create_symlink(target, image() / file);
      EXPECT_EQ(refused().code, Code::kInvalid) << file << " -> " << target;
      EXPECT_THAT(refused().message,
                  HasSubstr((image() / file).string() + " is a symbolic link"));
      std::filesystem::remove(image() / file);
    }
  }
}

TEST_F(ResolveTest, ADirectoryThatIsALinkIsRefused) {
  std::filesystem::create_directory(dir_ / "out");
  put(dir_ / "out" / "kernel", "outside");
  std::filesystem::create_directory_symlink(dir_ / "out", root() / "out");
  std::filesystem::create_directory_symlink("ubuntu", root() / "alias");
  for (const char* name : {"out", "alias"}) {
    EXPECT_EQ(refused(name).code, Code::kInvalid);
    EXPECT_THAT(refused(name).message, HasSubstr("is a symbolic link"));
  }
}

// The names are checked before; this is the second wall.
TEST_F(ResolveTest, NothingOpensAboveItsDirectory) {
  put(root() / "above", "x");
  const UniqueFd dir(::open(image().c_str(), O_PATH | O_CLOEXEC));
  EXPECT_TRUE(open_file_beneath(dir.get(), "kernel", "k").has_value());
  for (const std::string& name :
       {std::string("../above"), (root() / "above").string()}) {
    const auto file = open_file_beneath(dir.get(), name, "shown");
    ASSERT_FALSE(file.has_value()) << name;
    EXPECT_EQ(file.error().code, Code::kInvalid);
    EXPECT_EQ(file.error().message, "shown leaves its root");
  }
}

TEST_F(ResolveTest, TheRootItselfMayBeALink) {
  std::filesystem::create_directory_symlink(root(), dir_ / "link");
  const ImageStore store(dir_ / "link", boot());
  EXPECT_TRUE(store.resolve("ubuntu").has_value());
}

TEST_F(ResolveTest, RegularFilesOnly) {
  std::filesystem::remove(image() / "kernel");
  ASSERT_EQ(::mkfifo((image() / "kernel").c_str(), 0600), 0);
  EXPECT_EQ(refused().code, Code::kInvalid);
  EXPECT_THAT(refused().message, HasSubstr("kernel is not a regular file"));

  std::filesystem::remove(image() / "kernel");
  std::filesystem::create_directory(image() / "kernel");
  EXPECT_EQ(refused().code, Code::kInvalid);
  EXPECT_THAT(refused().message, HasSubstr("kernel is not a regular file"));

  std::filesystem::remove(image() / "kernel");
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = (image() / "kernel").string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof address),
            0);
  EXPECT_EQ(refused().code, Code::kInvalid);
  EXPECT_THAT(refused().message, HasSubstr("kernel is not a regular file"));
}

TEST_F(ResolveTest, AFileInPlaceOfTheImageIsRefused) {
  put(root() / "flat", "not a directory");
  EXPECT_EQ(refused("flat").code, Code::kInvalid);
  EXPECT_THAT(refused("flat").message, HasSubstr("is not a directory"));
}

TEST_F(ResolveTest, EmptyFilesAreRefused) {
  for (const char* file : {"disk.raw", "initrd", "kernel"}) {
    put(image() / file, "");
    EXPECT_EQ(refused().code, Code::kInvalid) << file;
    EXPECT_THAT(refused().message,
                HasSubstr((image() / file).string() + " is empty"));
    put(image() / file, "x");
  }
}

TEST_F(ResolveTest, CmdlineIsOnePrintableLine) {
  EXPECT_THAT(cmdline_refused(std::string_view("a\0b\n", 4)).message,
              HasSubstr("a NUL at offset 1"));
  EXPECT_THAT(cmdline_refused("quiet\nroot=/dev/vda\n").message,
              HasSubstr("a second line at offset 5"));
  EXPECT_THAT(cmdline_refused("quiet\n\n").message,
              HasSubstr("a second line at offset 5"));
  EXPECT_THAT(cmdline_refused("quiet\r\n").message,
              HasSubstr("byte 13 at offset 5"));
  EXPECT_THAT(cmdline_refused("a\tb").message, HasSubstr("byte 9"));
  EXPECT_THAT(cmdline_refused("\x7f").message, HasSubstr("byte 127"));
  EXPECT_THAT(cmdline_refused("\xff").message, HasSubstr("byte 255"));
  EXPECT_EQ(cmdline_refused("\x1b[2J").code, Code::kInvalid);
  for (const char* none : {"", "\n"}) {
    put(image() / "cmdline", none);
    EXPECT_EQ(store_.resolve("ubuntu")->cmdline, "");
  }
  put(image() / "cmdline", " ~");
  EXPECT_EQ(store_.resolve("ubuntu")->cmdline, " ~");
}

TEST_F(ResolveTest, CmdlineHasItsBound) {
  const std::string longest(4096, 'a');
  for (const std::string& fits : {longest, longest + "\n"}) {
    put(image() / "cmdline", fits);
    EXPECT_EQ(store_.resolve("ubuntu")->cmdline, longest);
  }
  EXPECT_EQ(cmdline_refused(longest + "a").code, Code::kInvalid);
  EXPECT_THAT(cmdline_refused(longest + "a\n").message, HasSubstr("4096"));
  EXPECT_THAT(cmdline_refused(std::string(3 * kMiB, 'a')).message,
              HasSubstr("4096"));
}

TEST_F(ResolveTest, EveryFileAndItsPlaceCountInTheDigest) {
  const std::string bare = store_.resolve("ubuntu")->digest;
  put(image() / "initrd", "x");
  const std::string with_initrd = store_.resolve("ubuntu")->digest;
  std::filesystem::rename(image() / "initrd", image() / "disk.raw");
  const std::string with_disk = store_.resolve("ubuntu")->digest;
  std::filesystem::remove(image() / "disk.raw");
  put(image() / "cmdline", "");
  const std::string with_cmdline = store_.resolve("ubuntu")->digest;
  EXPECT_NE(bare, with_initrd);
  EXPECT_NE(with_initrd, with_disk);
  EXPECT_NE(bare, with_cmdline);
  std::filesystem::remove(image() / "cmdline");
  EXPECT_EQ(store_.resolve("ubuntu")->digest, bare);
}

// Same device, inode, size and mtime: the file is not read again. So the
// cache is seen by what it misses.
TEST_F(ResolveTest, HashesOnceByIdentity) {
  const std::string before = store_.resolve("ubuntu")->digest;
  put(image() / "kernel", "VMLINUX");
  EXPECT_EQ(store_.resolve("ubuntu")->digest, before);
  const ImageStore other(root(), boot());
  EXPECT_NE(other.resolve("ubuntu")->digest, before);
  put(image() / "kernel", "VMLINUX", kLongAgo + 1);
  EXPECT_EQ(store_.resolve("ubuntu")->digest, other.resolve("ubuntu")->digest);
  put(image() / "kernel", "VMLINUX2", kLongAgo + 1);
  EXPECT_NE(store_.resolve("ubuntu")->digest, before);
}

TEST_F(ResolveTest, AHardLinkDoesNotChangeTheIdentity) {
  const auto before = store_.resolve("ubuntu");
  std::filesystem::create_hard_link(image() / "kernel", dir_ / "other");
  EXPECT_EQ(store_.resolve("ubuntu")->kernel_id, before->kernel_id);
}

TEST_F(ResolveTest, ManyThreadsSeeOneDigest) {
  put_sparse(image() / "disk.raw", 8 * kMiB, 5 * kMiB);
  std::vector<std::string> digests(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& digest : digests)
      threads.emplace_back(
          [&] { digest = store_.resolve("ubuntu").value().digest; });
  }
  const ImageStore other(root(), boot());
  EXPECT_THAT(digests, ::testing::Each(other.resolve("ubuntu").value().digest));
}

}  // namespace
}  // namespace chrysalis::image
