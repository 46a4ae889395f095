#include "controller/kube/beast/endpoint.h"

#include <gtest/gtest.h>

namespace chrysalis::kube::beast {
namespace {

TEST(ParseEndpoint, TakesAUrlApart) {
  const auto plain = parse_endpoint("http://[::1]:8080/a/b/");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "::1");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_EQ(plain->prefix, "/a/b");
  EXPECT_EQ(plain->authority(), "[::1]:8080");
  const auto usual = parse_endpoint("https://example.com");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->port, 443);
  EXPECT_EQ(usual->authority(), "example.com");
}

TEST(ParseEndpoint, RefusesWhatIsNone) {
  for (const char* url :
       {"", "example.com", "ftp://a", "https://", "https://:80", "https://a:0",
        "https://a:70000", "https://a:1x", "https://u@a", "https://a/?q",
        "https://[::1", "https://[::1]80", "https://a b"})
    EXPECT_FALSE(parse_endpoint(url)) << url;
}

}  // namespace
}  // namespace chrysalis::kube::beast
