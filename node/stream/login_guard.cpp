#include "node/stream/login_guard.h"

#include <algorithm>

namespace kvmesh::stream {
namespace {

using std::chrono::seconds;

// Up to the next second, so that who waits for so long may try.
seconds until_then(TimePoint then, TimePoint now) { return std::chrono::ceil<seconds>(then - now); }

}  // namespace

seconds LoginGuard::Record::wait(TimePoint now) {
  if (now < until) return until_then(until, now);
  if (pause.count() > 0) {
    if (now - until >= kPauseMax) {  // it has kept quiet
      pause = {};
      failures = {};
    } else {
      return under_way > 0 ? seconds{1} : seconds{0};
    }
  }
  const auto recent = static_cast<std::size_t>(std::ranges::count_if(
      failures, [&](TimePoint at) { return at != TimePoint{} && now - at < kWindow; }));
  return recent + under_way >= kFailuresMax ? seconds{1} : seconds{0};
}

bool LoginGuard::Record::has_failed(TimePoint now) const {
  return pause.count() > 0 || std::ranges::any_of(failures, [&](TimePoint at) {
           return at != TimePoint{} && now - at < kWindow;
         });
}

bool LoginGuard::has_failed(const Try& one, TimePoint now) {
  if (addresses_.at(one.address).has_failed(now)) return true;
  const auto* user = one.is_token ? nullptr : users_.find(one.user);
  return user != nullptr && user->has_failed(now);
}

void LoginGuard::Record::end(bool is_right, TimePoint now) {
  if (under_way > 0) --under_way;  // the record may be another than it was
  if (is_right) return;
  failures[next] = now;
  next = (next + 1) % failures.size();
  if (pause.count() > 0) {
    pause = std::min(pause * 2, kPauseMax);
    until = now + pause;
  } else if (failures[next] != TimePoint{} && now - failures[next] < kWindow) {
    pause = kPauseMin;
    until = now + pause;
  }
}

seconds LoginGuard::wait(const Try& one, TimePoint now) {
  if (one.is_token) return {};
  if (const auto address = addresses_.at(one.address).wait(now); address.count() > 0) {
    return address;
  }
  auto* user = users_.find(one.user);
  if (user == nullptr || was_here_lately(one, now)) return {};
  return user->wait(now);
}

void LoginGuard::begin(const Try& one) {
  if (one.is_token) return;
  ++addresses_.at(one.address).under_way;
  ++users_.at(one.user).under_way;
}

void LoginGuard::end(const Try& one, bool is_right, TimePoint now) {
  if (!one.is_token) {
    addresses_.at(one.address).end(is_right, now);
    users_.at(one.user).end(is_right, now);
  }
  if (is_right) lately_.at({one.user, one.address}) = now;
}

bool LoginGuard::was_here_lately(const Try& one, TimePoint now) {
  const auto* when = lately_.find({one.user, one.address});
  return when != nullptr && now - *when < kLately;
}

}  // namespace kvmesh::stream
