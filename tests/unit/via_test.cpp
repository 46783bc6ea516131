// Routes that lead over a peer, where stories (tests/scenario/via_*.txt) cannot show them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "node/core/loop_guard.h"
#include "node/core/routes.h"

namespace kvmesh::core {
namespace {

using testing::HasSubstr;

NodeName name(std::string_view text) { return *NodeName::parse(text); }

const NodeName kSelf = name("foo@h");

TEST(Vias, ManyNamesAreEachFoundByTheirOwnPeer) {
  std::vector<NodeName> peers;
  std::vector<Via> vias;
  for (std::uint16_t i = 0; i < 500; ++i) {
    peers.push_back(name("p" + std::to_string(i) + "@h"));
    vias.push_back({name("v" + std::to_string(i) + "@h"), PeerIndex{i}});
  }
  const auto routes = *Routes::make(kSelf, peers, RoutingTable{}, vias);
  for (std::uint16_t i = 0; i < 500; ++i) {
    for (const auto* kind : {"p", "v"}) {
      const auto target = kind + std::to_string(i) + "@h";
      const auto route = routes.find({Target::Kind::kNode, target});
      ASSERT_TRUE(route.ok()) << target;
      EXPECT_EQ(route->peer, PeerIndex{i}) << target;
      EXPECT_FALSE(route->entry);
    }
  }
  for (const auto* other : {"", "p", "p500@h", "v0@", "v0@h2", "w@h", "a@h"}) {
    EXPECT_EQ(routes.find({Target::Kind::kNode, other}).status().code(), StatusCode::kNoRoute);
  }
}

TEST(Vias, AnEntryOfTheTableMayNameThem) {
  const std::vector<NodeName> peers{name("bar@h"), name("baz@h")};
  const std::vector<Via> vias{{name("qux@h"), PeerIndex{1}}};
  const RoutingTable table{{{ByteRange{'a', 'm'}, name("qux@h")}}};
  const auto routes = *Routes::make(kSelf, peers, table, vias);
  const auto route = routes.find({Target::Kind::kBucket, "milk"});
  ASSERT_TRUE(route.ok());
  EXPECT_EQ(route->peer, PeerIndex{1});
  EXPECT_EQ(route->entry->to_string(), "a..m");
  EXPECT_EQ(Routes::make(kSelf, peers, table).status().code(), StatusCode::kInvalidArgument);
}

TEST(Vias, NoRouteNamesWhatThereIs) {
  const auto routes =
      *Routes::make(kSelf, {name("bar@h")}, RoutingTable{}, {{name("qux@h"), PeerIndex{0}}});
  EXPECT_EQ(routes.find({Target::Kind::kNode, "zed@h"}).status().text(),
            "foo@h has no peer \"zed@h\"; it has [bar@h, qux@h via bar@h]");
}

TEST(Vias, AWayHasAsManyHopsAsAnyOther) {
  wire::Buffer path;
  RequestView request;
  request.target = {Target::Kind::kNode, "qux@h"};
  for (std::uint32_t i = 0; i < limits::kHopsMax; ++i) {
    request.path = path.view();
    request.hops = i;
    EXPECT_TRUE(check_path(request, "foo@h", "").ok()) << i;
    wire::pack_str(path, "n" + std::to_string(i) + "@h");
    wire::pack_str(path, "");
  }
  request.path = path.view();
  request.hops = limits::kHopsMax;
  const auto refused = check_path(request, "foo@h", "");
  EXPECT_EQ(refused.code(), StatusCode::kTooManyHops);
  EXPECT_EQ(refused.text(), "after 16 hops foo@h would pass the request on; the limit is 16");
  EXPECT_THAT(check_path(request, "n14@h", "").text(), HasSubstr("n14@h -> n15@h -> n14@h"));
}

}  // namespace
}  // namespace kvmesh::core
