// Many threads share one client. Run under TSan as well.

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <kvmesh/client.h>

#include "tests/unit/fake_node.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 8;
constexpr int kRounds = 100;
constexpr int kBatch = 10;

Operation echo(int thread, int number) {
  return {Operation::For::kHere, "", "node.ping", {Value::List{thread, number}}};
}

// A node that echoes on a thread of its own, and remembers per caller in which order calls came.
class EchoingNode {
 public:
  EchoingNode() {
    node_.welcome.in_flight_max = 64;  // so that calls wait for the window too
    node_.on_request = [this](const test::FakeNode::Request& request) {
      const auto& pair = *request.args[0].get_if<Value::List>();
      const auto number = *pair[1].get_if<std::int64_t>();
      auto& last = last_[*pair[0].get_if<std::int64_t>()];
      if (number <= last) out_of_order_ = true;
      last = number;
      node_.answer(request, request.args[0]);
    };
    thread_ = std::thread{[this] {
      while (!stop_) node_.step();
    }};
  }
  ~EchoingNode() {
    stop_ = true;
    thread_.join();
  }
  EchoingNode(const EchoingNode&) = delete;
  EchoingNode& operator=(const EchoingNode&) = delete;

  const std::string& endpoint() const { return node_.endpoint(); }
  bool out_of_order() const { return out_of_order_; }

 private:
  test::FakeNode node_;
  std::map<std::int64_t, std::int64_t> last_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> out_of_order_{false};
  std::thread thread_;
};

// One thread's work; returns how many answers were right.
int work(Client& client, int thread) {
  int right = 0;
  int number = 0;
  const auto check = [&](const Outcome& outcome, int sent) {
    if (outcome.status.ok() && outcome.result == Value{Value::List{thread, sent}}) ++right;
  };
  for (int round = 0; round < kRounds; ++round) {
    ++number;
    check(client.call(echo(thread, number), 20s), number);

    std::vector<Operation> batch;
    batch.reserve(kBatch);
    const int first = number + 1;
    for (int i = 0; i < kBatch; ++i) batch.push_back(echo(thread, ++number));
    const auto outcomes = client.call(std::move(batch), 20s);
    for (int i = 0; i < kBatch; ++i) check(outcomes[static_cast<std::size_t>(i)], first + i);

    auto future = client.call_async(echo(thread, ++number), 20s);
    check(future.get(), number);
  }
  return right;
}

TEST(ClientThreads, EveryThreadGetsItsOwnAnswersInItsOwnOrder) {
  EchoingNode node;
  Client::Options options;
  options.endpoints = {node.endpoint()};
  options.connect_timeout = 20s;
  auto client = Client::open(options);
  ASSERT_TRUE(client);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { right += work(**client, i); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kRounds * (1 + kBatch + 1));
  EXPECT_FALSE(node.out_of_order());
}

TEST(ClientThreads, ClosingWakesWhoWaitsForAnswers) {
  test::FakeNode silent;  // nobody works on it: no greeting, no answers
  Client::Options options;
  options.endpoints = {silent.endpoint()};
  options.connect_timeout = 20s;
  auto client = *Client::open(options);
  std::vector<std::future<Outcome>> calls;
  calls.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) calls.push_back(client->call_async(echo(i, 1), 20s));
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> unavailable{0};
  for (auto& call : calls) {
    threads.emplace_back([&unavailable, &call] {
      if (call.get().status.code() == StatusCode::kUnavailable) ++unavailable;
    });
  }
  client.reset();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(unavailable, kThreads);
}

}  // namespace
}  // namespace kvmesh
