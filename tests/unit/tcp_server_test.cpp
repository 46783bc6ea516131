// The line protocol's shell over real connections: order, ends, idle clients, refusals. One thread
// drives the server and plays its clients, so that nothing depends on when another runs.
#include "node/tcp/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
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
#include "node/core/core.h"
#include "node/tcp/acceptor.h"
#include "node/tcp/turns.h"

namespace kvmesh::tcp {
namespace {

using Tcp = asio::ip::tcp;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

// A client; what it does never waits for the server.
class Client {
 public:
  explicit Client(Tcp::socket socket) : socket_(std::move(socket)) { socket_.non_blocking(true); }

  void send(std::string_view bytes) {
    asio::error_code error;
    const auto sent = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
    ASSERT_EQ(sent, bytes.size()) << error.message();
  }
  void send_no_more() { socket_.shutdown(Tcp::socket::shutdown_send); }
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
    functions_.define("kv.put", [](core::Call& call) { call.succeed(); });
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
    server_.emplace(Server::Options{kAdapter, std::chrono::minutes{1}, idle_timeout, buffered_max},
                    *core_, count_);
  }
  Client connect() {
    Tcp::socket client{loop_};
    client.connect(listener_.local_endpoint());
    count_.fetch_add(1);
    server_->add(listener_.accept());
    return Client{std::move(client)};
  }
  void pass() {
    loop_.restart();
    loop_.poll();
    server_->hand_on();
    server_->flush();
    server_->tick();
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
    core_->complete(waiting_.at(which), {}, value.view(), now());
  }
  // Time goes on by at least this much, for whoever asks the clock.
  static void let_pass(milliseconds time) {
    for (const auto until = now() + time; now() <= until;) std::this_thread::sleep_for(time);
  }

  asio::io_context loop_;
  core::Modules functions_;
  std::unique_ptr<core::Core> core_;
  ConnectionCount count_ = 0;
  std::optional<Server> server_;
  std::vector<core::Call::Ticket> waiting_;  // GETs, in the order in which they came

 private:
  static constexpr std::uint32_t kAdapter = 3;

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

std::string times(std::size_t count, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST_F(TcpServer, RepliesKeepTheOrderOfTheirRequests) {
  serve();
  auto client = connect();
  client.send("GET b 1\r\nGET b 2\r\nPING\r\nGET b 3\r\n");
  await_waiting(client, 3);
  answer(2, 1);
  answer(1, 1);
  pass();
  client.look();
  EXPECT_EQ(client.got, "") << "the first is not answered yet";
  answer(0, 1);
  EXPECT_EQ(await(client, 26), "a\r\nOK\r\nb\r\nOK\r\nPONG\r\nc\r\nOK\r\n");
}

TEST_F(TcpServer, ASecondAnswerToOnePlaceChangesNothing) {
  serve();
  auto client = connect();
  client.send("GET b 1\r\nGET b 2\r\n");
  await_waiting(client, 2);
  answer(1, 1);
  wire::Buffer other;
  wire::pack_bin(other, "other");
  ReplyView again;
  again.result = other.view();
  server_->reply({3, 1, RequestId{1}}, again);
  server_->reply({3, 77, RequestId{0}}, again);  // of a connection that there is not
  answer(0, 1);
  EXPECT_EQ(await(client, 14), "a\r\nOK\r\nb\r\nOK\r\n");
}

// The kernel throws away what is under way to a client when its connection is closed with input
// unread.
TEST_F(TcpServer, RepliesBeforeQuitArriveThoughMoreWasSentBehindIt) {
  serve();
  auto client = connect();
  client.send(times(50, "PUT b k v\r\n") + "QUIT\r\n" + times(3000, "PUT b k2 v\r\n"));
  EXPECT_EQ(end_of(client), "end") << "the connection was reset";
  EXPECT_EQ(client.got, times(51, "OK\r\n"));
  EXPECT_EQ(count_.load(), 0U) << "it keeps its place among the connections of the node";
}

TEST_F(TcpServer, QuitWaitsForTheRepliesBeforeIt) {
  serve();
  auto client = connect();
  client.send("GET b 1\r\nQUIT\r\nGET b 2\r\n");
  await_waiting(client, 1);
  for (int i = 0; i < 5; ++i) pass();
  client.look();
  EXPECT_FALSE(client.ended) << client.end;
  answer(0, 1);
  EXPECT_EQ(end_of(client), "end");
  EXPECT_EQ(client.got, "a\r\nOK\r\nOK\r\n");
  EXPECT_EQ(waiting_.size(), 1U) << "what stands behind QUIT is not executed";
}

TEST_F(TcpServer, AClientThatSendsNoMoreIsStillAnswered) {
  serve();
  auto client = connect();
  client.send("GET b 1\r\nPING\r\n");
  client.send_no_more();
  await_waiting(client, 1);
  for (int i = 0; i < 5; ++i) pass();
  client.look();
  EXPECT_FALSE(client.ended) << client.end;
  answer(0, 1);
  EXPECT_EQ(end_of(client), "end");
  EXPECT_EQ(client.got, "a\r\nOK\r\nPONG\r\n");
}

TEST_F(TcpServer, AnIdleClientIsClosedAndOneThatWaitsForItsAnswerIsNot) {
  serve(milliseconds{5});
  auto waits = connect();
  waits.send("GET b 1\r\n");
  await_waiting(waits, 1);
  auto idle = connect();
  pass();
  let_pass(milliseconds{6});
  server_->sweep();
  EXPECT_EQ(end_of(idle), "end");
  EXPECT_EQ(count_.load(), 1U);
  waits.look();
  EXPECT_FALSE(waits.ended) << "it was cut off though its answer is to come";
  answer(0, 1);
  EXPECT_EQ(await(waits, 7), "a\r\nOK\r\n");
  let_pass(milliseconds{6});
  server_->sweep();
  EXPECT_EQ(end_of(waits), "end") << "it is idle now";
}

TEST_F(TcpServer, TheTimeoutCountsFromTheLastBytes) {
  serve(std::chrono::hours{1});
  auto client = connect();
  client.send("PING\r\n");
  await(client, 6);
  server_->sweep();
  pass();
  client.look();
  EXPECT_FALSE(client.ended);
}

TEST_F(TcpServer, ZeroIsNoIdleTimeout) {
  serve(milliseconds{0});
  auto client = connect();
  pass();
  let_pass(milliseconds{3});
  server_->sweep();
  pass();
  client.look();
  EXPECT_FALSE(client.ended);
}

TEST_F(TcpServer, AStopAnswersWhatIsUnderWayAndTakesNothingMore) {
  serve();
  auto busy = connect();
  auto idle = connect();
  busy.send("GET b 1\r\n");
  await_waiting(busy, 1);
  server_->finish();
  EXPECT_EQ(end_of(idle), "end");
  busy.send("PUT b k v\r\n");
  for (int i = 0; i < 5; ++i) pass();
  busy.look();
  EXPECT_FALSE(busy.ended) << busy.end;
  EXPECT_FALSE(server_->empty());
  answer(0, 1);
  EXPECT_EQ(end_of(busy), "end");
  EXPECT_EQ(busy.got, "a\r\nOK\r\n") << "and nothing for what came later";
  EXPECT_TRUE(server_->empty());
}

TEST_F(TcpServer, AConnectionThatComesDuringAStopIsClosed) {
  serve();
  server_->finish();
  auto late = connect();
  late.send("PUT b k v\r\n");
  EXPECT_EQ(end_of(late), "end");
  EXPECT_EQ(late.got, "");
  EXPECT_EQ(count_.load(), 0U);
}

TEST_F(TcpServer, AnOverlongLineIsToldAndTheNextOneIsRead) {
  serve();
  auto client = connect();
  client.send("PUT b k ");
  for (std::size_t sent = 0; sent <= limits::kLineBytesMax;) {
    const std::string part(32 * 1024, 'x');
    client.send(part);
    sent += part.size();
    for (int i = 0; i < 4; ++i) pass();
  }
  client.send("\r\nPING\r\n");
  pass_until(client, [&] { return client.got.ends_with("PONG\r\n"); });
  EXPECT_THAT(client.got, StartsWith("ERROR too_large line of "));
}

TEST_F(TcpServer, ALargeReplyBeyondTheBoundOfAllClientsIsRefusedAndASmallOneIsNot) {
  serve({}, 300 * 1024);
  auto client = connect();
  client.send("GET b 1\r\nGET b 2\r\n");
  await_waiting(client, 2);
  answer(0, 400 * 1024);
  pass_until(client, [&] { return client.got.ends_with("\r\n"); });
  EXPECT_THAT(client.got, StartsWith("ERROR overloaded the line protocol's clients have left "));
  EXPECT_THAT(client.got, HasSubstr(", at the limit of 307200"));
  client.got.clear();
  answer(1, 10);
  EXPECT_EQ(await(client, 16), "bbbbbbbbbb\r\nOK\r\n");
}

TEST_F(TcpServer, AClientThatReadsNothingIsNotReadFrom) {
  serve();
  auto client = connect();
  client.send("GET b 0\r\n");
  await_waiting(client, 1);
  std::size_t answered = 0;
  // More than the kernel's buffers of both sides take, and the bound on what is unread.
  for (int rounds = 0; rounds < 2000; ++rounds) {
    if (answered < waiting_.size()) {
      wire::Buffer value;
      wire::pack_bin(value, std::string(128 * 1024, 'x'));
      core_->complete(waiting_[answered++], {}, value.view(), now());
      client.send("GET b 0\r\n");
    }
    pass();
  }
  EXPECT_LT(answered, 1000U);
  EXPECT_EQ(answered, waiting_.size()) << "what was read was answered";
  EXPECT_LT(server_->buffered_bytes(), 4 * limits::kTcpUnreadBytesMax);
  pass_until(client, [&] { return waiting_.size() > answered; });  // it reads: on it goes
}

TEST_F(TcpServer, EachRequestIsGivenTheTimeoutOfTheSettings) {
  std::uint64_t timeout_ms = 0;
  functions_.define("kv.delete", [&](core::Call& call) {
    timeout_ms = call.request().timeout_ms;
    call.succeed();
  });
  serve();
  auto client = connect();
  client.send("DELETE b k\r\n");
  EXPECT_EQ(await(client, 4), "OK\r\n");
  EXPECT_EQ(timeout_ms, 60000U);
}

TEST_F(TcpServer, WhoAskedIsNamedForTheLog) {
  serve();
  auto client = connect();
  EXPECT_THAT(server_->address_of({3, 1, RequestId{0}}), StartsWith("127.0.0.1:"));
  EXPECT_EQ(server_->address_of({3, 77, RequestId{0}}), "a client that has gone");
}

TEST(Turns, AreOverWhenTheirTimeIsAndLookAtTheClockNowAndThen) {
  constexpr int kLines = 1000;
  const auto lines_until_over = [](Turns& turns) {
    for (int i = 1; i <= kLines; ++i) {
      if (turns.is_over()) return i;
    }
    return 0;
  };
  const auto now = std::chrono::steady_clock::now();
  Turns turns;
  turns.begin(now - std::chrono::hours{1});
  EXPECT_EQ(lines_until_over(turns), 16) << "small lines: the clock is not asked for each";
  EXPECT_TRUE(turns.is_over()) << "until the next one begins";
  turns.begin(now - std::chrono::hours{1});
  turns.look_soon();
  EXPECT_EQ(lines_until_over(turns), 1) << "a costly line";
  turns.begin(now + std::chrono::hours{1});
  EXPECT_EQ(lines_until_over(turns), 0);
}

// The listening socket.
class TcpAcceptor : public TcpServer {
 protected:
  void listen(std::size_t connections_max) {
    serve();
    acceptor_.emplace(loop_, connections_max, count_,
                      [this](Tcp::socket socket) { server_->add(std::move(socket)); });
    ASSERT_EQ(acceptor_->bind({"127.0.0.1", 0}, "127.0.0.1:0"), Status{});
    acceptor_->start();
  }
  Client dial() {
    const auto listens = acceptor_->endpoint();
    const auto port = std::stoi(listens.substr(listens.rfind(':') + 1));
    Tcp::socket client{loop_};
    client.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)});
    return Client{std::move(client)};
  }

  std::optional<Acceptor> acceptor_;
};

TEST_F(TcpAcceptor, OneBeyondTheLimitIsToldSoAndThePlaceOfOneThatLeftIsFree) {
  listen(1);
  auto first = dial();
  first.send("PING\r\n");
  EXPECT_EQ(await(first, 6), "PONG\r\n");
  auto second = dial();
  EXPECT_EQ(end_of(second), "end");
  EXPECT_EQ(second.got,
            "ERROR overloaded this node has its 1 connections (kv_server.connections_max); try "
            "again later\r\n");
  EXPECT_EQ(count_.load(), 1U) << "who was refused is not counted";
  first.send("QUIT\r\n");
  EXPECT_EQ(end_of(first), "end");
  auto third = dial();
  third.send("PING\r\n");
  EXPECT_EQ(await(third, 6), "PONG\r\n");
}

TEST_F(TcpAcceptor, AnAddressThatIsTakenIsToldWithWhatToDo) {
  listen(1);
  Acceptor other{loop_, 1, count_, [](Tcp::socket) {}};
  const auto taken = other.bind(*parse_host_port(acceptor_->endpoint(), AddressUse::kListen),
                                acceptor_->endpoint());
  EXPECT_EQ(taken.code(), StatusCode::kUnavailable);
  EXPECT_THAT(taken.text(), HasSubstr("another process listens there; stop it or change"));
  EXPECT_THAT(other.bind({"192.0.2.1", 1}, "192.0.2.1:1").text(),
              HasSubstr("change kv_server.listen"));
}

TEST_F(TcpAcceptor, NobodyIsTakenBehindTheStop) {
  listen(10);
  const auto listens = acceptor_->endpoint();
  const auto port = static_cast<std::uint16_t>(std::stoi(listens.substr(listens.rfind(':') + 1)));
  acceptor_->stop();
  pass();
  Tcp::socket client{loop_};
  asio::error_code error;
  client.connect({asio::ip::address_v4::loopback(), port}, error);
  EXPECT_TRUE(error) << "somebody listens there";
  EXPECT_EQ(count_.load(), 0U);
}

}  // namespace
}  // namespace kvmesh::tcp
