#include "src/shim/root.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

namespace chrysalis::shim {
namespace {

constexpr const char* kDevices[] = {"dev/kvm", "dev/net/tun", "dev/userfaultfd",
                                    "dev/urandom", "dev/null"};
constexpr const char* kLibraries[] = {"lib", "lib64", "usr/lib", "usr/lib64"};

// A detached copy of one mount, restricted, as a descriptor.
int clone_mount(const char* path, unsigned long long attributes) {
  const int tree =
      open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) return -1;
  struct mount_attr attr = {};
  attr.attr_set = attributes;
  if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0)
    return tree;
  const int saved = errno;
  close(tree);
  errno = saved;
  return -1;
}

int make_tmpfs() {
  const int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (fs < 0) return -1;
  int mounted = -1;
  if (fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
      fsconfig(fs, FSCONFIG_SET_STRING, "size", "64k", 0) == 0 &&
      fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "64", 0) == 0 &&
      fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
    mounted =
        fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  const int saved = errno;
  close(fs);
  errno = saved;
  return mounted;
}

bool attach(int tree, int root, const char* path) {
  const bool done =
      move_mount(tree, "", root, path, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  const int saved = errno;
  close(tree);
  errno = saved;
  return done;
}

bool make_directories(int root) {
  for (const char* path :
       {"run", "run/chrysalis", "run/chrysalis/vm", "dev", "dev/net", "usr"})
    if (mkdirat(root, path, 0755) != 0) return false;
  return true;
}

// With the host's numbers: that of userfaultfd is dynamic.
bool make_devices(int root, unsigned uid) {
  char host[64] = "/";
  for (const char* device : kDevices) {
    struct stat node = {};
    strncpy(host + 1, device, sizeof host - 2);
    if (stat(host, &node) != 0) {
      if (errno == ENOENT) continue;
      return false;
    }
    if (!S_ISCHR(node.st_mode)) continue;
    if (mknodat(root, device, S_IFCHR | 0600, node.st_rdev) != 0 ||
        fchownat(root, device, uid, uid, AT_SYMLINK_NOFOLLOW) != 0)
      return false;
  }
  return true;
}

// A merged-usr host has links where others have directories: the same here.
bool bind_libraries(int root) {
  char host[64] = "/";
  for (const char* path : kLibraries) {
    struct stat node = {};
    strncpy(host + 1, path, sizeof host - 2);
    if (lstat(host, &node) != 0) {
      if (errno == ENOENT) continue;
      return false;
    }
    if (S_ISLNK(node.st_mode)) {
      char target[256] = {};
      const ssize_t size = readlink(host, target, sizeof target - 1);
      if (size < 0 || symlinkat(target, root, path) != 0) return false;
      continue;
    }
    const int tree = clone_mount(
        host, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (tree < 0 || mkdirat(root, path, 0755) != 0 || !attach(tree, root, path))
      return false;
  }
  return true;
}

bool move_over_old_root() {
  return mount(".", "/", nullptr, MS_MOVE, nullptr) == 0 && chroot(".") == 0;
}

// The old root ends up on top of the new one, and is let go.
bool pivot() {
  if (syscall(SYS_pivot_root, ".", ".") != 0)
    return errno == EINVAL && move_over_old_root();
  return umount2(".", MNT_DETACH) == 0;
}

const char* build_and_enter(unsigned uid, bool keep_old_root) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return "make the mounts slaves of the host's";
  const int generation = clone_mount(
      ".", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (generation < 0) return "take the generation directory";
  const int root = make_tmpfs();
  if (root < 0) return "make a tmpfs";
  // It covers the generation directory, which is known to be there and which
  // nobody here needs by its host path any more.
  if (move_mount(root, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return "place the tmpfs";
  if (!make_directories(root)) return "make the directories of the root";
  if (!attach(generation, root, "run/chrysalis/vm"))
    return "bind the generation directory";
  if (!make_devices(root, uid)) return "make device nodes";
  if (!bind_libraries(root)) return "bind the system libraries";
  struct mount_attr readonly = {};
  readonly.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_setattr(root, "", AT_EMPTY_PATH, &readonly, sizeof readonly) != 0)
    return "make the root read-only";
  if (fchdir(root) != 0) return "enter the root";
  if (!(keep_old_root ? move_over_old_root() : pivot()))
    return "replace the root";
  if (chdir("/") != 0) return "enter the root";
  close(root);
  return nullptr;
}

}  // namespace

const char* enter_root(unsigned uid, bool keep_old_root) {
  const mode_t mask = umask(0);  // the VMM must pass through what is made here
  const char* step = build_and_enter(uid, keep_old_root);
  umask(mask);
  return step;
}

}  // namespace chrysalis::shim
