// Tasks, servers and mailboxes under any history of requests, events of bodies and time. Every
// ticket is answered once; the runtime is asked only for what its contract allows; in the end
// nothing is left.

#include "node/tasks/processes.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include "common/wire/pack.h"
#include "common/wire/value_codec.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"

namespace kvmesh::fuzz {
namespace {

using std::chrono::milliseconds;
using namespace tasks;  // NOLINT: all of it is about them

constexpr ProcessId kFirstId = 0xa1;
constexpr std::uint64_t kKey = 7;
constexpr std::size_t kProcessesMax = 12;

std::string text_of(std::string_view body) {
  wire::Buffer out;
  wire::pack_str(out, body);
  return std::string{out.view()};
}

// Holds Processes to the contract of runtime.h.
class StrictRuntime final : public Runtime {
 public:
  struct Body {
    bool server = false;
    bool waits = false;
    bool handles = false;  // a server: a delivery
    bool stopped = false;
    bool begun = false;
    bool taken = true;       // what it was delivered last
    std::size_t unread = 0;  // bytes put out without credit for them
  };

  Status start(TaskStart task) override { return add(task.id, false); }
  Status start_server(ProcessId id, ServerIndex /*server*/) override { return add(id, true); }
  void deliver(ProcessId id, Delivery delivery) override {
    Body& body = at(id);
    check(body.waits, "a delivery goes to who waits for one");
    body.waits = body.taken = false;
    const bool nothing = delivery.kind == Delivery::Kind::kNothing;
    body.handles = body.server && !nothing;
    check(!body.server || !nothing || body.stopped, "a server waits until it is stopped");
    check(delivery.body.empty() || wire::unpack_value(delivery.body).ok(), "a body is a value");
  }
  void stop(ProcessId id, std::string_view why) override {
    check(!at(id).stopped, "a process is stopped once");
    check(!why.empty(), "who stops a process says why");
    at(id).stopped = true;
  }
  void give_credit(ProcessId id, std::size_t bytes) override {
    check(bytes <= at(id).unread, "no more is fetched than was put out");
    at(id).unread -= bytes;
  }
  bool has_begun(ProcessId id) const override {
    const auto found = bodies.find(id);
    return found == bodies.end() || found->second.begun;
  }
  bool is_parked(ProcessId /*id*/) const override { return false; }
  bool has_taken(ProcessId id) const override {
    const auto found = bodies.find(id);
    return found == bodies.end() || found->second.taken;
  }
  bool take_back(ProcessId id) override {
    Body& body = at(id);
    check(body.server && !body.waits, "a call is taken back from a server");
    if (body.taken) return false;
    body.handles = false;
    return body.taken = body.waits = true;
  }
  bool forestall(ProcessId id) override {
    const Body& body = at(id);
    check(!body.server && !body.stopped, "only a task that goes on is forestalled");
    if (body.begun) return false;
    bodies.erase(id);
    return true;
  }
  Workers workers() const override { return {}; }
  void answer(Ticket ticket, const Status& outcome, std::string_view result) override {
    check(ticket.value >= 1 && ticket.value <= tickets, "a ticket is one that was given");
    check(answered.insert(ticket.value).second, "a ticket is answered once");
    check(outcome.ok() || !outcome.text().empty(), "an error says what it is");
    check(result.empty() || wire::unpack_value(result).ok(), "a result is a value");
    check(result.size() <= limits::kBodyBytesMax, "a result fits a record");
  }
  void report(const std::string& line) override { check(!line.empty(), "a report says something"); }

  Body& at(ProcessId id) {
    const auto found = bodies.find(id);
    check(found != bodies.end(), "only what runs is called");
    return found->second;
  }

  std::uint64_t tickets = 0;
  std::set<std::uint64_t> answered;
  bool full = false;
  std::map<ProcessId, Body> bodies;
  ProcessId newest = kFirstId - 1;

 private:
  Status add(ProcessId id, bool server) {
    if (full) return {StatusCode::kOverloaded, "the pool is full"};
    check(id > newest, "an id is used once");
    newest = id;
    bodies[id].server = server;
    return {};
  }
};

class History {
 public:
  explicit History(Input input) : input_(input), processes_(options(), runtime_) {
    using Kind = RestartPolicy::Kind;
    constexpr std::array kKinds = {Kind::kPermanent, Kind::kTransient};
    const auto policy = [&] {
      return RestartPolicy{kKinds[input_.below(kKinds.size())], input_.below(4) * 3,
                           milliseconds{1000}};
    };
    check(processes_.add_server("counter", {1}, policy()).ok(), "a server can be added");
    check(processes_.add_task("ticker", {{1}, "tick", {}}, policy()).ok(), "a task can be added");
    runtime_.full = input_.below(8) == 7;
    processes_.start_supervised(now_);
  }

  void run() {
    while (!input_.at_end()) {
      step();
      check(processes_.size() <= kProcessesMax + 2, "processes are bounded");
    }
    finish();
  }

 private:
  static Processes::Options options() {
    Processes::Options out;
    out.self = *NodeName::parse("foo@h");
    out.first_id = kFirstId;
    out.processes_max = kProcessesMax;
    out.time_limit = milliseconds{3000};
    return out;
  }

  void step() {
    switch (input_.below(8)) {
      case 0:
      case 1:
        return ask();
      case 2:
        return send();
      case 3:
      case 4:
        return act();
      case 5:
        return processes_.flush(now_);
      case 6:
        return pass_time();
      default:
        return rarely();
    }
  }

  void ask() {
    switch (input_.below(7)) {
      case 0:
      case 1: {
        const Mode mode{static_cast<std::uint8_t>(input_.below(5))};
        const milliseconds limit{input_.below(40) * 100};
        return processes_.run(ticket(), {{1}, "f", {}, mode, limit, any_pid(), kKey}, now_);
      }
      case 2:
        return processes_.next(ticket(), any_id(), any_key(), any_wants(), now_);
      case 3:
        return processes_.receive(ticket(), any_id(), any_key(), input_.below(4), any_wants(),
                                  now_);
      case 4:
        return processes_.monitor(ticket(), any_id(), now_);
      case 5:
        if (const auto opened = processes_.open(kKey, now_)) newest_ = std::max(newest_, *opened);
        return;
      default:
        return processes_.server_call(
            ticket(), any_name(),
            {"f", text_of("x"), any_pid(), now_ + milliseconds{input_.below(20) * 100}}, now_);
    }
  }

  void send() {
    Delivery message;
    message.kind = static_cast<Delivery::Kind>(input_.below(3));
    message.from = any_pid();
    message.body = any_text();
    switch (input_.below(4)) {
      case 0:
        (void)processes_.send(any_name(), std::move(message), now_);
        return;
      case 1:
        (void)processes_.server_cast(any_name(), {"g", text_of("x"), any_pid()}, now_);
        return;
      default:
        (void)processes_.send(any_id(), std::move(message), now_);
    }
  }

  // Something that a body does.
  void act() {
    auto& bodies = runtime_.bodies;
    if (bodies.empty()) return;
    auto at = bodies.begin();
    std::advance(at, input_.below(static_cast<std::uint32_t>(bodies.size())));
    const auto id = at->first;
    auto& body = at->second;
    body.begun = body.taken = true;
    switch (input_.below(6)) {
      case 0:
        if (!body.waits) end(id);
        return;
      case 1: {
        const auto room = limits::kTaskOutputBytesMax - body.unread;
        const auto wanted = std::size_t{input_.byte()};
        const auto bytes = std::min(room, wanted < 200 ? wanted : std::size_t{64} * 1024);
        body.unread += bytes;
        return processes_.on_output(id, input_.flag() ? Stream::kOut : Stream::kErr,
                                    std::string(bytes, 'o'));
      }
      case 2:
        (void)processes_.on_timer(id, milliseconds{input_.below(20) * 50}, any_text(), now_);
        return;
      default:
        if (!body.waits) wait(id, body);
    }
  }

  void wait(ProcessId id, StrictRuntime::Body& body) {
    body.waits = true;
    if (body.handles) {
      body.handles = false;
      const auto status = input_.flag() ? Status{} : Status{StatusCode::kInvalidArgument, "no"};
      return processes_.on_server_answer(id, status, status.ok() ? text_of("y") : "", now_);
    }
    const auto until = now_ + milliseconds{input_.below(30) * 100};
    processes_.on_wait(id, body.server || input_.flag() ? std::nullopt : std::optional{until},
                       now_);
  }

  void end(ProcessId id) {
    runtime_.bodies.erase(id);
    if (input_.below(3) == 0) {
      processes_.on_exit(id, {StatusCode::kTaskFailed, "x"}, {}, now_);
    } else {
      processes_.on_exit(id, {}, any_text(), now_);
    }
  }

  void pass_time() {
    constexpr std::array kSteps = {1, 10, 20, 100, 490, 500, 1500, 4000};
    now_ += milliseconds{kSteps[input_.below(kSteps.size())]};
    processes_.on_tick(now_);
  }

  void rarely() {
    switch (input_.below(6)) {
      case 0:
        runtime_.full = !runtime_.full;
        return;
      case 1:
        (void)processes_.cancel(any_id(), now_);
        return;
      case 2:
        (void)processes_.close(any_id(), any_key(), now_);
        return;
      case 3:
        if (input_.byte() == 0xff) processes_.stop_all(now_);
        return;
      default:
        wire::Buffer list;
        processes_.list(list, now_);
        check(wire::unpack_value(list.view()).ok(), "a list is a value");
    }
  }

  void finish() {
    processes_.stop_all(now_);
    for (auto& bodies = runtime_.bodies; !bodies.empty();) {
      check(bodies.begin()->second.stopped, "all are told to stop");
      check(!bodies.begin()->second.waits, "nobody waits for ever");
      end(bodies.begin()->first);
    }
    for (const auto time : {limits::kTaskSlice, limits::kTaskLease}) {  // of a poll, of its asker
      now_ += time;
      processes_.on_tick(now_);
    }
    check(runtime_.answered.size() == runtime_.tickets, "every ticket is answered");
    check(processes_.size() == 0, "no process is left");
    const auto& meters = processes_.meters();
    check(
        meters.mailboxes.bytes() == 0 && meters.output.bytes() == 0 && meters.results.bytes() == 0,
        "no bytes are left");
  }

  Ticket ticket() { return {++runtime_.tickets}; }
  // Mostly of a process that there is or was, at times of none.
  ProcessId any_id() {
    newest_ = std::max(newest_, runtime_.newest);
    return newest_ - input_.below(16) + 1;
  }
  std::uint64_t any_key() { return input_.below(8) == 7 ? kKey + 1 : kKey; }
  Wants any_wants() { return input_.below(4) == 3 ? Wants::kNothing : Wants::kNews; }
  std::string any_text() {
    const auto size = std::size_t{input_.byte()};
    return text_of(std::string(size < 250 ? size : std::size_t{1} << 20, 'x'));
  }
  std::string any_name() { return std::array{"counter", "ticker", "nobody"}[input_.below(3)]; }
  std::string any_pid() { return input_.flag() ? "<x@h/1>" : ""; }

  Input input_;
  StrictRuntime runtime_;
  Processes processes_;
  TimePoint now_ = TimePoint{} + std::chrono::hours{1};
  ProcessId newest_ = kFirstId;
};

}  // namespace
}  // namespace kvmesh::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  History{Input{data, size}}.run();
  return 0;
}
