// When connections are read: the ready set tells of each change once, and nothing may be missed.
#include "tests/unit/stream_fixture.h"

namespace kvmesh::stream {
namespace {

class ReadyConnections : public TcpServer {
 protected:
  void answer_all(std::size_t from) {
    for (; from < waiting_.size(); ++from) answer(from, 1);
  }
};

TEST_F(ReadyConnections, AMessageLargerThanTheFirstRoomIsReadOn) {
  serve();
  auto client = connect();
  pass();
  client.send("PUT b k " + std::string(10'000, 'x') + "\r\n");
  EXPECT_EQ(await(client, 4), "OK\r\n");
}

// 1024 bytes are the first room: a read that fills it cannot tell whether there is more.
TEST_F(ReadyConnections, AReadThatFillsItsRoomExactlyLosesNothing) {
  serve();
  auto client = connect();
  const std::string head = "PUT b k ";
  client.send(head + std::string(1024 - head.size() - 2, 'x') + "\r\n");
  EXPECT_EQ(await(client, 4), "OK\r\n");
  client.send("PING\r\n");
  EXPECT_EQ(await(client, 10), "OK\r\nPONG\r\n");
}

// Requests that were parsed point into the input until the core has them. (AddressSanitizer sees
// when they do not: the memory is freed then, and rarely overwritten.)
TEST_F(ReadyConnections, ASecondReadLeavesTheRequestsOfTheFirstAsTheyWere) {
  std::vector<std::string> arguments;
  on_put_ = [&](const RequestView& put) { arguments.emplace_back(put.args); };
  serve();
  auto client = connect();
  std::string text;
  std::vector<std::string> sent;
  for (int i = 0; i < 300; ++i) {
    sent.push_back("key" + std::to_string(1000 + i));
    text += "PUT b " + sent.back() + " v\r\n";
  }
  client.send(text);
  await(client, 4 * sent.size());
  ASSERT_EQ(arguments.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_THAT(arguments[i], HasSubstr(sent[i]));
}

TEST_F(ReadyConnections, WhatCameWhileThePipelineWasFullIsReadWithoutAnotherEdge) {
  serve();
  auto client = connect();
  constexpr std::size_t full = 128;
  client.send(times(200, "GET b k\r\n"));
  await_waiting(client, full);
  for (int i = 0; i < 10; ++i) pass();
  ASSERT_EQ(waiting_.size(), full) << "the bound of the pipeline";
  client.send(times(50, "GET b k\r\n"));
  for (int i = 0; i < 10; ++i) pass();
  EXPECT_EQ(waiting_.size(), full) << "it was read though its pipeline is full";
  for (std::size_t answered = 0; answered < 250;) {
    ASSERT_LT(answered, waiting_.size()) << "nothing more was read";
    const auto from = std::exchange(answered, waiting_.size());
    for (auto i = from; i < answered; ++i) answer(i, 1);
    for (int i = 0; i < 10; ++i) pass();
  }
  await(client, 250 * 7);
  EXPECT_FALSE(client.ended);
}

TEST_F(ReadyConnections, TheEndIsFoundBehindAFullPipeline) {
  serve();
  auto client = connect();
  client.send(times(140, "GET b k\r\n"));
  client.send_no_more();
  for (int i = 0; i < 10; ++i) pass();
  const auto full = waiting_.size();
  ASSERT_LT(full, 140U);
  answer_all(0);
  await_waiting(client, 140);
  client.look();
  EXPECT_FALSE(client.ended) << "it was closed with requests under way";
  answer_all(full);
  EXPECT_EQ(end_of(client), "end");
  EXPECT_EQ(client.got.size(), 140U * 7);
}

TEST_F(ReadyConnections, AnEndThatComesLaterIsFound) {
  serve();
  auto client = connect();
  client.send("GET b k\r\n");
  await_waiting(client, 1);
  client.send_no_more();
  for (int i = 0; i < 5; ++i) pass();
  client.look();
  EXPECT_FALSE(client.ended);
  answer(0, 1);
  EXPECT_EQ(end_of(client), "end");
  EXPECT_EQ(client.got, "a\r\nOK\r\n");
}

TEST_F(ReadyConnections, AResetConnectionIsGoneAlsoWithRequestsUnderWay) {
  serve();
  auto idle = connect();
  auto busy = connect();
  auto other = connect();
  busy.send("GET b k\r\n");
  await_waiting(other, 1);
  idle.reset();
  busy.reset();
  pass_until(other, [&] { return count_.load() == 1; });
  answer(0, 1);  // for nobody
  other.send("PING\r\n");
  EXPECT_EQ(await(other, 6), "PONG\r\n");
}

// Its output has stopped and its input is not read: only the ready set can tell.
TEST_F(ReadyConnections, AClientThatReadsNothingAndIsResetIsGone) {
  serve();
  auto client = connect();
  auto other = connect();
  client.send(times(100, "GET b k\r\n"));
  await_waiting(other, 100);
  for (std::size_t i = 0; i < 100; ++i) answer(i, 128 * 1024);
  for (int i = 0; i < 10; ++i) pass();
  ASSERT_GT(server_->buffered_bytes(), limits::kTcpUnreadBytesMax) << "the kernel took it all";
  client.reset();
  pass_until(other, [&] { return count_.load() == 1; });
  EXPECT_LT(server_->buffered_bytes(), limits::kTcpUnreadBytesMax);
}

// One that sent a lot is read by turns from then on; each pass gives some.
TEST_F(ReadyConnections, ClientsThatSendALotLeaveRoomForOthersInEachPass) {
  std::size_t puts = 0;
  on_put_ = [&](const RequestView&) { ++puts; };
  serve();
  std::vector<Client> heavy;
  for (int i = 0; i < 40; ++i) heavy.push_back(connect());
  auto light = connect();
  const auto send = [&](const std::string& text) {
    for (auto& client : heavy) client.send(text);
  };
  const auto line = "PUT b k " + std::string(30'000, 'x') + "\r\n";
  send(line);  // their rooms grow
  pass_until(light, [&] { return puts == heavy.size(); });
  send("PING\r\n");  // they are light
  pass();
  send(line);
  pass_until(light, [&] { return puts == 2 * heavy.size(); });
  send(line);  // they have sent a lot at once
  light.send("PING\r\n");
  pass();
  light.look();
  EXPECT_EQ(light.got, "PONG\r\n");
  EXPECT_LT(puts, 3 * heavy.size()) << "all of them in one pass: 1.2 MB";
  EXPECT_TRUE(server_->is_ready()) << "the others wait for their turns";
  pass_until(light, [&] { return puts == 3 * heavy.size(); });
}

// A pass ends after ten milliseconds, with events at hand. Here one request takes longer.
class ReadyConnectionsOfALongPass : public ReadyConnections {
 protected:
  ReadyConnectionsOfALongPass() {
    on_put_ = [](const RequestView&) { let_pass(2 * core::kPassTimeMax); };
  }
  // A body of more than 4 KiB is executed at once.
  static std::string slow() { return "PUT b k " + std::string(5000, 'x') + "\r\n"; }
};

TEST_F(ReadyConnectionsOfALongPass, WhatItHasNoTimeForIsReadInTheNext) {
  serve();
  auto first = connect();
  auto second = connect();
  auto third = connect();
  pass();
  first.send(slow());
  second.send(slow());
  third.send("PING\r\n");
  EXPECT_TRUE(receive()) << "all in one pass";
  server_->flush();
  third.look();
  EXPECT_EQ(third.got, "");
  EXPECT_FALSE(server_->receive(now())) << "without a notice";
  server_->flush();
  third.look();
  EXPECT_EQ(third.got, "PONG\r\n");
}

// Its descriptor has another owner by the time its event is looked at.
TEST_F(ReadyConnectionsOfALongPass, AnEventOfAConnectionThatIsClosedMeanwhileReachesNobody) {
  serve(milliseconds{1});
  auto first = connect();
  auto second = connect();
  auto third = connect();
  pass();
  first.send(slow());
  second.send(slow());
  third.send("PING\r\n");
  ASSERT_TRUE(receive());
  let_pass(milliseconds{3});
  server_->sweep(now());
  server_->flush();
  ASSERT_TRUE(server_->is_idle()) << "all were idle";
  auto fourth = connect();
  fourth.send("PING\r\n");
  EXPECT_EQ(await(fourth, 6), "PONG\r\n");
  third.look();
  EXPECT_EQ(third.got, "");
  EXPECT_EQ(count_.load(), 1U);
}

}  // namespace
}  // namespace kvmesh::stream
