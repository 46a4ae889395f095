#pragma once

// Included by cpprest_transport.cc only: the stream buffer that the library
// writes a response's body to. It only ever takes bytes; whatever else a
// buffer of the library may be asked for is refused.

#include <cpprest/astreambuf.h>

#include <functional>
#include <string_view>
#include <utility>

namespace chrysalis::kube::cpprest {

class BodyBuffer final
    : public concurrency::streams::details::streambuf_state_manager<uint8_t> {
 public:
  // Takes the bytes and calls the function once there is room for more.
  using Take = std::function<void(std::string_view, std::function<void()>)>;

  explicit BodyBuffer(Take take)
      : streambuf_state_manager(std::ios_base::out), take_(std::move(take)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(size_t, std::ios_base::openmode) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return kNowhere; }
  pos_type seekpos(pos_type, std::ios_base::openmode) override {
    return kNowhere;
  }
  pos_type seekoff(off_type, std::ios_base::seekdir,
                   std::ios_base::openmode) override {
    return kNowhere;
  }
  bool acquire(uint8_t*& data, size_t& size) override {
    data = nullptr;
    size = 0;
    return false;
  }
  void release(uint8_t*, size_t) override {}

 protected:
  pplx::task<size_t> _putn(const uint8_t* data, size_t size) override {
    const pplx::task_completion_event<size_t> taken;
    take_({reinterpret_cast<const char*>(data), size},
          [taken, size] { taken.set(size); });
    return pplx::task<size_t>(taken);
  }
  pplx::task<int_type> _putc(uint8_t byte) override {
    return _putn(&byte, 1).then([byte](size_t) { return int_type{byte}; });
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  uint8_t* _alloc(size_t) override { return nullptr; }
  void _commit(size_t) override {}

  pplx::task<int_type> _bumpc() override { return nothing(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return nothing(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return nothing(); }
  pplx::task<int_type> _ungetc() override { return nothing(); }
  pplx::task<size_t> _getn(uint8_t*, size_t) override {
    return pplx::task_from_result(size_t{0});
  }
  size_t _scopy(uint8_t*, size_t) override { return 0; }

 private:
  static constexpr std::streamoff kNowhere = -1;
  static pplx::task<int_type> nothing() {
    return pplx::task_from_result(int_type{traits::eof()});
  }

  const Take take_;
};

}  // namespace chrysalis::kube::cpprest
