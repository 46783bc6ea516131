// Links of peers that come, go and stay, between a core and nodes that the test plays.
#include "node/mesh/peer_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <string>
#include <vector>

#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "tests/unit/fake_node.h"

namespace kvmesh::mesh {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr PeerIndex kBar{0}, kBaz{1};

// Watches nothing: each tick looks everywhere.
class NoWatcher final : public Watcher {
 public:
  void watch(int fd, std::function<void()> /*readable*/) override { descriptors.push_back(fd); }
  void unwatch(int /*fd*/) override {}

  std::vector<int> descriptors;  // of each link two, that of its frames first
};

class PeerLinksTest : public testing::Test, protected core::Effects, protected PeerEvents {
 protected:
  PeerLinksTest() {
    bar_.welcome.name = "bar@h";
    baz_.welcome.name = "baz@h";
    set({{name("bar@h"), bar_.endpoint()}, {name("baz@h"), baz_.endpoint()}});
  }

  static NodeName name(std::string_view text) { return *NodeName::parse(text); }
  static Settings settings() {
    Settings out;
    out.name = name("foo@h");
    out.mesh.peer_timeout = hours{1};
    out.mesh.ping_interval = hours{1};
    return out;
  }

  // As Reactor::set_topology() does it.
  void set(const std::vector<PeerAddress>& peers) {
    links_.set_peers(peers, now());
    std::vector<NodeName> names;
    for (const auto& peer : peers) names.push_back(peer.name);
    ASSERT_TRUE(core_.set_topology({names, {}, {}}).ok());
  }

  template <typename Done>
  bool await(Done done) {
    return bar_.await([&] {
      baz_.step();
      links_.tick(now());
      (void)links_.receive(now(), 100);
      links_.flush();
      return done();
    });
  }
  void come_up() {
    ASSERT_TRUE(await([&] { return ups_.size() >= 2; }));
    ups_.clear();
    downs_.clear();
  }
  void ask(std::string_view node) {
    auto request = wire::make_request(body_, {Target::Kind::kNode, node}, "test.ok",
                                      [](wire::Buffer& to) { wire::pack_array(to, 0); });
    request.timeout_ms = 60000;
    core_.on_request({0, 0, {++asked_}}, request, now());
  }

  TimePoint clock() override { return now(); }
  static TimePoint now() { return std::chrono::steady_clock::now(); }
  void forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
               const wire::PathStep& step) override {
    links_.forward(peer, request, id, deadline, step);
  }
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    replies_.push_back(std::to_string(origin.request.value) + " " +
                       std::string{to_string(reply.code)});
  }
  void on_peer_up(PeerIndex peer) override { ups_.push_back(peer.value); }
  void on_peer_down(PeerIndex peer, const std::string& why) override {
    downs_.push_back(std::to_string(peer.value) + " " + why);
  }

  test::FakeNode bar_, baz_, other_;
  zmq::context_t context_{1};
  NoWatcher watcher_;
  core::FunctionRegistry functions_;
  wire::Buffer body_;
  std::uint64_t asked_ = 0;
  std::vector<int> ups_;
  std::vector<std::string> downs_;
  std::vector<std::string> replies_;
  core::Core core_{name("foo@h"), {}, functions_, *this, now()};
  PeerLinks links_{context_, settings(), "test", 7, [] { return std::uint64_t{0}; },
                   core_,    watcher_,   *this};
};

TEST_F(PeerLinksTest, APeerThatStaysIsNotTouchedWhenAnotherGoes) {
  come_up();
  ask("baz@h");
  ask("bar@h");
  ASSERT_TRUE(await([&] { return baz_.requests.size() == 1 && bar_.requests.size() == 1; }));
  ask("bar@h");  // this one has not left
  set({{}, {name("baz@h"), baz_.endpoint()}});
  EXPECT_THAT(replies_, ElementsAre("3 unavailable", "2 outcome_unknown"));
  EXPECT_THAT(downs_, ElementsAre("0 it is no longer a peer of foo@h"));
  EXPECT_EQ(links_.state(kBaz), transport::Link::State::kUp);
  baz_.answer(baz_.requests[0]);
  ASSERT_TRUE(await([&] { return replies_.size() == 3; }));
  EXPECT_EQ(replies_[2], "1 ok");
  EXPECT_THAT(baz_.hellos, testing::SizeIs(1)) << "still the same connection";
  EXPECT_THAT(ups_, IsEmpty());
}

TEST_F(PeerLinksTest, AnswersThatHadArrivedAreTakenBeforeALinkEnds) {
  come_up();
  ask("bar@h");
  ASSERT_TRUE(await([&] { return bar_.requests.size() == 1; }));
  bar_.answer(bar_.requests[0]);
  pollfd waited{watcher_.descriptors[0], POLLIN, 0};
  ASSERT_EQ(poll(&waited, 1, 10000), 1);
  set({{}, {name("baz@h"), baz_.endpoint()}});
  EXPECT_THAT(replies_, ElementsAre("1 ok"));
}

TEST_F(PeerLinksTest, AnotherAddressIsAnotherConnection) {
  come_up();
  other_.welcome.name = "bar@h";
  ask("bar@h");
  ASSERT_TRUE(await([&] { return bar_.requests.size() == 1; }));
  set({{name("bar@h"), other_.endpoint()}, {name("baz@h"), baz_.endpoint()}});
  EXPECT_THAT(replies_, ElementsAre("1 outcome_unknown"));
  ASSERT_EQ(downs_.size(), 1U);
  EXPECT_THAT(downs_[0], HasSubstr("its address is " + other_.endpoint() + " now"));
  ASSERT_TRUE(await([&] {
    other_.step();
    return !ups_.empty();
  }));
  EXPECT_THAT(ups_, ElementsAre(0));
  EXPECT_EQ(links_.endpoint(kBar), other_.endpoint());
  ask("bar@h");
  ASSERT_TRUE(await([&] {
    other_.step();
    return other_.requests.size() == 1;
  }));
  EXPECT_THAT(bar_.requests, testing::SizeIs(1));
}

TEST_F(PeerLinksTest, ThePlaceOfOneThatWentIsAnothers) {
  come_up();
  other_.welcome.name = "new@h";
  set({{name("new@h"), other_.endpoint()}, {name("baz@h"), baz_.endpoint()}});
  ask("new@h");
  EXPECT_THAT(replies_, ElementsAre("1 unavailable")) << "it is not connected yet";
  ASSERT_TRUE(await([&] {
    other_.step();
    return !ups_.empty();
  }));
  ask("new@h");
  ASSERT_TRUE(await([&] {
    other_.step();
    return other_.requests.size() == 1;
  }));
  other_.answer(other_.requests[0]);
  ASSERT_TRUE(await([&] { return replies_.size() == 2; }));
  EXPECT_EQ(replies_[1], "2 ok");
}

}  // namespace
}  // namespace kvmesh::mesh
