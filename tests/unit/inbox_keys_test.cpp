// An inbox with a key and links with keys, over real connections: who comes up as whom, and what a
// change of keys does to those that are up. One thread drives both sides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/transport/link.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "node/core/core.h"
#include "node/mesh/inbox.h"
#include "node/mesh/zap_handler.h"
#include "tests/unit/keys_fixture.h"

namespace kvmesh::mesh {
namespace {

using Kind = core::AuditEvent::Kind;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;
using transport::Link;

// A link and what becomes of it.
class Dialled final : public transport::LinkEvents {
 public:
  Dialled(zmq::context_t& context, Link::Options options)
      : link(context, std::move(options), *this) {}

  void on_up(Link&, const wire::Welcome&) override { ++up; }
  void on_reply(Link&, const ReplyView&) override { ++replies; }
  void on_draining(Link&, const std::string&) override {}
  void on_expired(Link&, RequestId) override {}
  void on_unsent(Link&, RequestId) override {}
  void on_down(Link&, const std::string& why) override { down.push_back(why); }

  bool is_up() const { return link.state() == Link::State::kUp; }

  int up = 0;
  int replies = 0;
  std::vector<std::string> down;
  Link link;
};

class InboxKeys : public testing::Test, private core::Effects {
 protected:
  InboxKeys() : principals_(make_principals({user_, other_user_}, {node_})) {
    functions_.define("test.count", [this](core::Call& call) {
      ++executed_;
      call.succeed();
    });
    core_ = std::make_unique<core::Core>(*NodeName::parse("foo@dc1"), std::vector<NodeName>{},
                                         functions_, static_cast<core::Effects&>(*this), now());
    auto zap = ZapHandler::start(context_, principals_, &audit_);
    EXPECT_TRUE(zap.ok()) << zap.status().text();
    zap_ = *std::move(zap);
    Inbox::Options options;
    options.listen = "tcp://127.0.0.1:*";
    options.self = *NodeName::parse("foo@dc1");
    options.key = server_.secret_key;
    options.principals = &principals_;
    options.audit = &audit_;
    inbox_ = std::make_unique<Inbox>(context_, std::move(options), *core_);
    EXPECT_EQ(inbox_->bind("tcp://127.0.0.1:*"), Status{});
  }

  static TimePoint now() { return std::chrono::steady_clock::now(); }

  // Users of one key each, "user0" and so on, and the node bar with all of these keys.
  static std::shared_ptr<const security::Principals> make_principals(
      const std::vector<security::KeyPair>& users, const std::vector<security::KeyPair>& bar) {
    std::string text;
    for (std::size_t i = 0; i < users.size(); ++i) {
      text += "[user.user" + std::to_string(i) + "]\nkeys = [" + test::quoted(users[i]) +
              "]\nmay = [{ on = \"*\", rights = \"rw\" }]\n";
    }
    text += "[node.\"bar@dc1\"]\nkeys = [";
    for (const auto& key : bar) text += test::quoted(key) + ", ";
    return test::principals_of(text + "]\n");
  }
  std::unique_ptr<Dialled> dial(const security::KeyPair& own, const std::string& name = {},
                                std::vector<security::PublicKey> server_keys = {}) {
    Link::Options options;
    options.endpoint = inbox_->endpoint();
    if (!name.empty()) options.self = *NodeName::parse(name);
    options.peer = *NodeName::parse("foo@dc1");
    options.incarnation = ++incarnations_;
    options.peer_timeout = std::chrono::hours{1};
    options.key = own;
    options.peer_keys = std::move(server_keys);
    if (options.peer_keys.empty()) options.peer_keys = {server_.public_key};
    return std::make_unique<Dialled>(context_, std::move(options));
  }
  std::unique_ptr<Dialled> come_up(const security::KeyPair& own, const std::string& name = {}) {
    auto out = dial(own, name);
    await({out.get()}, [&] { return out->is_up(); });
    return out;
  }
  // Why it does not come up.
  std::string why_down(Dialled& dialled) {
    await({&dialled}, [&] { return !dialled.down.empty(); });
    EXPECT_EQ(dialled.up, 0);
    return dialled.down.empty() ? "" : dialled.down.front();
  }
  template <typename Done>
  void await(const std::vector<Dialled*>& all, Done&& done) {
    const auto until = now() + std::chrono::seconds{30};
    while (!done()) {
      for (auto* one : all) {
        one->link.tick(now());
        (void)one->link.receive(now(), 100);
        one->link.flush();
      }
      inbox_->notice_frames();
      (void)inbox_->receive(now());
      inbox_->flush();
      inbox_->tick(now());
      ASSERT_LT(now(), until) << "it does not come";
    }
  }
  void ask(Dialled& dialled) {
    const auto request = wire::make_request(body_, {}, "test.count",
                                            [](wire::Buffer& out) { wire::pack_array(out, 0); });
    dialled.link.add_request(request, RequestId{1}, now() + milliseconds{60000}, nullptr);
  }
  void expect_served(Dialled& dialled) {
    const auto before = dialled.replies;
    ask(dialled);
    await({&dialled}, [&] { return dialled.replies > before; });
  }

  security::KeyPair server_ = test::new_key(), user_ = test::new_key(),
                    other_user_ = test::new_key(), node_ = test::new_key();
  security::CurrentPrincipals principals_;
  test::ToldAudit audit_;
  zmq::context_t context_{1};
  core::FunctionRegistry functions_;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<ZapHandler> zap_;
  std::unique_ptr<Inbox> inbox_;
  int executed_ = 0;
  core::Origin asked_by_{};
  wire::Buffer body_;
  std::uint64_t incarnations_ = 0;

 private:
  void forward(PeerIndex, const RequestView&, RequestId, TimePoint,
               const wire::PathStep&) override {}
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    asked_by_ = origin;
    inbox_->reply(origin, reply);
  }
  TimePoint clock() override { return now(); }
};

TEST_F(InboxKeys, ConnectionsAreWhoTheirKeysSay) {
  const auto user = come_up(user_);
  expect_served(*user);
  EXPECT_EQ(inbox_->principal_of(asked_by_), "user0");
  const auto node = come_up(node_, "bar@dc1");
  expect_served(*node);
  EXPECT_EQ(inbox_->principal_of(asked_by_), "bar@dc1");
  const auto told = audit_.of(Kind::kConnected);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].principal, "user0");
  EXPECT_EQ(told[0].fingerprint, user_.public_key.fingerprint());
  EXPECT_EQ(told[1].from, "127.0.0.1");
}

TEST_F(InboxKeys, NamesThatTheKeyDoesNotProveAreRefused) {
  EXPECT_THAT(why_down(*dial(user_, "bar@dc1")), HasSubstr("cannot connect as the node"));
  EXPECT_THAT(why_down(*dial(node_)), HasSubstr("cannot connect as a client"));
  EXPECT_THAT(why_down(*dial(node_, "baz@dc1")), HasSubstr("cannot connect as \"baz@dc1\""));
  EXPECT_EQ(audit_.of(Kind::kRefused).size(), 3U);
  EXPECT_EQ(inbox_->counters().refused[static_cast<std::size_t>(wire::Refusal::kKey)].value(), 3U);
}

TEST_F(InboxKeys, ALinkSaysHowKeysDoNotFit) {
  const auto unknown = dial(test::new_key());
  EXPECT_THAT(why_down(*unknown), HasSubstr("does not let the key"));
  EXPECT_TRUE(unknown->link.keys_disagree());
  const auto misled = dial(user_, {}, {test::new_key().public_key});
  EXPECT_THAT(why_down(*misled), HasSubstr("does not have the key"));
  EXPECT_FALSE(misled->link.keys_disagree()) << "the handshake may have failed otherwise";
  Link::Options without;
  without.endpoint = inbox_->endpoint();
  Dialled stranger{context_, without};
  EXPECT_THAT(why_down(stranger), HasSubstr("wants a key; use --key FILE"));
  EXPECT_TRUE(stranger.link.keys_disagree());
}

TEST_F(InboxKeys, AKeyThatIsBeingChangedIsFound) {
  const auto link = dial(user_, {}, {test::new_key().public_key, server_.public_key});
  await({link.get()}, [&] { return link->is_up(); });
  EXPECT_EQ(link->down.size(), 1U);
}

TEST_F(InboxKeys, AnotherKeyOfTheNodeIsForNewcomers) {
  const auto before = come_up(user_);
  const auto first = server_;
  for (int i = 0; i < 3; ++i) {
    server_ = test::new_key();
    ASSERT_EQ(inbox_->take_key(server_.secret_key), Status{});
    EXPECT_THAT(why_down(*dial(user_, {}, {first.public_key})), HasSubstr("does not have the key"));
    expect_served(*come_up(other_user_));
    expect_served(*before);
  }
  EXPECT_THAT(before->down, IsEmpty());
}

TEST_F(InboxKeys, WhoseKeyIsNotLetInAnyMoreIsEndedAndNobodyElse) {
  const auto user = come_up(user_);
  const auto other = come_up(other_user_);
  const auto node = come_up(node_, "bar@dc1");
  for (auto* one : {user.get(), other.get(), node.get()}) expect_served(*one);
  const auto executed = executed_;
  principals_.set(make_principals({test::new_key(), other_user_}, {node_}));
  inbox_->on_principals();
  ask(*user);
  await({user.get(), other.get(), node.get()}, [&] { return !user->down.empty(); });
  EXPECT_EQ(executed_, executed) << "nothing of it is executed any more";
  await({other.get(), node.get()}, [&] { return inbox_->counters().ended.value() == 1; });
  for (auto* one : {other.get(), node.get()}) {
    expect_served(*one);
    EXPECT_THAT(one->down, IsEmpty());
  }
  ASSERT_EQ(audit_.of(Kind::kEnded).size(), 1U);
  EXPECT_EQ(audit_.of(Kind::kEnded)[0].principal, "user0");
}

TEST_F(InboxKeys, AKeyThatIsSomebodyElsesNowEndsItsConnections) {
  const auto user = come_up(user_);
  principals_.set(make_principals({other_user_, user_}, {node_}));
  inbox_->on_principals();
  await({user.get()}, [&] { return user->up == 2; });
  expect_served(*user);
  EXPECT_EQ(inbox_->principal_of(asked_by_), "user1");
}

TEST_F(InboxKeys, ASecondNodeOfOneNameByAnotherKeyIsRefused) {
  const auto second = test::new_key();
  principals_.set(make_principals({}, {node_, second}));
  auto first = come_up(node_, "bar@dc1");
  const auto other = dial(second, "bar@dc1");
  await({first.get(), other.get()}, [&] { return !other->down.empty(); });  // the first is heard of
  EXPECT_THAT(other->down.front(), HasSubstr("is connected already"));
  // One process may have both while it changes its key.
  const auto same = dial(second, "bar@dc1");
  EXPECT_THAT(first->down, IsEmpty());
  first.reset();
  await({same.get()}, [&] { return same->is_up(); });
}

TEST_F(InboxKeys, ALinkEndsWhenItsPeerHasOtherKeys) {
  const auto link = come_up(user_);
  link->link.set_keys(user_, {test::new_key().public_key, server_.public_key});
  EXPECT_TRUE(link->is_up()) << "its key is among them";
  link->link.set_keys(user_, {test::new_key().public_key});
  ASSERT_EQ(link->down.size(), 1U);
  EXPECT_THAT(link->down[0], HasSubstr("is no longer one of foo@dc1"));
}

}  // namespace
}  // namespace kvmesh::mesh
