// Where connections wait for the end of their handshake: a real thread, over socketpairs.
#include "node/stream/door.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <future>
#include <vector>

#include "node/line/line_codec.h"
#include "tests/unit/tls_fixture.h"

namespace kvmesh::stream {
namespace {

using testing::HasSubstr;

class DoorTest : public tls::TlsTest {
 protected:
  void open(std::size_t connections_max = 10) {
    auto certificates = tls::Certificates::open(settings_, identify_);
    ASSERT_TRUE(certificates);
    certificates_ = *std::move(certificates);
    door_.emplace(Door::Options{"kv_server", connections_max,
                                [] { return std::make_unique<line::LineCodec>(); }},
                  *certificates_, count_, [this](Socket socket) {
                    came_.set_value(std::make_unique<Socket>(std::move(socket)));
                  });
    ASSERT_TRUE(door_->start().ok());
  }
  // The client's end of a connection that the door has taken.
  int knock() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    door_->take(Socket{ends[0]});
    return ends[1];
  }
  static void await(int descriptor) {
    pollfd watched{descriptor, POLLIN, 0};
    ASSERT_EQ(::poll(&watched, 1, 20000), 1) << "nothing comes";
  }
  static void finish(tls::TlsClient& client) {
    while (!client.step()) await(client.descriptor());
  }
  // All that comes in plain text until the end.
  static std::string to_the_end(int descriptor) {
    std::string out;
    std::array<char, 1000> room{};
    for (;;) {
      await(descriptor);
      const auto got = ::recv(descriptor, room.data(), room.size(), 0);
      if (got <= 0) return out;
      out.append(room.data(), static_cast<std::size_t>(got));
    }
  }

  std::unique_ptr<tls::Certificates> certificates_;
  ConnectionCount count_ = 0;
  std::promise<std::unique_ptr<Socket>> came_;
  std::optional<Door> door_;
};

TEST_F(DoorTest, AConnectionIsHandedOverWithWhatItHasSaidAlready) {
  open();
  tls::TlsClient client{knock(), nullptr, nullptr};
  finish(client);
  client.send("PING\r\n");
  const auto socket = came_.get_future().get();
  EXPECT_EQ(count_.load(), 1U);
  std::string got;
  while (got.size() < 6) {
    socket->note(EPOLLIN);
    std::string room(100, '\0');
    const auto count = socket->read(room);
    ASSERT_TRUE(count.has_value());
    got += room.substr(0, *count);
    if (*count == 0) await(socket->descriptor());
  }
  EXPECT_EQ(got, "PING\r\n");
  EXPECT_EQ(*socket->write("PONG\r\n"), 6U);
  std::string answer;
  while (answer.empty()) {
    await(client.descriptor());
    answer = client.take();
  }
  EXPECT_EQ(answer, "PONG\r\n");
}

TEST_F(DoorTest, PlainTextIsAnsweredInPlainText) {
  open();
  const int client = knock();
  ASSERT_EQ(::send(client, "PING\r\n", 6, 0), 6);
  EXPECT_THAT(to_the_end(client), HasSubstr("ERROR protocol_error this port speaks TLS"));
  ::close(client);
  EXPECT_EQ(count_.load(), 0U);
}

TEST_F(DoorTest, OneOverTheLimitIsToldSoInsideOfTls) {
  open(0);
  tls::TlsClient client{knock(), nullptr, nullptr};
  finish(client);
  std::string answer;
  while (answer.empty()) {
    await(client.descriptor());
    answer = client.take();
  }
  EXPECT_THAT(answer, HasSubstr("ERROR overloaded this node has its 0 connections"));
  EXPECT_EQ(count_.load(), 0U);
}

TEST_F(DoorTest, AnAddressBeginsOnlySoManyAtOnce) {
  open();
  std::vector<int> clients;
  for (std::size_t i = 0; i < Door::kBurst + 2 * Door::kPerSecond; ++i) clients.push_back(knock());
  // The last one finds no token, unless this has taken two seconds.
  EXPECT_EQ(to_the_end(clients.back()), "");
  EXPECT_LE(door_->half_open(), Door::kHalfOpenMax);
  for (const int client : clients) ::close(client);
}

TEST_F(DoorTest, ThoseThatWaitEndWithIt) {
  open();
  const int client = knock();
  ASSERT_EQ(::send(client, "\x16", 1, 0), 1);
  door_.reset();
  EXPECT_EQ(to_the_end(client), "");
  ::close(client);
}

}  // namespace
}  // namespace kvmesh::stream
