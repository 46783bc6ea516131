#include "client/command/shell/watches.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "client/command/base/escape.h"
#include "common/remote/requests.h"
#include "common/text.h"

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
  for (auto* watches : {&watches_, &buckets_}) {
    for (auto& [name, watch] : *watches) watch.answer->end();
    for (auto& [name, watch] : *watches) watch.thread.join();
  }
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

bool Watches::end(const std::string& node) { return end(watches_, node); }
bool Watches::end_bucket(const std::string& bucket) { return end(buckets_, bucket); }

bool Watches::end(ByName& watches, const std::string& name) {
  const auto found = watches.find(name);
  if (found == watches.end()) return false;
  found->second.answer->end();
  found->second.thread.join();
  watches.erase(found);
  return true;
}

Status Watches::begin_bucket(const std::string& bucket, const std::string& prefix) {
  end_bucket(bucket);
  WatchOptions options;
  options.prefix = prefix;
  FollowedBucket followed{bucket, std::move(options), {session_.json(), true}};
  auto first = followed.take(client_.call(followed.next().operation, session_.timeout()));
  if (!first.failed.ok()) return first.failed;
  session_.print(first.lines);
  for (const auto& note : first.notes) session_.complain(note);
  Watch& watch = buckets_[bucket];
  watch.answer = std::make_shared<Answer>();
  watch.thread = std::thread{[this, followed = std::move(followed), answer = watch.answer,
                              timeout = session_.options.timeout]() mutable {
    follow_bucket(std::move(followed), *answer, timeout);
  }};
  return {};
}

void Watches::follow_bucket(FollowedBucket followed, Answer& answer, milliseconds timeout) {
  while (true) {
    auto [operation, wait] = followed.next();
    auto outcome = answer.ask(client_, operation, wait + timeout);
    if (!outcome) return;
    auto told = followed.take(*std::move(outcome));
    if (!told.lines.empty()) {
      told.lines.pop_back();  // the last line end, which comes again
      output_.write_line(std::move(told.lines));
    }
    for (const auto& note : told.notes) output_.write_line("kvmesh: " + printable(note));
    if (!told.failed.ok()) {
      return output_.write_line("kvmesh: " + printable(told.failed.to_string()) +
                                "; not watched any more");
    }
    if (told.pause.count() > 0) answer.pause(told.pause);
  }
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
