// The control socket, both ends, over real sockets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <latch>
#include <mutex>

#include "controller/runtime/directory/control_client.h"
#include "controller/runtime/directory/control_protocol.h"
#include "controller/runtime/directory/control_server.h"
#include "controller/runtime/directory/control_socket.h"
#include "src/base/unique_fd.h"

namespace chrysalis::runtime::directory {
namespace {

using ::testing::HasSubstr;

const DeleteRequest kDelete{{api::Kind::kVmSnapshot, "team-a", "base"},
                            milliseconds{1500}};

TEST(ControlProtocol, RequestsAndAnswersComeBack) {
  const auto request = decode_request(encode(kDelete));
  ASSERT_TRUE(request);
  EXPECT_EQ(*request, kDelete);
  EXPECT_EQ(decode_answer(encode_answer(std::string("is \"gone\"\n"))).value(),
            "is \"gone\"\n");
  for (const Code code :
       {Code::kInvalid, Code::kNotFound, Code::kConflict, Code::kUnavailable,
        Code::kTimeout, Code::kCorrupt, Code::kUnsupported}) {
    const auto answer = decode_answer(encode_answer(fail(code, "why")));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, code);
    EXPECT_EQ(answer.error().message, "why");
  }
}

TEST(ControlProtocol, RefusesWhatIsNoRequest) {
  for (const auto* line :
       {"", "7", "[]", "{", "{\"verb\":\"stop\"}", "{\"verb\":7}",
        R"({"verb":"delete","kind":"Pod","namespace":"a","name":"b"})",
        R"({"verb":"delete","kind":"cvm","namespace":"a"})",
        R"({"verb":"delete","kind":"cvm","namespace":"a","name":"b",
            "waitMilliseconds":-1})",
        R"({"verb":"delete","kind":"cvm","namespace":"a","name":"b",
            "waitMilliseconds":600001})"})
    EXPECT_EQ(decode_request(line).error().code, Code::kInvalid) << line;
  EXPECT_FALSE(decode_request(std::string(kControlLineMax + 1, ' ')));
  EXPECT_FALSE(decode_request(std::string(kControlLineMax, '[')));
  EXPECT_FALSE(decode_answer("{\"ok\":true}"));
}

TEST(ControlProtocol, LongAnswersFitALine) {
  const auto line = encode_answer(fail(Code::kInvalid, std::string(9000, 'x')));
  EXPECT_LT(line.size(), kControlLineMax);
}

TEST(ControlProtocol, KnowsTheKindsAsPeopleTypeThem) {
  for (const auto* typed : {"VirtualMachine", "virtualmachines", "CVM"})
    EXPECT_EQ(kind_of(typed).value(), api::Kind::kVirtualMachine) << typed;
  for (const auto* typed : {"VMSnapshot", "vmsnapshots", "cvmsnap"})
    EXPECT_EQ(kind_of(typed).value(), api::Kind::kVmSnapshot) << typed;
  EXPECT_THAT(kind_of("pod").error().message,
              HasSubstr("there are VirtualMachine (cvm) and VMSnapshot"));
}

class ControlSocket : public ::testing::Test {
 protected:
  ControlSocket() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-ctl-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    path_ = dir_ / "control.sock";
  }
  ~ControlSocket() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<ControlServer> serve(ControlServer::Handler handler,
                                       ControlServer::Options options = {
                                           .allowed_uid = ::geteuid()}) {
    auto server = ControlServer::start(path_, std::move(handler), options);
    EXPECT_TRUE(server) << server.error().message;
    return server ? std::move(*server) : nullptr;
  }
  UniqueFd connect() const {
    const auto address = socket_address(path_).value();
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                        sizeof address),
              0);
    return fd;
  }
  Mono soon() const { return clock_.mono() + seconds{30}; }

  std::filesystem::path dir_, path_;
  SystemClock clock_;
};

TEST_F(ControlSocket, CarriesARequestAndItsAnswer) {
  DeleteRequest seen;
  const auto server = serve([&](const DeleteRequest& request,
                                std::stop_token) -> Result<std::string> {
    seen = request;
    return "gone";
  });
  EXPECT_EQ(ask_standalone(path_, kDelete, clock_).value(), "gone");
  EXPECT_EQ(seen, kDelete);
  struct stat now{};
  ASSERT_EQ(::stat(path_.c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 0777, 0600u);
}

TEST_F(ControlSocket, CarriesAnError) {
  const auto server = serve([](const auto&, auto) -> Result<std::string> {
    return fail(Code::kNotFound, "there is no such thing");
  });
  const auto answer = ask_standalone(path_, kDelete, clock_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kNotFound);
  EXPECT_EQ(answer.error().message, "there is no such thing");
}

TEST_F(ControlSocket, SaysThatStandaloneDoesNotRun) {
  const auto nobody = ask_standalone(path_, kDelete, clock_);
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message,
              HasSubstr("`chrysalis standalone` is not running"));
  serve([](const auto&, auto) { return Result<std::string>("x"); }).reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlSocket, TakesThePlaceOfADeadOnesSocket) {
  {
    const auto address = socket_address(path_).value();
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address),
                     sizeof address),
              0);
  }
  EXPECT_THAT(ask_standalone(path_, kDelete, clock_).error().message,
              HasSubstr("is not running"));
  const auto server =
      serve([](const auto&, auto) { return Result<std::string>("x"); });
  EXPECT_TRUE(ask_standalone(path_, kDelete, clock_));
}

TEST_F(ControlSocket, OnlyTheAllowedUserMayAsk) {
  const auto server =
      serve([](const auto&, auto) { return Result<std::string>("done"); },
            {.allowed_uid = ::geteuid() + 1});
  const auto answer = ask_standalone(path_, kDelete, clock_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "only root may ask");
}

TEST_F(ControlSocket, BadLinesAreAnsweredAndTheNextOneIsServed) {
  const auto server =
      serve([](const auto&, auto) { return Result<std::string>("x"); });
  for (const std::string& line :
       {std::string("nonsense"), std::string(20'000, 'x')}) {
    const UniqueFd fd = connect();
    // The server may hang up on a long line before all of it is sent.
    (void)write_line(fd.get(), line, soon());
    const auto answer = read_line(fd.get(), kControlLineMax, soon(), -1);
    if (line.size() < kControlLineMax) {
      ASSERT_TRUE(answer);
      EXPECT_EQ(decode_answer(*answer).error().code, Code::kInvalid);
    }
  }
  EXPECT_TRUE(ask_standalone(path_, kDelete, clock_));
}

TEST_F(ControlSocket, ASilentCallerIsHungUpOn) {
  const auto server =
      serve([](const auto&, auto) { return Result<std::string>("x"); },
            {.allowed_uid = ::geteuid(), .io_deadline = milliseconds{20}});
  const UniqueFd fd = connect();
  const auto answer = read_line(fd.get(), kControlLineMax, soon(), -1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(decode_answer(*answer).error().code, Code::kTimeout);
}

TEST_F(ControlSocket, StoppingEndsAWaitingRequest) {
  std::latch waiting(1);
  auto server = serve(
      [&](const auto&, const std::stop_token& stop) -> Result<std::string> {
        std::mutex mutex;
        std::condition_variable_any cv;
        std::unique_lock lock(mutex);
        waiting.count_down();
        cv.wait(lock, stop, [] { return false; });
        return fail(Code::kUnavailable, "stopping");
      });
  auto asked = std::async(std::launch::async, [&] {
    return ask_standalone(path_, kDelete, clock_);
  });
  waiting.wait();
  server.reset();
  const auto answer = asked.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "stopping");
}

}  // namespace
}  // namespace chrysalis::runtime::directory
