// The client library when the node is not there, refuses, stops, hangs or dies, and when the client
// closes.

#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/client_fixture.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::kLong;
using testing::HasSubstr;

class ClientConnection : public test::ClientFixture {};

TEST_F(ClientConnection, NobodyThereIsUnavailableWithTheReason) {
  node_.stop();
  Client::Options options;
  options.connect_timeout = 50ms;
  open(options);
  const auto status = client_->put("b", "k", "v", kLong);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.text(), HasSubstr("cannot reach " + node_.endpoint() + ": "));
  EXPECT_EQ(client_->wait_connected(20ms).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(node_.await([&] {
    return client_->wait_connected(0ms).text().find("connection refused") != std::string::npos;
  }));
}

TEST_F(ClientConnection, ARefusedConnectionIsGivenUpWhereThatIsAskedFor) {
  node_.stop();
  Client::Options options;
  options.connect_timeout = kLong;
  options.gives_up_refused = true;
  open(options);
  EXPECT_EQ(client_->wait_connected(kLong).code(), StatusCode::kUnavailable);
  const auto status = client_->put("b", "k", "v", kLong);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(status.text(),
            "cannot reach " + node_.endpoint() + ": connection refused; the request was not sent");
}

// Without that it would wait for an hour, with the same reason in the end.
TEST_F(ClientConnection, ANodeThatWantsAKeyIsGivenUpToo) {
  zmq::context_t context;
  zmq::socket_t secured{context, zmq::socket_type::router};
  secured.set(zmq::sockopt::linger, 0);
  secured.set(zmq::sockopt::curve_server, true);
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  ASSERT_EQ(zmq_curve_keypair(public_key.data(), secret_key.data()), 0);
  secured.set(zmq::sockopt::curve_secretkey, secret_key.data());
  secured.bind("tcp://127.0.0.1:*");
  Client::Options options;
  options.endpoints = {secured.get(zmq::sockopt::last_endpoint)};
  options.connect_timeout = 1h;
  options.gives_up_refused = true;
  const auto client = Client::open(options);
  ASSERT_TRUE(client.ok()) << client.status().text();
  EXPECT_THAT((*client)->wait_connected(1h).text(), HasSubstr("the node there wants a key"));
  const auto status = (*client)->put("b", "k", "v", 1h);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.text(), HasSubstr("the node there wants a key; use --key FILE"));
}

TEST_F(ClientConnection, ItsOwnTimeEndsACallThatWaitsForAConnection) {
  node_.stop();
  Client::Options options;
  options.connect_timeout = kLong;
  open(options);
  EXPECT_EQ(client_->put("b", "k", "v", 20ms).code(), StatusCode::kUnavailable);
}

TEST_F(ClientConnection, ARefusedGreetingIsTold) {
  wire::Buffer refused;
  wire::encode(refused, wire::Refused{StatusCode::kProtocolError, "no common version"});
  node_.greeting = refused.view();
  Client::Options options;
  options.connect_timeout = 0ms;
  open(options);
  ASSERT_TRUE(node_.await([&] {
    return client_->wait_connected(0ms).text().find("no common version") != std::string::npos;
  }));
  EXPECT_THAT(client_->put("b", "k", "v", kLong).text(), HasSubstr("no common version"));
}

TEST_F(ClientConnection, AWelcomeOfAnotherVersionIsNone) {
  wire::Buffer welcome;
  wire::encode(welcome, node_.welcome);
  node_.greeting = welcome.view();
  node_.greeting[0] = 2;
  open();
  ASSERT_TRUE(node_.await([&] {
    return client_->wait_connected(0ms).text().find("refused: version") != std::string::npos;
  }));
}

TEST_F(ClientConnection, CallsUnderWayEndAsUnknownWithTheirConnection) {
  open_connected();
  auto calls = begin_echoes(5);
  ASSERT_TRUE(node_.await_requests(5));
  node_.answer(node_.requests[1]);
  EXPECT_TRUE(finish(calls[1]).status.ok());
  node_.stop();
  for (const std::size_t i : {0U, 2U, 3U, 4U}) {
    const auto status = finish(calls[i]).status;
    EXPECT_EQ(status.code(), StatusCode::kOutcomeUnknown);
    EXPECT_THAT(status.text(), HasSubstr("the connection ended"));
  }
}

TEST_F(ClientConnection, CallsFlowAgainWhenTheNodeIsBackAndNoneIsSentTwice) {
  open_connected();
  auto lost = begin(echo("lost"));
  ASSERT_TRUE(node_.await_requests(1));
  node_.stop();
  EXPECT_EQ(finish(lost).status.code(), StatusCode::kOutcomeUnknown);
  auto waits = begin(echo("waits"));
  node_.requests.clear();
  node_.start();
  ASSERT_TRUE(node_.await_requests(1));
  EXPECT_EQ(node_.requests[0].args, Value::List{"waits"});
  node_.answer(node_.requests[0]);
  EXPECT_TRUE(finish(waits).status.ok());
  EXPECT_EQ(node_.requests.size(), 1U);
}

TEST_F(ClientConnection, AnswersThatCameBeforeTheEndOfTheConnectionCount) {
  open_connected();
  auto calls = begin_echoes(200);
  ASSERT_TRUE(node_.await_requests(calls.size()));
  // The last answer breaks the protocol, which ends the connection; all before it are good.
  for (std::size_t i = 0; i + 1 < calls.size(); ++i) node_.answer(node_.requests[i]);
  node_.send(node_.requests[0].from, "\x01\x7f");
  for (std::size_t i = 0; i + 1 < calls.size(); ++i) EXPECT_TRUE(finish(calls[i]).status.ok()) << i;
  EXPECT_EQ(finish(calls.back()).status.code(), StatusCode::kOutcomeUnknown);
}

TEST_F(ClientConnection, AfterGoodbyeNothingIsSentButAnswersStillCome) {
  Client::Options options;
  options.connect_timeout = kLong;
  open_connected(options);
  auto sent = begin(echo(1));
  ASSERT_TRUE(node_.await_requests(1));
  node_.send(node_.requests[0].from, "\x01\x08");
  ASSERT_TRUE(node_.await([&] { return !client_->wait_connected(0ms).ok(); }));
  auto waits = begin(echo(2), 30ms);
  const auto status = finish(waits).status;
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.text(), HasSubstr("it is stopping"));
  node_.answer(node_.requests[0]);
  EXPECT_TRUE(finish(sent).status.ok());
  EXPECT_EQ(node_.requests.size(), 1U);
}

TEST_F(ClientConnection, ANodeThatHangsIsGivenUp) {
  open_connected();
  auto call = begin(echo(1));
  ASSERT_TRUE(node_.await_requests(1));
  // The test plays no node for a while, so that PINGs get no answer.
  const auto status = call.get().status;
  EXPECT_EQ(status.code(), StatusCode::kOutcomeUnknown);
  EXPECT_THAT(status.text(), HasSubstr("silent"));
}

TEST_F(ClientConnection, ClosingEndsEveryCallOnce) {
  node_.welcome.in_flight_max = 2;
  open_connected();
  std::atomic<int> unknown{0};
  std::atomic<int> unavailable{0};
  std::atomic<int> others{0};
  for (int i = 0; i < 5; ++i) {
    client_->call_async(
        echo(i),
        [&](const Outcome& outcome) {
          const auto code = outcome.status.code();
          ++(code == StatusCode::kOutcomeUnknown ? unknown
             : code == StatusCode::kUnavailable  ? unavailable
                                                 : others);
        },
        kLong);
  }
  ASSERT_TRUE(node_.await_requests(2));
  client_.reset();
  EXPECT_EQ(unknown, 2);
  EXPECT_EQ(unavailable, 3);
  EXPECT_EQ(others, 0);
}

TEST_F(ClientConnection, WhatHasNotLeftWhenItClosesWasNotExecuted) {
  node_.stop();
  node_.receive_frames_max = 1;
  node_.start();
  open_connected();
  // More than the buffers on the way take while the node reads nothing; it fits the window.
  constexpr int kCalls = 30;
  std::vector<std::future<Outcome>> calls;
  for (int i = 0; i < kCalls; ++i) {
    calls.push_back(begin(echo(Value::List{i, std::string(1024 * 1024, 'x')})));
  }
  begin(echo("its time is soon over, after those were taken"), 1ms).wait();
  client_.reset();
  std::set<std::int64_t> may_be_executed;
  for (int i = 0; i < kCalls; ++i) {
    const auto status = calls[static_cast<std::size_t>(i)].get().status;
    if (status.code() != StatusCode::kUnavailable) {
      EXPECT_EQ(status.code(), StatusCode::kOutcomeUnknown);
      EXPECT_THAT(status.text(), HasSubstr("the client was closed"));
      may_be_executed.insert(i);
    }
  }
  EXPECT_LT(may_be_executed.size(), kCalls);
  EXPECT_FALSE(may_be_executed.empty());
  open_connected();
  auto last = begin(echo("last"));
  ASSERT_TRUE(node_.await([&] {
    return !node_.requests.empty() && node_.requests.back().args == Value::List{"last"};
  }));
  for (const auto& request : node_.requests) {
    if (const auto* list = request.args[0].get_if<Value::List>()) {
      EXPECT_TRUE(may_be_executed.contains(*(*list)[0].get_if<std::int64_t>()));
    }
  }
}

TEST_F(ClientConnection, WhatACallbackBeginsWhileClosingEndsToo) {
  open_connected();
  StatusCode second = StatusCode::kOk;
  client_->call_async(
      echo(1),
      [&](const Outcome&) {
        client_->call_async(
            echo(2), [&](const Outcome& outcome) { second = outcome.status.code(); }, kLong);
      },
      kLong);
  ASSERT_TRUE(node_.await_requests(1));
  auto closing = client_.get();  // stays valid for the callback
  delete closing;
  (void)client_.release();
  EXPECT_EQ(second, StatusCode::kUnavailable);
}

}  // namespace
}  // namespace kvmesh
