#include "src/store/wal.h"

#include <algorithm>
#include <string>

#include "src/base/file_system.h"

namespace chrysalis::store {

Result<void> fill_wal(const std::filesystem::path& wal) {
  PosixFileSystem fs;
  auto file = fs.open(wal, FileSystem::Mode::kReadWrite, 0);
  if (!file && file.error().code == Code::kNotFound)
    file = fs.open(wal, FileSystem::Mode::kCreate, 0600);
  if (!file) return tl::unexpected<Error>(std::move(file).error());
  CHRYSALIS_ASSIGN(const FileStat stat, (*file)->stat());
  if (stat.size >= kWalBytes) return {};
  const std::string zeros(1u << 20, '\0');
  for (uint64_t at = stat.size; at < kWalBytes;) {
    const auto n = std::min<uint64_t>(zeros.size(), kWalBytes - at);
    CHRYSALIS_TRY((*file)->write_at(at, std::string_view(zeros).substr(0, n)));
    at += n;
  }
  return (*file)->sync();
}

}  // namespace chrysalis::store
