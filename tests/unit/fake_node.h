#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <kvmesh/status.h>
#include <kvmesh/value.h>
#include <zmq.hpp>

#include "common/request.h"
#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "common/wire/value_codec.h"
#include "tests/unit/reserved_port.h"

namespace kvmesh::test {

/// The other side of a client, in the hands of a test: a ROUTER that greets and answers PINGs by
/// itself, and keeps requests until the test answers them. Works only inside step() and await(), on
/// whichever one thread calls them.
class FakeNode {
 public:
  struct Request {
    std::string from;
    std::size_t frame = 0;  // requests of one frame have the same number
    std::uint64_t id = 0;
    std::uint64_t timeout_ms = 0;
    bool traced = false;
    Target::Kind target = Target::Kind::kHere;
    std::string name;
    std::string function;
    Value::List args;
  };

  FakeNode() {
    welcome.name = "fake@localhost";
    welcome.in_flight_max = 65536;
    welcome.in_flight_bytes_max = 32 * 1024 * 1024;
    start();
  }

  const std::string& endpoint() const { return endpoint_; }
  bool running() const { return router_.handle() != nullptr; }

  /// Ends all connections, as the death of a node does. Nobody listens there any more when it
  /// returns: libzmq closes a socket on a thread of its own, later than close(). For `linger` it
  /// goes on sending what it was given.
  void stop(std::chrono::milliseconds linger = {}) {
    router_.set(zmq::sockopt::linger, static_cast<int>(linger.count()));
    router_.close();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (port_.is_listening()) {
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error{"does not stop"};
      std::this_thread::sleep_for(kPause);
    }
  }
  /// The same, when what it has sent is out.
  void stop_when_sent() { stop(std::chrono::seconds{10}); }
  /// Listens at the same address again.
  void start() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!try_start()) {
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error{"port not free again"};
    }
  }

  /// Handles one message if one comes within a few milliseconds.
  void step() {
    zmq::pollitem_t item{router_.handle(), 0, ZMQ_POLLIN, 0};
    zmq::poll(&item, 1, std::chrono::milliseconds{5});
    if ((item.revents & ZMQ_POLLIN) == 0) return;
    zmq::message_t from;
    zmq::message_t body;
    (void)router_.recv(from);
    (void)router_.recv(body);
    handle(from.to_string(), body.to_string_view());
  }
  /// Works until `done` holds; false when it does not within ten seconds.
  bool await(const std::function<bool()>& done) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!done()) {
      if (std::chrono::steady_clock::now() > until) return false;
      if (running()) {
        step();
      } else {
        std::this_thread::sleep_for(kPause);
      }
    }
    return true;
  }
  bool await_requests(std::size_t count) {
    return await([&] { return requests.size() >= count; });
  }

  void send(const std::string& to, std::string_view frame) {
    (void)router_.send(zmq::buffer(to), zmq::send_flags::sndmore);
    (void)router_.send(zmq::buffer(frame.data(), frame.size()));
  }
  void answer(const Request& request, const Value& result = {}) {
    answer(request, Status{}, result);
  }
  void answer(const Request& request, const Status& status, const Value& result = {},
              const std::vector<wire::TraceHop>& trace = {}) {
    wire::Buffer packed;
    (void)wire::pack_value(packed, result);
    wire::Buffer hops;
    for (const auto& hop : trace) wire::append_trace_hop(hops, hop);
    ReplyView reply;
    reply.trace_hops = static_cast<std::uint32_t>(trace.size());
    reply.trace = hops.view();
    reply.code = status.code();
    reply.text = status.text();
    reply.result = packed.view();
    wire::Buffer frame;
    wire::begin_frame(frame, wire::FrameKind::kReplies);
    wire::append_reply(frame, reply, RequestId{request.id});
    send(request.from, frame.view());
  }

  wire::Welcome welcome;
  /// What answers HELLO; empty: `welcome`.
  std::string greeting;
  bool silent = false;                             // does not answer HELLO
  int receive_frames_max = 0;                      // from the next start() on: no more in advance
  std::function<void(const Request&)> on_request;  // instead of keeping it
  std::vector<Request> requests;
  std::vector<std::string> hellos;    // who said HELLO, by routing id
  std::size_t frames = 0;             // with requests, that came
  std::vector<std::uint64_t> clocks;  // of the HELLOs
  std::vector<std::uint64_t> stamps;  // of the frames, when `welcome` asks for these
  std::vector<std::string> pings;
  std::optional<std::uint64_t> pong_age_us;  // after the bytes of each PING
  std::uint64_t read_bytes = 0;              // that the other side has told

 private:
  bool try_start() {
    router_ = zmq::socket_t{context_, zmq::socket_type::router};
    router_.set(zmq::sockopt::linger, 0);
    router_.set(zmq::sockopt::rcvhwm, receive_frames_max);
    router_.set(zmq::sockopt::sndhwm, 0);
    try {
      router_.bind(endpoint_);
      return true;
    } catch (const zmq::error_t&) {
      router_.close();
      return false;
    }
  }

  void greet(const std::string& to) {
    if (!greeting.empty()) return send(to, greeting);
    wire::Buffer frame;
    wire::encode(frame, welcome);
    send(to, frame.view());
  }

  void handle(const std::string& from, std::string_view bytes) {
    const auto [frame, refusal] = wire::parse_frame(bytes);
    if (!frame) throw std::runtime_error{"the client sent a frame that is refused"};
    switch (frame->kind) {
      case wire::FrameKind::kHello:
        if (!wire::decode_hello(frame->content)) throw std::runtime_error{"bad HELLO"};
        clocks.push_back(wire::decode_hello(frame->content)->clock_us);
        hellos.push_back(from);
        if (!silent) greet(from);
        break;
      case wire::FrameKind::kPing: {
        wire::Buffer pong;
        wire::begin_frame(pong, wire::FrameKind::kPong);
        pong.append(frame->content);
        if (pong_age_us) wire::append_stamp(pong, *pong_age_us);
        pings.emplace_back(frame->content);
        send(from, pong.view());
        break;
      }
      case wire::FrameKind::kTimedRequests: {
        ++frames;
        auto run = frame->content;
        const auto stamp = wire::take_stamp(run);
        if (!welcome.takes_timed || !stamp) throw std::runtime_error{"a stamp out of turn"};
        stamps.push_back(*stamp);
        take_requests(from, run);
        break;
      }
      case wire::FrameKind::kRead: {
        const auto read = wire::decode_read(frame->content);
        if (!welcome.takes_timed || !read) throw std::runtime_error{"a READ out of turn"};
        read_bytes += read->bytes;
        break;
      }
      case wire::FrameKind::kRequests:
        ++frames;
        take_requests(from, frame->content);
        break;
      default:
        throw std::runtime_error{"the client sent a frame that only nodes send"};
    }
  }

  void take_requests(const std::string& from, std::string_view run) {
    std::optional<wire::Refusal> refusal;
    while (const auto record = wire::next_record(run, refusal)) {
      const auto view = wire::decode_request(*record);
      if (!view) throw std::runtime_error{"the client sent a malformed request"};
      Request request;
      request.from = from;
      request.frame = frames;
      request.id = view->id.value;
      request.timeout_ms = view->timeout_ms;
      request.traced = view->traced();
      request.target = view->target.kind;
      request.name = view->target.name;
      request.function = view->function;
      auto args = wire::unpack_value(view->args);
      if (!args) throw std::runtime_error{"the client sent malformed arguments"};
      request.args = std::move(*args->get_if<Value::List>());
      if (on_request) {
        on_request(request);
      } else {
        requests.push_back(std::move(request));
      }
    }
    if (refusal) throw std::runtime_error{"the client sent a broken run of requests"};
  }

  static constexpr std::chrono::milliseconds kPause{1};  // between two looks

  zmq::context_t context_{1};
  ReservedPort port_;
  const std::string endpoint_ = "tcp://127.0.0.1:" + std::to_string(port_.number());
  zmq::socket_t router_;
};

}  // namespace kvmesh::test
