// A link to a host name: no look-up, however slow, holds the thread that owns the link.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/transport/link.h"
#include "tests/unit/fake_node.h"
#include "tests/unit/scripted_names.h"

namespace kvmesh::transport {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::FakeNode;
using test::ScriptedNames;
using testing::ElementsAre;
using testing::IsEmpty;

class NamedLink : public testing::Test, private LinkEvents {
 protected:
  template <typename Done>
  void await(Done done) {
    ASSERT_TRUE(node_.await([&] {
      link_.tick(now_);
      (void)link_.receive(now_, 100);
      return done();
    }));
  }
  bool is_up() const { return link_.state() == Link::State::kUp; }

  void on_up(Link&, const wire::Welcome&) override {}
  void on_reply(Link&, const ReplyView&) override {}
  void on_draining(Link&, const std::string&) override {}
  void on_expired(Link&, RequestId) override {}
  void on_unsent(Link&, RequestId) override {}
  void on_down(Link&, const std::string& why) override { down_.push_back(why); }

  std::string endpoint() const {
    return "tcp://b.test" + node_.endpoint().substr(node_.endpoint().rfind(':'));
  }

  FakeNode node_;
  ScriptedNames names_;
  zmq::context_t context_{1};
  std::vector<std::string> down_;
  TimePoint now_ = TimePoint{} + hours{1};
  Link link_{context_,
             {.endpoint = endpoint(),
              .resolver = &names_.resolver(),
              .self = {},
              .peer = {},
              .software = "test",
              .table_epoch = {}},
             *this};
};

TEST_F(NamedLink, ComesUpAtTheAddressOfTheName) {
  await([&] { return is_up(); });
  EXPECT_THAT(down_, IsEmpty());
}

TEST_F(NamedLink, ASlowNameIsAnAttemptThatFailsAndALaterOneTakesItsAnswer) {
  names_.hold();
  link_.tick(now_);
  EXPECT_EQ(link_.state(), Link::State::kConnecting);
  link_.tick(now_ += milliseconds{1500});
  EXPECT_THAT(down_, IsEmpty());
  link_.tick(now_ += milliseconds{1});
  EXPECT_THAT(down_,
              ElementsAre(R"(nobody has said yet which address the host name "b.test" has)"));
  link_.tick(now_ += milliseconds{1000});
  EXPECT_EQ(link_.state(), Link::State::kConnecting);
  names_.let_go();
  await([&] { return is_up(); });
  EXPECT_EQ(names_.asked(), 1);
}

TEST_F(NamedLink, TheOtherAddressesAreTriedAtOnceAndSilently) {
  // Nobody listens at the first two of them.
  names_.set({"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  await([&] { return is_up(); });
  EXPECT_THAT(down_, IsEmpty());
}

TEST_F(NamedLink, AnUnknownNameIsToldLikeAnyFailure) {
  names_.fail("no such host");
  await([&] { return !down_.empty(); });
  EXPECT_THAT(down_, ElementsAre("no such host"));
  EXPECT_EQ(link_.state(), Link::State::kWaiting);
  names_.set({"127.0.0.1"});
  now_ += milliseconds{1000};
  await([&] { return is_up(); });
}

TEST_F(NamedLink, AnAddressThatChangesIsNoticedAtTheReconnect) {
  await([&] { return is_up(); });
  node_.stop();
  names_.set({"127.0.0.2"});  // where nobody listens
  await([&] { return down_.size() == 1; });
  now_ += milliseconds{1000};
  await([&] { return down_.size() == 2; });
  EXPECT_EQ(down_.back(), "connection refused");
  EXPECT_EQ(names_.asked(), 2);
}

}  // namespace
}  // namespace kvmesh::transport
