// The shell around ImportOrder: reads lines, sends requests, gathers outcomes and reports.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "client/command/base/completions.h"
#include "client/command/base/interrupts.h"
#include "client/command/base/numbers.h"
#include "client/command/base/session.h"
#include "client/command/transfer/import_format.h"
#include "client/command/transfer/import_order.h"
#include "client/command/transfer/import_owners.h"
#include "client/command/transfer/importer.h"
#include "client/command/transfer/progress.h"
#include "client/command/transfer/record.h"
#include "common/functions.h"
#include "common/standard_descriptors.h"
#include "common/text.h"
#include "common/utf8.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// JSON may write each byte as \u00XX.
constexpr std::size_t kLineBytesMax =
    6 * (limits::kBucketNameBytesMax + limits::kKeyBytesMax + limits::kValueBytesMax) + 1024;
constexpr std::size_t kChunkBytes = std::size_t{256} * 1024;
constexpr std::uint64_t kFailuresShown = 20;
// Of questions to owners, with ImportOwners::Part; those of lines are below.
constexpr std::uint32_t kOwnerIds = 1U << 31U;

class Importer {
 public:
  Importer(Session& session, Client& client, const ImportOptions& options, int input)
      : session_(session),
        client_(client),
        format_(options.format ? options.format : format_of_name(options.file)),
        on_(options.on),
        order_({.retry_for = options.retry_for, .create = options.create}),
        owners_(options.retry_for),
        input_(input) {
    struct stat about {};
    if (fstat(input_, &about) == 0 && S_ISREG(about.st_mode)) {
      const auto at = std::max<off_t>(lseek(input_, 0, SEEK_CUR), 0);
      progress_.bytes_total = static_cast<std::uint64_t>(std::max<off_t>(about.st_size - at, 0));
    }
  }

  int run() {
    catch_interrupt(completions_->descriptor());
    while (true) {
      const auto now = steady_clock::now();
      for (auto& [id, outcome] : completions_->take()) on_outcome(id, std::move(outcome), now);
      if (interrupted() && !stopping_) stop(now);
      if (interrupted_again()) stop_deadline_ = now;
      take_lines();
      send(now);
      report_settled();
      update_progress(now);
      if (order_.idle() && stopping_) break;
      if (order_.idle() && input_over_ && !lines_left_ && check_owners(now)) break;
      if (stopping_ && now >= stop_deadline_) break;
      wait(now);
    }
    return finish();
  }

 private:
  void stop(steady_clock::time_point now) {
    stopping_ = true;
    stop_deadline_ = now + session_.options.timeout + milliseconds{500};
    order_.abandon();
  }

  void take_lines() {
    lines_left_ = false;
    while (!stopping_) {
      lines_left_ = !order_.has_room();
      if (lines_left_) return;
      const auto line = splitter_.next();
      if (!line) return;
      progress_.bytes = line->end;
      take(*line);
    }
  }

  void take(const LineSplitter::Line& line) {
    if (line.too_long) {
      return fail(line.number,
                  {StatusCode::kTooLarge, over_limit("a line", line.length, kLineBytesMax)});
    }
    std::string_view text = line.text;
    if (line.number == 1 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    if (is_empty_line(text, format_)) return;
    if (!any_line_) {
      any_line_ = true;
      if (const Status status = decide_format(text, format_); !status.ok()) {
        return give_up(line.number, status);
      }
    }
    auto record = *format_ == Format::kTsv ? parse_tsv(text) : parse_json_line(text);
    if (!record) return fail(line.number, record.status());
    order_.add(line.number, *std::move(record));
  }

  // The input is of no form that can be imported, so that nothing was.
  void give_up(std::uint64_t line, const Status& status) {
    fail(line, status);
    unusable_ = true;
    stopping_ = true;
    stop_deadline_ = steady_clock::now();
  }

  void send(steady_clock::time_point now) {
    while (const auto id = order_.next_to_send(now)) {
      const std::string& bucket = order_.bucket(*id);
      if (owners_.asks_first(bucket, now)) ask_owner(bucket);
      start(operation(*id), *id);
    }
  }

  void start(const Operation& operation, std::uint32_t id) {
    start_call(client_, operation, id, completions_, session_.timeout());
  }

  void ask_owner(const std::string& bucket) {
    const auto target = on_.empty() ? Operation::For::kBucket : Operation::For::kNode;
    start({target, on_.empty() ? bucket : on_, functions::kNodeInfo.str(), {}, true},
          kOwnerIds + owners_.part_of(bucket));
  }

  void on_outcome(std::uint32_t id, Outcome outcome, steady_clock::time_point now) {
    if (id >= kOwnerIds) {
      const auto told = outcome.status.ok() ? ImportOwners::told_of(outcome.result, outcome.trace)
                                            : Result<ImportOwners::Told>{outcome.status};
      return owners_.on_told(id - kOwnerIds, told, now);
    }
    if (outcome.status.ok()) owners_.on_stored(order_.bucket(id), now);
    order_.on_outcome(id, std::move(outcome.status), now);
  }

  // Whether it is known what became of the nodes that stored the lines.
  bool check_owners(steady_clock::time_point now) {
    while (const auto part = owners_.next_check(now)) ask_owner(owners_.bucket_of(*part));
    return owners_.is_checked();
  }

  Operation operation(ImportOrder::Id id) const {
    auto of_bucket = operation_of_bucket(id);
    return on_.empty() ? of_bucket : ops::here(on_, std::move(of_bucket));
  }

  Operation operation_of_bucket(ImportOrder::Id id) const {
    const std::string& bucket = order_.bucket(id);
    if (order_.kind(id) == ImportOrder::Kind::kCreate) return ops::create(bucket);
    if (order_.kind(id) == ImportOrder::Kind::kCheck) return ops::count(bucket);
    const auto& pair = order_.record(id).pair;
    if (!pair->expires_ms) return ops::put(bucket, pair->key, pair->value);
    // One whose time is over takes the place of what is there, too, and then expires.
    const milliseconds left{*pair->expires_ms - ms_since_1970()};
    Apply apply;
    apply.changes.push_back(
        Change::put(pair->key, pair->value, std::clamp(left, milliseconds{1}, limits::kTtlMax)));
    return ops::apply(bucket, apply);
  }

  void report_settled() {
    while (const auto settled = order_.next_settled()) {
      if (settled->status.ok()) {
        ++progress_.records;
      } else {
        fail(settled->line, settled->status);
      }
    }
  }

  void fail(std::uint64_t line, const Status& status) {
    if (++progress_.failed > kFailuresShown) return;
    display_.clear();
    session_.complain("line " + std::to_string(line) + ": " + status.to_string());
  }

  void update_progress(steady_clock::time_point now) {
    progress_.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - began_);
    display_.show(progress_, now);
  }

  // Until there is input that can be taken, an outcome, a retry that is due, or something to show.
  void wait(steady_clock::time_point now) {
    const bool read_more = !stopping_ && !input_over_ && !lines_left_;
    pollfd sources[2] = {{completions_->descriptor(), POLLIN, 0}, {input_, POLLIN, 0}};
    auto until = now + milliseconds{display_.active() ? 100 : 1000};
    if (const auto retry = order_.next_retry()) until = std::min(until, *retry);
    if (stopping_) until = std::min(until, stop_deadline_);
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    const int timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    if (poll(sources, read_more ? 2 : 1, timeout) <= 0) return;
    if (read_more && sources[1].revents != 0) read_chunk();
  }

  void read_chunk() {
    const auto count = read(input_, chunk_.data(), chunk_.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count > 0) return splitter_.push({chunk_.data(), static_cast<std::size_t>(count)});
    if (count < 0) {
      display_.clear();
      // NOLINTNEXTLINE(concurrency-mt-unsafe): only this thread reads
      session_.complain(std::string{"cannot read the input: "} + std::strerror(errno));
      broken_ = true;
    }
    splitter_.finish();
    input_over_ = true;
    lines_left_ = true;  // perhaps one without a line end
  }

  int finish() {
    display_.clear();
    if (unusable_) return kExitUsage;
    const std::uint64_t unknown = order_.in_flight();
    if (unknown > 0) {
      session_.complain(std::to_string(unknown) + " requests had no answer before the end");
      progress_.failed += unknown;
    }
    if (progress_.failed > kFailuresShown) {
      session_.complain(std::to_string(progress_.failed - kFailuresShown) + " more failed");
    }
    if (stopping_) session_.complain("interrupted: the rest of the input was not read");
    for (const auto& restart : owners_.restarts()) {
      const auto is_its = [&](auto bucket) { return ImportOwners::is_of(bucket, restart.first); };
      order_.on_restart(is_its, restart.second);
    }
    for (const auto& node : owners_.restarted()) {
      session_.complain(node +
                        " was restarted while this ran: what it had stored before, of these "
                        "lines and all others, is lost; import again");
    }
    const auto lost = std::min(order_.lost(), progress_.records);
    if (lost > 0) {
      session_.complain(grouped(lost) +
                        (lost == 1 ? " record was stored and is lost: its bucket was gone later"
                                   : " records were stored and are lost: their buckets were gone "
                                     "later") +
                        "; import again");
    }
    for (const auto& remark : owners_.remarks()) session_.complain(remark);
    const bool kept = owners_.restarted().empty() && owners_.remarks().empty() && lost == 0;
    const Summary summary{
        "imported",
        "into",
        progress_.records - lost,
        order_.buckets_stored(),
        progress_.failed,
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began_),
        {owners_.restarted().begin(), owners_.restarted().end()},
        lost};
    session_.print_line(session_.json() ? summary_json(summary).to_json() : summary_line(summary));
    if (stopping_) return kExitInterrupted;
    return progress_.failed > 0 || broken_ || !kept ? kExitIncomplete : kExitOk;
  }

  Session& session_;
  Client& client_;
  std::optional<Format> format_;
  const std::string on_;  // a node; empty: where the mesh routes each bucket
  ImportOrder order_;
  ImportOwners owners_;
  int input_;
  LineSplitter splitter_{kLineBytesMax};
  std::string chunk_ = std::string(kChunkBytes, '\0');
  // Shared with the calls under way, which may end after this.
  std::shared_ptr<Completions> completions_ = std::make_shared<Completions>();
  ProgressDisplay display_;
  Progress progress_;
  steady_clock::time_point began_ = steady_clock::now();
  steady_clock::time_point stop_deadline_;
  bool lines_left_ = false;  // the splitter may have lines that there was no room for
  bool input_over_ = false;
  bool stopping_ = false;
  bool broken_ = false;
  bool any_line_ = false;  // that is not empty was read
  bool unusable_ = false;
};

int import_from(Session& session, const ImportOptions& options, int input) {
  const auto client = session.connected_client();
  if (!client) return session.fail(client.status());
  if (!options.on.empty()) {  // else each line would say so
    const auto there = (*client)->ping(options.on, session.timeout());
    if (!there && !is_transient(there.status().code())) return session.fail(there.status());
  }
  return Importer(session, **client, options, input).run();
}

}  // namespace

int run_import(Session& session, const ImportOptions& options) {
  int input = STDIN_FILENO;
  if (options.file != "-") {
    input = open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (input < 0) {
      // NOLINTNEXTLINE(concurrency-mt-unsafe): there is only one thread yet
      session.complain("cannot open " + in_quotes(options.file) + ": " + std::strerror(errno));
      return kExitUsage;
    }
  }
  if (input == STDIN_FILENO && !has_standard_input()) {
    session.complain("cannot read standard input: it is closed");
    return kExitUsage;
  }
  const int exit_status = import_from(session, options, input);
  if (input != STDIN_FILENO) close(input);
  return exit_status;
}

}  // namespace kvmesh::command
