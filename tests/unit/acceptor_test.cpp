#include "tests/unit/stream_fixture.h"

namespace kvmesh::stream {
namespace {

// The listening socket.
class TcpAcceptor : public TcpServer {
 protected:
  static Acceptor::Options options(std::size_t connections_max) {
    return {"kv_server", connections_max, [] { return std::make_unique<line::LineCodec>(); }};
  }
  void listen(std::size_t connections_max) {
    serve();
    acceptor_.emplace(loop_, options(connections_max), count_,
                      [this](Socket socket) { server_->add(std::move(socket)); });
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
  Acceptor other{loop_, options(1), count_, [](Socket) {}};
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
}  // namespace kvmesh::stream
