// What a VMM finds itself in.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "tests/src/shim/shim_fixture.h"

namespace chrysalis::hypervisor {
namespace {

using testing::HasSubstr;
using testing::Not;

class Confine : public ShimTest {
 protected:
  std::string look(LaunchSpec spec) {
    auto record = finish(spec);
    EXPECT_TRUE(record) << (record ? "" : record.error().message);
    if (!record) return "";
    EXPECT_EQ(record->code, 0) << slurp(files_.log);
    return slurp(generation_ / "look");
  }
};

TEST_F(Confine, OwnUserNoCapabilitiesNoNewPrivileges) {
  auto spec = probe({"look"});
  spec.shared_gid = 4711;
  const std::string seen = look(spec);
  EXPECT_THAT(seen, HasSubstr("uid 123456 123456\n"));
  EXPECT_THAT(seen, HasSubstr("gid 123456 123456\n"));
  EXPECT_THAT(seen, HasSubstr("groups 4711\n"));
  EXPECT_THAT(seen, HasSubstr("caps 0 0 0\n"));
  EXPECT_THAT(seen, HasSubstr("nnp 1\n"));
  EXPECT_THAT(seen, HasSubstr("chroot -1\n"));
}

TEST_F(Confine, OnlyStdioAndTheLockAreInherited) {
  const UniqueFd leak(::open("/etc/passwd", O_RDONLY));  // no close-on-exec
  ASSERT_TRUE(leak.valid());
  EXPECT_THAT(look(probe({"look"})), HasSubstr("fds 0 1 2 3\n"));
}

TEST_F(Confine, EnvironmentIsTheGivenOne) {
  ::setenv("CHRYSALIS_TEST_SECRET", "x", 1);
  auto spec = probe({"look"});
  spec.env = {"A=1", "B=two words"};
  const std::string seen = look(spec);
  EXPECT_THAT(seen, HasSubstr("env A=1\nenv B=two words\nroot"));
  EXPECT_THAT(seen, Not(HasSubstr("SECRET")));
}

TEST_F(Confine, RootHoldsTheDirectoryDevicesAndLibrariesOnly) {
  const std::string seen = look(probe({"look"}));
  for (const char* there : {"<run>", "<dev>", "<usr>", "<lib>"})
    EXPECT_THAT(seen, HasSubstr(there));
  for (const char* not_there : {"<proc>", "<sys>", "<etc>", "<tmp>", "<home>"})
    EXPECT_THAT(seen, Not(HasSubstr(not_there)));
  EXPECT_THAT(seen, HasSubstr("write / -1\nwrite lib -1\n"));
}

TEST_F(Confine, DevicesAreTheHostsAndOpen) {
  const std::string seen = look(probe({"look"}));
  for (const char* path : {"/dev/kvm", "/dev/net/tun", "/dev/userfaultfd",
                           "/dev/urandom", "/dev/null"}) {
    struct stat node = {};
    const bool there = ::stat(path, &node) == 0;
    EXPECT_THAT(seen, HasSubstr(std::string("device ") + path +
                                " there=" + (there ? "1" : "0") +
                                " opens=" + (there ? "1" : "0") +
                                " rdev=" + std::to_string(node.st_rdev)));
  }
}

TEST_F(Confine, EntersTheNetworkNamespace) {
  // A bridge device in a namespace of its own; then back to another one.
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const UniqueFd socket(fd);
  ASSERT_EQ(::ioctl(fd, 0x89a0 /* SIOCBRADDBR */, "probe0"), 0);
  const UniqueFd named(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const auto path = root_ / "netns";
  std::ofstream(path).put(' ');
  ASSERT_EQ(
      ::mount("/proc/self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  EXPECT_THAT(look(probe({"look"})), HasSubstr("interface probe0 0\n"));
  auto spec = probe({"look"});
  spec.netns = path;
  EXPECT_THAT(look(spec), Not(HasSubstr("interface probe0 0\n")));
  ::umount(path.c_str());
}

TEST_F(Confine, PivotLeavesNothingOfTheHostAndSharesNothing) {
  auto process = run(probe({"stay"}));
  ASSERT_TRUE(process) << process.error().message;
  const std::string mounts =
      slurp("/proc/" + std::to_string(process->ids().vmm.pid) + "/mountinfo");
  EXPECT_THAT(mounts, HasSubstr(" /run/chrysalis/vm rw,nosuid,nodev,noexec"));
  EXPECT_THAT(mounts, HasSubstr(" / / ro,nosuid,noexec"));
  EXPECT_THAT(mounts, Not(HasSubstr("shared:")));
  EXPECT_THAT(mounts, Not(HasSubstr(" /tmp ")));
  EXPECT_THAT(mounts, Not(HasSubstr(" /proc")));
}

TEST_F(Confine, HostUnmountIsNotHeldUpInside) {
  const auto other = root_ / "other";
  std::filesystem::create_directory(other);
  ASSERT_EQ(::mount("tmpfs", other.c_str(), "tmpfs", 0, nullptr), 0);
  auto spec = probe({"stay"});
  spec.keep_old_root = true;
  auto process = run(spec);
  ASSERT_TRUE(process) << process.error().message;
  // Told when the last mount of it is gone, in whichever namespace.
  const UniqueFd watch(::inotify_init1(IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watch.get(), other.c_str(), IN_DELETE_SELF), 0);
  ASSERT_EQ(::umount2(other.c_str(), 0), 0);
  struct pollfd entry = {watch.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&entry, 1, 5000), 1) << "held inside the VM's namespace";
  struct inotify_event event = {};
  ASSERT_EQ(::read(watch.get(), &event, sizeof event), ssize_t{sizeof event});
  EXPECT_TRUE(event.mask & IN_UNMOUNT);
}

TEST_F(Confine, LooksTheSameWithTheOldRootKept) {
  auto spec = probe({"look"});
  spec.keep_old_root = true;
  const std::string seen = look(spec);
  EXPECT_THAT(seen, Not(HasSubstr("<etc>")));
  EXPECT_THAT(seen, HasSubstr("<run>"));
}

TEST_F(Confine, CannotTouchTheShimsFilesNorForgeItsEnd) {
  auto spec = probe({"meddle"});
  spec.api_socket = "api.sock";
  spec.resume_request = "PUT / HTTP/1.1\r\n\r\n";
  auto record = finish(spec);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->kind, ExitRecord::Kind::kExited);
  EXPECT_EQ(record->code, 0);
  // What the shim wrote is not where the VMM could have written.
  for (const auto& entry : std::filesystem::directory_iterator(generation_))
    EXPECT_EQ(entry.path().filename(), "lock");
}

TEST_F(Confine, ForgedExitRecordIsNotBelieved) {
  std::ofstream(files_.exit)
      << R"({"version":1,"kind":"exited","code":0,"signal":0,"core":false,)"
      << R"("pid":1,"start":1,"bootId":"x","atMs":1})";
  ASSERT_TRUE(read_exit(files_.exit).has_value());
  ASSERT_EQ(::chown(files_.exit.c_str(), kUid, kUid), 0);
  auto record = read_exit(files_.exit);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code, Code::kCorrupt);
}

TEST_F(Confine, JoinsTheHostsMounts) {
  if (::open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC) < 0)
    GTEST_SKIP() << "SKIPPED LOUDLY: process 1 is out of reach here";
  // In the test's namespace the program is hidden; in the host's it is there.
  auto spec = probe({"look"});
  ASSERT_EQ(
      ::mount("tmpfs", std::filesystem::path(spec.binary).parent_path().c_str(),
              "tmpfs", 0, nullptr),
      0);
  auto hidden = run(spec);
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error().code, Code::kNotFound);
  EXPECT_THAT(hidden.error().message, HasSubstr("open the program"));
  spec.join_host_mounts = true;
  EXPECT_THAT(look(spec), HasSubstr("caps 0 0 0\n"));
}

TEST_F(Confine, RefusesRootAndBadWishes) {
  auto spec = probe({"look"});
  spec.unix_uid = 0;
  EXPECT_EQ(spawn(spec).error().code, Code::kInvalid);
  spec = probe({"look"});
  spec.generation = root_ / "missing";
  EXPECT_EQ(spawn(spec).error().code, Code::kNotFound);
  spec = probe({"look"});
  spec.files.exit = "gen-1.exit";
  EXPECT_EQ(spawn(spec).error().code, Code::kInvalid);
  spec = probe({"look"});
  spec.netns = root_ / "missing";
  EXPECT_EQ(spawn(spec).error().code, Code::kNotFound);
  spec = probe({std::string(70000, 'x')});
  EXPECT_EQ(spawn(spec).error().code, Code::kInvalid);
}

TEST(Launcher, WithoutRootItSaysSoAndStartsNothing) {
  if (::geteuid() == 0) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setresuid(65534, 65534, 65534) != 0) ::_exit(3);
      LaunchSpec spec;
      spec.unix_uid = 1;
      auto launched = Launcher(CHRYSALIS_SHIM).spawn(spec, soon());
      ::_exit(!launched && launched.error().code == Code::kUnsupported ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    return;
  }
  EXPECT_EQ(Launcher(CHRYSALIS_SHIM).spawn({}, soon()).error().code,
            Code::kUnsupported);
}

}  // namespace
}  // namespace chrysalis::hypervisor
