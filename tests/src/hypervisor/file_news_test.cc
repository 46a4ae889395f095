#include "src/hypervisor/file_news.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <filesystem>
#include <fstream>

namespace chrysalis::hypervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FileNewsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "newsXXXXXX";
    root_ = ::mkdtemp(name.data());
    auto news = FileNews::open();
    ASSERT_TRUE(news) << news.error().message;
    news_.emplace(std::move(*news));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const char* name) {
    std::ofstream(root_ / name, std::ios::app) << "x";
  }
  bool readable() {
    pollfd entry{news_->fd(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }

  std::filesystem::path root_;
  std::optional<FileNews> news_;
};

TEST_F(FileNewsTest, NothingElseInTheDirectoryIsHeard) {
  write("disk0");
  ASSERT_TRUE(news_->add(7, root_ / "events"));
  write("disk0");
  EXPECT_FALSE(readable());
  write("events");
  EXPECT_THAT(news_->read(), ElementsAre(7U));
  write("events");
  EXPECT_THAT(news_->read(), ElementsAre(7U));
  write("disk0");
  EXPECT_FALSE(readable());
  write("another");  // its name is not that of the file
  EXPECT_THAT(news_->read(), IsEmpty());
}

TEST_F(FileNewsTest, AFileThatTakesTheNameIsHeardAndTheOldOneNot) {
  write("events");
  ASSERT_TRUE(news_->add(7, root_ / "events"));
  std::ofstream old(root_ / "events");
  write("next");
  std::filesystem::rename(root_ / "next", root_ / "events");
  EXPECT_THAT(news_->read(), ElementsAre(7U));
  (void)news_->read();
  old << "x" << std::flush;
  EXPECT_THAT(news_->read(), IsEmpty());
  write("events");
  EXPECT_THAT(news_->read(), ElementsAre(7U));
}

TEST_F(FileNewsTest, FilesOfOneDirectoryAreToldApart) {
  ASSERT_TRUE(news_->add(1, root_ / "a"));
  ASSERT_TRUE(news_->add(2, root_ / "b"));
  ASSERT_TRUE(news_->add(3, root_ / "b"));
  write("b");
  EXPECT_THAT(news_->read(), ElementsAre(2U, 3U));
  news_->remove(2);
  write("b");
  write("a");
  EXPECT_THAT(news_->read(), ElementsAre(1U, 3U));
}

}  // namespace
}  // namespace chrysalis::hypervisor
