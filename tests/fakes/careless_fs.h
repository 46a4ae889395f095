#pragma once

// A file system that skips syncs and passes on all else: what code would be
// that forgot them. A crash test that finds nothing wrong on this one proves
// nothing. Thread-safety: as the one it wraps.

#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"

namespace chrysalis {

class CarelessFs final : public FileSystem {
 public:
  struct Skip {
    bool files = false, directories = false;
  };
  CarelessFs(FileSystem& inner, Skip skip) : inner_(inner), skip_(skip) {}

  Result<std::unique_ptr<File>> open(const Path& path, Mode mode,
                                     uint32_t permissions) override {
    CHRYSALIS_ASSIGN(auto file, inner_.open(path, mode, permissions));
    if (!skip_.files) return file;
    return std::make_unique<CarelessFile>(std::move(file));
  }
  Result<void> sync_dir(const Path& directory) override {
    return skip_.directories ? Result<void>{} : inner_.sync_dir(directory);
  }
  Result<void> rename(const Path& from, const Path& to) override {
    return inner_.rename(from, to);
  }
  Result<void> rename_noreplace(const Path& from, const Path& to) override {
    return inner_.rename_noreplace(from, to);
  }
  Result<void> link(const Path& from, const Path& to) override {
    return inner_.link(from, to);
  }
  Result<void> unlink(const Path& path) override { return inner_.unlink(path); }
  Result<void> mkdir(const Path& path, uint32_t permissions) override {
    return inner_.mkdir(path, permissions);
  }
  Result<void> remove_tree(const Path& path) override {
    return inner_.remove_tree(path);
  }
  Result<std::vector<std::string>> list(const Path& directory) override {
    return inner_.list(directory);
  }
  Result<FileStat> stat(const Path& path) override { return inner_.stat(path); }
  Result<void> chmod(const Path& path, uint32_t permissions) override {
    return inner_.chmod(path, permissions);
  }
  Result<void> chown(const Path& path, uint32_t uid, uint32_t gid) override {
    return inner_.chown(path, uid, gid);
  }
  Result<Cloned> clone_file(const Path& from, const Path& to,
                            uint32_t permissions, Mono until) override {
    return inner_.clone_file(from, to, permissions, until);
  }

 private:
  class CarelessFile final : public File {
   public:
    explicit CarelessFile(std::unique_ptr<File> inner)
        : inner_(std::move(inner)) {}
    Result<void> sync() override { return {}; }
    Result<size_t> read_at(uint64_t offset, std::span<char> into) override {
      return inner_->read_at(offset, into);
    }
    Result<void> write_at(uint64_t offset, std::string_view bytes) override {
      return inner_->write_at(offset, bytes);
    }
    Result<void> resize(uint64_t bytes) override {
      return inner_->resize(bytes);
    }
    Result<std::optional<Extent>> next_data(uint64_t from) override {
      return inner_->next_data(from);
    }
    Result<void> punch(Extent range) override { return inner_->punch(range); }
    Result<void> chmod(uint32_t mode) override { return inner_->chmod(mode); }
    Result<void> chown(uint32_t uid, uint32_t gid) override {
      return inner_->chown(uid, gid);
    }
    Result<FileStat> stat() override { return inner_->stat(); }

   private:
    std::unique_ptr<File> inner_;
  };

  FileSystem& inner_;
  const Skip skip_;
};

}  // namespace chrysalis
