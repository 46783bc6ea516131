// Where to listen: numbers as they are, interfaces and hosts by their address.

#include "node/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace kvmesh {
namespace {

std::string resolved(const std::string& text) {
  const auto where = resolve_listen(*parse_host_port(text, AddressUse::kListen));
  return where ? to_string(*where) : where.status().text();
}

TEST(ListenAddress, NumbersStay) {
  for (const auto* text : {"127.0.0.1:1", "0.0.0.0:65535", "[::1]:0", "[fe80::1%eth9]:5", "*:5"}) {
    EXPECT_EQ(resolved(text), text);
  }
}

TEST(ListenAddress, NamesOfHostsAndInterfacesBecomeNumbers) {
  EXPECT_EQ(resolved("localhost:4040"), "127.0.0.1:4040");
  EXPECT_EQ(resolved("lo:4040"), "127.0.0.1:4040");
}

TEST(ListenAddress, AnUnknownNameIsToldByItsName) {
  EXPECT_THAT(resolved("a..b:1"), testing::HasSubstr("a..b"));
}

}  // namespace
}  // namespace kvmesh
