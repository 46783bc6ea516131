#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "client/bench/percentiles.h"
#include "tests/bench/probes.h"
#include "tests/bench/socket_text.h"

namespace kvmesh::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kPatienceMs = 10'000;
constexpr std::string_view kKey = "watched";

// A connection in the line protocol.
class Lines {
 public:
  Lines() = default;
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() {
    if (fd_ >= 0) close(fd_);
  }

  Status open(const sockaddr_in& where) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0 || connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
      return socket_fault("cannot connect");
    }
    set_nodelay(fd_);
    return {};
  }
  int fd() const { return fd_; }
  // A request is far below what a socket's buffer takes.
  Status send_line(const std::string& line) {
    const auto bytes = line + "\r\n";
    const auto sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(bytes.size()) ? Status{} : socket_fault("cannot send");
  }
  // What has come, at least a byte.
  Status receive() {
    std::array<char, 4096> bytes;  // NOLINT: filled by recv
    const auto got = recv(fd_, bytes.data(), bytes.size(), 0);
    if (got < 0) return socket_fault("cannot receive");
    if (got == 0) return {StatusCode::kUnavailable, "the node has closed a connection"};
    in_.append(bytes.data(), static_cast<std::size_t>(got));
    return {};
  }
  // The next line without its end, if it is there.
  std::optional<std::string> take_line() {
    const auto end = in_.find("\r\n");
    if (end == std::string::npos) return std::nullopt;
    auto line = in_.substr(0, end);
    in_.erase(0, end + 2);
    return line;
  }
  // The answer of one line to a request.
  Result<std::string> ask(const std::string& request) {
    if (auto status = send_line(request); !status.ok()) return status;
    while (true) {
      if (auto line = take_line()) return *std::move(line);
      if (auto status = receive(); !status.ok()) return status;
    }
  }

 private:
  int fd_ = -1;
  std::string in_;
};

Status unexpected(std::string_view line) {
  return {StatusCode::kProtocolError, "a watcher was answered: " + std::string{line}};
}

// `OK 12` or `RESET 12`: the number.
std::optional<std::uint64_t> number_after(std::string_view word, std::string_view line) {
  if (!line.starts_with(word)) return std::nullopt;
  line.remove_prefix(word.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc{} || end != line.data() + line.size()) return std::nullopt;
  return number;
}

struct Watcher {
  Lines lines;
  std::optional<std::string> change;  // of the answer that comes
  bool is_counted = false;            // the number of changes has come
  std::uint64_t seen = 0;             // changes
  std::uint64_t next = 0;             // the last one's revision
};

class Probe {
 public:
  explicit Probe(const WatcherProbe& options) : options_(options), watchers_(options.watchers) {}
  ~Probe() {
    if (epoll_ >= 0) close(epoll_);
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  Status run() {
    if (auto status = open(); !status.ok()) return status;
    const auto pause = std::chrono::nanoseconds{1'000'000'000 / options_.changes_per_second};
    const auto count =
        std::max<std::int64_t>(1, std::chrono::nanoseconds{options_.duration} / pause);
    auto due = Clock::now();
    for (std::int64_t i = 0; i < count; ++i) {
      // Until then answers may come that tell of nothing: their time was over.
      if (auto status = wait_until(due += pause); !status.ok()) return status;
      if (auto status = change(); !status.ok()) return status;
    }
    return {};
  }
  void print() const {
    const nlohmann::ordered_json out = {{"watchers", options_.watchers},
                                        {"changes", changes_},
                                        {"told", latency_.count()},
                                        {"latency_us", json_of(latency_)}};
    std::printf("%s\n", out.dump().c_str());
  }

 private:
  Status open() {
    const auto where = parse_ipv4(options_.address);
    if (!where) return where.status();
    if (auto status = writer_.open(*where); !status.ok()) return status;
    auto created = writer_.ask("CREATE " + options_.bucket);
    if (!created.ok()) return created.status();
    if (*created != "OK") return unexpected(*created);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < watchers_.size(); ++i) {
      auto& watcher = watchers_[i];
      if (auto status = watcher.lines.open(*where); !status.ok()) return status;
      const auto answer = watcher.lines.ask("CHANGES " + options_.bucket + " 0");
      if (!answer.ok()) return answer.status();
      const auto next = number_after("RESET ", *answer);
      if (!next) return unexpected(*answer);
      watcher.next = *next;
      if (auto status = follow(watcher); !status.ok()) return status;
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, watcher.lines.fd(), &event) != 0) {
        return socket_fault("epoll_ctl");
      }
    }
    return {};
  }

  Status follow(Watcher& watcher) {
    return watcher.lines.send_line("CHANGES " + options_.bucket + " " +
                                   std::to_string(watcher.next) + " WAIT 10000");
  }

  // Makes one, and waits until all have it. Then they ask on: a thousand programs would do that on
  // processors of their own, and here it would be measured as well.
  Status change() {
    value_ = "value" + std::to_string(++changes_);
    began_ = Clock::now();
    const auto line = "SET " + options_.bucket + " " + std::string{kKey} + " " + value_;
    if (auto status = writer_.send_line(line); !status.ok()) return status;
    while (told_of_it_.size() < watchers_.size()) {
      if (Clock::now() - began_ > std::chrono::milliseconds{kPatienceMs}) {
        return {StatusCode::kOutcomeUnknown, std::to_string(watchers_.size() - told_of_it_.size()) +
                                                 " watchers were not told of a change"};
      }
      if (auto status = receive(kPatienceMs); !status.ok()) return status;
    }
    while (true) {
      if (const auto answer = writer_.take_line()) {
        const auto rev = number_after("OK ", *answer);
        if (!rev) return unexpected(*answer);
        const bool same =
            std::ranges::all_of(watchers_, [&](const auto& one) { return one.next == *rev; });
        return same ? ask_on() : unexpected("another revision than that of the change");
      }
      if (auto status = writer_.receive(); !status.ok()) return status;
    }
  }

  Status ask_on() {
    for (auto* watcher : std::exchange(told_of_it_, {})) {
      if (auto status = follow(*watcher); !status.ok()) return status;
    }
    return {};
  }

  Status wait_until(Clock::time_point when) {
    for (auto left = when - Clock::now(); left > 0ns; left = when - Clock::now()) {
      const auto most = std::chrono::ceil<std::chrono::milliseconds>(left);
      if (auto status = receive(static_cast<int>(most.count())); !status.ok()) return status;
    }
    return {};
  }

  Status receive(int wait_ms) {
    std::array<epoll_event, 256> events;  // NOLINT: filled by epoll
    const auto size = static_cast<int>(events.size());
    const int count = epoll_wait(epoll_, events.data(), size, wait_ms);
    for (int i = 0; i < count; ++i) {
      auto& watcher = watchers_[events[static_cast<std::size_t>(i)].data.u64];
      if (auto status = watcher.lines.receive(); !status.ok()) return status;
      while (auto line = watcher.lines.take_line()) {
        if (auto status = take(watcher, *line); !status.ok()) return status;
      }
    }
    return {};
  }

  // The number of changes, 0 or 1; the change; `OK next`.
  Status take(Watcher& watcher, const std::string& line) {
    if (!watcher.is_counted) {
      if (line != "0" && line != "1") return unexpected(line);
      watcher.is_counted = true;
      if (line == "1") watcher.change.emplace();
      return {};
    }
    if (watcher.change && watcher.change->empty()) {
      *watcher.change = line;
      return {};
    }
    const auto next = number_after("OK ", line);
    if (!next) return unexpected(line);
    watcher.is_counted = false;
    watcher.next = *next;
    if (!watcher.change) return follow(watcher);  // the time of its question was over
    const auto wanted = std::to_string(*next) + " PUT " + std::string{kKey} + " " + value_;
    if (*watcher.change != wanted || ++watcher.seen != changes_) return unexpected(*watcher.change);
    watcher.change.reset();
    const std::chrono::nanoseconds took = Clock::now() - began_;
    latency_.add(static_cast<std::uint64_t>(took.count()));
    told_of_it_.push_back(&watcher);
    return {};
  }

  const WatcherProbe& options_;
  Lines writer_;
  std::vector<Watcher> watchers_;
  std::vector<Watcher*> told_of_it_;  // of the last change; these have not asked on
  int epoll_ = -1;
  std::string value_;  // of the last change
  std::uint64_t changes_ = 0;
  Clock::time_point began_;
  Histogram latency_;
};

}  // namespace

Status probe_watchers(const WatcherProbe& options) {
  Probe probe{options};
  if (auto status = probe.run(); !status.ok()) return status;
  probe.print();
  return {};
}

}  // namespace kvmesh::bench
