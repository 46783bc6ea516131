#include "node/mesh/doorkeeper.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::mesh {
namespace {

using std::chrono::milliseconds;

// A node listens before it has many files open.
constexpr int kListenerMax = 4096;

constexpr std::chrono::microseconds kLookTime{500};
constexpr int kLooksPerClock = 16;
// Numbers after the highest open one that are tried for a newer one.
constexpr int kTriedBehind = 64;
constexpr std::size_t kSuspectsMax = 64;
constexpr std::uint64_t kMuchKept = 64 * 1024;
// A frame on its way, and what came while it was looked.
constexpr std::uint64_t kUnfinishedMax = limits::kFrameBytesMax + 1024 * 1024;
// What a window holds: bodies, and heads and paths beside them.
constexpr std::uint64_t kUnreadMax = limits::kInFlightBytesPerLinkMax + limits::kFrameBytesMax +
                                     std::uint64_t{limits::kInFlightPerLinkMax} * 128;
// Of ZMTP's own PINGs and PONGs, which come out of libzmq as nothing.
constexpr std::uint64_t kUncountedPerSecond = 1024;
// Without a HELLO, and without a word, when there are no descriptors for others.
constexpr milliseconds kHelloTimeScarce{500};
constexpr milliseconds kSilenceScarce{5000};

}  // namespace

const char* to_string(Doorkeeper::Why why) {
  switch (why) {
    case Doorkeeper::Why::kNoHello:
      return "it did not say HELLO";
    case Doorkeeper::Why::kUnfinished:
      return "it sent a long message without an end";
    case Doorkeeper::Why::kUnread:
      return "it sent more than its window";
    case Doorkeeper::Why::kSilent:
      return "it was silent, and there were no descriptors for others";
  }
  return "";
}

void Doorkeeper::open(const std::string& endpoint) {
  address_ = ListeningAddress::parse(endpoint);
  if (address_) listener_ = address_->find_listener(kListenerMax);
}

Doorkeeper::Door& Doorkeeper::door(int fd) {
  const auto number = static_cast<std::size_t>(fd);
  if (number >= doors_.size()) doors_.resize(number + 64);
  return doors_[number];
}

KernelSocket Doorkeeper::greeted(int fd, TimePoint now) {
  if (!address_ || fd < 0 || fd >= kNumbersMax) return {};
  const auto socket = socket_at(fd);
  auto& at = door(fd);
  if (socket.cookie == 0) return {};
  if (socket.cookie != at.cookie && !meet(at, socket, now)) return {};
  if (!at.ours) return {};
  at.greeted = true;
  top_ = std::max(top_, fd + 1);
  return socket;
}

// False when the number became another's meanwhile: it is met at the next look.
bool Doorkeeper::meet(Door& door, const KernelSocket& socket, TimePoint now) {
  const auto delivered = door.delivered;
  door = Door{};
  door.delivered = door.base = door.seen_delivered = delivered;
  door.ours = address_->accepted(socket);
  if (socket_at(socket.fd) != socket) return false;
  door.cookie = socket.cookie;
  door.met = door.looked = door.heard = door.owes_since = now;
  return true;
}

const std::vector<Doorkeeper::Ended>& Doorkeeper::look(TimePoint now, Situation situation) {
  ended_.clear();
  if (!address_) return ended_;
  find_top();
  for (const auto fd : std::exchange(suspects_, {})) examine(fd, now, situation);
  const auto until = std::chrono::steady_clock::now() + kLookTime;
  for (int looks = 0; looks < top_; ++looks) {
    if (looks % kLooksPerClock == 0 && std::chrono::steady_clock::now() >= until) break;
    examine(cursor_, now, situation);
    if (++cursor_ < top_) continue;
    cursor_ = 0;
    top_ = std::exchange(highest_, 0);
    kept_by_all_ = std::exchange(kept_this_round_, 0);
    break;
  }
  return ended_;
}

// A new connection gets the lowest free number, so it is below the highest one or close after it.
void Doorkeeper::find_top() {
  for (int fd = top_; fd < top_ + kTriedBehind && fd < kNumbersMax; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) top_ = fd + 1;
  }
}

void Doorkeeper::examine(int fd, TimePoint now, Situation situation) {
  auto& at = door(fd);
  const auto socket = socket_at(fd);
  if (socket.cookie == 0) {
    at.cookie = 0;
    at.ours = false;
    if (fcntl(fd, F_GETFD) >= 0) highest_ = std::max(highest_, fd + 1);
    return;
  }
  highest_ = std::max(highest_, fd + 1);
  if (socket.cookie != at.cookie && !meet(at, socket, now)) return;
  if (!at.ours || (at.sampled && at.looked == now)) return;
  const auto taken = bytes_taken(socket);
  if (!taken) return;
  const auto kept = keeps(at, *taken, now);
  kept_this_round_ += kept;
  const auto why = judge(at, kept, now, situation);
  if (why && spares_.shut_down(socket)) {
    ended_.push_back({*why, socket});
    at.ours = false;
  } else if (kept > kMuchKept && suspects_.size() < kSuspectsMax) {
    suspects_.push_back(fd);
  }
}

// Bytes that libzmq has of this connection and had at the last look already: what was whole then
// has been delivered by now, if all is delivered.
std::uint64_t Doorkeeper::keeps(Door& door, std::uint64_t taken, TimePoint now) {
  // Late frames of a number's earlier connection are no credit of this one.
  if (door.delivered - door.base > taken) door.base = door.delivered - taken;
  const auto delivered = door.delivered - door.base;
  const auto seconds = std::chrono::duration<double>(now - std::exchange(door.looked, now));
  door.uncounted += static_cast<std::uint64_t>(seconds.count() * kUncountedPerSecond);
  door.uncounted = std::min(door.uncounted, taken - delivered);
  const auto before = std::exchange(door.taken, taken);
  if (!std::exchange(door.sampled, true)) return 0;
  const auto accounted = delivered + door.uncounted;
  return before > accounted ? before - accounted : 0;
}

std::optional<Doorkeeper::Why> Doorkeeper::judge(Door& door, std::uint64_t kept, TimePoint now,
                                                 Situation situation) {
  const bool came = std::exchange(door.seen_delivered, door.delivered) != door.delivered;
  if (came) door.heard = now;
  if (came || kept <= kMuchKept) door.owes_since = now;
  // What it may have unread while the inbox does not keep up; libzmq holds whole frames then.
  if (kept > kUnreadMax) return Why::kUnread;
  if (!situation.all_delivered) return std::nullopt;
  if (!door.greeted) {
    const auto time = situation.scarce ? kHelloTimeScarce : milliseconds{kHelloTimeMax};
    if (kept > kStrangerBytesMax || now - door.met > time) return Why::kNoHello;
    return std::nullopt;
  }
  if (kept > kUnfinishedMax || now - door.owes_since > patience()) return Why::kUnfinished;
  if (situation.scarce && now - door.heard > kSilenceScarce) return Why::kSilent;
  return std::nullopt;
}

// With a frame that does not come to its end, while libzmq keeps so much of all connections.
milliseconds Doorkeeper::patience() const {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  if (kept_by_all_ > 256 * kMiB) return milliseconds{100};
  if (kept_by_all_ > 64 * kMiB) return milliseconds{1000};
  return milliseconds{30000};
}

}  // namespace kvmesh::mesh
