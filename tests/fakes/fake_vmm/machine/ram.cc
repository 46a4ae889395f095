#include "tests/fakes/fake_vmm/machine/ram.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace chrysalis::fake_vmm {
namespace {

constexpr uint64_t kPage = 4096;
// A dense file is what the real programs leave; above this it stays sparse,
// so that tests with large guests do not fill the disk.
constexpr uint64_t kAllocateAtMost = 128ULL << 20;

tl::unexpected<int> last_error() { return tl::unexpected<int>(errno); }

// Calls visit(offset, size) for each data extent of `file` in [from, to).
template <class Visit>
Os<> each_extent(int file, uint64_t from, uint64_t to, Visit visit) {
  auto at = static_cast<off_t>(from);
  const auto end = static_cast<off_t>(to);
  while (at < end) {
    const off_t data = ::lseek(file, at, SEEK_DATA);
    if (data < 0) {
      if (errno == ENXIO) return {};
      return last_error();
    }
    if (data >= end) return {};
    const off_t hole = std::min(::lseek(file, data, SEEK_HOLE), end);
    Os<> done =
        visit(static_cast<uint64_t>(data), static_cast<uint64_t>(hole - data));
    if (!done) return done;
    at = hole;
  }
  return {};
}

Os<> write_all(int file, const uint8_t* data, uint64_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t wrote =
        ::pwrite(file, data, size, static_cast<off_t>(offset));
    if (wrote < 0) return last_error();
    data += wrote;
    size -= static_cast<uint64_t>(wrote);
    offset += static_cast<uint64_t>(wrote);
  }
  return {};
}

Os<> read_into(int file, uint8_t* to, uint64_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(file, to, size, static_cast<off_t>(offset));
    if (got < 0) return last_error();
    if (got == 0) return {};
    to += got;
    size -= static_cast<uint64_t>(got);
    offset += static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace

Ram::Ram(Ram&& other) noexcept { *this = std::move(other); }

Ram& Ram::operator=(Ram&& other) noexcept {
  if (this == &other) return *this;
  if (base_ != nullptr) ::munmap(base_, bytes_);
  backing_ = std::move(other.backing_);
  source_ = std::move(other.source_);
  base_ = std::exchange(other.base_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  filled_ = std::exchange(other.filled_, 0);
  touched_ = std::move(other.touched_);
  return *this;
}

Ram::~Ram() {
  if (base_ != nullptr) ::munmap(base_, bytes_);
}

Os<> Ram::map(int flags) {
  void* const at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                          flags | MAP_NORESERVE, backing_.get(), 0);
  if (at == MAP_FAILED) return last_error();
  base_ = static_cast<uint8_t*>(at);
  return {};
}

Os<Ram> Ram::blank(uint64_t bytes) {
  Ram ram;
  ram.bytes_ = bytes;
  ram.backing_ = UniqueFd(::memfd_create("guest-ram", MFD_CLOEXEC));
  if (!ram.backing_.valid() ||
      ::ftruncate(ram.backing_.get(), static_cast<off_t>(bytes)) != 0) {
    return last_error();
  }
  if (auto done = ram.map(MAP_SHARED); !done) {
    return tl::unexpected<int>(done.error());
  }
  return ram;
}

Os<Ram> Ram::copy(const std::string& file, uint64_t bytes) {
  auto ram = on_demand(file, bytes);
  if (ram) ram->fill(UINT64_MAX);
  return ram;
}

Os<Ram> Ram::on_demand(const std::string& file, uint64_t bytes) {
  UniqueFd source(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) return last_error();
  auto ram = blank(bytes);
  if (ram) ram->source_ = std::move(source);
  return ram;
}

Os<Ram> Ram::private_map(const std::string& file, uint64_t bytes) {
  Ram ram;
  ram.bytes_ = bytes;
  ram.backing_ = UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ram.backing_.valid()) return last_error();
  if (auto done = ram.map(MAP_PRIVATE); !done) {
    return tl::unexpected<int>(done.error());
  }
  return ram;
}

void Ram::page_in(uint64_t page) {
  if (!touched_.insert(page).second) return;
  if (source_.valid() && page * kPage >= filled_) {
    (void)read_into(source_.get(), base_ + page * kPage,
                    std::min(kPage, bytes_ - page * kPage), page * kPage);
  }
}

uint8_t* Ram::touch(uint64_t offset, uint64_t size) {
  for (uint64_t page = offset / kPage; page * kPage < offset + size; ++page) {
    page_in(page);
  }
  return base_ + offset;
}

void Ram::fill(uint64_t up_to_bytes) {
  if (!source_.valid()) return;
  const uint64_t end =
      up_to_bytes < bytes_ - filled_ ? filled_ + up_to_bytes : bytes_;
  (void)each_extent(
      source_.get(), filled_, end, [&](uint64_t at, uint64_t size) -> Os<> {
        for (uint64_t done = 0; done < size; done += kPage) {
          const uint64_t page = (at + done) / kPage;
          if (touched_.contains(page)) continue;
          const auto got =
              read_into(source_.get(), base_ + page * kPage,
                        std::min(kPage, bytes_ - page * kPage), page * kPage);
          if (!got) return got;
        }
        return {};
      });
  filled_ = end;
  if (filled_ >= bytes_) source_.reset();
}

Os<> Ram::dump(int file, uint64_t stop_after) const {
  const uint64_t end = std::min(bytes_, stop_after);
  if (::ftruncate(file, static_cast<off_t>(bytes_)) != 0) return last_error();
  if (const int error = ::posix_fallocate(
          file, 0, static_cast<off_t>(std::min(end, kAllocateAtMost)));
      error != 0 && error != EOPNOTSUPP) {
    return tl::unexpected<int>(error);
  }
  auto done =
      each_extent(backing_.get(), 0, end, [&](uint64_t at, uint64_t size) {
        return write_all(file, base_ + at, size, at);
      });
  for (const uint64_t page : touched_) {
    const uint64_t at = page * kPage;
    if (!done || at >= end) continue;
    done = write_all(file, base_ + at, std::min(kPage, bytes_ - at), at);
  }
  return done;
}

}  // namespace chrysalis::fake_vmm
