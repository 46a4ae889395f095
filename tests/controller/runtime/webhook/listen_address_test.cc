#include "controller/runtime/webhook/listen_address.h"

#include <gtest/gtest.h>

namespace chrysalis::runtime {
namespace {

TEST(ListenAddress, IsReadInItsForms) {
  const auto is = [](const char* text, const char* host, uint16_t port) {
    const auto read = parse_listen_address(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->host, host);
    EXPECT_EQ(read->port, port);
  };
  is("127.0.0.1:9443", "127.0.0.1", 9443);
  is("[::1]:0", "::1", 0);
  is(":65535", "", 65535);
}

TEST(ListenAddress, WhatIsNoneIsSaidWithItsText) {
  for (const char* text : {"", "9443", "127.0.0.1", "a:", "a:b", "a:65536",
                           "a:-1", "a:1 ", "::1:9443", "[]:1", "[::1]"}) {
    const auto read = parse_listen_address(text);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().message.starts_with(std::string(text) + ": "));
    EXPECT_NE(read.error().message.find("HOST:PORT"), std::string::npos);
  }
}

}  // namespace
}  // namespace chrysalis::runtime
