#pragma once

// The line protocol's shell over real connections. One thread drives the server and plays its
// clients, so that nothing depends on when another runs.
#include "node/stream/server.h"

#include <poll.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "node/core/core.h"
#include "node/line/line_codec.h"
#include "node/stream/acceptor.h"
#include "node/stream/turns.h"

namespace kvmesh::stream {

using Tcp = asio::ip::tcp;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

// A client; what it does never waits for the server.
class Client {
 public:
  explicit Client(Tcp::socket socket) : socket_(std::move(socket)) {
    socket_.non_blocking(true);
    socket_.set_option(Tcp::no_delay{true});  // what was sent is there at the next pass
  }

  void send(std::string_view bytes) {
    asio::error_code error;
    const auto sent = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
    ASSERT_EQ(sent, bytes.size()) << error.message();
  }
  void send_no_more() { socket_.shutdown(Tcp::socket::shutdown_send); }
  // The server finds the connection reset.
  void reset() {
    socket_.set_option(Tcp::socket::linger{true, 0});
    socket_.close();
  }
  // Takes what has come.
  void look() {
    std::vector<char> bytes(64 * 1024);
    asio::error_code error;
    for (;;) {
      const auto count = socket_.read_some(asio::buffer(bytes), error);
      got.append(bytes.data(), count);
      if (error == asio::error::would_block) return;
      if (!error) continue;
      ended = true;
      end = error == asio::error::eof ? "end" : error.message();
      return;
    }
  }

  std::string got;
  bool ended = false;
  std::string end;  // "end", or the error that it ended with

 private:
  Tcp::socket socket_;
};

class TcpServer : public testing::Test, protected core::Effects {
 protected:
  TcpServer() {
    // A PUT is answered at once, a GET when the test says so.
    functions_.define("kv.put", [this](core::Call& call) {
      on_put_(call.request());
      call.succeed();
    });
    functions_.define("kv.get", [this](core::Call& call) {
      const auto ticket = call.defer();
      ASSERT_TRUE(ticket);
      waiting_.push_back(*ticket);
    });
    core_ = std::make_unique<core::Core>(self_, std::vector<NodeName>{}, functions_,
                                         static_cast<core::Effects&>(*this), now());
    EXPECT_TRUE(core_->set_table(RoutingTable{{{ByteRange{}, self_}}}).ok());
  }
  ~TcpServer() override { server_.reset(); }

  static TimePoint now() { return std::chrono::steady_clock::now(); }

  void serve(milliseconds idle_timeout = {},
             std::size_t buffered_max = limits::kTcpBufferedBytesMax) {
    server_.emplace(
        Server::Options{kAdapter, make_codec_, std::chrono::minutes{1}, idle_timeout, buffered_max},
        *core_, count_);
  }
  Client connect() {
    Tcp::socket client{loop_};
    client.connect(listener_.local_endpoint());
    count_.fetch_add(1);
    server_->add(Socket{listener_.accept().release()});
    return Client{std::move(client)};
  }
  // As the reactor's loop does: nobody looks without a notice. True when there is more.
  bool receive() {
    pollfd watched{server_->descriptor(), POLLIN, 0};
    if (poll(&watched, 1, 0) > 0) server_->notice();
    return server_->receive(now());
  }
  void pass() {
    loop_.restart();
    loop_.poll();
    receive();
    server_->flush();
    server_->tick(now());
  }
  // Works until `done`; the test fails when that does not come.
  template <typename Done>
  void pass_until(Client& client, Done&& done) {
    const auto until = now() + std::chrono::seconds{20};
    while (!HasFatalFailure() && !done()) {
      pass();
      client.look();
      ASSERT_LT(now(), until) << "it does not come; the client got: " << client.got.substr(0, 200);
    }
  }
  std::string end_of(Client& client) {
    pass_until(client, [&] { return client.ended; });
    return client.end;
  }
  std::string await(Client& client, std::size_t bytes) {
    pass_until(client, [&] { return client.got.size() >= bytes || client.ended; });
    return client.got;
  }
  void await_waiting(Client& client, std::size_t count) {
    pass_until(client, [&] { return waiting_.size() >= count; });
  }
  // Answers a GET with so many bytes.
  void answer(std::size_t which, std::size_t bytes) {
    wire::Buffer value;
    wire::pack_bin(value, std::string(bytes, static_cast<char>('a' + which)));
    core_->complete(waiting_.at(which), {}, value.view());
  }
  // Time goes on by at least this much, for whoever asks the clock.
  static void let_pass(milliseconds time) {
    for (const auto until = now() + time; now() <= until;) std::this_thread::sleep_for(time);
  }

  CodecFactory make_codec_ = [] { return std::make_unique<line::LineCodec>(); };
  asio::io_context loop_;
  core::FunctionRegistry functions_;
  std::unique_ptr<core::Core> core_;
  ConnectionCount count_ = 0;
  std::optional<Server> server_;
  std::vector<core::Call::Ticket> waiting_;  // GETs, in the order in which they came
  std::function<void(const RequestView&)> on_put_ = [](const RequestView&) {};

  static constexpr std::uint32_t kAdapter = 3;

 private:
  void forward(PeerIndex, const RequestView&, RequestId, TimePoint,
               const wire::PathStep&) override {
    ADD_FAILURE() << "there is no peer";
  }
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    EXPECT_EQ(origin.adapter, kAdapter);
    server_->reply(origin, reply);
  }
  TimePoint clock() override { return now(); }

  const NodeName self_ = *NodeName::parse("foo@localhost");
  Tcp::acceptor listener_{loop_, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
};

inline std::string times(std::size_t count, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace kvmesh::stream
