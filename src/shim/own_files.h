#pragma once

// The shim's files. The lock lies in the generation directory, its working
// directory, where the VMM may create files too, so nothing found is trusted:
// what is not a regular file of root's is removed and made anew, no link is
// followed.

#include <sys/types.h>

#include <cstdint>

namespace chrysalis::shim {

// Opens or makes `name`, mode 0600. -1 with errno.
int open_own_file(const char* name, int flags);

// As open_own_file, then taken by flock; EWOULDBLOCK when it is held.
int take_lock(const char* name);

// A stream to the socket `name`, which must be one of this user's: a VMM that
// its guest took over could put a link to another's under the name. -1 with
// errno, at once.
int connect_to_vmm(const char* name, uid_t owner);

struct Ending {
  const char* kind;  // "exited" | "killed" | "not-started"
  int code = 0;
  int signal = 0;
  bool core = false;
  pid_t vmm = 0;
  uint64_t vmm_start = 0;
  const char* boot_id = "";
};

// Temporary beside it, fsync, rename, fsync of the directory.
bool write_ending(const char* path, const Ending& ending);

// Start time of a process (field 22 of /proc/PID/stat); 0 when unknown.
uint64_t start_time(pid_t pid);

// Fills 36 characters and a zero.
bool read_boot_id(char (&id)[40]);

}  // namespace chrysalis::shim
