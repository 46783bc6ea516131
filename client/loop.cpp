#include "client/loop.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <kvmesh/limits.h>

#include "common/operation_codec.h"
#include "common/signals_blocked.h"

namespace kvmesh {
namespace {

constexpr int kFramesPerPass = 64;
constexpr std::chrono::milliseconds kTickBusy{10};  // the precision of deadlines
constexpr std::chrono::milliseconds kTickIdle{50};  // enough for the link's PINGs
// The node answers when a call's time is over, and its answer says more than ours: which node was
// silent.
constexpr std::chrono::milliseconds kGrace{100};

// An attempt at one of several endpoints takes no longer than a call waits for it, but at least
// this long.
constexpr std::chrono::milliseconds kAttemptMin{250};

std::string milliseconds_text(TimePoint from, TimePoint to) {
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
  return std::to_string(passed.count()) + " ms";
}

Status late_unsent(TimePoint made, TimePoint now) {
  return {StatusCode::kDeadlineExceeded, "the call's time was over " +
                                             milliseconds_text(made, now) +
                                             " after it was made, before it could be sent"};
}

std::chrono::milliseconds attempt_max(const Client::Options& options) {
  const transport::Link::Options link;
  return std::clamp(options.connect_timeout, std::min(kAttemptMin, link.attempt_max),
                    link.attempt_max);
}

transport::Link::Options link_options(const Client::Options& options) {
  transport::Link::Options link;
  if (options.endpoints.size() > 1) link.attempt_max = attempt_max(options);
  link.software = "kvmesh " KVMESH_VERSION;
  return link;
}

}  // namespace

Client::Loop::Loop(Options options, const std::optional<client::ClientKeys>& keys)
    : options_(std::move(options)),
      now_(std::chrono::steady_clock::now()),
      down_since_(now_),
      nodes_(options_.endpoints.size()),
      in_flight_(options_.endpoints.size(), options_.in_flight_max, now_),
      endpoints_(context_, client::link_options(link_options(options_), options_.endpoints, keys),
                 *this) {}

Result<std::unique_ptr<Client::Loop>> Client::Loop::start(Options options) {
  if (auto status = client::check_endpoints(options.endpoints); !status.ok()) return status;
  if (options.in_flight_max == 0) {
    return Status{StatusCode::kInvalidArgument, "in_flight_max must be at least 1"};
  }
  const auto keys = client::load_client_keys(options.key_file, options.endpoints);
  if (!keys) return keys.status();
  try {
    const SignalsBlocked blocked;
    std::unique_ptr<Loop> loop{new Loop{std::move(options), *keys}};
    if (auto status = loop->submissions_.open(); !status.ok()) return status;
    // The first attempt is made here, because an endpoint that libzmq does not take shows at once.
    for (std::size_t i = 0; i < loop->endpoints_.size() && !loop->endpoints_.is_trying(); ++i) {
      loop->tick();
    }
    if (!loop->endpoints_.is_trying()) {
      return Status{StatusCode::kInvalidArgument, loop->endpoints_.why_unreachable()};
    }
    loop->thread_ = std::thread{[self = loop.get()] { self->run(); }};
    return loop;
  } catch (const zmq::error_t& error) {
    return Status{StatusCode::kInternal, std::string{"ZeroMQ cannot be used: "} + error.what()};
  } catch (const std::system_error& error) {
    return Status{StatusCode::kInternal, std::string{"no thread: "} + error.what()};
  }
}

Client::Loop::~Loop() {
  if (!thread_.joinable()) return;
  submissions_.stop();
  thread_.join();
}

// Callers' side.

void Client::Loop::submit(const Operation& operation, Timeout timeout, Callback done) {
  submissions_.push(prepare(operation, timeout, std::move(done)));
}

void Client::Loop::submit_after(std::chrono::milliseconds pause, const Operation& operation,
                                Timeout timeout, Callback done) {
  auto call = prepare(operation, timeout, std::move(done));
  call.made += pause;
  call.deadline += pause;
  submissions_.push(std::move(call));
}

client::Submission Client::Loop::prepare(const Operation& operation, Timeout timeout,
                                         Callback done) {
  client::Submission call;
  call.made = std::chrono::steady_clock::now();
  call.deadline = call.made + bounded(timeout);
  call.trace = operation.trace;
  call.done = std::move(done);
  auto body = encode_request(operation);
  if (!body) {
    call.refused = body.status();
  } else if (const auto others = under_way_.fetch_add(1); others >= options_.in_flight_max) {
    under_way_.fetch_sub(1);
    call.refused = {StatusCode::kOverloaded,
                    std::to_string(others) + " calls of this client are under way; the limit is " +
                        std::to_string(options_.in_flight_max) + "; the request was not sent"};
  } else {
    call.body = std::move(body->body);
  }
  return call;
}

Status Client::Loop::wait_connected(Timeout timeout) {
  const auto from = std::chrono::steady_clock::now();
  std::unique_lock lock{connection_mutex_};
  connection_changed_.wait_until(lock, from + bounded(timeout), [&] {
    return connected_ || (options_.gives_up_refused && all_refused_since_ >= from);
  });
  if (connected_) return {};
  return {StatusCode::kUnavailable, why_not_connected_};
}

std::string Client::Loop::connected_endpoint() {
  const std::lock_guard lock{connection_mutex_};
  return connected_to_;
}

// The thread.

void Client::Loop::run() {
  while (take_submissions()) {
    const bool more = endpoints_.receive(now_, kFramesPerPass);
    if (now_ >= next_tick_) tick();
    send_waiting();
    endpoints_.current().flush();
    if (!more && !endpoints_.is_ready()) sleep();
  }
  end_all();
}

bool Client::Loop::take_submissions() {
  const bool go_on = submissions_.take(taken_);
  now_ = std::chrono::steady_clock::now();
  for (auto& call : taken_) {
    if (call.made > now_) {
      later_.emplace(call.made, std::move(call));
    } else {
      begin(std::move(call));
    }
  }
  if (!taken_.empty()) next_tick_ = std::min(next_tick_, now_ + kTickBusy);
  return go_on;
}

void Client::Loop::begin(client::Submission call) {
  if (call.refused.ok()) {
    waiting_.push_back(std::move(call));
  } else {
    deliver(call.done, {std::move(call.refused), {}, {}});
  }
}

void Client::Loop::begin_due(TimePoint now) {
  while (!later_.empty() && later_.begin()->first <= now) {
    begin(std::move(later_.extract(later_.begin()).mapped()));
  }
}

void Client::Loop::send_waiting() {
  if (waiting_.empty() || !is_up()) return;
  now_ = std::chrono::steady_clock::now();  // what the node gets is what is left when it is sent
  while (!waiting_.empty() && is_up()) {
    auto& call = waiting_.front();
    const auto bytes = call.body.size();
    const auto left = remaining_ms(call.deadline, now_);
    Status refused;
    if (left == 0) {
      refused = overdue(call);
    } else if (bytes > window_bytes_) {
      refused = {StatusCode::kTooLarge,
                 "request of " + std::to_string(bytes) + " bytes is over the limit of " +
                     std::to_string(window_bytes_) + " that " + nodes_[endpoints_.current_index()] +
                     " gives this connection"};
    }
    if (!refused.ok()) {
      auto ended = std::move(call);
      waiting_.pop_front();
      fail(ended.done, std::move(refused));
      continue;
    }
    if (!has_room(bytes)) break;
    const auto link = endpoints_.current_index();
    const auto id =
        in_flight_.add(link, bytes, call.deadline + kGrace, {std::move(call.done), call.made});
    if (!id) std::abort();  // under_way_ counts more than is in flight, and has the same bound
    RequestView request;
    request.flags = call.trace ? RequestView::kFlagTrace : 0;
    request.body = call.body.view();
    endpoints_.current().add_request(request, *id, call.deadline, nullptr);
    waiting_.pop_front();
  }
}

// What has ended before it left takes memory still.
bool Client::Loop::has_room(std::size_t bytes) const {
  const auto unsent = endpoints_.current().unsent();
  const auto link = endpoints_.current_index();
  return std::max(in_flight_.link_size(link), unsent.requests) < window_requests_ &&
         in_flight_.link_bytes(link) + bytes <= window_bytes_ && unsent.bytes <= window_bytes_;
}

void Client::Loop::tick() {
  endpoints_.tick(now_);
  if (!is_up()) publish(false);
  begin_due(now_);
  expire();
  const bool idle = is_up() && waiting_.empty() && in_flight_.size() == 0;
  next_tick_ = now_ + (idle ? kTickIdle : kTickBusy);
  if (!later_.empty()) next_tick_ = std::min(next_tick_, later_.begin()->first);
}

void Client::Loop::expire() {
  while (auto taken = in_flight_.take_expired(now_)) {
    fail(taken->payload.done,
         {StatusCode::kOutcomeUnknown, "no reply came from " + nodes_[taken->link] + " in " +
                                           milliseconds_text(taken->payload.made, now_)});
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (auto status = overdue(waiting_[i]); !status.ok()) {
      fail(waiting_[i].done, std::move(status));
    } else {
      if (kept != i) waiting_[kept] = std::move(waiting_[i]);
      ++kept;
    }
  }
  waiting_.resize(kept);
}

// Why a call that was not sent must wait no longer; OK: it may.
Status Client::Loop::overdue(const client::Submission& waiting) const {
  const bool late = remaining_ms(waiting.deadline, now_) == 0;
  const bool refused = options_.gives_up_refused && endpoints_.all_refused_since() >= waiting.made;
  if (!is_up() && (late || refused || now_ >= std::max(waiting.made, down_since_) + patience())) {
    return {StatusCode::kUnavailable, endpoints_.why_unreachable() + "; the request was not sent"};
  }
  if (!late) return {};
  return late_unsent(waiting.made, now_);
}

// Long enough for each endpoint to be tried.
std::chrono::milliseconds Client::Loop::patience() const {
  if (endpoints_.size() == 1) return options_.connect_timeout;
  return std::max(options_.connect_timeout, attempt_max(options_)) *
         static_cast<int>(endpoints_.size());
}

void Client::Loop::sleep() {
  if (!submissions_.may_sleep()) return;
  watched_.assign(1, {submissions_.fd(), POLLIN, 0});
  endpoints_.watch(watched_);
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(next_tick_ - std::chrono::steady_clock::now());
  (void)poll(watched_.data(), watched_.size(), static_cast<int>(std::max<long>(0, left.count())));
  if (watched_[0].revents != 0) submissions_.awake();
  endpoints_.notice(watched_);
}

// The links know what of all that is under way has not left. What callbacks begin meanwhile ends
// here too, so this goes on until none begins anything.
void Client::Loop::end_all() {
  endpoints_.end("the client was closed");
  do {
    begin_due(TimePoint::max());
    while (!waiting_.empty()) {
      auto call = std::move(waiting_.front());
      waiting_.pop_front();
      end(call.done,
          {{StatusCode::kUnavailable, "the client was closed; the request was not sent"}, {}, {}});
    }
    (void)take_submissions();
  } while (!taken_.empty());
}

void Client::Loop::end(Callback& done, Outcome outcome) {
  under_way_.fetch_sub(1);  // first, so that the callback may begin another call
  deliver(done, std::move(outcome));
}

void Client::Loop::deliver(Callback& done, Outcome outcome) {
  if (!done) return;
  try {
    done(std::move(outcome));
  } catch (...) {  // NOLINT(bugprone-empty-catch): client.h says that it is lost
  }
  done = nullptr;  // what it holds may be waited for
}

void Client::Loop::publish(bool up) {
  {
    const std::lock_guard lock{connection_mutex_};
    if (connected_ && !up) down_since_ = now_;
    connected_ = up;
    connected_to_ = up ? endpoints_.current().options().endpoint : std::string{};
    if (!up) why_not_connected_ = endpoints_.why_unreachable();
    all_refused_since_ = endpoints_.all_refused_since();
  }
  if (up || options_.gives_up_refused) connection_changed_.notify_all();
}

// What links tell.

void Client::Loop::on_up(transport::Link& link, const wire::Welcome& welcome) {
  nodes_[endpoints_.index_of(link)] = welcome.name;
  window_requests_ = welcome.in_flight_max;
  window_bytes_ = welcome.in_flight_bytes_max;
  endpoints_.connected();
  publish(true);
}

void Client::Loop::on_reply(transport::Link& link, const ReplyView& reply) {
  // Late: its caller was told that the outcome is unknown. Or it was sent to another node.
  if (in_flight_.find(reply.id) == nullptr ||
      in_flight_.link_of(reply.id) != endpoints_.index_of(link)) {
    return;
  }
  auto taken = in_flight_.take(reply.id);
  end(taken->payload.done, outcome_of(reply));
}

void Client::Loop::on_draining(transport::Link& link, const std::string& why) {
  give_up(link, why);
}

void Client::Loop::on_expired(transport::Link& /*link*/, RequestId id) {
  auto taken = in_flight_.take(id);
  if (!taken) return;
  fail(taken->payload.done, late_unsent(taken->payload.made, now_));
}

void Client::Loop::on_unsent(transport::Link& /*link*/, RequestId id) {
  auto taken = in_flight_.take(id);
  if (!taken) return;
  fail(taken->payload.done, {StatusCode::kUnavailable, "the connection to " + nodes_[taken->link] +
                                                           " ended before the request was sent"});
}

void Client::Loop::on_down(transport::Link& link, const std::string& why) {
  give_up(link, why);
  const auto index = endpoints_.index_of(link);
  while (auto taken = in_flight_.take_oldest(index)) {
    fail(taken->payload.done,
         {StatusCode::kOutcomeUnknown, "the request was sent to " + nodes_[index] +
                                           ", and the connection ended (" + why +
                                           ") before a reply arrived"});
  }
}

// The next endpoint is tried at once, when there is another.
void Client::Loop::give_up(const transport::Link& link, const std::string& why) {
  if (!endpoints_.leave(link, why, now_)) return;
  publish(false);
  if (endpoints_.size() > 1) next_tick_ = now_;
}

}  // namespace kvmesh
