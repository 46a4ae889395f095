#pragma once

// Included by connection.cc only: asynchronous operations of Asio made
// blocking, with a deadline and a stop. At its deadline an operation is ended
// by closing the socket, and its handler is always awaited, so nothing that it
// refers to can go before it.
// Thread-safety: one thread, but for a stop.

#include <sys/socket.h>

#include <chrono>
#include <stop_token>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "src/base/clock.h"

namespace chrysalis::kube::beast {

namespace asio = boost::asio;
using boost::system::error_code;

struct Completion {
  bool done = false;
  error_code error;
  size_t bytes = 0;
};

// What is given to async_*.
struct CompletionHandler {
  Completion* completion;
  void operator()(error_code error, size_t bytes = 0) const {
    *completion = {true, error, bytes};
  }
};

class SocketLoop {
 public:
  SocketLoop() : socket_(context_) {}

  asio::ip::tcp::socket& socket() { return socket_; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] bool timed_out() const { return timed_out_; }

  // Before an operation is begun.
  void prepare() {
    timed_out_ = false;
    context_.restart();
  }
  // True when it is done; false when `until` came first: it goes on.
  bool wait(const Completion& operation, Mono until) {
    while (!operation.done) {
      if (context_.run_one_until(until) == 0) break;
    }
    return operation.done;
  }
  void abandon(const Completion& operation) {
    timed_out_ = true;
    close();
    while (!operation.done) context_.run_one();
  }
  void finish(const Completion& operation, Mono deadline) {
    if (!wait(operation, deadline)) abandon(operation);
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

  // While it lives, a stop closes the socket.
  class StopGuard {
   public:
    StopGuard(SocketLoop& loop, const std::stop_token& stop)
        : callback_(stop, Post{&loop}) {}

   private:
    struct Post {
      SocketLoop* loop;
      void operator()() const {
        asio::post(loop->context_, [loop = loop] {
          loop->stopped_ = true;
          loop->close();
        });
      }
    };
    std::stop_callback<Post> callback_;
  };

 private:
  asio::io_context context_{1};
  asio::ip::tcp::socket socket_;
  bool stopped_ = false;
  bool timed_out_ = false;
};

}  // namespace chrysalis::kube::beast
