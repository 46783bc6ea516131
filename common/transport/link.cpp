#include "common/transport/link.h"

#include <algorithm>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::transport {
namespace {

constexpr std::chrono::milliseconds kAttemptMax{1500};  // from connect to WELCOME
// To connect, when the name has more addresses: one that swallows all must not keep from the
// others.
constexpr std::chrono::milliseconds kConnectMaxOfMany{500};

std::string silence(std::chrono::milliseconds limit) {
  return "it was silent for " + std::to_string(limit.count()) + " ms";
}

}  // namespace

Link::Link(zmq::context_t& context, Options options, LinkEvents& events)
    : context_(context),
      options_(std::move(options)),
      events_(events),
      addresses_(options_.endpoint, *options_.resolver),
      backoff_(options_.reconnect_min),
      random_(std::random_device{}()) {}

Link::~Link() = default;

void Link::open(TimePoint now) {
  auto dealer = Dealer::open(context_);
  if (!dealer) return close(now, dealer.status().text());
  dealer_ = *std::move(dealer);
  state_ = State::kConnecting;
  attempt_began_ = now;
  look_for_frames_ = look_for_events_ = true;
  events_.on_open(*this);
  dialled_ = false;
  dial(now);
}

// As soon as the address is known.
void Link::dial(TimePoint now) {
  const auto address = addresses_.next();
  if (!address) return;
  if (!*address) return close(now, address->status().text());
  dialled_ = true;
  attempt_began_ = now;
  if (const auto status = dealer_->connect(**address); !status.ok()) close(now, status.text());
}

void Link::close(TimePoint now, const std::string& why) {
  broken_.clear();
  // Nothing was lost yet, and nobody needs to hear of one address while there are others.
  if (state_ == State::kConnecting && dialled_ && addresses_.has_more()) {
    state_ = State::kWaiting;
    events_.on_close(*this);
    dealer_.reset();
    return open(now);
  }
  state_ = State::kWaiting;
  drop_unsent();
  // Half of it at random, so that the nodes of a mesh do not all come back at the same moment.
  const auto half = (backoff_ / 2).count();
  const std::chrono::milliseconds spread{
      std::uniform_int_distribution<std::int64_t>{0, half}(random_)};
  retry_at_ = now + backoff_ / 2 + spread;
  backoff_ = std::min(backoff_ * 2, options_.reconnect_max);
  if (dealer_) {
    events_.on_close(*this);
    dealer_.reset();
  }
  events_.on_down(*this, why);
}

// State is no longer kUp, so nothing is added meanwhile; what is dropped is moved out first all the
// same, for whoever is told may ask for another flush.
void Link::drop_unsent() {
  auto dropped = std::exchange(sealed_, {});
  dropped.push_back(std::exchange(batch_, {}));
  for (const auto& batch : dropped) {
    for (const auto id : batch.ids) events_.on_unsent(*this, id);
  }
}

void Link::tick(TimePoint now) {
  // After a pause of our own (a stopped process), silence proves nothing: what was sent meanwhile
  // is still unread.
  if (now - last_tick_ > options_.peer_timeout / 2) last_heard_ = now;
  last_tick_ = now;
  look_for_frames_ = look_for_events_ = true;
  switch (state_) {
    case State::kWaiting:
      if (now >= retry_at_) open(now);
      break;
    case State::kConnecting:
      attempt(now);
      break;
    case State::kGreeting:
      if (now - attempt_began_ > kAttemptMax) {
        close(now, "it accepts connections but does not answer");
      }
      break;
    case State::kUp:
    case State::kDraining:
      if (now - last_heard_ > options_.peer_timeout)
        return close(now, silence(options_.peer_timeout));
      if (now - std::max(last_heard_, last_ping_) >= options_.ping_interval) send_ping(now);
      break;
  }
}

void Link::attempt(TimePoint now) {
  if (!dialled_) dial(now);
  if (state_ != State::kConnecting) return;
  const auto max = dialled_ && addresses_.has_more() ? kConnectMaxOfMany : kAttemptMax;
  if (now - attempt_began_ <= max) return;
  close(now, dialled_ ? "the connection could not be made in time" : addresses_.still_looking());
}

bool Link::receive(TimePoint now, int frames_max) {
  if (!dealer_) return false;
  // Events first, so that WELCOME finds the link greeting; a loss is acted on last, when all that
  // came is read.
  const auto lost = take_events(now);
  int frames = 0;
  while (lost || (look_for_frames_ && frames < frames_max)) {
    const auto bytes = dealer_->receive();
    if (!bytes) {
      look_for_frames_ = false;
      break;
    }
    ++frames;
    last_heard_ = now;
    if (!handle_frame(*bytes)) break;
  }
  if (lost && broken_.empty()) broken_ = *lost;
  if (!broken_.empty()) {
    close(now, std::string{broken_});
    return false;
  }
  return frames == frames_max;
}

// Why the connection was lost, if it was.
std::optional<std::string> Link::take_events(TimePoint now) {
  std::optional<std::string> lost;
  if (!std::exchange(look_for_events_, false)) return lost;
  while (const auto happening = dealer_->next_event()) {
    if (happening->event == Dealer::Event::kLost) {
      lost = happening->why;
    } else {
      greet(now);
    }
  }
  return lost;
}

void Link::greet(TimePoint now) {
  if (state_ != State::kConnecting) return;
  state_ = State::kGreeting;
  last_heard_ = now;
  wire::Buffer frame;
  wire::Hello hello;
  hello.name = options_.self.str();
  hello.software = options_.software;
  if (options_.table_epoch) hello.table_epoch = options_.table_epoch();
  wire::encode(frame, hello);
  (void)send(frame);
}

// False when the connection must be given up; broken_ then says why.
bool Link::handle_frame(std::string_view bytes) {
  const auto [frame, refusal] = wire::parse_frame(bytes);
  if (!frame) {
    ++refused_frames_;
    broken_ = "it sent a frame that is refused: " + std::string{wire::to_string(refusal)};
    return false;
  }
  switch (frame->kind) {
    case wire::FrameKind::kWelcome:
      return handle_welcome(frame->content);
    case wire::FrameKind::kReplies:
      return handle_replies(frame->content);
    case wire::FrameKind::kPong:
      return true;
    case wire::FrameKind::kGoodbye:
      if (state_ == State::kUp) {
        state_ = State::kDraining;
        events_.on_draining(*this, "it is stopping");
        drop_unsent();  // it must get no more, and these have not left
      }
      return true;
    case wire::FrameKind::kRefused: {
      const auto refused = wire::decode_refused(frame->content);
      broken_ =
          "it refused a frame: " + (refused ? std::string{refused->text} : "without a reason");
      return false;
    }
    default:
      ++refused_frames_;
      broken_ = "it sent a frame of a kind that only the dialling side sends";
      return false;
  }
}

bool Link::handle_welcome(std::string_view content) {
  const auto welcome = wire::decode_welcome(content);
  if (!welcome || welcome->version != wire::kProtocolVersion || state_ != State::kGreeting) {
    ++refused_frames_;
    broken_ = "its WELCOME was malformed or out of turn";
    return false;
  }
  if (!options_.peer.empty() && welcome->name != options_.peer.str()) {
    broken_ = "the node at " + options_.endpoint + " is " + std::string{welcome->name} + ", not " +
              options_.peer.str() + "; check the addresses of the peers";
    return false;
  }
  state_ = State::kUp;
  addresses_.succeeded();
  backoff_ = options_.reconnect_min;
  events_.on_up(*this, *welcome);
  return true;
}

bool Link::handle_replies(std::string_view run) {
  if (state_ != State::kUp && state_ != State::kDraining) {
    ++refused_frames_;
    broken_ = "it sent replies before its WELCOME";
    return false;
  }
  std::optional<wire::Refusal> refusal;
  while (const auto record = wire::next_record(run, refusal)) {
    const auto reply = wire::decode_reply(*record);
    if (!reply) {
      refusal = wire::Refusal::kMalformed;
      break;
    }
    events_.on_reply(*this, *reply);
  }
  if (!refusal) return true;
  ++refused_frames_;
  broken_ = "it sent replies that are refused: " + std::string{wire::to_string(*refusal)};
  return false;
}

void Link::add_request(const RequestView& request, RequestId id, std::uint64_t timeout_ms,
                       const wire::PathStep* step) {
  if (batch_.frame.empty()) wire::begin_frame(batch_.frame, wire::FrameKind::kRequests);
  wire::append_request(batch_.frame, request, id, timeout_ms, step);
  batch_.ids.push_back(id);
  if (request.traced()) batch_.traced.push_back(id);
  if (batch_.frame.size() >= limits::kRequestBatchBytes) flush();
}

void Link::flush() {
  if (state_ != State::kUp) return;
  // The usual case: nothing waits, and the batch keeps its memory for the next pass.
  if (sealed_.empty()) {
    if (batch_.ids.empty()) return;
    if (send(batch_)) return batch_.ids.clear();
  }
  if (!batch_.ids.empty()) {
    sealed_.push_back(std::move(batch_));
    batch_ = Batch{};
  }
  // A large frame that is not taken costs a copy, so the socket is asked first.
  if (!dealer_->poll().output) return;
  while (!sealed_.empty() && send(sealed_.front())) sealed_.pop_front();
}

bool Link::send(Batch& batch) {
  if (batch.traced.empty()) return send(batch.frame);
  // Before it is sent: the peer may have answered before this thread goes on.
  const auto when = std::chrono::steady_clock::now();
  if (!send(batch.frame)) return false;
  for (const auto id : batch.traced) events_.on_sent(*this, id, when);
  batch.traced.clear();
  return true;
}

bool Link::send(wire::Buffer& frame) {
  if (dealer_->send(frame) == Sent::kTaken) return true;
  // libzmq looks at its mailbox only once a millisecond while sending: room that the peer has made
  // is seen after a poll.
  (void)dealer_->poll();
  return dealer_->send(frame) == Sent::kTaken;
}

bool Link::is_ready() {
  if (!dealer_) return false;
  if (sealed_.empty() && !dealer_->may_hide_input()) return look_for_events_;
  const auto ready = dealer_->poll();
  look_for_frames_ |= ready.input;
  return ready.input || look_for_events_ || (ready.output && !sealed_.empty());
}

void Link::send_ping(TimePoint now) {
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kPing);
  last_ping_ = now;
  (void)send(frame);  // a full queue shows life as well as a PING would
}

}  // namespace kvmesh::transport
