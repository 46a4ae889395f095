#pragma once

// Images: IMAGE_ROOT/NAME/{kernel, cmdline, initrd, disk.raw}; only `kernel`
// is required. Files of the node's owner: read, never changed.
//
// Thread-safety: any thread; the digest cache has its own lock.
// Hostile input: beneath the root without links (openat2 RESOLVE_BENEATH |
//                RESOLVE_NO_SYMLINKS); regular files only; cmdline at most
//                4 KiB of printable text.
// Errors:        kNotFound - there is no such image; kInvalid - no kernel in
//                it, its name, its cmdline, or a size that does not fit, with
//                both numbers; kConflict - a file changed while it was read;
//                kUnavailable.
// Durability:    what is made (disks, boot files) is fsynced; the directory
//                is synced by the caller, once for all files of a generation.
// Digest:        imageDigest, "sha256:<hex>" over the text
//                  chrysalis-image-v1\n
//                  <file name> <bytes> <tree hash>\n     in the order above,
//                only files that are there. Tree hash = sha256 over the
//                sha256 of each 1 MiB chunk (the last one shorter), so holes
//                cost nothing and the content alone decides.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/image/file_id.h"

namespace chrysalis::image {

// An image as it was resolved: open files, so later changes of the directory
// do not mix two images.
struct Image {
  std::string name;
  std::string digest;             // "sha256:.."
  std::string cmdline;            // without the final newline; empty: none
  uint64_t disk_bytes = 0;        // 0: no disk.raw
  UniqueFd kernel, initrd, disk;  // initrd, disk: invalid where there is none
  std::string kernel_hash, initrd_hash;  // tree hashes, hex
  FileId kernel_id, initrd_id, disk_id;  // the files that were hashed
  [[nodiscard]] bool has_initrd() const { return initrd.valid(); }
  [[nodiscard]] bool has_disk() const { return disk.valid(); }
};

class ImageStore {
 public:
  // boot_files: directory of ours for kernels and initrds by hash (made when
  // missing). On the file system of the generations, or each is a copy.
  ImageStore(std::filesystem::path root, std::filesystem::path boot_files);
  ~ImageStore();

  // Hashes what it has not seen: (device, inode, size, mtime) is the memory,
  // never ctime, which a hard link changes.
  [[nodiscard]] Result<Image> resolve(std::string_view name) const;

  // A root disk of `bytes` from the image (reflink, else sparse copy, then
  // grown), or an empty one where the image has none. Mode 0600, owner uid.
  // Replaces what a crashed attempt left. Not synced. kInvalid: smaller than
  // the image's.
  [[nodiscard]] Result<void> make_disk(const Image& image,
                                       const std::filesystem::path& dest,
                                       uint64_t bytes,
                                       uint32_t owner_uid) const;

  // `kernel` and `initrd` of the image in a generation directory: hard links
  // to our own read-only copies, which stay when the image changes.
  [[nodiscard]] Result<void> place_boot_files(
      const Image& image, const std::filesystem::path& generation) const;

 private:
  struct Cache;
  std::filesystem::path root_;
  std::filesystem::path boot_files_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace chrysalis::image
