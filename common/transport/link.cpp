#include "common/transport/link.h"

#include <algorithm>
#include <utility>

#include <kvmesh/limits.h>

#include "common/transport/stamp_clock.h"

namespace kvmesh::transport {
namespace {

// Received in one go, so that a peer's large replies do not keep the others waiting.
constexpr std::size_t kBytesPerPass = 1024 * 1024;
// Replies that were read until the peer is told; it stops at sixteen times as much.
constexpr std::size_t kReadStep = 1024 * 1024;
// So often the peer's idea of our clock is looked at, under traffic too.
constexpr std::chrono::milliseconds kClockCheck{1000};
constexpr std::uint64_t kClockToleranceUs = 1000;
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
  keys_disagree_ = false;
  auto dealer = Dealer::open(context_);
  if (!dealer) return close(now, dealer.status().text());
  dealer_ = *std::move(dealer);
  state_ = State::kConnecting;
  attempt_began_ = now;
  look_for_frames_ = look_for_events_ = true;
  events_.on_open(*this);
  dialled_ = false;
  if (const auto status = secure(); !status.ok()) return close(now, status.text());
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
  lost_.reset();
  // Nothing was lost yet, and nobody needs to hear of one address while there are others.
  if (state_ == State::kConnecting && dialled_ && addresses_.has_more()) {
    state_ = State::kWaiting;
    events_.on_close(*this);
    dealer_.reset();
    return open(now);
  }
  hang_up();
  // Half of it at random, so that the nodes of a mesh do not all come back at the same moment.
  const auto half = (backoff_ / 2).count();
  const std::chrono::milliseconds spread{
      std::uniform_int_distribution<std::int64_t>{0, half}(random_)};
  retry_at_ = now + backoff_ / 2 + spread;
  backoff_ = std::min(backoff_ * 2, options_.reconnect_max);
  events_.on_down(*this, why);
}

void Link::end(const std::string& why) {
  if (!dealer_) return;
  broken_.clear();
  lost_.reset();
  hang_up();
  events_.on_down(*this, why);
}

void Link::hang_up() {
  state_ = State::kWaiting;
  drop_unsent();
  timed_ = false;
  read_bytes_ = 0;
  greetings_ = 0;
  if (!dealer_) return;
  events_.on_close(*this);
  dealer_.reset();
}

// State is no longer kUp, so nothing is added meanwhile; what is dropped is moved out first all the
// same, for whoever is told may ask for another flush.
void Link::drop_unsent() {
  tell_expired();
  if (!batch_.empty()) seal();
  batch_.clear();
  const auto dropped = std::exchange(sealed_, {});
  sealed_requests_ = sealed_bytes_ = 0;
  for (const auto& sealed : dropped) {
    sealed.batch.each([this](RequestId id) { events_.on_unsent(*this, id); });
  }
}

// From now on only replies come.
void Link::stop_sending(const std::string& why) {
  if (state_ != State::kUp) return;
  state_ = State::kDraining;
  events_.on_draining(*this, why);
  drop_unsent();
}

// While this thread stood still (a stopped process, a long pass), silence proves nothing: what was
// sent meanwhile is still unread. So such a time counts a quarter of the time-out at most. It does
// count, for a thread that is always late must find a silent peer too.
void Link::note_pause(TimePoint now) {
  const auto counted = options_.peer_timeout / 4;
  const auto passed = now - std::exchange(last_tick_, now);
  if (passed > counted) last_heard_ = std::min(now, last_heard_ + (passed - counted));
}

void Link::tick(TimePoint now) {
  note_pause(now);
  expire_all(now);
  tell_expired();
  look_for_frames_ = look_for_events_ = true;
  switch (state_) {
    case State::kWaiting:
      if (may_try(now)) open(now);
      break;
    case State::kConnecting:
      attempt(now);
      break;
    case State::kGreeting:
      if (now - attempt_began_ > options_.attempt_max) {
        close(now, why_not_yet());
      }
      break;
    case State::kUp:
    case State::kDraining:
      if (lost_) break;  // what is left is being read
      if (now - last_heard_ > options_.peer_timeout)
        return close(now, silence(options_.peer_timeout));
      if (now - std::max(last_heard_, last_ping_) >= options_.ping_interval ||
          (timed_ && now - last_ping_ >= kClockCheck)) {
        send_ping(now);
      }
      tell_read();
      break;
  }
}

void Link::attempt(TimePoint now) {
  if (!dialled_) dial(now);
  if (state_ != State::kConnecting) return;
  const auto max = dialled_ && addresses_.has_more() ? kConnectMaxOfMany : options_.attempt_max;
  if (now - attempt_began_ <= max) return;
  const bool told = !dialled_ || dealer_->is_accepted();
  close(now, told ? why_not_yet() : "the connection could not be made in time");
}

std::string Link::why_not_yet() const {
  if (state_ == State::kConnecting && !dialled_) return addresses_.still_looking();
  if (state_ == State::kGreeting) return "it accepts connections but does not answer";
  if (dealer_ && dealer_->is_accepted()) {
    return "it accepts connections but does not answer: it hangs, or is not the mesh port of a "
           "node (mesh.listen) but perhaps that of the line protocol (kv_server.listen)";
  }
  return "no answer came yet";
}

bool Link::receive(TimePoint now, int frames_max, TimePoint until) {
  if (!dealer_) return false;
  // Events first, so that WELCOME finds the link greeting; a loss is acted on last, when all that
  // came is read.
  take_events(now);
  if (lost_) look_for_frames_ = true;
  receive_frames(now, frames_max, until);
  if (lost_ && !look_for_frames_ && broken_.empty()) broken_ = *lost_;
  if (!broken_.empty()) {
    close(now, std::string{broken_});
    return false;
  }
  if (lost_) {
    stop_sending(*lost_);
  } else {
    tell_read();
  }
  return look_for_frames_;
}

// Until nothing is left, which look_for_frames_ tells then, or it has done its share.
void Link::receive_frames(TimePoint now, int frames_max, TimePoint until) {
  std::size_t bytes = 0;
  for (int frames = 0; look_for_frames_ && frames < frames_max && bytes < kBytesPerPass; ++frames) {
    const auto frame = dealer_->receive();
    if (!frame) {
      look_for_frames_ = false;
      return;
    }
    bytes += frame->size();
    last_heard_ = now;
    if (!handle_frame(*frame)) return;
    if (until != TimePoint::max() && options_.clock() >= until) return;
  }
}

void Link::take_events(TimePoint now) {
  if (!std::exchange(look_for_events_, false)) return;
  while (const auto happening = dealer_->next_event()) {
    if (happening->event == Dealer::Event::kLost) {
      if (!lost_) lost_ = why_lost(*happening);  // what follows is of libzmq's next attempt
    } else if (state_ == State::kConnecting) {
      state_ = State::kGreeting;
      last_heard_ = now;
      greet();
    }
  }
}

void Link::greet() {
  wire::Buffer frame;
  wire::Hello hello;
  hello.name = options_.self.str();
  hello.software = options_.software;
  if (options_.table_epoch) hello.table_epoch = options_.table_epoch();
  hello.clock_us = stamp_now_us();
  hello.tells_read = true;
  hello.incarnation = options_.incarnation;
  hello.version_max = version_max();
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
      read_bytes_ += bytes.size();
      return handle_replies(frame->content);
    case wire::FrameKind::kPong:
      handle_pong(frame->content);
      return true;
    case wire::FrameKind::kGoodbye:
      stop_sending("it is stopping");
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
  if (welcome && greetings_ > 0 && (state_ == State::kUp || state_ == State::kDraining)) {
    --greetings_;
    return true;
  }
  // A client never says who asks, so it can do without.
  const auto version_min = options_.self.empty() ? wire::kProtocolVersion : version_max();
  if (!welcome || welcome->version < version_min || welcome->version > version_max() ||
      state_ != State::kGreeting) {
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
  timed_ = welcome->takes_timed;
  batch_ = wire::RequestBatch{timed_};
  addresses_.succeeded();
  backoff_ = options_.reconnect_min;
  events_.on_up(*this, *welcome);
  return true;
}

// A PING of ours cannot have been older when it was read than its answer is now. When the peer took
// it for older, one of the clocks has jumped, and its idea of the distance between them begins
// anew.
void Link::handle_pong(std::string_view content) {
  if (!timed_) return;
  const auto stamp = wire::take_stamp(content);
  const auto age = wire::take_stamp(content);
  if (!stamp || !age || *age <= stamp_now_us() - *stamp + kClockToleranceUs) return;
  ++greetings_;
  greet();
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

bool Link::send(wire::Buffer& frame) {
  if (dealer_->send(frame) == Sent::kTaken) return true;
  // libzmq looks at its mailbox only once a millisecond while sending: room that the peer has made
  // is seen after a poll.
  (void)dealer_->poll();
  return dealer_->send(frame) == Sent::kTaken;
}

bool Link::is_ready() {
  if (!dealer_) return false;
  if (sealed_.empty() && !dealer_->may_hide_input()) return look_for_events_ || lost_;
  const auto ready = dealer_->poll();
  look_for_frames_ |= ready.input;
  return ready.input || look_for_events_ || lost_ ||
         (ready.output && !sealed_.empty() && has_room());
}

void Link::send_ping(TimePoint now) {
  wire::Buffer frame;
  wire::begin_frame(frame, wire::FrameKind::kPing);
  if (timed_) wire::append_stamp(frame, stamp_now_us());
  last_ping_ = now;
  (void)send(frame);  // a full queue shows life as well as a PING would
}

// So that the peer need not answer more than this side has read.
void Link::tell_read() {
  if (!timed_ || read_bytes_ < kReadStep) return;
  wire::Buffer frame;
  wire::encode(frame, wire::Read{read_bytes_});
  if (send(frame)) read_bytes_ = 0;
}

}  // namespace kvmesh::transport
