#include "src/shim/guard.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>

#include "src/shim/own_files.h"

namespace chrysalis::shim {
namespace {

constexpr uint64_t kRetryMs = 100;
constexpr int kRetries = 600;  // a minute of refusals; then the VMM is deaf
constexpr unsigned long kLongestPauseMs = 24UL * 60 * 60 * 1000;

bool address_of(const char* name, struct sockaddr_un* address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(name) >= sizeof address->sun_path) return false;
  strcpy(address->sun_path, name);
  return true;
}

void close_fd(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

}  // namespace

uint64_t now_ms() {
  struct timespec now = {};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 +
         static_cast<uint64_t>(now.tv_nsec) / 1000000 + 1;
}

bool Guard::open(const Config& config) {
  if (config.guard_socket == nullptr) return true;
  struct sockaddr_un address;
  if (!address_of(config.guard_socket, &address)) {
    errno = ENAMETOOLONG;
    return false;
  }
  api_socket_ = config.api_socket;
  vmm_uid_ = config.uid;
  request_ = config.resume_request;
  if (unlink(config.guard_socket) != 0 && errno != ENOENT) return false;
  listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // The umask of 077 keeps everybody but root away.
  return listener_ >= 0 &&
         bind(listener_, reinterpret_cast<const sockaddr*>(&address),
              sizeof address) == 0 &&
         listen(listener_, 4) == 0;
}

size_t Guard::collect(struct pollfd* entries) {
  size_t count = 0;
  for (const int fd : {listener_, agent_, vmm_})
    if (fd >= 0) entries[count++] = {fd, POLLIN, 0};
  return count;
}

int Guard::timeout(uint64_t now) const {
  uint64_t due = UINT64_MAX;
  if (armed_) due = deadline_ms_;
  if (retry_ms_ != 0 && retry_ms_ < due) due = retry_ms_;
  if (due == UINT64_MAX) return -1;
  return due <= now ? 0 : static_cast<int>(due - now);
}

void Guard::step(const struct pollfd* entries, size_t count, uint64_t now) {
  if (armed_ && deadline_ms_ <= now) fire(Fired::kDeadline, now);
  if (retry_ms_ != 0 && retry_ms_ <= now) try_resume(now);
  for (size_t i = 0; i < count; ++i) {
    if (entries[i].revents == 0) continue;
    // In this order: an agent that is gone is noticed before the next one.
    if (entries[i].fd == agent_)
      hear_agent(now);
    else if (entries[i].fd == vmm_)
      hear_vmm(now);
  }
  if (count > 0 && entries[0].fd == listener_ && entries[0].revents != 0)
    accept_agent();
}

void Guard::accept_agent() {
  const int fd =
      accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  if (armed_) {
    (void)!send(fd, "busy", 4, MSG_NOSIGNAL);
    close(fd);
    return;
  }
  close_fd(&agent_);
  agent_ = fd;
  answer("hello");
}

void Guard::hear_agent(uint64_t now) {
  char word[64];
  const ssize_t got = recv(agent_, word, sizeof word - 1, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    close_fd(&agent_);
    if (armed_) fire(Fired::kClosed, now);
    return;
  }
  word[got] = '\0';
  if (strncmp(word, "arm ", 4) == 0) {
    char* end = nullptr;
    const unsigned long budget = strtoul(word + 4, &end, 10);
    if (*end != '\0' || end == word + 4 || budget > kLongestPauseMs)
      return answer("bad");
    // A resume that is still on its way would hit the next pause.
    if (vmm_ >= 0 || retry_ms_ != 0) return answer("busy");
    armed_ = true;
    fired_ = Fired::kNot;
    deadline_ms_ = now + budget;
    return answer("armed");
  }
  if (strcmp(word, "disarm") == 0) armed_ = false;
  if (strcmp(word, "disarm") == 0 || strcmp(word, "last") == 0)
    return answer(fired_text());
  answer("bad");
}

void Guard::answer(const char* text) {
  (void)!send(agent_, text, strlen(text), MSG_NOSIGNAL);
}

const char* Guard::fired_text() const {
  switch (fired_) {
    case Fired::kNot:
      return "not";
    case Fired::kDeadline:
      return "deadline";
    case Fired::kClosed:
      return "closed";
  }
  __builtin_unreachable();
}

void Guard::fire(Fired why, uint64_t now) {
  armed_ = false;
  fired_ = why;
  retries_ = kRetries;
  dprintf(2, "chrysalis-shim: pause guard fired (%s), resuming\n",
          fired_text());
  try_resume(now);
}

void Guard::try_resume(uint64_t now) {
  retry_ms_ = 0;
  close_fd(&vmm_);
  const size_t size = strlen(request_);
  vmm_ = connect_to_vmm(api_socket_, vmm_uid_);
  if (vmm_ >= 0 &&
      send(vmm_, request_, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size))
    return;
  close_fd(&vmm_);
  if (--retries_ > 0) retry_ms_ = now + kRetryMs;
}

// "HTTP/1.1 204 ...": any 2xx, and 4xx or 5xx of a guest that runs already,
// is an answer; 503 is the VMM's "too many connections".
void Guard::hear_vmm(uint64_t now) {
  char text[512];
  const ssize_t got = recv(vmm_, text, sizeof text - 1, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  close_fd(&vmm_);
  if (got > 12) {
    text[got] = '\0';
    const bool busy = strncmp(text + 9, "503", 3) == 0;
    dprintf(2, "chrysalis-shim: resume answered %.3s\n", text + 9);
    if (!busy) return;
  }
  if (--retries_ > 0) retry_ms_ = now + kRetryMs;
}

}  // namespace chrysalis::shim
