#include "client/bench/runner.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/text.h"

namespace kvmesh::bench {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kTickPause{20};
constexpr milliseconds kProgressPause{500};
constexpr milliseconds kSilenceAtEnd{60};  // a server that does not set TCP_NODELAY may take 40
constexpr std::uint32_t kLoadDepth = 64;
constexpr std::size_t kLoadBytes = 1024 * 1024;  // of values under way on a connection, about
constexpr int kEventsAtOnce = 256;
constexpr std::size_t kSmallValueBytes = 256;  // compared byte by byte every time
constexpr std::uint64_t kCompareEach = 16;     // and of larger ones this many-th

TimePoint clock_now() { return std::chrono::steady_clock::now(); }

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

nanoseconds due_after(std::uint64_t number, double rate) {
  return nanoseconds{static_cast<std::int64_t>(static_cast<double>(number) / rate * 1e9)};
}

// As epoll_wait(), to the nanosecond; on kernels before 5.11 it wakes up early instead.
int wait_for(int epoll, std::array<epoll_event, kEventsAtOnce>& events, nanoseconds most) {
  most = std::max(most, nanoseconds{0});
  timespec time{};
  time.tv_sec = most.count() / 1'000'000'000;
  time.tv_nsec = most.count() % 1'000'000'000;
  const int count = epoll_pwait2(epoll, events.data(), kEventsAtOnce, &time, nullptr);
  if (count >= 0 || errno != ENOSYS) return count;
  return epoll_wait(epoll, events.data(), kEventsAtOnce,
                    static_cast<int>(duration_cast<milliseconds>(most).count()));
}

}  // namespace

Runner::Runner(std::vector<std::unique_ptr<Channel>> channels, Workload workload,
               OnProgress on_progress)
    : workload_(std::move(workload)), on_progress_(std::move(on_progress)) {
  lanes_.reserve(channels.size());  // lanes are pointed at
  for (auto& channel : channels) lanes_.push_back({std::move(channel), {}, {}, {}, false});
}

Runner::~Runner() {
  for (auto& lane : lanes_) lane.channel.reset();  // they use epoll_
  if (epoll_ >= 0) close(epoll_);
}

Status Runner::open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return {StatusCode::kInternal, "epoll_create1 failed"};
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (auto status = lanes_[i].channel->open(epoll_, i); !status.ok()) return status;
  }
  return {};
}

Status Runner::create(bool keep_going) {
  if (!lanes_[0].channel->has_buckets()) return {};
  std::uint64_t bucket = 0;
  Pace pace;
  pace.depth = kLoadDepth;
  pace.count = workload_.buckets();
  pace.keep_going = keep_going;
  auto status = drive("creating buckets", pace, [&, this]() -> std::optional<Operation> {
    if (bucket == workload_.buckets()) return std::nullopt;
    return workload_.create(bucket++);
  });
  count_load_failures();
  return status;
}

void Runner::count_load_failures() {
  for (const auto& [code, count] : measured_.failed) load_failed_[code] += count;
}

Status Runner::load(bool keep_going) {
  std::uint64_t number = 0;
  Pace pace;
  const auto fit = kLoadBytes / workload_.value_bytes();
  pace.depth = static_cast<std::uint32_t>(std::clamp<std::size_t>(fit, 1, kLoadDepth));
  pace.count = workload_.all_keys();
  pace.keep_going = keep_going;
  auto status = drive("loading keys", pace, [&, this]() -> std::optional<Operation> {
    if (number == workload_.all_keys()) return std::nullopt;
    return workload_.put(number++);
  });
  loaded_ = status.ok() && measured_.failed.empty();
  count_load_failures();
  return status;
}

Status Runner::drop() {
  if (!lanes_[0].channel->has_buckets()) return {};
  std::uint64_t bucket = 0;
  Pace pace;
  pace.depth = kLoadDepth;
  pace.count = workload_.buckets();
  pace.keep_going = true;
  if (given_up_ > 0) return {StatusCode::kUnavailable, "buckets stay: replies are missing"};
  auto status = drive("dropping buckets", pace, [&, this]() -> std::optional<Operation> {
    if (bucket == workload_.buckets()) return std::nullopt;
    return workload_.drop(bucket++);
  });
  measured_.failed.erase(StatusCode::kNotFound);
  if (!status.ok() || measured_.failed.empty()) return status;
  const auto& [code, count] = *measured_.failed.begin();
  return {code, std::to_string(count) + " buckets were not dropped"};
}

Result<Measured> Runner::run(const Pace& pace) {
  if (pace.rate) prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  auto status = drive("measuring", pace, [this] { return std::optional{workload_.next()}; });
  if (status.ok() && given_up_ == 0) status = expect_nothing();
  if (!status.ok()) return status;
  measured_.load_failed = load_failed_;
  measured_.missing = given_up_;
  return std::move(measured_);
}

Status Runner::drive(std::string_view phase, const Pace& pace, const Next& next) {
  phase_ = phase;
  pace_ = pace;
  next_ = next;
  began_ = last_reply_ = now_ = clock_now();
  counting_from_ = began_ + (pace.count ? milliseconds{0} : pace.warmup);
  end_ = pace.count ? TimePoint::max() : counting_from_ + pace.duration;
  next_tick_ = began_;
  next_progress_ = began_ + kProgressPause;
  sent_ = answered_ = scheduled_ = overdue_ = 0;
  exhausted_ = counting_ = false;
  measured_ = {};
  recent_.clear();
  if (given_up_ > 0) return {};
  for (auto& lane : lanes_) {
    lane.requests.assign(pace.depth, {});
    lane.free.resize(pace.depth);
    for (std::uint32_t tag = 0; tag < pace.depth; ++tag) lane.free[tag] = tag;
  }
  if (!pace.rate) {
    // Round by round, so that a short run is spread over all channels.
    for (std::uint32_t i = 0; i < pace.depth && !exhausted_; ++i) {
      for (auto& lane : lanes_) {
        if (!submit(lane, now_)) break;
      }
    }
  }
  while (true) {
    const auto now = clock_now();
    if (!counting_ && now >= counting_from_) begin_counting(now);
    if (now >= end_ && !pace.rate) exhausted_ = true;
    if (pace.rate) submit_due(now);
    if (auto status = tick(now); !status.ok()) return status;
    if (auto status = flush(); !status.ok()) return status;
    if (exhausted_ && answered_ == sent_ && overdue_ == 0) {
      finish();
      return {};
    }
    if (sent_ == answered_) {
      last_reply_ = now;
    } else if (now - last_reply_ > pace.silence_max && pace.keep_going) {
      give_up(now);
      return {};
    } else if (now - last_reply_ > pace.silence_max) {
      return {StatusCode::kOutcomeUnknown, std::to_string(sent_ - answered_) +
                                               " replies are missing: none came for " +
                                               std::to_string(pace.silence_max.count()) + " ms"};
    }
    if (auto status = wait(now); !status.ok()) return status;
  }
}

// What was not answered has no known outcome; what should have left meanwhile was not sent.
void Runner::give_up(TimePoint now) {
  given_up_ = sent_ - answered_;
  end_ = std::min(end_, now);
  finish();
  const auto counts = [this](TimePoint intended) {
    return !pace_.rate || !counting_ || intended >= counting_from_;
  };
  for (auto& lane : lanes_) {
    std::vector<bool> is_free(lane.requests.size());
    for (const auto tag : lane.free) is_free[tag] = true;
    for (std::size_t tag = 0; tag < is_free.size(); ++tag) {
      if (is_free[tag] || !counts(lane.requests[tag].intended)) continue;
      ++measured_.failed[StatusCode::kOutcomeUnknown];
    }
    const auto unsent = std::ranges::count_if(lane.overdue, counts);
    if (unsent > 0)
      measured_.failed[StatusCode::kUnavailable] += static_cast<std::uint64_t>(unsent);
  }
}

void Runner::begin_counting(TimePoint now) {
  counting_ = true;
  if (!pace_.rate) counting_from_ = now;
  processor_before_ = processor_seconds();
  recent_.clear();
}

void Runner::finish() {
  const bool ends_by_time = !pace_.count && !pace_.rate;
  const auto end = ends_by_time ? end_ : last_reply_;
  const auto elapsed = duration_cast<nanoseconds>(end - counting_from_);
  measured_.elapsed = std::max(elapsed, nanoseconds{0});
  measured_.processor_seconds = processor_seconds() - processor_before_;
}

// A reply too many somewhere on the way shifts all after it by one, and only shows at the end.
Status Runner::expect_nothing() {
  const auto until = clock_now() + kSilenceAtEnd;
  next_tick_ = until;
  for (auto now = clock_now(); now < until; now = clock_now()) {
    if (auto status = wait(now); !status.ok()) return status;
    if (auto status = flush(); !status.ok()) return status;
  }
  return {};
}

bool Runner::submit(Lane& lane, TimePoint intended) {
  if (exhausted_ && !pace_.rate) return false;
  std::optional<Operation> operation;
  if (!pace_.count || sent_ < *pace_.count) operation = next_();
  if (!operation) {
    exhausted_ = true;
    return false;
  }
  const auto tag = lane.free.back();
  lane.free.pop_back();
  lane.requests[tag] = {operation->kind, operation->number, intended};
  lane.channel->submit(*operation, tag);
  ++sent_;
  mark_dirty(lane);
  return true;
}

void Runner::submit_due(TimePoint now) {
  while (!exhausted_) {
    const auto intended = began_ + due_after(scheduled_, *pace_.rate);
    if (intended >= end_ || (pace_.count && scheduled_ == *pace_.count)) exhausted_ = true;
    if (exhausted_ || intended > now) return;
    auto& lane = lanes_[scheduled_++ % lanes_.size()];
    if (lane.free.empty()) {
      lane.overdue.push_back(intended);
      ++overdue_;
    } else {
      submit(lane, intended);
    }
  }
}

void Runner::mark_dirty(Lane& lane) {
  if (lane.dirty) return;
  lane.dirty = true;
  dirty_.push_back(&lane);
}

// Leaves in dirty_ what must be received from although its descriptors may stay silent.
Status Runner::flush() {
  std::size_t kept = 0;
  for (auto* lane : dirty_) {
    if (auto status = lane->channel->flush(); !status.ok()) return status;
    lane->dirty = lane->channel->is_ready();
    if (lane->dirty) dirty_[kept++] = lane;
  }
  dirty_.resize(kept);
  return {};
}

Status Runner::tick(TimePoint now) {
  if (now >= next_tick_) {
    next_tick_ = now + kTickPause;
    for (auto& lane : lanes_) {
      if (auto status = lane.channel->tick(); !status.ok()) return status;
    }
  }
  if (now >= next_progress_ && on_progress_) {
    next_progress_ = now + kProgressPause;
    on_progress_({phase_, answered_, duration_cast<nanoseconds>(now - began_), &recent_});
    recent_.clear();
  }
  return {};
}

Status Runner::wait(TimePoint now) {
  auto most = next_tick_ - now;
  if (pace_.rate && !exhausted_) {
    most = std::min(most, began_ + due_after(scheduled_, *pace_.rate) - now);
  }
  if (!dirty_.empty()) most = nanoseconds{0};
  std::array<epoll_event, kEventsAtOnce> events;  // NOLINT: filled by epoll
  const int count = wait_for(epoll_, events, most);
  if (count < 0 && errno != EINTR) return {StatusCode::kInternal, "epoll_wait failed"};
  for (auto* lane : std::exchange(dirty_, {})) {
    lane->dirty = false;
    if (auto status = receive(*lane); !status.ok()) return status;
  }
  for (int i = 0; i < count; ++i) {
    const auto mark = events[static_cast<std::size_t>(i)].data.u64;
    if (auto status = receive(lanes_[mark]); !status.ok()) return status;
  }
  return {};
}

Status Runner::receive(Lane& lane) {
  receiving_ = &lane;
  clock_read_ = false;
  if (auto status = lane.channel->receive(*this); !status.ok()) return status;
  if (!fault_.ok()) return fault_;
  mark_dirty(lane);
  // At once, not when all lanes were received from: that is what other clients do.
  return lane.channel->flush();
}

void Runner::on_reply(const Reply& reply) {
  // One time for all replies of one piece that came.
  if (!std::exchange(clock_read_, true)) now_ = clock_now();
  auto& lane = *receiving_;
  if (reply.tag >= lane.requests.size() || answered_ == sent_) {
    fault_ = {StatusCode::kProtocolError, "a reply that nobody asked for"};
    return;
  }
  const auto request = lane.requests[reply.tag];
  const bool failed = reply.kind == Reply::Kind::kFailed;
  if (auto status = check(request, reply); !status.ok()) fault_ = status;
  ++answered_;
  last_reply_ = now_;
  const auto nanos = duration_cast<nanoseconds>(now_ - request.intended).count();
  const auto latency = static_cast<std::uint64_t>(std::max<std::int64_t>(nanos, 0));
  if (now_ >= end_ && !pace_.rate) exhausted_ = true;
  // A failure that comes after the end is of a request that was made before it.
  const bool counts = pace_.rate ? request.intended >= counting_from_
                                 : failed || !exhausted_ || pace_.count.has_value();
  if (counting_ && counts && failed) {
    ++measured_.failed[reply.code];
  } else if (counting_ && counts) {
    measured_.latency.add(latency);
    ++measured_.operations;
  }
  if (!failed) recent_.add(latency);
  lane.free.push_back(reply.tag);
  if (!pace_.rate) {
    submit(lane, now_);
  } else if (!lane.overdue.empty()) {
    submit(lane, lane.overdue.front());
    lane.overdue.pop_front();
    --overdue_;
  }
}

Status Runner::check(const Request& request, const Reply& reply) {
  if (reply.kind == Reply::Kind::kEcho) return {};
  if (reply.kind == Reply::Kind::kFailed) {
    return pace_.keep_going ? Status{} : Status{reply.code, std::string{reply.value}};
  }
  const bool get = request.kind == Operation::Kind::kGet;
  if (get == (reply.kind == Reply::Kind::kDone)) {
    return {StatusCode::kProtocolError, "a reply to another kind of request"};
  }
  if (!get) return {};
  if (reply.kind == Reply::Kind::kMissing) {
    ++measured_.missing_keys;
    if (!loaded_) return {};
    return {StatusCode::kProtocolError,
            "key number " + std::to_string(request.number) + " was put, and is missing"};
  }
  const bool thorough = reply.value.size() <= kSmallValueBytes || answered_ % kCompareEach == 0;
  if (thorough) ++measured_.checked;
  if (workload_.form().matches(reply.value, request.number, thorough)) return {};
  return {StatusCode::kProtocolError,
          "key number " + std::to_string(request.number) +
              " has a value that was never put: " + in_quotes(reply.value)};
}

}  // namespace kvmesh::bench
