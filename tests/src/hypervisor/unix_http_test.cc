#include "src/hypervisor/unix_http.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {
namespace {

using testing::HasSubstr;

// Serves one connection by `serve(fd)`, in a directory of its own.
class OneConnection {
 public:
  explicit OneConnection(std::function<void(int)> serve) {
    std::string dir = testing::TempDir() + "unixhttpXXXXXX";
    dir_ = ::mkdtemp(dir.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket().c_str(),
                 sizeof address.sun_path - 1);
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address),
                     sizeof address),
              0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    thread_ = std::thread([this, serve = std::move(serve)] {
      const UniqueFd fd(::accept(listener_.get(), nullptr, nullptr));
      if (fd.valid()) serve(fd.get());
    });
  }
  ~OneConnection() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(dir_);
  }
  [[nodiscard]] std::filesystem::path socket() const { return dir_ / "s"; }

 private:
  std::filesystem::path dir_;
  UniqueFd listener_;
  std::thread thread_;
};

std::string read_request(int fd) {
  std::string text(4096, '\0');
  const ssize_t n = ::read(fd, text.data(), text.size());
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return text;
}
void say(int fd, const std::string& text) {
  EXPECT_EQ(::write(fd, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
}
// Holds the connection open until the client closes it.
void linger(int fd) {
  char c = 0;
  while (::read(fd, &c, 1) > 0) {
  }
}
Deadline soon() { return Mono::clock::now() + seconds{20}; }
std::function<void(int)> answering(std::string answer) {
  return [answer](int fd) {
    read_request(fd);
    say(fd, answer);
    linger(fd);
  };
}

TEST(UnixHttp, SendsALengthAndTheBody) {
  std::string seen;
  {
    OneConnection server([&](int fd) {
      seen = read_request(fd);
      say(fd, "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok");
      linger(fd);
    });
    const auto answer =
        call(server.socket(), {Method::kPut, "/x", "{}"}, soon());
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200U);
    EXPECT_EQ(answer->body, "ok");
  }
  EXPECT_EQ(seen.rfind("PUT /x HTTP/1.1\r\n", 0), 0U);
  EXPECT_THAT(seen, HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(seen, testing::EndsWith("\r\n\r\n{}"));
}

TEST(UnixHttp, NoContentNeedsNoLengthAndNoClose) {
  for (const char* text :
       {"HTTP/1.1 204 \r\nServer: x\r\nConnection: keep-alive\r\n\r\n",
        "HTTP/1.1 200 \r\nServer: x\r\n\r\n"}) {
    OneConnection server(answering(text));
    const auto answer = call(server.socket(), {}, soon());
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->ok());
    EXPECT_EQ(answer->body, "");
  }
}

TEST(UnixHttp, AnAnswerInPiecesIsOneAnswer) {
  OneConnection server([](int fd) {
    read_request(fd);
    for (const char c :
         std::string("HTTP/1.1 500 \r\nContent-Length: 5\r\n\r\nwrong"))
      say(fd, std::string(1, c));
    linger(fd);
  });
  const auto answer = call(server.socket(), {}, soon());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 500U);
  EXPECT_EQ(answer->body, "wrong");
}

TEST(UnixHttp, WhatEndsBadlyIsTyped) {
  const std::vector<std::pair<std::string, Code>> cases = {
      {"HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n", Code::kUnavailable},
      {"ftp nonsense\r\n\r\n", Code::kCorrupt},
      {"HTTP/1.1 200 \r\nContent-Length: 99999999\r\n\r\n", Code::kCorrupt},
      {"HTTP/1.1 200 \r\nX: " + std::string(20'000, 'x'), Code::kCorrupt}};
  for (const auto& [text, code] : cases) {
    OneConnection server(answering(text));
    const auto answer = call(server.socket(), {}, soon());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, code) << answer.error().message;
  }
}

TEST(UnixHttp, ABrokenConnectionLeavesTheEffectUnknown) {
  OneConnection server([](int fd) { read_request(fd); });
  const auto answer = call(server.socket(), {}, soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kTimeout);
}

TEST(UnixHttp, ASilentPeerEndsAtTheDeadline) {
  OneConnection server([](int fd) { linger(fd); });
  const auto answer =
      call(server.socket(), {}, Mono::clock::now() + milliseconds{20});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kTimeout);
}

TEST(UnixHttp, NobodyThereIsUnavailable) {
  EXPECT_EQ(call("/nonexistent/socket", {}, soon()).error().code,
            Code::kUnavailable);
  EXPECT_EQ(call(std::string(300, 'x'), {}, soon()).error().code,
            Code::kInvalid);
}

// A VMM that its guest took over would have us talk to another VM's.
TEST(UnixHttp, ALinkIsNotFollowed) {
  bool reached = false;
  {
    const OneConnection other([&](int) { reached = true; });
    const auto link = other.socket().parent_path() / "api.sock";
    std::filesystem::create_symlink(other.socket(), link);
    const auto answer = call(link, {}, soon());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kInvalid);
    EXPECT_EQ(knock(link, soon()).error().code, Code::kInvalid);
    std::filesystem::remove(link);
    std::ofstream(link) << "no socket";
    EXPECT_EQ(knock(link, soon()).error().code, Code::kInvalid);
  }
  EXPECT_FALSE(reached);
}

}  // namespace
}  // namespace chrysalis::hypervisor
