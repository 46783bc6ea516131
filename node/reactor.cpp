#include "node/reactor.h"

#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>
#include <asio/post.hpp>

#include "common/rights.h"

namespace kvmesh {
namespace {

constexpr int kHandlersPerPass = 512;
constexpr int kFramesPerPass = 64;  // of each link; a frame holds up to some thousand replies
constexpr std::chrono::microseconds kGatherTime{20};
constexpr std::chrono::milliseconds kTick{20};
constexpr std::chrono::seconds kSweep{1};
constexpr std::chrono::milliseconds kLastWords{
    50};  // for libzmq to send what the last flush gave it

TimePoint now_is() { return std::chrono::steady_clock::now(); }

PauseWatch::Time time_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

PauseWatch::Time thread_time() { return time_of(CLOCK_THREAD_CPUTIME_ID); }

std::function<std::uint64_t()> epoch_of(const std::atomic<std::uint64_t>& table_epoch) {
  return [&table_epoch] { return table_epoch.load(std::memory_order_relaxed); };
}

}  // namespace

Reactor::Reactor(const Parts& parts)
    : tick_timer_(loop_),
      watcher_(loop_),
      busy_poll_(parts.settings.busy_poll),
      pauses_(parts.settings.mesh.peer_timeout),
      core_(parts.settings.name, {}, parts.modules, *this, now_is()),
      links_(parts.context, parts.settings, parts.software, parts.incarnation,
             epoch_of(parts.table_epoch), core_, watcher_, *this),
      audit_(parts.audit),
      last_pass_(now_is()),
      last_sweep_(last_pass_) {
  core_.watch_slow_requests(parts.settings.log.slow_request);
}

void Reactor::set_keys(const security::KeyPair& own,
                       std::shared_ptr<const security::Principals> principals) {
  links_.set_keys(own, std::move(principals), now_is());
}

// Links first: what they tell the core is of the peers of before.
void Reactor::set_topology(const NodeTopology& topology) {
  links_.set_peers(topology.addresses, now_is());
  if (!core_.set_topology(topology.core).ok()) std::abort();  // load_settings() has checked it
  for (auto* adapter : adapters_) adapter->on_peers(topology.core.peers);
}

Reactor::~Reactor() { watcher_.unwatch_all(); }

void Reactor::run() {
  last_pass_ = now_is();
  pauses_.begin(time_of(CLOCK_BOOTTIME), thread_time());
  for (auto* adapter : adapters_) adapter->start(last_pass_);
  arm_tick();
  bool wait = false;
  while (!is_done(last_pass_)) wait = !pass(wait);
  finish();
}

void Reactor::post(std::function<void()> task) { asio::post(loop_, std::move(task)); }

void Reactor::wake() {
  asio::post(loop_, [] {});
}

// True when there is more to do at once.
bool Reactor::pass(bool wait) {
  watcher_.arm_fired();
  if (wait) wait_for_work();
  bool more = run_handlers();
  const auto now = now_is();
  notice_pause();
  last_pass_ = now;
  more |= receive(now);
  if (kv_ != nullptr) more |= kv_->pass(core_, now);
  flush();
  // Sending may have made libzmq swallow the news of something to receive, so both are asked before
  // sleeping.
  more |= links_.is_ready();
  for (auto* adapter : adapters_) more |= adapter->is_ready();
  return more;
}

// A thread that sleeps is woken several microseconds late, and a request and its reply wake eight
// of them on their way over one hop. So after work the loop looks for more for a moment, giving the
// processor to whoever else can use it, before it sleeps.
void Reactor::wait_for_work() {
  if (std::exchange(work_, 0) > 0 && look_for_work()) return;
  if (!may_sleep()) {
    ++work_;
    return;
  }
  work_ += static_cast<int>(loop_.run_one());
}

// True when there is some.
bool Reactor::look_for_work() {
  auto now = now_is();
  auto gather_until = TimePoint::max();
  for (const auto until = busy_poll_.until(now); now < until;) {
    const auto handlers = static_cast<int>(loop_.poll_one());
    work_ += handlers;
    // Also after a tick alone, which may have left something to flush.
    if (handlers > 0 || has_news(now, gather_until)) {
      busy_poll_.succeeded();
      return true;
    }
    std::this_thread::yield();
    const auto before = std::exchange(now, now_is());
    busy_poll_.gave_way(before, now);
  }
  return false;
}

// While more is about to come, news is given a moment to gather, so that it leaves in one batch.
bool Reactor::has_news(TimePoint now, TimePoint& gather_until) {
  using News = core::Adapter::News;
  auto news = News::kNone;
  for (const auto* adapter : adapters_) news = std::max(news, adapter->news());
  if (news == News::kNone) return false;
  gather_until = std::min(gather_until, now + kGatherTime);
  if (news == News::kGathering && now < gather_until) return false;
  ++work_;
  return true;
}

bool Reactor::may_sleep() {
  bool may = true;
  for (auto* adapter : adapters_) may &= adapter->may_sleep();  // all: each prepares for it
  return may;
}

// True when there may be more of them.
bool Reactor::run_handlers() {
  const auto until = now_is() + core::kPassTimeMax;
  for (int handlers = 0; handlers < kHandlersPerPass; ++handlers) {
    if (loop_.poll_one() == 0) return false;
    ++work_;
    if (now_is() > until) return true;
  }
  return true;
}

bool Reactor::receive(TimePoint now) {
  bool more = links_.receive(now, kFramesPerPass);
  for (auto* adapter : adapters_) more |= adapter->receive(now);
  return more;
}

void Reactor::flush() {
  for (auto* adapter : adapters_) adapter->flush();  // may have more requests for the links
  links_.flush();
}

// A process that was kept from running (SIGSTOP, a suspended machine) for longer than its peers
// wait has been given up by them; the requests that they had sent are in its queues still, but were
// answered as outcome unknown long ago. A pass that worked for long is no such thing: the peers'
// requests came meanwhile.
void Reactor::notice_pause() {
  const auto pause = pauses_.look(time_of(CLOCK_BOOTTIME), thread_time);
  if (!pause) return;
  spdlog::warn("this process stalled for {} ms; what was sent to it before is not executed",
               pause->count());
  for (auto* adapter : adapters_) adapter->on_pause();
}

void Reactor::arm_tick() {
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](asio::error_code cancelled) {
    if (cancelled) return;
    tick();
    arm_tick();
  });
}

void Reactor::tick() {
  --work_;  // the tick itself is none
  const auto now = now_is();
  links_.tick(now);
  // Before the core: who knows that a request was not executed answers it, and what is left then
  // has an unknown outcome.
  for (auto* adapter : adapters_) adapter->tick(now);
  core_.on_tick(now);
  if (kv_ != nullptr) kv_->tick(now);
  if (now - last_sweep_ < kSweep) return;
  last_sweep_ = now;
  for (auto* adapter : adapters_) adapter->sweep(now);
}

void Reactor::forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
                      const wire::PathStep& step) {
  links_.forward(peer, request, id, deadline, step);
}

core::Effects::Unsent Reactor::unsent(PeerIndex peer) {
  const auto unsent = links_.unsent(peer);
  return {unsent.requests, unsent.bytes};
}

void Reactor::reply(const core::Origin& origin, const ReplyView& reply) {
  adapters_[origin.adapter]->reply(origin, reply);
}

void Reactor::slow_request(const core::Origin& origin, const std::string& line) {
  spdlog::warn("slow request of {}: {}", adapters_[origin.adapter]->address_of(origin), line);
}

void Reactor::denied(const core::Origin& origin, const RequestView& request) {
  tell(core::AuditEvent::Kind::kDenied, origin, request);
}

void Reactor::administered(const core::Origin& origin, const RequestView& request) {
  tell(core::AuditEvent::Kind::kAdministered, origin, request);
}

void Reactor::tell(core::AuditEvent::Kind kind, const core::Origin& origin,
                   const RequestView& request) {
  const auto from = adapters_[origin.adapter]->address_of(origin);
  auto path = request.path;
  std::string_view via;  // the last node on the way
  while (const auto step = wire::take_path_step(path)) via = step->node;
  core::AuditEvent event;
  event.kind = kind;
  event.principal = request.permit == nullptr ? std::string_view{} : request.permit->asker();
  event.from = from;
  event.via = via;
  event.what = request.function;
  if (request.target.kind == Target::Kind::kBucket) event.bucket = request.target.name;
  audit_.tell(event);
}

void Reactor::slow_requests_left_out(std::uint64_t count) {
  spdlog::warn("{} more slow requests are not shown", count);
}

void Reactor::on_peer_up(PeerIndex peer) {
  for (auto* adapter : adapters_) adapter->on_peer_up(peer);
}

void Reactor::on_peer_down(PeerIndex peer, const std::string& why) {
  for (auto* adapter : adapters_) adapter->on_peer_down(peer, why);
}

void Reactor::stop(std::chrono::milliseconds grace) {
  if (stop_at_) return;
  const auto now = now_is();
  stop_at_ = now + grace;
  for (auto* adapter : adapters_) adapter->stop(now);
}

bool Reactor::is_done(TimePoint now) {
  if (!stop_at_) return false;
  return now >= *stop_at_ ||
         (core_.in_flight() == 0 && std::ranges::all_of(adapters_, &core::Adapter::is_idle));
}

void Reactor::finish() {
  core_.fail_all();
  // Requests that were on their way when the goodbye was said are still answered, and libzmq, whose
  // sockets linger for nobody, gets a moment to send what it was given.
  const auto until = now_is() + kLastWords;
  bool wait = false;
  while (now_is() < until) wait = !pass(wait);
  core_.fail_all();
  flush();
}

}  // namespace kvmesh
