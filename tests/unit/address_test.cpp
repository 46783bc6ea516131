// Addresses as configurations write them.

#include "common/config/address.h"

#include <gtest/gtest.h>

#include <string>

namespace kvmesh {
namespace {

constexpr auto kListen = AddressUse::kListen;
constexpr auto kConnect = AddressUse::kConnect;

TEST(Address, HostAndPortAreRead) {
  const auto plain = parse_host_port("127.0.0.1:4040", kListen);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 4040);
  const auto six = parse_host_port("[::1]:65535", kConnect);
  ASSERT_TRUE(six.ok());
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, 65535);
  EXPECT_TRUE(parse_host_port("db-1.example.org:1", kConnect).ok());
  const auto zoned = parse_host_port("[fe80::1%eth0.2]:1", kConnect);
  ASSERT_TRUE(zoned.ok());
  EXPECT_EQ(zoned->host, "fe80::1%eth0.2");
}

TEST(Address, PortZeroAndEveryInterfaceAreForListening) {
  for (const char* text : {"127.0.0.1:0", "*:4040"}) {
    EXPECT_TRUE(parse_host_port(text, kListen).ok()) << text;
    EXPECT_FALSE(parse_host_port(text, kConnect).ok()) << text;
  }
}

TEST(Address, WhatIsNoneIsRefusedWithAdvice) {
  for (const char* text : {"",
                           ":",
                           ":4040",
                           "localhost",
                           "localhost:",
                           "localhost:65536",
                           "localhost:-1",
                           "localhost:4040x",
                           "::1:4040",
                           "[::1]",
                           "[::1:4040",
                           "[::g]:1",
                           "[fe80::1%]:1",
                           "[fe80::1%eth 0]:1",
                           "[fe80::1%interface-of-16b]:1",
                           "[%eth0]:1",
                           "[]:1",
                           "[:1",
                           "127.0.0.300:1",
                           "127.0.1:1",
                           "a b:1",
                           "-a:1",
                           "tcp://localhost:1",
                           "lo\nst:1"}) {
    const auto parsed = parse_host_port(text, kListen);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_NE(parsed.status().text().find("; write "), std::string::npos) << text;
  }
}

TEST(Address, EndpointsAreTcpOrIpc) {
  for (const char* text :
       {"tcp://127.0.0.1:5550", "tcp://localhost:1", "tcp://[::1]:1", "ipc:///run/x", "ipc://@x"}) {
    EXPECT_TRUE(check_endpoint(text, kConnect).ok()) << text;
  }
  for (const char* text :
       {"", "tcp://", "tcp://localhost", "127.0.0.1:1", "udp://localhost:1", "inproc://x", "ipc://",
        "tcp://localhost:0", "TCP://localhost:1", "tcp://a:1;b:2"}) {
    EXPECT_FALSE(check_endpoint(text, kConnect).ok()) << text;
  }
  EXPECT_TRUE(check_endpoint("tcp://127.0.0.1:0", kListen).ok());
  EXPECT_TRUE(check_endpoint("ipc://" + std::string(107, 'x'), kListen).ok());
  EXPECT_EQ(check_endpoint("ipc://" + std::string(108, 'x'), kListen).text(),
            "path of the Unix socket of 108 bytes is over the limit of 107; choose a shorter one");
}

TEST(Address, LoopbackIsWhatOnlyThisMachineReaches) {
  for (const char* text :
       {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "[0:0:0:0:0:0:0:1]:1", "localhost:1",
        "tcp://127.0.0.1:1", "tcp://localhost:1", "ipc:///tmp/x"}) {
    EXPECT_TRUE(is_loopback(text)) << text;
  }
  for (const char* text :
       {"0.0.0.0:1", "*:1", "[::]:1", "10.0.0.1:1", "127.example.org:1", "localhost.example.org:1",
        "tcp://*:1", "tcp://[::]:1", "128.0.0.1:1", "[::2]:1", "nonsense"}) {
    EXPECT_FALSE(is_loopback(text)) << text;
  }
}

TEST(SocketAddress, IsOneHoweverItIsSpelt) {
  const auto same = [](std::string_view a, std::string_view b) {
    return socket_address(a) == socket_address(b);
  };
  for (const char* text : {"tcp://127.0.0.1:20800", "localhost:20800", "tcp://LocalHost:020800",
                           "tcp://[::ffff:127.0.0.1]:20800", "[::FFFF:7f00:1]:20800"}) {
    EXPECT_TRUE(same(text, "127.0.0.1:20800")) << text;
  }
  EXPECT_TRUE(same("tcp://[0:0:0:0:0:0:0:1]:1", "[::1]:1"));
  EXPECT_TRUE(same("[FE80::0:1%eth0]:1", "[fe80::1%eth0]:1"));
  EXPECT_TRUE(same("tcp://Store.Example:1", "store.example:1"));
  EXPECT_TRUE(same("*:1", "0.0.0.0:1"));
  EXPECT_TRUE(same("ipc:///run/./x//z/../y", "ipc:///run/x/y"));
  for (const char* text : {"127.0.0.2:20800", "[::1]:20800", "127.0.0.1:20801", "0.0.0.0:20800"}) {
    EXPECT_FALSE(same(text, "127.0.0.1:20800")) << text;
  }
  EXPECT_FALSE(same("ipc:///run/x", "ipc:///run/y"));
  EXPECT_TRUE(socket_address("LOCALHOST:1").is_loopback());
  EXPECT_FALSE(socket_address("127.example.org:1").is_loopback());
}

TEST(SocketAddress, CollidesOnOnePortOfOneMachine) {
  const auto both = [](std::string_view a, std::string_view b) {
    return collide(socket_address(a), socket_address(b));
  };
  EXPECT_TRUE(both("tcp://localhost:1", "127.0.0.1:01"));
  EXPECT_TRUE(both("tcp://*:1", "127.0.0.1:1"));
  EXPECT_TRUE(both("ipc:///x", "ipc:///x"));
  EXPECT_FALSE(both("tcp://127.0.0.1:1", "127.0.0.2:1"));
  EXPECT_FALSE(both("tcp://*:1", "127.0.0.1:2"));
  EXPECT_FALSE(both("tcp://127.0.0.1:0", "127.0.0.1:0"));
  EXPECT_FALSE(both("ipc:///x", "127.0.0.1:1"));
}

}  // namespace
}  // namespace kvmesh
