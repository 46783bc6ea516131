// Processes under random use keeps its promises, and time costs what has come due, however many
// processes there are.

#include <kvmesh/limits.h>

#include <set>

#include "tests/unit/processes_fixture.h"
#include "tests/unit/random_msgpack.h"

namespace kvmesh::tasks {
namespace {

// A runtime that holds Processes to the contract of runtime.h.
class StrictRuntime final : public FakeRuntime {
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

  Status start(TaskStart task) override {
    if (full) return {StatusCode::kOverloaded, "the pool is full"};
    add(task.id, false);
    return {};
  }
  Status start_server(ProcessId id, ServerIndex /*server*/) override {
    if (full) return {StatusCode::kOverloaded, "the pool is full"};
    add(id, true);
    return {};
  }
  void deliver(ProcessId id, Delivery delivery) override {
    Body& body = at(id);
    EXPECT_TRUE(body.waits) << "a delivery that it does not wait for";
    body.waits = body.taken = false;
    body.handles = body.server && delivery.kind != Delivery::Kind::kNothing;
    if (body.server && delivery.kind == Delivery::Kind::kNothing) {
      EXPECT_TRUE(body.stopped);
    }
  }
  void stop(ProcessId id, std::string_view /*why*/) override {
    EXPECT_FALSE(at(id).stopped);
    at(id).stopped = true;
  }
  void give_credit(ProcessId id, std::size_t bytes) override {
    EXPECT_LE(bytes, at(id).unread);
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
    EXPECT_TRUE(body.server && !body.waits) << id;
    if (body.taken) return false;
    body.handles = false;
    return body.taken = body.waits = true;
  }
  bool forestall(ProcessId id) override {
    const Body& body = at(id);
    EXPECT_FALSE(body.server || body.stopped) << id;
    if (body.begun) return false;
    bodies.erase(id);
    return true;
  }
  Body& at(ProcessId id) {
    const auto found = bodies.find(id);
    if (found == bodies.end()) {
      ADD_FAILURE() << "a call for " << id << ", which does not run";
      return nobody_;
    }
    return found->second;
  }

  bool full = false;
  std::map<ProcessId, Body> bodies;
  std::set<ProcessId> ever;

 private:
  void add(ProcessId id, bool server) {
    EXPECT_TRUE(ever.insert(id).second) << "an id was used twice";
    bodies[id].server = server;
  }
  Body nobody_;
};

class RandomUse : public ProcessesTest {
 protected:
  static Processes::Options few() {
    auto out = options();
    out.processes_max = 60;
    out.time_limit = milliseconds{3000};
    return out;
  }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  Ticket new_ticket() { return {++ticket_}; }
  // Mostly of a process that there is or was, at times of none.
  ProcessId any_id() { return 0xa0 + below(newest_ - 0xa0 + 3); }
  std::uint64_t any_key() { return below(10) == 0 ? kKey + 1 : kKey; }
  Wants any_wants() { return below(4) == 0 ? Wants::kNothing : Wants::kNews; }
  Delivery any_message() { return message(std::string(below(20000), 'x'), "<x@h/1>"); }
  std::string any_name() {
    return std::vector<std::string>{"counter", "ticker", "nobody"}[below(3)];
  }

  void ask() {
    switch (below(12)) {
      case 0:
      case 1: {
        const Mode mode{static_cast<std::uint8_t>(below(5))};
        processes().run(new_ticket(), {{1}, "f", {}, mode, milliseconds{below(4000)}, {}, kKey},
                        now_);
        break;
      }
      case 2:
      case 3:
        processes().next(new_ticket(), any_id(), any_key(), any_wants(), now_);
        break;
      case 4:
        if (below(4) == 0) (void)processes().cancel(any_id(), now_);
        break;
      case 5:
        if (below(3) == 0) (void)processes().open(kKey, now_);
        break;
      case 6:
        processes().receive(new_ticket(), any_id(), any_key(), below(4), any_wants(), now_);
        break;
      case 7:
        if (below(5) == 0) (void)processes().close(any_id(), any_key(), now_);
        break;
      case 8:
        (void)processes().send(any_id(), any_message(), now_);
        break;
      case 9:
        (void)processes().send(any_name(), any_message(), now_);
        break;
      case 10:
        processes().monitor(new_ticket(), any_id(), now_);
        break;
      default:
        processes().server_call(new_ticket(), any_name(),
                                {"f", text("x"), {}, now_ + milliseconds{below(2000)}}, now_);
        (void)processes().server_cast(any_name(), {"g", text("x"), {}}, now_);
    }
    if (!runtime_strict_.ever.empty()) newest_ = std::max(newest_, *runtime_strict_.ever.rbegin());
  }

  void act() {
    auto& bodies = runtime_strict_.bodies;
    if (bodies.empty()) return;
    auto at = bodies.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(bodies.size())));
    const auto id = at->first;
    auto& body = at->second;
    body.begun = body.taken = true;
    const auto room = limits::kTaskOutputBytesMax - body.unread;
    switch (below(6)) {
      case 0:
        if (body.waits) break;
        end(id);
        break;
      case 1: {
        const auto bytes = below(std::min<std::size_t>(room, 100000) + 1);
        body.unread += bytes;
        processes().on_output(id, below(2) == 0 ? Stream::kOut : Stream::kErr,
                              std::string(bytes, 'o'));
        break;
      }
      case 2:
        (void)processes().on_timer(id, milliseconds{below(1000)}, text("t"), now_);
        break;
      default:
        if (body.waits) break;
        body.waits = true;
        if (body.handles) {
          body.handles = false;
          processes().on_server_answer(id, {}, number(1), now_);
        } else if (body.server) {
          processes().on_wait(id, std::nullopt, now_);
        } else {
          processes().on_wait(
              id, below(2) == 0 ? std::nullopt : std::optional{now_ + milliseconds{below(3000)}},
              now_);
        }
    }
  }

  void end(ProcessId id) {
    runtime_strict_.bodies.erase(id);
    if (below(3) == 0) {
      processes().on_exit(id, {StatusCode::kTaskFailed, "x"}, {}, now_);
    } else {
      processes().on_exit(id, {}, text(std::string(below(20000), 'r')), now_);
    }
  }

  Processes& processes() { return processes_strict_; }

  StrictRuntime runtime_strict_;
  Processes processes_strict_{few(), runtime_strict_};
  RandomMsgpack random_{test_seed()};
  ProcessId newest_ = 0xa1;
};

TEST_F(RandomUse, EveryTicketIsAnsweredOnceAndNothingIsLeft) {
  const RestartPolicy often{RestartPolicy::Kind::kPermanent, 1000000, milliseconds{1000}};
  EXPECT_TRUE(processes().add_server("counter", {1}, often).ok());
  EXPECT_TRUE(processes().add_task("ticker", {{1}, "tick", {}}, often).ok());
  processes().start_supervised(now_);
  for (int i = 0; i < 100000 && !HasFailure(); ++i) {
    below(3) == 0 ? ask() : act();
    if (below(4) == 0) processes().flush(now_);
    if (below(4) == 0) {
      now_ += milliseconds{below(below(50) == 0 ? 2500 : 20)};
      processes().on_tick(now_);
    }
    if (below(1000) == 0) runtime_strict_.full = !runtime_strict_.full;
    ASSERT_LE(processes().size(), 60U + 2) << "the named ones are started whatever else there is";
  }
  EXPECT_GT(runtime_strict_.answers.size(), 1000U);

  processes().stop_all(now_);
  while (!runtime_strict_.bodies.empty()) {
    EXPECT_TRUE(runtime_strict_.bodies.begin()->second.stopped);
    EXPECT_FALSE(runtime_strict_.bodies.begin()->second.waits) << "it would wait for ever";
    end(runtime_strict_.bodies.begin()->first);
    if (HasFailure()) return;
  }
  now_ += limits::kTaskLease;
  processes().on_tick(now_);
  EXPECT_EQ(runtime_strict_.answers.size(), ticket_ - 100) << "a ticket was not answered";
  EXPECT_EQ(processes().size(), 0U);
  EXPECT_EQ(processes().meters().mailboxes.bytes(), 0U);
  EXPECT_EQ(processes().meters().output.bytes(), 0U);
  EXPECT_EQ(processes().meters().results.bytes(), 0U);
}

using Many = ProcessesTest;

TEST_F(Many, ProcessesThatWaitCostNoTickAnything) {
  constexpr std::uint64_t kWaiting = 100000, kPolls = 50000;
  for (std::uint64_t i = 0; i < kWaiting; ++i) {
    run(Mode::kSpawn, milliseconds{60000});
    wait(last());
  }
  pass(limits::kTaskLease);
  EXPECT_EQ(processes_.visits(), kWaiting) << "each once, at the end of its lease";
  const auto idle = processes_.visits();
  pass(milliseconds{20000});
  EXPECT_EQ(processes_.visits(), idle);

  const auto first = ticket_ + 1;
  for (std::uint64_t i = 0; i < kPolls; ++i) next(0xa1 + i);
  pass(limits::kTaskSlice - milliseconds{10});
  EXPECT_EQ(processes_.visits(), idle);
  pass(milliseconds{10});
  EXPECT_EQ(processes_.visits(), idle + kPolls);
  for (const auto ticket : {first, ticket_})
    EXPECT_THAT(answer(ticket), testing::EndsWith("[],0,null]"));
  pass(limits::kTaskLease);
  EXPECT_EQ(processes_.visits(), idle + 2 * kPolls);

  pass(milliseconds{60000});
  EXPECT_EQ(processes_.visits(), idle + 2 * kPolls + kWaiting) << "each once, at its limit";
  EXPECT_EQ(runtime_.stopped.size(), kWaiting);
}

TEST_F(Many, AMessageForOneOfThemVisitsNoOther) {
  for (int i = 0; i < 10000; ++i) {
    run(Mode::kSpawn);
    wait(last(), now_ + hours{1});
  }
  pass(limits::kTaskLease);
  const auto before = processes_.visits();
  EXPECT_TRUE(processes_.send(0xa1 + 5000, message("x"), now_).ok());
  pass(milliseconds{1000});
  EXPECT_EQ(runtime_.delivered.size(), 1U);
  EXPECT_EQ(processes_.visits(), before);
}

}  // namespace
}  // namespace kvmesh::tasks
