#include "tests/fakes/fake_vmm/machine/hostile.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace chrysalis::fake_vmm {
namespace {

void tell(const char* what, bool done) {
  std::fprintf(stderr, "simulated: hostile: %s: %s\n", what,
               done ? "done" : std::strerror(errno));
}

}  // namespace

void after_dump(Faults& faults, const std::string& directory,
                const std::string& memory) {
  const std::string word = faults.word("hostile-dump");
  if (word.starts_with("swap:"))
    tell("swap the dump",
         ::rename(directory.c_str(), (directory + ".mine").c_str()) == 0 &&
             ::symlink(word.c_str() + 5, directory.c_str()) == 0);
  if (word == "device") {
    std::ifstream in(directory + "/config.json");
    std::string config{std::istreambuf_iterator<char>(in), {}};
    if (!config.empty()) config.insert(1, R"("devices":[{"path":"/sys/x"}],)");
    std::ofstream out(directory + "/config.json");
    tell("add a device", bool(out << config));
  }
  if (word == "keep-open") {
    // Leaked on purpose: for the life of this process.
    static int kept = -1;
    kept = ::open((directory + "/" + memory).c_str(), O_RDWR | O_CLOEXEC);
    tell("keep the dump open", kept >= 0);
  }
}

}  // namespace chrysalis::fake_vmm
