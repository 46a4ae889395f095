#include "src/base/tree_hash.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <vector>

namespace chrysalis {
namespace {

using Path = std::filesystem::path;
using Sha256 = std::array<unsigned char, 32>;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

tl::unexpected<Error> openssl_failed() {
  return fail(Code::kUnavailable, "OpenSSL refused sha256");
}

Result<Sha256> sha256(std::string_view bytes) {
  Sha256 out{};
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, EVP_sha256(),
                 nullptr) != 1 ||
      length != out.size())
    return openssl_failed();
  return out;
}

std::string hex(const Sha256& bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

// A hash that is fed in pieces.
class Feed {
 public:
  Result<void> start() {
    context_.reset(EVP_MD_CTX_new());
    if (!context_ ||
        EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      return openssl_failed();
    return {};
  }
  Result<void> add(const void* bytes, size_t size) {
    if (EVP_DigestUpdate(context_.get(), bytes, size) != 1)
      return openssl_failed();
    return {};
  }
  Result<void> add(const Sha256& hash) { return add(hash.data(), hash.size()); }
  Result<std::string> finish() {
    Sha256 out{};
    if (EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) != 1)
      return openssl_failed();
    return hex(out);
  }

 private:
  Context context_;
};

// What is hashed, by descriptor or through the seam.
//   read: as pread; 0 at the end.
//   next_data: where data at or after `offset` begins; `end`: holes only.
struct Descriptor {
  int fd;
  const Path& shown;
  [[nodiscard]] Result<size_t> read(uint64_t offset,
                                    std::span<char> into) const {
    while (true) {
      const ssize_t n =
          ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR)
        return tl::unexpected<Error>(
            from_errno(errno, "read " + shown.string()));
    }
  }
  // A disk that cannot tell has data everywhere.
  [[nodiscard]] Result<uint64_t> next_data(uint64_t offset,
                                           uint64_t end) const {
    const off_t at = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (at >= 0) return static_cast<uint64_t>(at);
    return errno == ENXIO ? end : offset;
  }
};

struct Seam {
  File& file;
  [[nodiscard]] Result<size_t> read(uint64_t offset,
                                    std::span<char> into) const {
    return file.read_at(offset, into);
  }
  [[nodiscard]] Result<uint64_t> next_data(uint64_t offset,
                                           uint64_t end) const {
    CHRYSALIS_ASSIGN(const auto extent, file.next_data(offset));
    return extent ? extent->offset : end;
  }
};

template <class Source>
Result<void> read_all(const Source& source, uint64_t offset,
                      std::span<char> into, const Path& shown) {
  while (!into.empty()) {
    CHRYSALIS_ASSIGN(const size_t n, source.read(offset, into));
    if (n == 0)
      return fail(Code::kConflict,
                  shown.string() + " shrank while it was read");
    offset += n;
    into = into.subspan(n);
  }
  return {};
}

template <class Source>
Result<std::string> hash_of(const Source& source, uint64_t bytes,
                            const Path& shown, const OnChunk& on_chunk = {}) {
  Feed tree;
  CHRYSALIS_TRY(tree.start());
  std::vector<char> chunk(std::min(bytes, kChunkBytes));
  CHRYSALIS_ASSIGN(const Sha256 hole,
                   sha256({chunk.data(), chunk.size()}));  // still zeros
  uint64_t data = 0;
  for (uint64_t at = 0; at < bytes; at += kChunkBytes) {
    const size_t length = std::min(bytes - at, kChunkBytes);
    if (data < at + length) {
      CHRYSALIS_ASSIGN(data, source.next_data(std::max(at, data), bytes));
    }
    if (data >= at + length && length == chunk.size()) {
      CHRYSALIS_TRY(tree.add(hole));
      continue;
    }
    CHRYSALIS_TRY(read_all(source, at, std::span(chunk).first(length), shown));
    CHRYSALIS_ASSIGN(const Sha256 hash, sha256({chunk.data(), length}));
    CHRYSALIS_TRY(tree.add(hash));
    if (on_chunk) CHRYSALIS_TRY(on_chunk(at, std::span(chunk).first(length)));
  }
  return tree.finish();
}

template <class Source>
Result<std::string> plain_hash_of(const Source& source) {
  Feed feed;
  CHRYSALIS_TRY(feed.start());
  std::vector<char> buffer(kChunkBytes);
  for (uint64_t at = 0;;) {
    CHRYSALIS_ASSIGN(const size_t n, source.read(at, std::span(buffer)));
    if (n == 0) return feed.finish();
    CHRYSALIS_TRY(feed.add(buffer.data(), n));
    at += n;
  }
}

}  // namespace

Result<std::string> tree_hash(int fd, uint64_t bytes, const Path& shown) {
  return hash_of(Descriptor{fd, shown}, bytes, shown);
}

Result<std::string> tree_hash(File& file, uint64_t bytes, const Path& shown) {
  return hash_of(Seam{file}, bytes, shown);
}

Result<std::string> tree_hash(File& file, uint64_t bytes, const Path& shown,
                              const OnChunk& on_chunk) {
  return hash_of(Seam{file}, bytes, shown, on_chunk);
}

Result<std::string> tree_hash(std::string_view content) {
  Feed tree;
  CHRYSALIS_TRY(tree.start());
  for (size_t at = 0; at < content.size(); at += kChunkBytes) {
    CHRYSALIS_ASSIGN(const Sha256 hash,
                     sha256(content.substr(at, kChunkBytes)));
    CHRYSALIS_TRY(tree.add(hash));
  }
  return tree.finish();
}

Result<std::string> sha256_hex(std::string_view text) {
  CHRYSALIS_ASSIGN(const Sha256 hash, sha256(text));
  return hex(hash);
}

Result<std::string> sha256_hex(int fd, const Path& shown) {
  return plain_hash_of(Descriptor{fd, shown});
}

Result<std::string> sha256_hex(File& file) { return plain_hash_of(Seam{file}); }

}  // namespace chrysalis
