// Goal: an attempt to connect says the truth about who is there.
#include "cluster/transport/sockets.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

namespace keyrack::cluster {
namespace {

TEST(Sockets, ASocketThatReachedItselfWasRefused) {
  const unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto any = resolve("127.0.0.1:0").value().front();
  ASSERT_EQ(
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(any.bytes.data()), static_cast<socklen_t>(any.bytes.size())),
      0);
  const auto self = resolve("127.0.0.1:" + std::to_string(port_of(fd.get()))).value().front();
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(self.bytes.data()),
                      static_cast<socklen_t>(self.bytes.size())),
            0);
  EXPECT_EQ(connect_result(fd.get()), ECONNREFUSED);
}

TEST(Sockets, AnAddressIsAHostAndAPort) {
  EXPECT_TRUE(resolve("127.0.0.1:80"));
  EXPECT_TRUE(resolve("[::1]:80"));
  EXPECT_FALSE(resolve("127.0.0.1"));
  EXPECT_FALSE(resolve("127.0.0.1:http"));
}

}  // namespace
}  // namespace keyrack::cluster
