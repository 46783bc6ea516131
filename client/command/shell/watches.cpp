#include "client/command/shell/watches.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "client/command/base/escape.h"
#include "common/remote/requests.h"

namespace kvmesh::command::shell {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{500};  // between attempts at a node that is away or busy

Result<remote::NodesTold> told_by(const Outcome& outcome) {
  return outcome.status.ok() ? remote::nodes_told_of(outcome.result)
                             : Result<remote::NodesTold>{outcome.status};
}

}  // namespace

// Of one request at a time. It outlives a watch that has ended until its answer has come.
class Watches::Answer : public std::enable_shared_from_this<Answer> {
 public:
  /// Empty when the watch has ended meanwhile.
  std::optional<Outcome> ask(Client& client, const Operation& operation, milliseconds time) {
    {
      const std::lock_guard lock{mutex_};
      if (ended_) return std::nullopt;
      outcome_.reset();
    }
    client.call_async(
        operation, [self = shared_from_this()](Outcome outcome) { self->set(std::move(outcome)); },
        time);
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return ended_ || outcome_; });
    if (ended_) return std::nullopt;
    return std::move(outcome_);
  }
  void pause(milliseconds time) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, time, [this] { return ended_; });
  }
  void end() {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    changed_.notify_all();
  }

 private:
  void set(Outcome outcome) {
    const std::lock_guard lock{mutex_};
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::optional<Outcome> outcome_;
};

Watches::~Watches() {
  for (auto& [node, watch] : watches_) watch.answer->end();
  for (auto& [node, watch] : watches_) watch.thread.join();
}

Status Watches::begin(const std::string& node) {
  end(node);
  WatchedNodes watched;
  const auto changes =
      watched.take(told_by(client_.call(remote::watch_request(node, 0), session_.timeout())));
  if (!changes) return changes.status();
  const Form form{session_.json(), session_.options.timeout};
  for (const auto& change : *changes) session_.print_line(line_of(change, form));
  Watch& watch = watches_[node];
  watch.answer = std::make_shared<Answer>();
  watch.thread = std::thread{[this, node, watched = std::move(watched), answer = watch.answer,
                              form] { follow(node, watched, *answer, form); }};
  return {};
}

bool Watches::end(const std::string& node) {
  const auto found = watches_.find(node);
  if (found == watches_.end()) return false;
  found->second.answer->end();
  found->second.thread.join();
  watches_.erase(found);
  return true;
}

void Watches::follow(const std::string& node, WatchedNodes watched, Answer& answer, Form form) {
  const auto time = limits::kTaskSlice + form.timeout;
  while (const auto outcome =
             answer.ask(client_, remote::watch_request(node, watched.seen()), time)) {
    const auto told = told_by(*outcome);
    const auto changes = watched.take(told);
    if (changes) {
      for (const auto& change : *changes) output_.write_line(line_of(change, form));
    }
    if (!told) answer.pause(kPause);
  }
}

std::string Watches::line_of(const NodeChange& change, const Form& form) {
  const auto now = std::chrono::system_clock::now();
  if (form.json) return change_json(change, now).to_json();
  return change_text(change, now) +
         (change.seen_by.empty() ? "" : "  (seen by " + escape(change.seen_by) + ")");
}

}  // namespace kvmesh::command::shell
