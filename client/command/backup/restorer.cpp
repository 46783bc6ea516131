// The shell around RestoreOrder: reads blocks, sends requests, gathers outcomes and reports.
#include <kvmesh/buckets.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "client/command/backup/backup.h"
#include "client/command/backup/backup_reader.h"
#include "client/command/backup/restore_order.h"
#include "client/command/backup/restore_state.h"
#include "client/command/base/completions.h"
#include "client/command/base/interrupts.h"
#include "client/command/base/numbers.h"
#include "client/command/transfer/progress.h"
#include "client/command/transfer/record.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Mode = RestoreOptions::Mode;

constexpr std::uint64_t kFailuresShown = 20;
constexpr std::chrono::seconds kStatePause{1};

std::string_view name_of(Mode mode) {
  return mode == Mode::kIfAbsent ? "if-absent" : mode == Mode::kIfNewer ? "if-newer" : "replace";
}

Change::Keep keep_of(Mode mode) {
  using Keep = Change::Keep;
  // A bucket that is replaced is empty: what is there and newer, others have stored since.
  return mode == Mode::kIfAbsent ? Keep::kAll : Keep::kNotOlder;
}

class Restorer {
 public:
  Restorer(Session& session, Client& client, const RestoreOptions& options, BackupReader from,
           RestoreState state)
      : session_(session),
        client_(client),
        options_(options),
        from_(std::move(from)),
        state_(std::move(state)),
        order_({.retry_for = options.retry_for,
                .replaces = options.mode == Mode::kReplace,
                .timeout = session.options.timeout}) {
    progress_.bytes_total = from_.manifest().bytes();
    for (const auto& bucket : state_.failed) order_.fail(bucket);
  }

  int run() {
    catch_interrupt(completions_->descriptor());
    while (true) {
      const auto now = steady_clock::now();
      for (auto& [id, outcome] : completions_->take()) on_outcome(id, std::move(outcome), now);
      if (interrupted() && !stopping_) stop(now);
      if (interrupted_again()) stop_deadline_ = now;
      if (!order_.given_up().ok() && !stopping_) stop(now);
      read_blocks();
      send(now);
      report();
      show(now);
      if (stopping_ && (order_.in_flight() == 0 || now >= stop_deadline_)) break;
      if (is_read_ && order_.is_idle()) break;
      wait(now);
    }
    return finish();
  }

 private:
  void stop(steady_clock::time_point now) {
    stopping_ = true;
    stop_deadline_ = now + session_.options.timeout + milliseconds{500};
    order_.stop();
  }

  void read_blocks() {
    while (!stopping_ && !is_read_ && order_.has_room()) {
      const auto place = from_.place();
      auto block = from_.next();
      if (!block) return fail(block.status());
      is_read_ = !*block;
      if (is_read_) return;
      order_.add(place, *std::move(*block));
    }
  }

  // The backup cannot be read any more, though it was whole before.
  void fail(const Status& status) {
    display_.clear();
    session_.complain(status.text());
    is_broken_ = true;
    stop(steady_clock::now());
  }

  void send(steady_clock::time_point now) {
    while (const auto id = order_.next_to_send(now)) {
      start_call(client_, operation(*id), *id, completions_, session_.timeout());
    }
  }

  Operation operation(RestoreOrder::Id id) const {
    const auto& bucket = order_.bucket(id);
    if (order_.kind(id) == RestoreOrder::Kind::kDrop) return ops::drop(bucket);
    if (order_.kind(id) == RestoreOrder::Kind::kCreate) {
      const auto& options = order_.options(id);
      return options.any() ? ops::create(bucket, options) : ops::create(bucket);
    }
    Apply apply;
    const auto now_ms = ms_since_1970();
    for (const auto& record : order_.records(id)) {
      Change::Ttl ttl;
      if (record.expires_ms) {
        if (*record.expires_ms <= now_ms) continue;  // its time is over
        ttl = std::min(milliseconds{*record.expires_ms - now_ms}, limits::kTtlMax);
      }
      apply.changes.push_back(
          Change::restore(record.key, record.value, record.rev, keep_of(options_.mode), ttl));
    }
    return ops::apply(bucket, apply);
  }

  void on_outcome(RestoreOrder::Id id, Outcome outcome, steady_clock::time_point now) {
    auto status = outcome.status;
    if (status.ok() && order_.kind(id) == RestoreOrder::Kind::kStore) {
      const auto applied = applied_of(std::move(outcome));
      status = applied.status();
      if (applied) {
        const auto kept = static_cast<std::uint64_t>(
            std::ranges::count(applied->done, true, &Applied::Done::was_there));
        kept_ += kept;
        expired_ += order_.records(id).size() - applied->done.size();
        progress_.records += applied->done.size() - kept;
      }
    }
    order_.on_outcome(id, status, now);
  }

  void report() {
    while (const auto failure = order_.next_failure()) {
      state_.failed.push_back(failure->bucket);
      if (++buckets_failed_ > kFailuresShown) continue;
      display_.clear();
      session_.complain("bucket " + in_quotes(failure->bucket) + ": " +
                        failure->status.to_string());
    }
  }

  void show(steady_clock::time_point now) {
    progress_.bytes = from_.bytes_before();
    progress_.failed = order_.failed();
    progress_.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - began_);
    display_.show(progress_, now);
    if (now >= next_state_) save(now);
  }

  // So that a restore that ends anyhow can be gone on with.
  void save(steady_clock::time_point now) {
    next_state_ = now + kStatePause;
    state_.place = order_.oldest().value_or(from_.place());
    state_.records = records_before_ + progress_.records;
    const auto status = replace_file(state_path(), to_text(state_));
    if (status.ok() || is_state_lost_) return;
    is_state_lost_ = true;
    (void)unlink(state_path().c_str());
    display_.clear();
    session_.complain(status.text() + "; if this is broken off, it can only begin anew");
  }
  std::string state_path() const { return path_in(options_.folder, kRestoreStateName); }

  void wait(steady_clock::time_point now) {
    pollfd source{completions_->descriptor(), POLLIN, 0};
    auto until = std::min(now + milliseconds{display_.active() ? 100 : 1000}, next_state_);
    if (const auto retry = order_.next_retry()) until = std::min(until, *retry);
    if (stopping_) until = std::min(until, stop_deadline_);
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    (void)poll(&source, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  }

  int finish() {
    const bool is_over = is_read_ && order_.is_idle();
    const bool is_interrupted = !is_over && order_.given_up().ok() && !is_broken_;
    display_.clear();
    if (is_over) {
      (void)unlink(state_path().c_str());
    } else {
      save(steady_clock::now());
    }
    if (buckets_failed_ > kFailuresShown) {
      session_.complain(grouped(buckets_failed_ - kFailuresShown) + " more buckets failed");
    }
    const auto before = state_.failed.size() - buckets_failed_;
    if (before > 0) {
      session_.complain("before this went on, " + grouped(before) +
                        " buckets had failed, such as " + in_quotes(state_.failed.front()) +
                        "; restore again when they can be stored");
    }
    const auto losses = this->losses();
    for (const auto& loss : losses) session_.complain(loss + "; restore again");
    if (!order_.given_up().ok()) {
      session_.complain("no success for " + duration_text(options_.retry_for) + ": " +
                        order_.given_up().to_string());
    }
    if (!is_over) {
      session_.complain((is_interrupted ? "interrupted: " : "") +
                        std::string{"the backup is restored in part; "} +
                        (is_state_lost_
                             ? "it can only be restored from its begin, as " +
                                   quoted_path(state_path()) + " could not be written"
                             : "kvmesh restore " + quoted_path(options_.folder) + " --" +
                                   std::string{name_of(options_.mode)} + " --resume goes on"));
    }
    print_summary();
    if (is_interrupted) return kExitInterrupted;
    return is_over && state_.failed.empty() && losses.empty() ? kExitOk : kExitIncomplete;
  }

  std::vector<std::string> losses() {
    const auto mesh = live_mesh({session_.endpoints()}, session_.access());
    return losses_since(state_.nodes,
                        mesh ? storing_nodes(*mesh) : std::vector<RestoreState::Node>{});
  }

  void print_summary() {
    const Summary summary{
        "restored",
        "into",
        progress_.records,
        order_.buckets(),
        order_.failed(),
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began_)};
    if (session_.json()) {
      auto json = summary_json(summary);
      auto& members = *json.get_if<Value::Map>();
      members.emplace_back("kept", kept_);
      members.emplace_back("expired", expired_);
      return session_.print_json(json);
    }
    session_.print_line(summary_line(summary) + ", " + std::to_string(kept_) + " kept, " +
                        std::to_string(expired_) + " expired");
  }

  Session& session_;
  Client& client_;
  const RestoreOptions& options_;
  BackupReader from_;
  RestoreState state_;
  RestoreOrder order_;
  // Shared with the calls under way, which may end after this.
  std::shared_ptr<Completions> completions_ = std::make_shared<Completions>();
  ProgressDisplay display_;
  Progress progress_;
  std::uint64_t records_before_ = state_.records;  // of the restore that is gone on with
  std::uint64_t kept_ = 0;                         // records whose keys stayed as they were
  std::uint64_t expired_ = 0;                      // records whose time was over
  std::uint64_t buckets_failed_ = 0;
  steady_clock::time_point began_ = steady_clock::now();
  steady_clock::time_point next_state_ = began_;
  steady_clock::time_point stop_deadline_;
  bool is_read_ = false;  // all of the backup
  bool stopping_ = false;
  bool is_broken_ = false;
  bool is_state_lost_ = false;
};

// Where the restore that was broken off is gone on with; how far it had come.
Result<RestoreState> resumed(const RestoreOptions& options, const RestoreState& fresh) {
  const auto refuse = [](std::string why) {
    return Status{StatusCode::kInvalidArgument, "cannot go on: " + std::move(why)};
  };
  const auto path = path_in(options.folder, kRestoreStateName);
  const auto text = content_of(path);
  if (!text) {
    return refuse("no restore of this backup was broken off (" + text.status().text() +
                  "); leave out --resume");
  }
  auto state = parse_restore_state(*text);
  if (!state) {
    return refuse(quoted_path(path) + " is damaged: " + state.status().text() +
                  "; leave out --resume");
  }
  if (state->backup_begun_ms != fresh.backup_begun_ms) {
    return refuse(quoted_path(path) + " is of another backup; leave out --resume");
  }
  if (state->mode != fresh.mode) {
    return refuse("that restore was one with --" + state->mode + "; say so");
  }
  if (!have_same_names(state->nodes, fresh.nodes)) {
    return refuse("that restore was one into other nodes; leave out --resume");
  }
  const auto losses = losses_since(state->nodes, fresh.nodes);
  if (!losses.empty()) return refuse(losses.front() + "; leave out --resume");
  state->nodes = fresh.nodes;
  return state;
}

}  // namespace

int run_restore(Session& session, const RestoreOptions& options) {
  auto backup = BackupReader::open(options.folder);
  if (!backup) return end_unread(session, backup.status());
  const auto client = session.connected_client();
  if (!client) return session.fail(client.status());
  const auto mesh = live_mesh({session.endpoints()}, session.access());
  if (!mesh) return session.fail(mesh.status());
  RestoreState state;
  state.mode = name_of(options.mode);
  state.timeout_ms = static_cast<std::uint64_t>(session.options.timeout.count());
  state.nodes = storing_nodes(*mesh);
  state.backup_begun_ms = backup->manifest().begun_ms;
  if (options.resumes) {
    auto before = resumed(options, state);
    if (!before) return session.end_with(kExitUsage, before.status());
    // A drop of that one may be under way yet.
    if (options.mode == Mode::kReplace) {
      std::this_thread::sleep_for(
          milliseconds{std::min<std::uint64_t>(before->timeout_ms, 600'000)});
    }
    before->timeout_ms = state.timeout_ms;
    state = *std::move(before);
  } else if (const auto path = path_in(options.folder, kRestoreStateName);
             unlink(path.c_str()) != 0 && errno != ENOENT) {
    // It would tell of another restore than this one.
    return session.end_with(kExitUsage, file_fault("remove", path));
  }
  // Before anything is stored: all of it can be.
  if (const auto checked = check_shown(*backup); !checked.ok()) {
    if (broken_off()) return session.fail(interrupted_status());
    return session.end_with(
        kExitIncomplete,
        {checked.code(), "nothing was restored, as the backup is not whole: " + checked.text()});
  }
  for (const auto& missing : backup->manifest().missing) {
    session.complain("not in the backup: " + missing);
  }
  if (options.resumes) {
    session.complain("going on after " + grouped(state.records) + " records");
  }
  if (const auto there = backup->go_to(state.place); !there.ok()) return session.fail(there);
  return Restorer{session, **client, options, *std::move(backup), std::move(state)}.run();
}

}  // namespace kvmesh::command
