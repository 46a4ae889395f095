#include "src/shim/config.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "src/hypervisor/shim_protocol.h"

namespace chrysalis::shim {
namespace {

char block[hypervisor::kShimConfigLimit];

bool append(const char** list, const char* value) {
  for (size_t i = 0; i < kMaxArguments; ++i) {
    if (list[i] != nullptr) continue;
    list[i] = value;
    return true;
  }
  errno = E2BIG;
  return false;
}

bool parse_number(const char* text, unsigned* value) {
  char* end = nullptr;
  errno = 0;
  const unsigned long parsed = strtoul(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || parsed > 0xfffffffeUL) {
    errno = EINVAL;
    return false;
  }
  *value = static_cast<unsigned>(parsed);
  return true;
}

bool parse_flag(const char* text, bool* value) {
  *value = strcmp(text, "1") == 0;
  return *value || strcmp(text, "0") == 0;
}

bool take(Config* config, const char* key, const char* value) {
  const struct {
    const char* key;
    const char** text;
  } texts[] = {
      {"binary", &config->binary},        {"generation", &config->generation},
      {"netns", &config->netns},          {"cgroup", &config->cgroup},
      {"exit", &config->exit_file},       {"log", &config->log_file},
      {"stdin", &config->stdin_fifo},     {"guard", &config->guard_socket},
      {"api", &config->api_socket},       {"resume", &config->resume_request},
      {"serial", &config->serial_socket}, {"console", &config->console_file},
      {"events", &config->events_file},
  };
  for (const auto& row : texts) {
    if (strcmp(row.key, key) != 0) continue;
    *row.text = value;
    return true;
  }
  if (strcmp(key, "arg") == 0) return append(config->argv, value);
  if (strcmp(key, "env") == 0) return append(config->env, value);
  if (strcmp(key, "uid") == 0) return parse_number(value, &config->uid);
  if (strcmp(key, "gid") == 0) return parse_number(value, &config->shared_gid);
  errno = EINVAL;
  if (strcmp(key, "hostmounts") == 0)
    return parse_flag(value, &config->join_host_mounts);
  if (strcmp(key, "oldroot") == 0)
    return parse_flag(value, &config->keep_old_root);
  return false;
}

}  // namespace

bool read_config(int fd, Config* config) {
  size_t size = 0;
  while (true) {
    if (size == sizeof block) {
      errno = E2BIG;
      return false;
    }
    const ssize_t got = read(fd, block + size, sizeof block - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  errno = EINVAL;
  if (size == 0 || block[size - 1] != '\0') return false;
  for (char* key = block; key < block + size; key += strlen(key) + 1) {
    char* equals = strchr(key, '=');
    if (equals == nullptr) return false;
    *equals = '\0';
    if (!take(config, key, equals + 1)) return false;
    key = equals + 1;  // the loop steps over the value
  }
  errno = EINVAL;
  const auto absolute = [](const char* path) {
    return path != nullptr && path[0] == '/';
  };
  const bool guard = config->guard_socket != nullptr;
  const bool serial = config->serial_socket != nullptr;
  return absolute(config->binary) && absolute(config->generation) &&
         absolute(config->exit_file) && absolute(config->log_file) &&
         (!guard ||
          (absolute(config->guard_socket) && config->api_socket != nullptr &&
           config->resume_request != nullptr)) &&
         (!serial || absolute(config->console_file)) &&
         (config->events_file == nullptr || absolute(config->events_file)) &&
         config->argv[0] != nullptr && config->uid != 0;
}

}  // namespace chrysalis::shim
