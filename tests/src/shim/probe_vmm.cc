// Stands where a VMM would and tells what it sees:
//   look      writes /run/chrysalis/vm/look, exits 0
//   exit N    exits N
//   stay      waits for a signal
//   spam N    writes N bytes to its output, exits 0
//   events N  writes N bytes to where a VMM tells of its guest, exits 0
//   echo      copies one line of input to /run/chrysalis/vm/echo, exits 0
//   serve     answers HTTP requests on api.sock with 204, each appended to
//             /run/chrysalis/vm/requests; ends by a signal
//   serial N  binds serial.sock, sends N bytes to who connects, exits when
//             the peer has taken them
//   meddle    tries to reach the shim's files; exits with how many it could

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

extern char** environ;

namespace {

constexpr const char* kDirectory = "/run/chrysalis/vm";

void look_at_devices(FILE* out) {
  for (const char* path : {"/dev/kvm", "/dev/net/tun", "/dev/userfaultfd",
                           "/dev/urandom", "/dev/null"}) {
    struct stat node = {};
    const bool there = stat(path, &node) == 0;
    const int fd = open(path, O_RDWR);
    fprintf(out, "device %s there=%d opens=%d rdev=%lu\n", path, there, fd >= 0,
            static_cast<unsigned long>(node.st_rdev));
    if (fd >= 0) close(fd);
  }
}

int look() {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct caps[2] = {};
  syscall(SYS_capget, &header, caps);
  char path[128];
  snprintf(path, sizeof path, "%s/look", kDirectory);
  char fds[256] = "";
  for (int fd = 0; fd < 4096; ++fd)
    if (fcntl(fd, F_GETFD) >= 0)
      snprintf(fds + strlen(fds), sizeof fds - strlen(fds), " %d", fd);
  FILE* out = fopen(path, "w");
  if (out == nullptr) return 1;
  gid_t groups[8];
  const int count = getgroups(8, groups);
  fprintf(out, "uid %u %u\ngid %u %u\ngroups", getuid(), geteuid(), getgid(),
          getegid());
  for (int i = 0; i < count; ++i) fprintf(out, " %u", groups[i]);
  fprintf(out, "\ncaps %x %x %x\nnnp %d\nfds%s\n",
          caps[0].effective | caps[1].effective,
          caps[0].permitted | caps[1].permitted,
          caps[0].inheritable | caps[1].inheritable,
          prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), fds);
  for (char** entry = environ; *entry != nullptr; ++entry)
    fprintf(out, "env %s\n", *entry);
  fprintf(out, "root");
  DIR* root = opendir("/");
  while (const struct dirent* entry = root ? readdir(root) : nullptr)
    if (entry->d_name[0] != '.') fprintf(out, " <%s>", entry->d_name);
  fprintf(out, "\n");
  look_at_devices(out);
  fprintf(out, "write / %d\nwrite lib %d\n", open("/x", O_CREAT | O_RDWR, 0600),
          open("/usr/lib/x", O_CREAT | O_RDWR, 0600));
  fprintf(out, "interface probe0 %u\n", if_nametoindex("probe0"));
  fprintf(out, "chroot %d\n", chroot("/dev"));
  return fclose(out);
}

int listen_on(const char* name) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", kDirectory,
           name);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 8) != 0)
    return -1;
  return fd;
}

int serve() {
  char path[128];
  snprintf(path, sizeof path, "%s/requests", kDirectory);
  const int log = open(path, O_CREAT | O_WRONLY | O_APPEND, 0644);
  const int listener = listen_on("api.sock");
  if (listener < 0 || log < 0) return 1;
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    char request[1024];
    const ssize_t size = read(client, request, sizeof request);
    if (size > 0 && write(log, request, static_cast<size_t>(size)) != size)
      return 1;
    const char answer[] = "HTTP/1.1 204 \r\n\r\n";
    if (write(client, answer, sizeof answer - 1) < 0) return 1;
    close(client);
  }
}

int spam(int fd, long size) {
  char block[4096];
  memset(block, 'x', sizeof block);
  while (size > 0) {
    const ssize_t wrote = write(fd, block, sizeof block);
    if (wrote <= 0) return 1;
    size -= wrote;
  }
  return 0;
}

int serial(long size) {
  const int listener = listen_on("serial.sock");
  const int client = accept(listener, nullptr, nullptr);
  if (client < 0 || spam(client, size) != 0) return 1;
  shutdown(client, SHUT_WR);
  char byte = 0;
  return read(client, &byte, 1) == 0 ? 0 : 1;  // the peer closed: it has all
}

int echo() {
  char line[256];
  const ssize_t size = read(0, line, sizeof line);
  char path[128];
  snprintf(path, sizeof path, "%s/echo", kDirectory);
  const int out = open(path, O_CREAT | O_WRONLY, 0644);
  return size > 0 && write(out, line, static_cast<size_t>(size)) == size ? 0
                                                                         : 1;
}

int meddle() {
  int done = 0;
  if (chdir(kDirectory) != 0) return 100;
  if (unlink("lock") == 0) ++done;
  if (rename("lock", "stolen") == 0) ++done;
  // All else that the shim has lies beside the directory.
  for (const char* name :
       {"../gen-1.exit", "../gen-1.log", "../gen-1.sock", "../gen-1.exit.tmp"})
    if (access(name, F_OK) == 0) ++done;
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  const long number = argc > 2 ? atol(argv[2]) : 0;
  if (strcmp(what, "look") == 0) return look();
  if (strcmp(what, "exit") == 0) return static_cast<int>(number);
  if (strcmp(what, "spam") == 0) return spam(1, number);
  if (strcmp(what, "events") == 0) return spam(4, number);
  if (strcmp(what, "serial") == 0) return serial(number);
  if (strcmp(what, "echo") == 0) return echo();
  if (strcmp(what, "serve") == 0) return serve();
  if (strcmp(what, "meddle") == 0) return meddle();
  while (strcmp(what, "stay") == 0) pause();
  return 99;
}
