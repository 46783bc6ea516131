#include "client/bench/native_channel.h"

#include <poll.h>
#include <sys/epoll.h>

#include <chrono>
#include <utility>

#include "common/functions.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"

namespace kvmesh::bench {
namespace {

constexpr int kFramesAtOnce = 64;
constexpr std::chrono::seconds kOpenMax{3};

transport::Link::Options options_for(std::string endpoint) {
  transport::Link::Options options;
  options.endpoint = std::move(endpoint);
  options.software = "kvmesh bench";
  // A machine under full load may be silent for longer than one that serves people.
  options.peer_timeout = std::chrono::seconds{10};
  return options;
}

std::string_view function_of(Operation::Kind kind) {
  switch (kind) {
    case Operation::Kind::kCreate:
      return functions::kKvCreate.name;
    case Operation::Kind::kDrop:
      return functions::kKvDrop.name;
    case Operation::Kind::kPut:
      return functions::kKvPut.name;
    case Operation::Kind::kGet:
      return functions::kKvGet.name;
    case Operation::Kind::kCall:
      return functions::kTaskRun.name;
  }
  return {};
}

}  // namespace

NativeChannel::NativeChannel(zmq::context_t& context, std::string endpoint,
                             std::chrono::milliseconds timeout, std::optional<CallLoad> call)
    : context_(context),
      timeout_(timeout),
      call_(std::move(call)),
      link_(context_, options_for(std::move(endpoint)), *this) {}

NativeChannel::~NativeChannel() = default;

Status NativeChannel::open(int epoll, std::uint64_t mark) {
  epoll_ = epoll;
  mark_ = mark;
  const auto give_up = std::chrono::steady_clock::now() + kOpenMax;
  while (link_.state() != transport::Link::State::kUp) {
    now_ = std::chrono::steady_clock::now();
    if (!fault_.ok()) return fault_;
    if (now_ > give_up) {
      return {StatusCode::kUnavailable, "no answer from " + link_.options().endpoint};
    }
    link_.tick(now_);
    (void)link_.receive(now_, kFramesAtOnce);
    // The epoll descriptor is readable when one that it watches is.
    pollfd ready{epoll_, POLLIN, 0};
    if (!link_.is_ready()) poll(&ready, 1, 10);
  }
  return fault_;
}

RequestView NativeChannel::request_for(const Operation& operation) {
  const auto function = function_of(operation.kind);
  if (call_) {
    const auto kind = call_->node.empty() ? Target::Kind::kHere : Target::Kind::kNode;
    return wire::make_request(scratch_, {kind, call_->node}, function, [&](wire::Buffer& out) {
      wire::pack_array(out, 5);
      wire::pack_str(out, call_->function);
      wire::pack_array(out, 0);
      wire::pack_str(out, call_->mode);
      wire::pack_uint(out, 0);  // the node's own limit
      wire::pack_nil(out);      // from nobody
    });
  }
  const Target target{Target::Kind::kBucket, operation.bucket};
  return wire::make_request(scratch_, target, function, [&](wire::Buffer& out) {
    const bool put = operation.kind == Operation::Kind::kPut;
    wire::pack_array(out, operation.key.empty() ? 0 : put ? 2 : 1);
    if (!operation.key.empty()) wire::pack_bin(out, operation.key);
    if (put) wire::pack_bin(out, operation.value);
  });
}

void NativeChannel::submit(const Operation& operation, std::uint32_t tag) {
  const auto request = request_for(operation);
  if (kinds_.size() <= tag) kinds_.resize(tag + 1);
  kinds_[tag] = operation.kind;
  if (link_.state() != transport::Link::State::kUp) return fail("it is not up");
  link_.add_request(request, RequestId{tag}, now_ + timeout_, nullptr);
}

Status NativeChannel::flush() {
  link_.flush();
  return fault_;
}

Status NativeChannel::receive(ReplySink& sink) {
  sink_ = &sink;
  link_.notice_frames();  // events wait for the next tick
  now_ = std::chrono::steady_clock::now();
  (void)link_.receive(now_, kFramesAtOnce);
  sink_ = nullptr;
  return fault_;
}

Status NativeChannel::tick() {
  now_ = std::chrono::steady_clock::now();
  link_.tick(now_);
  return fault_;
}

void NativeChannel::on_open(transport::Link& link) {
  watch(link.fd(), EPOLL_CTL_ADD);
  watch(link.monitor_fd(), EPOLL_CTL_ADD);
}

void NativeChannel::on_close(transport::Link& link) {
  watch(link.fd(), EPOLL_CTL_DEL);
  watch(link.monitor_fd(), EPOLL_CTL_DEL);
}

void NativeChannel::watch(int fd, int what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = mark_;
  if (epoll_ctl(epoll_, what, fd, &event) != 0) fail("epoll_ctl failed");
}

void NativeChannel::on_up(transport::Link& /*link*/, const wire::Welcome& /*welcome*/) {}

void NativeChannel::on_reply(transport::Link& /*link*/, const ReplyView& reply) {
  if (sink_ == nullptr || reply.id.value >= kinds_.size()) return fail("a reply out of turn");
  Reply out;
  out.tag = static_cast<std::uint32_t>(reply.id.value);
  if (reply.code != StatusCode::kOk) {
    out.kind = Reply::Kind::kFailed;
    out.code = reply.code;
    out.value = reply.text;
    return sink_->on_reply(out);
  }
  wire::Reader in{reply.result};
  if (call_) {
    if (!read_progress(in))
      return fail("progress that is not that of a call of " + call_->function);
  } else if (in.peek() == wire::Reader::Type::kNil) {
    const bool get = kinds_[out.tag] == Operation::Kind::kGet;
    out.kind = get ? Reply::Kind::kMissing : Reply::Kind::kDone;
  } else {
    out.kind = Reply::Kind::kValue;
    out.value = in.read_bin();
    if (in.failed() || !in.at_end()) return fail("a result that is no value");
  }
  sink_->on_reply(out);
}

// Whether it is the progress of a call that is done, without output or a result; of a spawned task,
// that it has begun.
bool NativeChannel::read_progress(wire::Reader& in) const {
  if (in.read_array() != 6) return false;
  const auto node = in.read_str();
  in.read_uint();  // id
  in.read_uint();  // key
  const auto chunks = in.read_array();
  const auto state = in.read_uint();
  in.read_nil();  // result
  if (in.failed() || !in.at_end() || node.empty() || chunks != 0) return false;
  if (!call_->node.empty() && node != call_->node) return false;
  return state == (call_->mode.starts_with("spawn") ? 0U : 1U);
}

void NativeChannel::on_draining(transport::Link& /*link*/, const std::string& why) { fail(why); }
void NativeChannel::on_expired(transport::Link& /*link*/, RequestId /*id*/) {
  fail("a request could not be sent in time");
}

void NativeChannel::on_unsent(transport::Link& /*link*/, RequestId /*id*/) {
  fail("a request could not be sent");
}
void NativeChannel::on_down(transport::Link& /*link*/, const std::string& why) { fail(why); }

void NativeChannel::fail(const std::string& text) {
  if (!fault_.ok()) return;
  fault_ = {StatusCode::kUnavailable, link_.options().endpoint + ": " + text};
}

}  // namespace kvmesh::bench
