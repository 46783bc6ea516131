// Calls through the client library: what is sent, what comes back, and what is refused.

#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/client_fixture.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::kLong;
using testing::HasSubstr;

class ClientCalls : public test::ClientFixture {};

TEST_F(ClientCalls, RefusesWrongOptions) {
  for (const auto* endpoint :
       {"", "127.0.0.1:1", "tcp://", "tcp://127.0.0.1", "tcp://*:1", "inproc://x", "x://y"}) {
    Client::Options options;
    options.endpoints = {endpoint};
    const auto client = Client::open(options);
    ASSERT_FALSE(client) << endpoint;
    EXPECT_EQ(client.status().code(), StatusCode::kInvalidArgument) << endpoint;
    EXPECT_THAT(client.status().text(), HasSubstr("; write ")) << endpoint;
  }
  Client::Options options;
  options.in_flight_max = 0;
  EXPECT_EQ(Client::open(options).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ClientCalls, SendsWhatTheProtocolSays) {
  open_connected();
  auto put = begin(ops::put("shopping", "milk", "1"), 5s);
  auto keys = begin(ops::keys("shopping", "milk", 100));
  auto first_keys = begin(ops::keys("shopping"));
  auto buckets = begin(ops::buckets("bar@localhost"));
  auto traced = ops::get("shopping", "milk");
  traced.trace = true;
  auto get = begin(traced);
  ASSERT_TRUE(node_.await_requests(5));

  const auto& sent = node_.requests;
  EXPECT_EQ(sent[0].target, Target::Kind::kBucket);
  EXPECT_EQ(sent[0].name, "shopping");
  EXPECT_EQ(sent[0].function, "kv.put");
  EXPECT_EQ(sent[0].args, (Value::List{Bytes{"milk"}, Bytes{"1"}}));
  EXPECT_FALSE(sent[0].traced);
  EXPECT_LE(sent[0].timeout_ms, 5000U);
  EXPECT_GT(sent[0].timeout_ms, 0U);
  EXPECT_EQ(sent[1].args, (Value::List{Bytes{"milk"}, 100}));
  EXPECT_EQ(sent[2].args, (Value::List{{}, 1000}));
  EXPECT_EQ(sent[3].target, Target::Kind::kNode);
  EXPECT_EQ(sent[3].name, "bar@localhost");
  EXPECT_EQ(sent[3].function, "kv.buckets");
  EXPECT_TRUE(sent[4].traced);
}

TEST_F(ClientCalls, CallsThatWaitForTheGreetingGoOutTogetherInTheirOrder) {
  Client::Options options;
  options.connect_timeout = kLong;
  open(options);
  auto calls = begin_echoes(300);
  ASSERT_TRUE(node_.await_requests(calls.size()));
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(node_.requests[static_cast<std::size_t>(i)].args, Value::List{i});
  }
  EXPECT_EQ(node_.frames, 1U);
}

TEST_F(ClientCalls, ABatchTravelsInOneFrame) {
  open_connected();
  answer_all({}, 1);
  const auto outcomes = while_serving(
      [&] { return client_->call(std::vector<Operation>(100, ops::count("b")), kLong); });
  ASSERT_EQ(outcomes.size(), 100U);
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome.result, Value{1});
  EXPECT_EQ(node_.frames, 1U);
}

TEST_F(ClientCalls, AnEmptyBatchHasNoOutcomes) {
  open();
  EXPECT_TRUE(client_->call(std::vector<Operation>{}).empty());
}

TEST_F(ClientCalls, EveryCallGetsItsOwnAnswerInWhateverOrderTheyCome) {
  open_connected();
  auto calls = begin_echoes(20);
  ASSERT_TRUE(node_.await_requests(calls.size()));
  for (std::size_t i = calls.size(); i-- > 0;) {
    node_.answer(node_.requests[i], node_.requests[i].args[0]);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(finish(calls[static_cast<std::size_t>(i)]).result, Value{i});
  }
}

TEST_F(ClientCalls, FailuresKeepTheirCodeAndText) {
  open_connected();
  answer_all({StatusCode::kNoRoute, "could not find entry"});
  EXPECT_EQ(while_serving([&] { return client_->put("b", "k", "v", kLong); }),
            (Status{StatusCode::kNoRoute, "could not find entry"}));
  EXPECT_EQ(while_serving([&] { return client_->get("b", "k", kLong); }).status().code(),
            StatusCode::kNoRoute);
}

TEST_F(ClientCalls, ResultsHaveTheirTypes) {
  open_connected();
  answer_all({}, {});
  EXPECT_TRUE(while_serving([&] { return client_->create("b", kLong); }).ok());
  EXPECT_TRUE(while_serving([&] { return client_->drop("b", kLong); }).ok());
  EXPECT_TRUE(while_serving([&] { return client_->erase("b", "k", kLong); }).ok());
  EXPECT_EQ(*while_serving([&] { return client_->get("b", "k", kLong); }), std::nullopt);
  EXPECT_TRUE(while_serving([&] { return client_->ping("", kLong); }));
  answer_all({}, Bytes{std::string{"\0\n", 2}});
  EXPECT_EQ(*while_serving([&] { return client_->get("b", "k", kLong); }),
            (std::string{"\0\n", 2}));
  answer_all({}, 70000);
  EXPECT_EQ(*while_serving([&] { return client_->count("b", kLong); }), 70000U);
  answer_all({}, "bar@localhost");
  EXPECT_EQ(*while_serving([&] { return client_->route("b", kLong); }), "bar@localhost");
  answer_all({}, Value::List{true, Value::List{Bytes{"a"}, Bytes{"b"}}});
  const auto page = while_serving([&] { return client_->keys("b", "", 2, kLong); });
  ASSERT_TRUE(page);
  EXPECT_EQ(page->names, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(page->more);
  answer_all({}, Value::Map{{"name", "x@y"}});
  EXPECT_EQ(*while_serving([&] { return client_->info("", kLong); })->find("name"), Value{"x@y"});
}

TEST_F(ClientCalls, AResultOfTheWrongTypeIsAProtocolError) {
  open_connected();
  answer_all({}, Value::List{1});
  const auto code = [](const auto& result) { return result.status().code(); };
  const auto wrong = StatusCode::kProtocolError;
  EXPECT_EQ(code(while_serving([&] { return client_->get("b", "k", kLong); })), wrong);
  EXPECT_EQ(code(while_serving([&] { return client_->count("b", kLong); })), wrong);
  EXPECT_EQ(code(while_serving([&] { return client_->route("b", kLong); })), wrong);
  EXPECT_EQ(code(while_serving([&] { return client_->keys("b", "", 2, kLong); })), wrong);
}

TEST_F(ClientCalls, ATraceNamesTheHops) {
  open_connected();
  auto call = begin(ops::get("b", "k"));
  ASSERT_TRUE(node_.await_requests(1));
  node_.answer(
      node_.requests[0], Status{}, 1,
      {{"gate@h", "a..m", "foo@h", 310, 0, 8, 3}, {"foo@h", "a..z", "foo@h", 42, 12, 30, 0}});
  const auto outcome = finish(call);
  ASSERT_EQ(outcome.trace.size(), 2U);
  EXPECT_EQ(outcome.trace[0].entry, "a..m");
  EXPECT_EQ(outcome.trace[1].node, "foo@h");
  EXPECT_EQ(outcome.trace[0].link, 3U);
  EXPECT_EQ(outcome.trace[1].executed, 12us);
  EXPECT_EQ(outcome.trace[1].queued, 30us);
}

TEST_F(ClientCalls, WhatIsWrongIsRefusedBeforeItIsSent) {
  open_connected();
  const auto refused = [&](const Operation& operation) {
    auto call = begin(operation);
    return finish(call).status;
  };
  const std::string key(limits::kKeyBytesMax, 'k');
  const std::string bucket(limits::kBucketNameBytesMax, 'b');
  const std::string value(limits::kValueBytesMax, 'v');
  Value deep = Value::List{};
  for (std::uint32_t i = 0; i < limits::kNestingMax; ++i) deep = Value::List{deep};

  EXPECT_EQ(refused(ops::get("", "k")),
            (Status{StatusCode::kInvalidArgument, "a bucket name must not be empty"}));
  EXPECT_EQ(refused(ops::buckets("no name")).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({Operation::For::kHere, "", "", {}}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused(ops::create(bucket + "b")),
            (Status{StatusCode::kTooLarge, "bucket name of 1025 bytes is over the limit of 1024"}));
  EXPECT_EQ(refused(ops::get("b", key + "k")),
            (Status{StatusCode::kTooLarge, "key of 1025 bytes is over the limit of 1024"}));
  EXPECT_EQ(refused(ops::put("b", "k", value + "v")),
            (Status{StatusCode::kTooLarge, "value of 1048577 bytes is over the limit of 1048576"}));
  EXPECT_EQ(refused(echo(deep)).code(), StatusCode::kTooLarge);
  EXPECT_EQ(refused(echo(Bytes{value + value})).code(), StatusCode::kTooLarge);
  EXPECT_TRUE(node_.requests.empty());

  auto largest = begin(ops::put(bucket, key, value));
  ASSERT_TRUE(node_.await_requests(1));
  node_.answer(node_.requests[0]);
  EXPECT_TRUE(finish(largest).status.ok());
}

TEST_F(ClientCalls, ACallWithoutAnAnswerEndsAsUnknownAndItsLateAnswerReachesNobody) {
  open_connected();
  auto late = begin(echo("late"), 2s);
  ASSERT_TRUE(node_.await_requests(1));
  const auto outcome = finish(late);
  EXPECT_EQ(outcome.status.code(), StatusCode::kOutcomeUnknown);
  EXPECT_THAT(outcome.status.text(), HasSubstr("fake@localhost"));

  auto next = begin(echo("next"));
  ASSERT_TRUE(node_.await_requests(2));
  node_.answer(node_.requests[0], "late");
  node_.answer(node_.requests[0], "late");
  node_.answer(node_.requests[1], "next");
  EXPECT_EQ(finish(next).result, Value{"next"});
}

TEST_F(ClientCalls, ATimeThatIsOverAlreadyIsNotSent) {
  open_connected();
  auto call = begin(echo(1), 0ms);
  EXPECT_EQ(finish(call).status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(node_.requests.empty());
}

TEST_F(ClientCalls, TheWindowOfTheNodeIsKept) {
  node_.welcome.in_flight_max = 3;
  Client::Options options;
  options.connect_timeout = kLong;
  open(options);
  auto calls = begin_echoes(10);
  for (std::size_t answered = 0; answered < calls.size(); ++answered) {
    const auto expected = std::min(answered + 3, calls.size());
    ASSERT_TRUE(node_.await_requests(expected));
    ASSERT_EQ(node_.requests.size(), expected);
    node_.answer(node_.requests[answered], node_.requests[answered].args[0]);
    EXPECT_EQ(finish(calls[answered]).result, Value{static_cast<std::int64_t>(answered)});
  }
}

TEST_F(ClientCalls, TheWindowHoldsForBytesToo) {
  node_.welcome.in_flight_bytes_max = 250;
  open_connected();
  auto first = begin(ops::put("b", "k", std::string(200, 'v')));
  auto second = begin(ops::put("b", "k", std::string(200, 'w')));
  auto never = begin(ops::put("b", "k", std::string(300, 'x')));
  ASSERT_TRUE(node_.await_requests(1));
  node_.answer(node_.requests[0]);
  EXPECT_TRUE(finish(first).status.ok());
  ASSERT_TRUE(node_.await_requests(2));
  EXPECT_NE(node_.requests[0].frame, node_.requests[1].frame);
  node_.answer(node_.requests[1]);
  EXPECT_TRUE(finish(second).status.ok());
  const auto status = finish(never).status;
  EXPECT_EQ(status.code(), StatusCode::kTooLarge);
  EXPECT_THAT(status.text(), HasSubstr("over the limit of 250"));
}

TEST_F(ClientCalls, ACallThatWaitsForTheWindowInVainWasNotExecuted) {
  node_.welcome.in_flight_max = 1;
  open_connected();
  auto first = begin(echo(1));
  auto waits = begin(echo(2), 20ms);
  EXPECT_EQ(finish(waits).status.code(), StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(node_.await_requests(1));
  node_.answer(node_.requests[0]);
  EXPECT_TRUE(finish(first).status.ok());
  auto third = begin(echo(3));
  ASSERT_TRUE(node_.await_requests(2));
  EXPECT_EQ(node_.requests[1].args, Value::List{3});
}

TEST_F(ClientCalls, OneCallTooManyIsOverloaded) {
  Client::Options options;
  options.in_flight_max = 2;
  open_connected(options);
  auto first = begin(echo(1));
  auto second = begin(echo(2));
  auto third = begin(echo(3));
  EXPECT_EQ(finish(third).status.code(), StatusCode::kOverloaded);
  ASSERT_TRUE(node_.await_requests(2));
  node_.answer(node_.requests[0]);
  EXPECT_TRUE(finish(first).status.ok());
  auto fourth = begin(echo(4));
  ASSERT_TRUE(node_.await_requests(3));
  EXPECT_EQ(node_.requests[2].args, Value::List{4});
}

TEST_F(ClientCalls, CallbacksMayCallButNotBlock) {
  open_connected();
  answer_all({}, {});
  std::promise<std::vector<StatusCode>> codes;
  std::promise<Outcome> last;
  client_->call_async(
      echo(1),
      [&](const Outcome&) {
        codes.set_value({client_->put("b", "k", "v").code(), client_->wait_connected().code(),
                         client_->call(std::vector<Operation>(1, echo(2)))[0].status.code()});
        client_->call_async(
            echo(3), [&](Outcome outcome) { last.set_value(std::move(outcome)); }, kLong);
      },
      kLong);
  auto done = last.get_future();
  EXPECT_TRUE(finish(done).status.ok());
  EXPECT_THAT(codes.get_future().get(), testing::Each(StatusCode::kInvalidArgument));
}

TEST_F(ClientCalls, WhatACallbackThrowsHarmsNobody) {
  open_connected();
  answer_all({}, {});
  client_->call_async(
      echo(1), [](const Outcome&) { throw std::runtime_error{"oops"}; }, kLong);
  client_->call_async(echo(1), nullptr, kLong);
  auto next = begin(echo(2));
  EXPECT_TRUE(finish(next).status.ok());
}

}  // namespace
}  // namespace kvmesh
