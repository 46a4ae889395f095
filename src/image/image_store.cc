#include "src/image/image_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "src/base/beneath.h"
#include "src/base/tree_hash.h"
#include "src/image/boot_files.h"
#include "src/image/hash_cache.h"
#include "src/image/new_file.h"

namespace chrysalis::image {
namespace {

using Path = std::filesystem::path;

constexpr size_t kMaxName = 253;      // as a name of our objects
constexpr size_t kMaxCmdline = 4096;  // without the final newline

Result<void> check_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (name.empty()) return fail(Code::kInvalid, "an image needs a name");
  if (name.size() > kMaxName)
    return fail(Code::kInvalid, "the name has " + std::to_string(name.size()) +
                                    " characters, at most " +
                                    std::to_string(kMaxName) + " are allowed");
  if (name.front() == '.' || !std::ranges::all_of(name, fits))
    return fail(Code::kInvalid,
                "a name is letters, digits, '-', '_' and '.', and starts with "
                "no '.'");
  return {};
}

// The name as it may be shown: without control characters, bounded.
std::string shown_name(std::string_view name) {
  std::string out(name.substr(0, kMaxName));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return "image \"" + out + "\"";
}

// One line of printable ASCII, without its final newline.
Result<std::string> parse_cmdline(std::string_view content, const Path& shown) {
  if (content.ends_with('\n')) content.remove_suffix(1);
  if (content.size() > kMaxCmdline)
    return fail(Code::kInvalid, shown.string() + " has more than the " +
                                    std::to_string(kMaxCmdline) +
                                    " bytes allowed");
  for (size_t i = 0; i < content.size(); ++i) {
    const auto byte = static_cast<unsigned char>(content[i]);
    if (byte >= ' ' && byte <= '~') continue;
    const std::string what = byte == '\n' ? "a second line"
                             : byte == 0  ? "a NUL"
                                          : "byte " + std::to_string(byte);
    return fail(Code::kInvalid, shown.string() +
                                    " must be one line of printable ASCII, "
                                    "but has " +
                                    what + " at offset " + std::to_string(i));
  }
  return std::string(content);
}

// At most one byte more than a cmdline and its newline may have: enough to
// see that there is too much.
Result<std::string> read_cmdline(int fd, const Path& shown) {
  std::array<char, kMaxCmdline + 2> buffer{};
  size_t have = 0;
  while (have < buffer.size()) {
    const ssize_t n = ::pread(fd, buffer.data() + have, buffer.size() - have,
                              static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return tl::unexpected<Error>(from_errno(errno, "read " + shown.string()));
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  return std::string(buffer.data(), have);
}

// One file of an image, opened and hashed; adds its line to the digest's text.
struct Part {
  UniqueFd fd;
  FileId id;
  std::string hash;
};

std::string digest_line(std::string_view file, uint64_t bytes,
                        std::string_view hash) {
  return std::string(file) + " " + std::to_string(bytes) + " " +
         std::string(hash) + "\n";
}

// An image's directory, open: all files come from this one.
struct Directory {
  UniqueFd fd;
  Path path;
  HashCache& cache;
  std::string text = "chrysalis-image-v1\n";

  Result<Part> required(const char* file) {
    const Path shown = path / file;
    Part part;
    CHRYSALIS_ASSIGN(part.fd, open_file_beneath(fd.get(), file, shown));
    CHRYSALIS_ASSIGN(part.id, file_id(part.fd.get(), shown));
    if (part.id.size == 0)
      return fail(Code::kInvalid, shown.string() + " is empty");
    CHRYSALIS_ASSIGN(part.hash, cache.hash(part.fd.get(), part.id, shown));
    text += digest_line(file, part.id.size, part.hash);
    return part;
  }

  // Without a file, the Part's fd is invalid.
  Result<Part> optional(const char* file) {
    auto part = required(file);
    if (!part && part.error().code == Code::kNotFound) return Part{};
    return part;
  }

  // Hashed as it was read and not by identity: it is small.
  Result<std::string> cmdline() {
    const Path shown = path / "cmdline";
    const auto file = open_file_beneath(fd.get(), "cmdline", shown);
    if (!file && file.error().code == Code::kNotFound) return std::string();
    if (!file) return tl::unexpected<Error>(file.error());
    CHRYSALIS_ASSIGN(const FileId before, file_id(file->get(), shown));
    CHRYSALIS_ASSIGN(const std::string content,
                     read_cmdline(file->get(), shown));
    CHRYSALIS_ASSIGN(const FileId after, file_id(file->get(), shown));
    if (after != before)
      return fail(Code::kConflict,
                  shown.string() + " changed while it was read");
    CHRYSALIS_ASSIGN(std::string line, parse_cmdline(content, shown));
    CHRYSALIS_ASSIGN(const std::string hash, tree_hash(content));
    text += digest_line("cmdline", content.size(), hash);
    return line;
  }
};

Result<Directory> open_image(const Path& root, std::string_view name,
                             HashCache& cache) {
  const UniqueFd root_fd(
      ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd.valid())
    return tl::unexpected<Error>(
        from_errno(errno, "open the image root " + root.string()));
  const std::string child(name);
  CHRYSALIS_ASSIGN(auto fd,
                   open_directory_beneath(root_fd.get(), child, root / child));
  return Directory{std::move(fd), root / child, cache};
}

Result<Image> read_image(Directory dir) {
  Image image;
  auto opened = dir.required("kernel");
  if (!opened && opened.error().code == Code::kNotFound)
    opened.error().code = Code::kInvalid;  // the image is there, but is none
  CHRYSALIS_ASSIGN(auto kernel, std::move(opened));
  CHRYSALIS_ASSIGN(image.cmdline, dir.cmdline());
  CHRYSALIS_ASSIGN(auto initrd, dir.optional("initrd"));
  CHRYSALIS_ASSIGN(auto disk, dir.optional("disk.raw"));
  CHRYSALIS_ASSIGN(const std::string digest, sha256_hex(dir.text));
  image.digest = "sha256:" + digest;
  image.disk_bytes = disk.id.size;
  image.kernel = std::move(kernel.fd);
  image.kernel_id = kernel.id;
  image.kernel_hash = std::move(kernel.hash);
  image.initrd = std::move(initrd.fd);
  image.initrd_id = initrd.id;
  image.initrd_hash = std::move(initrd.hash);
  image.disk = std::move(disk.fd);
  image.disk_id = disk.id;
  return image;
}

}  // namespace

struct ImageStore::Cache {
  explicit Cache(Path dir) : boot_files(std::move(dir), hashes) {}
  SystemClock clock;
  HashCache hashes{clock};
  BootFiles boot_files;
};

ImageStore::ImageStore(Path root, Path boot_files)
    : root_(std::move(root)),
      boot_files_(std::move(boot_files)),
      cache_(std::make_unique<Cache>(boot_files_)) {}

ImageStore::~ImageStore() = default;

Result<Image> ImageStore::resolve(std::string_view name) const {
  const auto resolved = [&]() -> Result<Image> {
    CHRYSALIS_TRY(check_name(name));
    CHRYSALIS_ASSIGN(auto dir, open_image(root_, name, cache_->hashes));
    return read_image(std::move(dir));
  };
  auto image = resolved();
  if (!image)
    return tl::unexpected<Error>(
        with_context(std::move(image).error(), shown_name(name)));
  image->name = std::string(name);
  return image;
}

Result<void> ImageStore::make_disk(const Image& image, const Path& dest,
                                   uint64_t bytes, uint32_t owner_uid) const {
  const Path shown = root_ / image.name / "disk.raw";
  if (bytes == 0) return fail(Code::kInvalid, "a disk of 0 bytes");
  if (bytes < image.disk_bytes)
    return fail(Code::kInvalid, "a disk of " + std::to_string(bytes) +
                                    " bytes is smaller than " + shown.string() +
                                    " (" + std::to_string(image.disk_bytes) +
                                    " bytes)");
  CHRYSALIS_ASSIGN(auto disk, NewFile::create(dest, 0600));
  if (image.has_disk())
    CHRYSALIS_TRY(disk.copy(image.disk.get(), image.disk_id, shown));
  CHRYSALIS_TRY(disk.resize(bytes));
  CHRYSALIS_TRY(disk.chown(owner_uid));
  disk.keep();
  return {};
}

Result<void> ImageStore::place_boot_files(const Image& image,
                                          const Path& generation) const {
  const Path dir = root_ / image.name;
  CHRYSALIS_TRY(cache_->boot_files.place(image.kernel.get(), image.kernel_id,
                                         image.kernel_hash, dir / "kernel",
                                         generation / "kernel"));
  // A crashed attempt may have left one of an image that had an initrd.
  if (!image.has_initrd()) return remove_file(generation / "initrd");
  return cache_->boot_files.place(image.initrd.get(), image.initrd_id,
                                  image.initrd_hash, dir / "initrd",
                                  generation / "initrd");
}

}  // namespace chrysalis::image
