#pragma once

// What the agent asks for, parsed in place: every pointer is into the block.

#include <sys/types.h>

#include <cstddef>

namespace chrysalis::shim {

inline constexpr size_t kMaxArguments = 128;

struct Config {
  const char* binary = nullptr;
  const char* generation = nullptr;
  const char* netns = nullptr;   // null: stay
  const char* cgroup = nullptr;  // null: stay
  // Where it writes; absolute.
  const char* exit_file = nullptr;
  const char* log_file = nullptr;
  const char* stdin_fifo = nullptr;   // null: no input
  const char* events_file = nullptr;  // null: none
  // The guard: it listens here, and sends the request to the VMM's socket.
  const char* guard_socket = nullptr;  // null: none
  const char* api_socket = nullptr;
  const char* resume_request = nullptr;
  const char* serial_socket = nullptr;  // drained; null: none
  const char* console_file = nullptr;   // into this
  uid_t uid = 0;
  gid_t shared_gid = 0;  // 0: none
  bool join_host_mounts = false;
  bool keep_old_root = false;  // as on a host whose root is the initramfs
  const char* argv[kMaxArguments + 1] = {};
  const char* env[kMaxArguments + 1] = {};
};

// Reads the whole block and fills `config`. False with errno set (EINVAL: not
// as agreed; E2BIG: too long).
bool read_config(int fd, Config* config);

}  // namespace chrysalis::shim
