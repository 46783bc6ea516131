#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <vector>

#include <kvmesh/client.h>

#include "tests/unit/fake_node.h"

namespace kvmesh::test {

using namespace std::chrono_literals;

inline constexpr auto kLong = 20s;  // as good as never

/// A call that any node executes, and that tests recognise by its argument.
inline Operation echo(const Value& value) {
  return {Operation::For::kHere, "", "node.ping", {value}};
}

/// A client and a node that the test plays by hand. No test measures time: short timeouts only make
/// sure that something ends, and every wait is for a condition.
class ClientFixture : public testing::Test {
 protected:
  void open(Client::Options options = {}) {
    options.endpoints = {node_.endpoint()};
    auto client = Client::open(options);
    ASSERT_TRUE(client) << client.status().to_string();
    client_ = *std::move(client);
  }
  void open_connected(Client::Options options = {}) {
    options.connect_timeout = kLong;
    open(options);
    const auto before = node_.hellos.size();
    ASSERT_TRUE(node_.await([&] { return node_.hellos.size() > before; }));
    ASSERT_TRUE(client_->wait_connected(kLong).ok());
  }

  std::future<Outcome> begin(const Operation& operation, Timeout timeout = kLong) {
    return client_->call_async(operation, timeout);
  }
  // Echoes of 0, 1, 2, ..., in this order.
  std::vector<std::future<Outcome>> begin_echoes(int count) {
    std::vector<std::future<Outcome>> calls;
    calls.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) calls.push_back(begin(echo(i)));
    return calls;
  }
  Outcome finish(std::future<Outcome>& call) {
    EXPECT_TRUE(node_.await([&] { return is_done(call); })) << "a call did not end";
    return call.get();
  }
  // Runs a blocking call on a thread of its own while the node works.
  template <typename Call>
  auto while_serving(Call call) {
    auto done = std::async(std::launch::async, call);
    EXPECT_TRUE(node_.await([&] { return is_done(done); })) << "a call did not end";
    return done.get();
  }
  template <typename T>
  static bool is_done(const std::future<T>& future) {
    return future.wait_for(0s) == std::future_status::ready;
  }
  void answer_all(const Status& status, const Value& result = {}) {
    node_.on_request = [this, status, result](const auto& r) { node_.answer(r, status, result); };
  }

  FakeNode node_;
  std::unique_ptr<Client> client_;
};

}  // namespace kvmesh::test
