// Peers that come and go while requests are under way.
#include "node/core/topology.h"

#include "tests/unit/core_fixture.h"

namespace kvmesh::core {
namespace {

using testing::ElementsAre;

constexpr PeerIndex kThird{2};

class TopologyTest : public CoreTest {
 protected:
  Status set(std::vector<std::string_view> peers, RoutingTable table = {},
             std::vector<Via> vias = {}) {
    std::vector<NodeName> names;
    for (const auto peer : peers) names.push_back(name(peer));
    return core_.set_topology(
        {placed(core_.peer_names(), names), std::move(vias), std::move(table)});
  }
  static RoutingTable all_to(std::string_view node) {
    return RoutingTable{{{ByteRange{0, 255}, name(node)}}};
  }
  std::vector<std::string> places() const {
    std::vector<std::string> out;
    for (const auto& peer : core_.peer_names()) out.push_back(peer.str());
    return out;
  }
};

TEST_F(TopologyTest, APeerThatStaysKeepsItsPlaceAndWhatIsInFlight) {
  core_.on_peer_up(kBar, kWidest);
  core_.on_peer_up(kBaz, kWidest);
  ask("test.ok", to_baz_);
  const auto id = effects_.last_id;
  ASSERT_TRUE(set({"baz@h", "qux@h"}, all_to("qux@h")).ok());
  EXPECT_THAT(places(), ElementsAre("qux@h", "baz@h")) << "the place of bar is free";
  EXPECT_EQ(effects_.replies, 0U);
  EXPECT_EQ(core_.in_flight_over(kBaz), 1U);
  ask("test.ok", to_baz_);
  EXPECT_EQ(effects_.forwards, 2U) << "it is still up";
  ReplyView reply;
  reply.id = id;
  core_.on_reply(kBaz, reply);
  EXPECT_EQ(effects_.last.code, StatusCode::kOk);
}

TEST_F(TopologyTest, WhatIsInFlightOverOneThatGoesEndsWithIt) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  ask("test.ok", to_bar_);
  const auto id = effects_.last_id;
  ASSERT_TRUE(set({"qux@h", "baz@h"}).ok());
  EXPECT_EQ(effects_.replies, 2U);
  EXPECT_EQ(effects_.last.code, StatusCode::kOutcomeUnknown);
  EXPECT_THAT(effects_.last.text, HasSubstr("it was sent to bar@h"));
  EXPECT_THAT(effects_.last.text, HasSubstr("no longer a peer"));
  EXPECT_EQ(core_.in_flight(), 0U);

  // qux has the place, and nothing of what bar was.
  EXPECT_EQ(core_.why_down(kBar), "not connected yet");
  ask("test.ok", {Target::Kind::kNode, "qux@h"});
  EXPECT_EQ(effects_.last.code, StatusCode::kUnavailable);
  ReplyView late;
  late.id = id;
  core_.on_reply(kBar, late);
  EXPECT_EQ(effects_.replies, 3U) << "a late answer is nobody's";
  EXPECT_EQ(core_.counters().late_replies.value(), 1U);
  ask("test.ok", to_bar_);
  EXPECT_EQ(effects_.last.code, StatusCode::kNoRoute);
  EXPECT_THAT(effects_.last.text, HasSubstr("it has [qux@h, baz@h]"));
}

TEST_F(TopologyTest, NewPeersGetNewPlacesAndTheTableLeadsThereAtOnce) {
  ASSERT_TRUE(set({"bar@h", "baz@h", "qux@h"}, all_to("far@h"), {{name("far@h"), kThird}}).ok());
  core_.on_peer_up(kThird, kWidest);
  ask("test.ok", {Target::Kind::kBucket, "apples"});
  EXPECT_EQ(effects_.forwards, 1U);
  EXPECT_EQ(core_.in_flight_over(kThird), 1U);
  core_.on_peer_down(kThird, "gone");
  EXPECT_EQ(effects_.last.code, StatusCode::kOutcomeUnknown);
  EXPECT_THAT(effects_.last.text, HasSubstr("it was sent to qux@h"));
}

TEST_F(TopologyTest, CallsThatWereDeferredHereStay) {
  ask("test.later");
  ASSERT_TRUE(set({"qux@h"}).ok());
  ASSERT_TRUE(set({"qux@h", "bar@h", "baz@h"}).ok());
  EXPECT_EQ(effects_.replies, 0U);
  core_.complete(ticket_, {}, {});
  EXPECT_EQ(effects_.last.code, StatusCode::kOk);
}

TEST_F(TopologyTest, OneThatNamesAStrangerChangesNothing) {
  core_.on_peer_up(kBar, kWidest);
  ask("test.ok", to_bar_);
  EXPECT_EQ(set({"baz@h"}, all_to("bar@h")).code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(places(), ElementsAre("bar@h", "baz@h"));
  EXPECT_EQ(effects_.replies, 0U);
  EXPECT_EQ(core_.in_flight_over(kBar), 1U);
}

TEST_F(TopologyTest, AFreePlaceIsNoNode) {
  ASSERT_TRUE(set({"baz@h"}).ok());
  EXPECT_THAT(places(), ElementsAre("", "baz@h"));
  ask("test.ok", {Target::Kind::kNode, ""});
  EXPECT_EQ(effects_.last.code, StatusCode::kNoRoute);
  EXPECT_THAT(effects_.last.text, HasSubstr("it has [baz@h]"));
  core_.fail_all();
  EXPECT_EQ(core_.in_flight(), 0U);
}

TEST(Placed, PlacesAreNeverMoreThanPeersAtOnce) {
  std::vector<NodeName> places;
  for (int i = 0; i < 100; ++i) {
    const auto one = name("a" + std::to_string(i) + "@h");
    const auto next = name("a" + std::to_string(i + 1) + "@h");
    places = placed(places, {next, one});
    EXPECT_EQ(places.size(), 2U);
  }
}

}  // namespace
}  // namespace kvmesh::core
