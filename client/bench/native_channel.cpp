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
constexpr std::chrono::seconds kOpenMax{3};  // for each endpoint

transport::Link::Options link_options(bool outlives_connections) {
  transport::Link::Options options;
  options.software = "kvmesh bench";
  // A machine under full load may be silent for longer than one that serves people. Where the end
  // of a connection is counted, it is the end that any client would see.
  if (!outlives_connections) options.peer_timeout = std::chrono::seconds{10};
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
    case Operation::Kind::kApply:
      return functions::kKvApply.name;
  }
  return {};
}

}  // namespace

NativeChannel::NativeChannel(zmq::context_t& context, const std::vector<std::string>& endpoints,
                             const std::optional<client::ClientKeys>& keys,
                             std::chrono::milliseconds timeout, bool outlives_connections,
                             std::optional<CallLoad> call)
    : timeout_(timeout),
      call_(std::move(call)),
      outlives_connections_(outlives_connections),
      endpoints_(context, client::link_options(link_options(outlives_connections), endpoints, keys),
                 *this) {}

NativeChannel::~NativeChannel() = default;

Status NativeChannel::open(int epoll, std::uint64_t mark) {
  epoll_ = epoll;
  mark_ = mark;
  const auto give_up =
      std::chrono::steady_clock::now() + kOpenMax * static_cast<int>(endpoints_.size());
  while (!endpoints_.is_up()) {
    now_ = std::chrono::steady_clock::now();
    if (!fault_.ok()) return fault_;
    if (now_ > give_up || left_ >= endpoints_.size()) {
      return {StatusCode::kUnavailable, endpoints_.why_unreachable()};
    }
    endpoints_.tick(now_);
    (void)endpoints_.receive(now_, kFramesAtOnce);
    // The epoll descriptor is readable when one that it watches is.
    pollfd ready{epoll_, POLLIN, 0};
    if (!endpoints_.is_ready()) poll(&ready, 1, 10);
  }
  is_opening_ = false;
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
  if (operation.kind == Operation::Kind::kApply) {
    return wire::make_request(scratch_, target, function, [&](wire::Buffer& out) {
      wire::pack_array(out, 3);
      wire::pack_array(out, 0);  // checks
      wire::pack_array(out, operation.puts.size());
      for (const auto& [key, value] : operation.puts) {
        wire::pack_array(out, 4);
        wire::pack_uint(out, 0);  // put
        wire::pack_bin(out, key);
        wire::pack_bin(out, value);
        wire::pack_nil(out);  // for ever
      }
      wire::pack_nil(out);  // without an id
    });
  }
  return wire::make_request(scratch_, target, function, [&](wire::Buffer& out) {
    const bool put = operation.kind == Operation::Kind::kPut;
    wire::pack_array(out, operation.key.empty() ? 0 : put ? 2 : 1);
    if (!operation.key.empty()) wire::pack_bin(out, operation.key);
    if (put) wire::pack_bin(out, operation.value);
  });
}

void NativeChannel::submit(const Operation& operation, std::uint32_t tag) {
  const auto request = request_for(operation);
  if (asked_.size() <= tag) asked_.resize(tag + 1);
  asked_[tag] = {operation.kind, operation.puts.size(), endpoints_.current_index()};
  if (!endpoints_.is_up()) return end(RequestId{tag}, StatusCode::kUnavailable, "it is not up");
  endpoints_.current().add_request(request, RequestId{tag}, now_ + timeout_, nullptr);
}

Status NativeChannel::flush() {
  endpoints_.current().flush();
  return fault_;
}

Status NativeChannel::receive(ReplySink& sink) {
  sink_ = &sink;
  endpoints_.notice_frames();  // events wait for the next tick
  now_ = std::chrono::steady_clock::now();
  (void)endpoints_.receive(now_, kFramesAtOnce);
  for (const auto& [tag, code] : std::exchange(due_, {})) {
    Reply failed;
    failed.tag = tag;
    failed.kind = Reply::Kind::kFailed;
    failed.code = code;
    sink.on_reply(failed);
  }
  sink_ = nullptr;
  return fault_;
}

Status NativeChannel::tick() {
  now_ = std::chrono::steady_clock::now();
  endpoints_.tick(now_);
  due_.insert(due_.end(), failed_.begin(), failed_.end());
  failed_.clear();
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

void NativeChannel::on_up(transport::Link& /*link*/, const wire::Welcome& /*welcome*/) {
  endpoints_.connected();
}

void NativeChannel::on_reply(transport::Link& link, const ReplyView& reply) {
  if (sink_ == nullptr || reply.id.value >= asked_.size()) return fail("a reply out of turn");
  auto& asked = asked_[reply.id.value];
  if (asked.link != endpoints_.index_of(link)) return fail("a reply that nobody asked for");
  asked.link = kNone;
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
  } else if (asked.kind == Operation::Kind::kApply) {
    if (!read_applied(in, asked.puts)) return fail("an answer that is not that to an apply");
  } else if (in.peek() == wire::Reader::Type::kNil) {
    const bool get = asked.kind == Operation::Kind::kGet;
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

// Whether all of its puts were made.
bool NativeChannel::read_applied(wire::Reader& in, std::size_t puts) {
  if (in.read_array() != 3 || !in.read_bool() || in.read_uint() == 0) return false;
  if (in.read_array() != puts) return false;
  for (std::size_t i = 0; i < puts; ++i) (void)in.read_bool();  // it was there before
  return !in.failed() && in.at_end();
}

void NativeChannel::on_draining(transport::Link& link, const std::string& why) { leave(link, why); }

void NativeChannel::on_expired(transport::Link& /*link*/, RequestId id) {
  end(id, StatusCode::kDeadlineExceeded, "a request could not be sent in time");
}

void NativeChannel::on_unsent(transport::Link& /*link*/, RequestId id) {
  end(id, StatusCode::kUnavailable, "a request could not be sent");
}

void NativeChannel::on_down(transport::Link& link, const std::string& why) {
  leave(link, why);
  const auto index = endpoints_.index_of(link);
  for (std::size_t tag = 0; tag < asked_.size(); ++tag) {
    if (asked_[tag].link == index) end(RequestId{tag}, StatusCode::kOutcomeUnknown, why.c_str());
  }
}

void NativeChannel::leave(const transport::Link& link, const std::string& why) {
  (void)endpoints_.leave(link, why, std::chrono::steady_clock::now());
  if (is_opening_) {
    ++left_;
  } else if (!outlives_connections_) {
    fail(why);
  }
}

// A request that got no reply.
void NativeChannel::end(RequestId id, StatusCode code, const char* text) {
  if (!outlives_connections_) return fail(text);
  asked_[id.value].link = kNone;
  failed_.push_back({static_cast<std::uint32_t>(id.value), code});
}

void NativeChannel::fail(const std::string& text) {
  if (!fault_.ok()) return;
  fault_ = {StatusCode::kUnavailable, endpoints_.current().options().endpoint + ": " + text};
}

}  // namespace kvmesh::bench
