#pragma once

// A state directory of its own for each test, and raw access to its database.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "src/store/node_db.h"

namespace chrysalis::store {

class NodeDbTest : public ::testing::Test {
 protected:
  NodeDbTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-db-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    path_ = dir_ / "node.db";
  }
  ~NodeDbTest() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<NodeDb> open(NodeDb::Options options = {}) const {
    auto db = NodeDb::open(path_, std::move(options));
    EXPECT_TRUE(db.has_value()) << db.error().message;
    return db ? std::move(*db) : nullptr;
  }
  [[nodiscard]] Error open_error() const {
    auto db = NodeDb::open(path_);
    EXPECT_FALSE(db.has_value());
    return db ? Error{} : db.error();
  }
  // As somebody with the sqlite3 program would.
  void sql(const std::string& text) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, &message),
              SQLITE_OK)
        << (message != nullptr ? message : "");
    sqlite3_free(message);
    sqlite3_close(db);
  }

  std::filesystem::path dir_, path_;
};

}  // namespace chrysalis::store
