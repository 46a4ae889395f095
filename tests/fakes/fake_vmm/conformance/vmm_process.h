#pragma once

// A VMM under test: the process, its directory and one API connection.
// Thread-safety: none. Ownership: kills the process and removes the directory.

#include <functional>
#include <string>
#include <vector>

namespace chrysalis::fake_vmm {

struct Answer {
  int status = 0;  // 0: the connection was closed without an answer
  std::string body;
};

class VmmProcess {
 public:
  // `program` is "cloud-hypervisor" or "firecracker"; `faults` is the text of
  // FAKE_VMM_FAULTS. The socket is `directory`/NAME.sock.
  VmmProcess(std::string program, std::string directory, std::string name,
             std::vector<std::string> extra = {}, std::string faults = "");
  ~VmmProcess();
  VmmProcess(const VmmProcess&) = delete;
  VmmProcess& operator=(const VmmProcess&) = delete;

  Answer call(const std::string& method, const std::string& path,
              const std::string& body = "");
  // Exit code, or 128 + signal; -1 when it still runs after five seconds.
  int wait();
  void signal(int number);
  void type(const std::string& keys);  // into its stdin
  [[nodiscard]] std::string console() const;
  [[nodiscard]] std::string path(const std::string& file) const;

 private:
  std::string directory_;
  std::string name_;
  int pid_ = -1;
  int input_ = -1;
  int socket_ = -1;
};

std::string slurp(const std::string& path);
void spill(const std::string& path, const std::string& text);
// Asks until `ready()` is true; false after five seconds.
bool eventually(const std::function<bool()>& ready);

}  // namespace chrysalis::fake_vmm
