#include "tests/e2e/world/program.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>

#include "tests/e2e/world/changes.h"

namespace chrysalis::e2e {
namespace {

constexpr milliseconds kLong{60'000};

Words with_program(const Words& arguments) {
  Words argv{chrysalis_path()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

int times_in(const std::string& text, const std::string& what) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + what.size()))
    ++count;
  return count;
}

}  // namespace

std::filesystem::path chrysalis_path() {
  return CHRYSALIS_BINARY_DIR "/controller/chrysalis";
}

Program::Program(const Words& arguments, std::filesystem::path log)
    : log_(std::move(log)) {
  std::ofstream(log_, std::ios::app).flush();
  before_ = std::filesystem::file_size(log_);
  auto started = kube_tools::Child::start(with_program(arguments), log_);
  EXPECT_TRUE(started) << started.error().message;
  if (started) child_ = *std::move(started);
}

std::string Program::said() const {
  std::ifstream file(log_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(before_));
  return {std::istreambuf_iterator<char>(file), {}};
}

bool Program::says(const std::string& text, int times) const {
  return await(log_, in(kLong),
               [&] { return times_in(said(), text) >= times || !runs(); }) &&
         times_in(said(), text) >= times;
}

int Program::stop() {
  if (child_.pid() < 0) return -1;
  ::kill(child_.pid(), SIGTERM);
  siginfo_t how{};
  const bool ended = child_.ended_within(kLong);
  // Looked at, not reaped: the child belongs to child_.
  if (ended)
    ::waitid(P_PID, static_cast<id_t>(child_.pid()), &how, WEXITED | WNOWAIT);
  child_.kill();
  return ended && how.si_code == CLD_EXITED ? how.si_status : -1;
}

kube_tools::Finished run_chrysalis(const Words& arguments) {
  auto ended = kube_tools::run(with_program(arguments), {}, "", kLong / 2);
  if (ended) return *std::move(ended);
  return {-1, "", ended.error().message};
}

}  // namespace chrysalis::e2e
