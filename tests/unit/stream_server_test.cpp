// The line protocol's shell: order, ends, idle clients, refusals.
#include "tests/unit/stream_fixture.h"

namespace kvmesh::stream {
namespace {

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
  EXPECT_EQ(waiting_.size(), 1U) << "what stands after QUIT is not executed";
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
  server_->sweep(now());
  EXPECT_EQ(end_of(idle), "end");
  EXPECT_EQ(count_.load(), 1U);
  waits.look();
  EXPECT_FALSE(waits.ended) << "it was cut off though its answer is to come";
  answer(0, 1);
  EXPECT_EQ(await(waits, 7), "a\r\nOK\r\n");
  let_pass(milliseconds{6});
  server_->sweep(now());
  EXPECT_EQ(end_of(waits), "end") << "it is idle now";
}

TEST_F(TcpServer, TheTimeoutCountsFromTheLastBytes) {
  serve(std::chrono::hours{1});
  auto client = connect();
  client.send("PING\r\n");
  await(client, 6);
  server_->sweep(now());
  pass();
  client.look();
  EXPECT_FALSE(client.ended);
}

TEST_F(TcpServer, ZeroIsNoIdleTimeout) {
  serve(milliseconds{0});
  auto client = connect();
  pass();
  let_pass(milliseconds{3});
  server_->sweep(now());
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
  server_->stop(now());
  EXPECT_EQ(end_of(idle), "end");
  busy.send("PUT b k v\r\n");
  for (int i = 0; i < 5; ++i) pass();
  busy.look();
  EXPECT_FALSE(busy.ended) << busy.end;
  EXPECT_FALSE(server_->is_idle());
  answer(0, 1);
  EXPECT_EQ(end_of(busy), "end");
  EXPECT_EQ(busy.got, "a\r\nOK\r\n") << "and nothing for what came later";
  EXPECT_TRUE(server_->is_idle());
}

TEST_F(TcpServer, AConnectionThatComesDuringAStopIsClosed) {
  serve();
  server_->stop(now());
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

TEST_F(TcpServer, TransactionsCountAmongWhatAllClientsMakeUsKeep) {
  serve({}, 200 * 1024);
  auto client = connect();
  const auto ask = [&](const std::string& line) {
    client.got.clear();
    client.send(line + "\r\n");
    pass_until(client, [&] { return client.got.ends_with("\r\n"); });
    return client.got;
  };
  EXPECT_EQ(ask("BEGIN b"), "OK\r\n");
  EXPECT_EQ(ask("SET first v"), "OK\r\n");
  const std::string value(60'000, 'v');
  std::string reply;
  for (int i = 0; i < 10; ++i) reply = ask("SET " + std::to_string(i) + " " + value);
  EXPECT_THAT(reply, StartsWith("ERROR overloaded this transaction has failed before"));
  EXPECT_THAT(ask("COMMIT"), StartsWith("ERROR overloaded nothing was changed: "));
  EXPECT_EQ(ask("BEGIN b"), "OK\r\n");
  EXPECT_EQ(ask("SET first v"), "OK\r\n") << "there is room again";
}

TEST_F(TcpServer, WhatWasDoneIsToldHoweverFullTheBuffersAre) {
  serve({}, 1);
  auto client = connect();
  client.send("PUT b k v\r\nGET b k\r\n");
  await_waiting(client, 1);
  EXPECT_EQ(await(client, 4), "OK\r\n");
  answer(0, 100);
  pass_until(client, [&] { return client.got.size() > 4 && client.got.ends_with("\r\n"); });
  EXPECT_THAT(client.got, HasSubstr("ERROR overloaded "));
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
      core_->complete(waiting_[answered++], {}, value.view());
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

}  // namespace
}  // namespace kvmesh::stream
