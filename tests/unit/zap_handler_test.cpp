// Whom libzmq asks for each connection whether to let it in: over real connections, and asked
// directly with what libzmq would never send.
#include "node/mesh/zap_handler.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/transport/dealer.h"
#include "common/transport/message.h"
#include "tests/unit/keys_fixture.h"

namespace {
int refused_option = -1;  // of zmq_setsockopt()
}

// In the place of libzmq's.
extern "C" int zmq_setsockopt(void* socket, int option, const void* value, std::size_t size) {
  if (option == refused_option) {
    errno = EINVAL;
    return -1;
  }
  static auto* const kReal = reinterpret_cast<int (*)(void*, int, const void*, std::size_t)>(
      dlsym(RTLD_NEXT, "zmq_setsockopt"));
  return kReal(socket, option, value, size);
}

namespace kvmesh::mesh {
namespace {

using Kind = core::AuditEvent::Kind;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Frames = std::vector<std::string>;

TimePoint now() { return std::chrono::steady_clock::now(); }

class ZapTest : public testing::Test {
 protected:
  ZapTest() : principals_(make_principals()) {}
  ~ZapTest() override { refused_option = -1; }

  std::shared_ptr<const security::Principals> make_principals() {
    return test::principals_of("revoked = [" + test::quoted(revoked_) + "]\n[node.\"bar@dc1\"]\n" +
                               "keys = [" + test::quoted(node_) + "]\n[user.app]\nkeys = [" +
                               test::quoted(user_) + ", " + test::quoted(revoked_) +
                               "]\nmay = [{ on = \"*\", rights = \"rw\" }]\n");
  }
  void start() {
    auto handler = ZapHandler::start(context_, principals_, &audit_);
    ASSERT_TRUE(handler.ok()) << handler.status().text();
    handler_ = *std::move(handler);
  }
  void listen() {
    ASSERT_EQ(ZapHandler::guard(router_, server_.secret_key), Status{});
    router_.bind("tcp://127.0.0.1:*");
  }
  template <typename Done>
  void await(Done&& done) {
    const auto until = now() + seconds{30};
    while (!done()) ASSERT_LT(now(), until) << "it does not come";
  }
  std::unique_ptr<transport::Dealer> dial(const security::KeyPair& own) {
    auto dealer = *transport::Dealer::open(context_);
    EXPECT_EQ(dealer->secure(own, server_.public_key), Status{});
    EXPECT_EQ(dealer->connect(router_.get(zmq::sockopt::last_endpoint)), Status{});
    return dealer;
  }
  transport::Dealer::Happening outcome(transport::Dealer& dealer) {
    std::optional<transport::Dealer::Happening> out;
    await([&] { return (out = dealer.next_event()).has_value(); });
    return out.value_or(transport::Dealer::Happening{});
  }
  // What the handler answers when it is asked so; empty: nothing.
  Frames ask(const Frames& request) {
    zmq::socket_t asker{context_, zmq::socket_type::dealer};
    asker.set(zmq::sockopt::linger, 0);
    asker.set(zmq::sockopt::rcvtimeo, 10000);
    asker.connect("inproc://zeromq.zap.01");
    send(asker, request);
    return receive(asker);
  }
  static void send(zmq::socket_t& socket, const Frames& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      (void)socket.send(zmq::buffer(frames[i]),
                        i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }
  static Frames receive(zmq::socket_t& socket) {
    Frames out;
    zmq::message_t frame;
    do {
      if (!socket.recv(frame)) return out;
      out.push_back(frame.to_string());
    } while (frame.more());
    return out;
  }
  static Frames request(const security::PublicKey& key) {
    return {"", "1.0", "7", "kvmesh", "10.0.0.7", "", "CURVE", std::string{key.view()}};
  }

  security::KeyPair server_ = test::new_key(), node_ = test::new_key(), user_ = test::new_key(),
                    revoked_ = test::new_key();
  security::CurrentPrincipals principals_;
  test::ToldAudit audit_;
  zmq::context_t context_{1};
  std::unique_ptr<ZapHandler> handler_;
  zmq::socket_t router_{context_, zmq::socket_type::router};
};

TEST_F(ZapTest, WhoIsLetInIsToldByEachFrame) {
  start();
  listen();
  for (const auto& [key, name] : {std::pair{node_, "bar@dc1"}, std::pair{user_, "app"}}) {
    const auto dealer = dial(key);
    EXPECT_EQ(outcome(*dealer).event, transport::Dealer::Event::kConnected);
    wire::Buffer frame;
    frame.append("hello");
    ASSERT_EQ(dealer->send(frame), transport::Sent::kTaken);
    transport::Message identity;
    transport::Message body;
    await([&] { return identity.receive(router_.handle()); });
    ASSERT_TRUE(body.receive(router_.handle()));
    EXPECT_EQ(body.property("User-Id"), name);
    EXPECT_EQ(body.property(ZapHandler::kKeyProperty), key.public_key.str());
  }
  EXPECT_EQ(handler_->refused(), 0U);
}

TEST_F(ZapTest, WhoIsNotIsToldSoAndSoIsTheAudit) {
  start();
  listen();
  const auto stranger = test::new_key();
  EXPECT_EQ(outcome(*dial(stranger)).disagreement, transport::Dealer::Disagreement::kRefused);
  EXPECT_EQ(outcome(*dial(revoked_)).disagreement, transport::Dealer::Disagreement::kRefused);
  const auto told = audit_.of(Kind::kRefused);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].fingerprint, stranger.public_key.fingerprint());
  EXPECT_EQ(told[0].from, "127.0.0.1");
  EXPECT_THAT(told[0].what, HasSubstr("is nobody's"));
  EXPECT_THAT(told[1].what, HasSubstr("is revoked"));
  EXPECT_EQ(handler_->refused(), 2U);
}

TEST_F(ZapTest, TheKeysOfNowDecide) {
  start();
  EXPECT_EQ(ask(request(user_.public_key))[3], "200");
  principals_.set(test::principals_of("[node.\"bar@dc1\"]\nkeys = [" + test::quoted(node_) + "]"));
  EXPECT_EQ(ask(request(user_.public_key))[3], "400");
}

TEST_F(ZapTest, WhatIsOddIsRefusedOrPassedOver) {
  start();
  const auto good = request(user_.public_key);
  const auto with = [&](std::size_t at, const std::string& text) {
    auto out = good;
    out[at] = text;
    return out;
  };
  auto longer = good;
  longer.emplace_back("more");
  for (const auto& odd :
       {with(1, "2.0"), with(3, ""), with(3, "other"), with(6, "NULL"), with(7, ""),
        with(7, "short"), with(7, std::string(100000, 'k')), longer}) {
    const auto answer = ask(odd);
    ASSERT_EQ(answer.size(), 7U);
    EXPECT_EQ(answer[2], "7");
    EXPECT_EQ(answer[3], "400");
    EXPECT_EQ(answer[5], "") << "no user";
  }
  zmq::socket_t odd{context_, zmq::socket_type::dealer};
  odd.set(zmq::sockopt::linger, 0);
  odd.connect("inproc://zeromq.zap.01");
  send(odd, {""});
  send(odd, {"a"});
  send(odd, {"", "1.0", "7"});
  send(odd, Frames(1000, std::string(5000, 'x')));
  EXPECT_THAT(ask(good), ElementsAre("", "1.0", "7", "200", "OK", "app", testing::_));
}

TEST_F(ZapTest, ThereIsOneInAContext) {
  start();
  EXPECT_EQ(ZapHandler::start(context_, principals_, nullptr).status().code(),
            StatusCode::kUnavailable);
}

TEST_F(ZapTest, ItEndsWithTheContext) {
  start();
  context_.shutdown();
  handler_.reset();
}

TEST_F(ZapTest, NobodyIsLetInWhileNobodyAnswers) {
  listen();
  EXPECT_EQ(outcome(*dial(user_)).event, transport::Dealer::Event::kLost);
}

// What of libzmq may not be there: then the port is not guarded, and must not be bound.
TEST_F(ZapTest, APortThatWouldLetStrangersInIsNoGuardedOne) {
  for (const int option : {ZMQ_CURVE_SERVER, ZMQ_CURVE_SECRETKEY, ZMQ_ZAP_DOMAIN, 93}) {
    refused_option = option;
    zmq::socket_t router{context_, zmq::socket_type::router};
    const auto status = ZapHandler::guard(router, server_.secret_key);
    EXPECT_EQ(status.code(), StatusCode::kInternal) << option;
    EXPECT_THAT(status.text(), HasSubstr("the mesh port cannot be guarded"));
  }
}

TEST(Refusals, TheAuditHearsOfTenASecondFromEachAddress) {
  test::ToldAudit audit;
  Refusals refusals{&audit};
  const auto begin = TimePoint{} + std::chrono::hours{1};
  for (int i = 0; i < 15; ++i)
    refusals.tell({"10.0.0.1", "", "", "its key is nobody's", ""}, begin);
  refusals.tell({"10.0.0.2", "", "", "its key is nobody's", ""}, begin);
  EXPECT_EQ(audit.of(Kind::kRefused).size(), 11U);
  refusals.tell({"10.0.0.1", "", "", "its key is nobody's", ""}, begin + seconds{1});
  EXPECT_EQ(audit.of(Kind::kRefused).size(), 12U);
  EXPECT_EQ(refusals.count(), 17U);
}

}  // namespace
}  // namespace kvmesh::mesh
