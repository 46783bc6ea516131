// The client library with several endpoints: which one it uses, when it goes on with the next, and
// what becomes of calls meanwhile.

#include <functional>
#include <string>

#include "tests/unit/client_fixture.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::FakeNode;
using test::kLong;
using testing::HasSubstr;
using testing::StartsWith;

class ClientEndpoints : public testing::Test {
 protected:
  ClientEndpoints() {
    a_.welcome.name = "a@localhost";
    b_.welcome.name = "b@localhost";
  }

  void open(Client::Options options = {}) {
    options.endpoints = {a_.endpoint(), b_.endpoint()};
    auto client = Client::open(options);
    ASSERT_TRUE(client) << client.status().to_string();
    client_ = *std::move(client);
  }
  static Client::Options patient() {
    Client::Options options;
    options.connect_timeout = kLong;
    return options;
  }
  // Works at both nodes until `done` holds; false when it does not in time.
  bool await(const std::function<bool()>& done) {
    const auto until = std::chrono::steady_clock::now() + kLong;
    while (!done()) {
      if (std::chrono::steady_clock::now() > until) return false;
      for (auto* node : {&a_, &b_}) {
        if (node->running()) node->step();
      }
    }
    return true;
  }
  bool await_connected(const FakeNode& node) {
    return await([&] { return client_->connected_endpoint() == node.endpoint(); });
  }
  std::future<Outcome> begin(const Value& value, Timeout timeout = kLong) {
    return client_->call_async(echo(value), timeout);
  }
  Outcome finish(std::future<Outcome>& call) {
    EXPECT_TRUE(await([&] { return call.wait_for(0s) == std::future_status::ready; }));
    return call.get();
  }
  static void go_away(FakeNode& node) { node.send(node.hellos.back(), "\x01\x08"); }  // GOODBYE
  // a_ goes away with a call that it has not answered, and b_ has got one since.
  void hand_over() {
    open(patient());
    ASSERT_TRUE(await_connected(a_));
    before_ = begin("before");
    ASSERT_TRUE(await([&] { return a_.requests.size() == 1; }));
    go_away(a_);
    ASSERT_TRUE(await_connected(b_));
    after_ = begin("after");
    ASSERT_TRUE(await([&] { return b_.requests.size() == 1; }));
  }

  FakeNode a_;
  FakeNode b_;
  std::unique_ptr<Client> client_;
  std::future<Outcome> before_;
  std::future<Outcome> after_;
};

TEST_F(ClientEndpoints, TheFirstIsUsedWhileItAnswers) {
  open(patient());
  ASSERT_TRUE(await_connected(a_));
  auto call = begin(1);
  ASSERT_TRUE(await([&] { return a_.requests.size() == 1; }));
  a_.answer(a_.requests[0]);
  EXPECT_TRUE(finish(call).status.ok());
  EXPECT_TRUE(b_.hellos.empty());
}

TEST_F(ClientEndpoints, TheNextIsUsedWhenTheFirstIsNotThere) {
  a_.stop();
  open(patient());
  EXPECT_EQ(client_->connected_endpoint(), "");
  auto call = begin(1);
  ASSERT_TRUE(await([&] { return b_.requests.size() == 1; }));
  EXPECT_EQ(client_->connected_endpoint(), b_.endpoint());
  b_.answer(b_.requests[0]);
  EXPECT_TRUE(finish(call).status.ok());
}

TEST_F(ClientEndpoints, OneThatAcceptsAndDoesNotGreetIsGivenUp) {
  a_.silent = true;
  open(patient());
  ASSERT_TRUE(await_connected(b_));
  EXPECT_FALSE(a_.hellos.empty());
}

TEST_F(ClientEndpoints, WhatWasSentIsUnknownAndWhatWaitedGoesToTheNext) {
  a_.welcome.in_flight_max = 1;
  open(patient());
  ASSERT_TRUE(await_connected(a_));
  auto sent = begin("sent");
  auto waits = begin("waits");
  ASSERT_TRUE(await([&] { return a_.requests.size() == 1; }));
  a_.stop();
  const auto lost = finish(sent).status;
  EXPECT_EQ(lost.code(), StatusCode::kOutcomeUnknown);
  EXPECT_THAT(lost.text(), HasSubstr("was sent to a@localhost, and the connection ended"));
  ASSERT_TRUE(await([&] { return b_.requests.size() == 1; }));
  EXPECT_EQ(b_.requests[0].args, Value::List{"waits"});
  b_.answer(b_.requests[0]);
  EXPECT_TRUE(finish(waits).status.ok());
  EXPECT_EQ(a_.requests.size() + b_.requests.size(), 2U);
}

TEST_F(ClientEndpoints, AfterTheLastComesTheFirst) {
  open(patient());
  ASSERT_TRUE(await_connected(a_));
  a_.stop();
  ASSERT_TRUE(await_connected(b_));
  a_.start();
  b_.stop();
  ASSERT_TRUE(await_connected(a_));
  EXPECT_EQ(a_.hellos.size(), 2U);
  EXPECT_EQ(b_.hellos.size(), 1U);
}

// The one that is back is not returned to while the connection lasts.
TEST_F(ClientEndpoints, AConnectionIsKept) {
  a_.stop();
  open(patient());
  ASSERT_TRUE(await_connected(b_));
  a_.start();
  for (int i = 0; i < 20; ++i) {
    auto call = begin(i);
    ASSERT_TRUE(await([&] { return b_.requests.size() == 1; }));
    b_.answer(b_.requests[0]);
    b_.requests.clear();
    EXPECT_TRUE(finish(call).status.ok());
  }
  EXPECT_TRUE(a_.hellos.empty());
}

TEST_F(ClientEndpoints, ANodeThatStopsAnswersWhatItHasWhileTheNextIsUsed) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  b_.answer(b_.requests[0]);
  EXPECT_TRUE(finish(after_).status.ok());
  a_.answer(a_.requests[0], "late");
  const auto outcome = finish(before_);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.to_string();
  EXPECT_EQ(outcome.result, Value{"late"});
  EXPECT_EQ(a_.requests.size(), 1U);
}

TEST_F(ClientEndpoints, WhatANodeThatStopsOwesIsUnknownWhenItIsGone) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  a_.stop();
  const auto lost = finish(before_).status;
  EXPECT_EQ(lost.code(), StatusCode::kOutcomeUnknown);
  EXPECT_THAT(lost.text(), HasSubstr("a@localhost"));
  EXPECT_EQ(client_->connected_endpoint(), b_.endpoint());
  b_.answer(b_.requests[0]);
  EXPECT_TRUE(finish(after_).status.ok());
}

// Ids are those of the client, so one node could name a request of another's.
TEST_F(ClientEndpoints, ANodeAnswersOnlyWhatWasSentToIt) {
  ASSERT_NO_FATAL_FAILURE(hand_over());
  auto forged = b_.requests[0];
  forged.from = a_.requests[0].from;
  a_.answer(forged, "forged");
  a_.answer(a_.requests[0]);
  EXPECT_TRUE(finish(before_).status.ok());  // so what was forged was read before
  b_.answer(b_.requests[0], "true");
  EXPECT_EQ(finish(after_).result, Value{"true"});
}

TEST_F(ClientEndpoints, AnErrorNamesEachEndpointWithItsReasonOnce) {
  a_.stop();
  b_.stop();
  Client::Options options;
  options.connect_timeout =
      1500ms;  // else a busy machine may take a refused attempt for a slow one
  open(options);
  const std::string refused = ": connection refused";
  const std::string all = "none of 2 endpoints can be used: " + a_.endpoint() + refused + "; " +
                          b_.endpoint() + refused;
  ASSERT_TRUE(await([&] { return client_->wait_connected(0ms).text() == all; }))
      << client_->wait_connected(0ms).text();
  auto call = begin(1, 300ms);
  const auto status = finish(call).status;
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(status.text(), all + "; the request was not sent");
}

TEST_F(ClientEndpoints, OneThatIsNamedTwiceIsOne) {
  a_.stop();
  Client::Options options;
  options.connect_timeout = 0ms;
  options.endpoints = {a_.endpoint(), a_.endpoint()};
  auto client = Client::open(options);
  ASSERT_TRUE(client) << client.status().to_string();
  EXPECT_THAT((*client)->wait_connected(0ms).text(), StartsWith("cannot reach " + a_.endpoint()));
}

TEST_F(ClientEndpoints, AWrongOneOfSeveralIsRefused) {
  Client::Options options;
  options.endpoints = {a_.endpoint(), "127.0.0.1:1"};
  const auto status = Client::open(options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.text(), HasSubstr("127.0.0.1:1"));
  options.endpoints = {};
  const auto none = Client::open(options).status();
  EXPECT_EQ(none.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(none.text(), HasSubstr("there is no endpoint"));
}

}  // namespace
}  // namespace kvmesh
