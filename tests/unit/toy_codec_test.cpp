// A second protocol on the stream adapter: a codec is all that it takes. This one is binary: a
// message is a byte that says how long it is, then that many bytes.
#include "tests/unit/stream_fixture.h"

namespace kvmesh::stream {
namespace {

constexpr Tag kBye = 1;

std::string message(std::string_view bytes) {
  return static_cast<char>(bytes.size()) + std::string{bytes};
}

/// "get KEY" is a request, an empty message says goodbye, and all else comes back as it was.
class ToyCodec final : public Codec {
 public:
  std::string_view name() const override { return "the toy protocol"; }
  Message next(std::string_view input, RequestView& request, RequestScratch& scratch) override {
    Message out;
    if (input.empty()) return out;
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(input[0]));
    if (input.size() < 1 + size) return out;
    const auto body = input.substr(1, size);
    out.taken = 1 + size;
    if (body.empty()) {
      out.kind = Message::Kind::kConstant;
      out.tag = kBye;
      out.ends_input = true;
    } else if (body.starts_with("get ")) {
      out.kind = Message::Kind::kRequest;
      request = RequestView{};
      request.target = {Target::Kind::kBucket, "b"};
      request.function = "kv.get";
      scratch.words[0] = ArgumentView::of(body.substr(4));
      request.words = {scratch.words.data(), 1};
    } else {
      out.kind = Message::Kind::kAnswered;
      out.reply = input.substr(0, out.taken);
    }
    return out;
  }
  std::size_t input_max() const override { return 256; }
  void append_reply(wire::Buffer& out, Tag /*tag*/, const ReplyView& reply) const override {
    out.append(message(std::to_string(wire::result_bytes(reply))));
  }
  std::string_view constant(Tag /*tag*/) const override { return {"\3bye"}; }
  void append_error(wire::Buffer& out, StatusCode code, std::string_view /*text*/) const override {
    out.append(message(to_string(code)));
  }
};

class ToyProtocol : public TcpServer {
 protected:
  ToyProtocol() {
    make_codec_ = [] { return std::make_unique<ToyCodec>(); };
  }
};

TEST_F(ToyProtocol, IsSpokenByAConnectionWithItsCodec) {
  serve();
  auto client = connect();
  const std::string binary{"\0\n\xff", 3};
  client.send(message("hello") + message(binary).substr(0, 2));
  EXPECT_EQ(await(client, 6), message("hello"));
  client.send(message(binary).substr(2));
  EXPECT_EQ(await(client, 10), message("hello") + message(binary));
}

TEST_F(ToyProtocol, RepliesKeepTheirOrderAndGoodbyeComesLast) {
  serve();
  auto client = connect();
  client.send(message("get 1") + message("get 2") + message("echo") + message("") + message("x"));
  await_waiting(client, 2);
  answer(1, 20);
  answer(0, 10);
  EXPECT_EQ(end_of(client), "end");
  EXPECT_EQ(client.got, message("12") + message("22") + message("echo") + message("bye"))
      << "the results are msgpack, two bytes longer than the values";
}

TEST_F(ToyProtocol, ErrorsAreInItsOwnForm) {
  serve({}, 300 * 1024);
  auto client = connect();
  client.send(message("get 1"));
  await_waiting(client, 1);
  answer(0, 400 * 1024);
  EXPECT_EQ(await(client, 11), message("overloaded"));
}

}  // namespace
}  // namespace kvmesh::stream
