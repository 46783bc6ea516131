#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/wire/pack.h"
#include "common/wire/value_codec.h"
#include "node/tasks/processes.h"

namespace kvmesh::tasks {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// Keeps what Processes asks for, as texts that tests compare.
class FakeRuntime : public Runtime {
 public:
  Status start(TaskStart task) override {
    if (!refuse.ok()) return refuse;
    started.push_back(std::move(task));
    return {};
  }
  Status start_server(ProcessId id, ServerIndex server) override {
    if (!refuse.ok()) return refuse;
    servers.emplace_back(id, server.value);
    return {};
  }
  void deliver(ProcessId id, Delivery delivery) override {
    delivered[id].push_back(show(delivery));
  }
  void stop(ProcessId id, std::string_view why) override {
    if (!stopped.emplace(id, why).second) ADD_FAILURE() << id << " was stopped twice";
  }
  void give_credit(ProcessId id, std::size_t bytes) override { credit[id] += bytes; }
  bool has_begun(ProcessId id) const override {
    return std::find(queued.begin(), queued.end(), id) == queued.end();
  }
  bool forestall(ProcessId id) override { return std::erase(queued, id) > 0; }
  bool is_parked(ProcessId id) const override { return parked.contains(id); }
  bool has_taken(ProcessId id) const override { return !untaken.contains(id); }
  bool take_back(ProcessId id) override { return untaken.erase(id) > 0; }
  Workers workers() const override { return {4, 4}; }
  void answer(Ticket ticket, const Status& outcome, std::string_view result) override {
    const auto text = outcome.ok() ? unpacked(result) : outcome.to_string();
    if (!answers.emplace(ticket.value, text).second) {
      ADD_FAILURE() << "ticket " << ticket.value << " was answered twice, now with " << text;
    }
  }
  void report(const std::string& line) override { reports.push_back(line); }

  static std::string unpacked(std::string_view packed) {
    if (packed.empty()) return "null";
    const auto value = wire::unpack_value(packed);
    return value.ok() ? value->to_json() : "not msgpack: " + value.status().text();
  }
  static std::string show(const Delivery& delivery) {
    using Kind = Delivery::Kind;
    static const std::map<Kind, std::string> kNames = {
        {Kind::kMessage, "message"}, {Kind::kDown, "down"}, {Kind::kUndelivered, "undelivered"},
        {Kind::kTimer, "timer"},     {Kind::kCall, "call"}, {Kind::kCast, "cast"},
        {Kind::kNothing, "nothing"}};
    std::string out = kNames.at(delivery.kind);
    if (!delivery.function.empty()) out += " " + delivery.function;
    if (!delivery.body.empty()) out += " " + unpacked(delivery.body);
    if (!delivery.from.empty()) out += " from " + delivery.from;
    return out;
  }

  Status refuse;  // of starts, unless it is OK
  std::vector<TaskStart> started;
  std::vector<std::pair<ProcessId, std::uint32_t>> servers;
  std::map<ProcessId, std::vector<std::string>> delivered;
  std::map<ProcessId, std::string> stopped;
  std::map<ProcessId, std::size_t> credit;
  std::vector<ProcessId> queued;
  std::set<ProcessId> parked;   // these wait within their bodies
  std::set<ProcessId> untaken;  // what these were delivered last waits for a worker
  std::map<std::uint64_t, std::string> answers;
  std::vector<std::string> reports;
};

/// Processes of node foo@h with ids from 0xa1 on, a clock that the test moves in steps of 10 ms,
/// and tickets that count up.
class ProcessesTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kKey = 7;

  static Processes::Options options() {
    Processes::Options out;
    out.self = *NodeName::parse("foo@h");
    out.first_id = 0xa1;
    return out;
  }

  static std::string text(std::string_view body) {
    wire::Buffer out;
    wire::pack_str(out, body);
    return std::string{out.view()};
  }
  static std::string number(std::uint64_t value) {
    wire::Buffer out;
    wire::pack_uint(out, value);
    return std::string{out.view()};
  }
  static Delivery message(std::string_view body, std::string from = {}) {
    Delivery out;
    out.kind = Delivery::Kind::kMessage;
    out.from = std::move(from);
    out.body = text(body);
    return out;
  }

  void pass(milliseconds time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += std::min<TimePoint::duration>(milliseconds{10}, end - now_);
      processes_.on_tick(now_);
    }
  }

  std::uint64_t run(Mode mode = Mode::kCall, milliseconds limit = {}) {
    processes_.run({++ticket_}, {{3}, "hello.slow", text("args"), mode, limit, "<me@h/1>", kKey},
                   now_);
    return ticket_;
  }
  std::uint64_t next(ProcessId id, std::uint64_t key = kKey, Wants wants = Wants::kNews) {
    processes_.next({++ticket_}, id, key, wants, now_);
    return ticket_;
  }
  std::uint64_t receive(ProcessId id, std::uint64_t most = 0, std::uint64_t key = kKey,
                        Wants wants = Wants::kNews) {
    processes_.receive({++ticket_}, id, key, most, wants, now_);
    return ticket_;
  }
  std::uint64_t monitor(ProcessId id) {
    processes_.monitor({++ticket_}, id, now_);
    return ticket_;
  }
  std::uint64_t call(std::string_view server, std::string function,
                     TimePoint deadline = TimePoint::max()) {
    processes_.server_call({++ticket_}, server, {std::move(function), text("args"), {}, deadline},
                           now_);
    return ticket_;
  }
  void print(ProcessId id, std::string_view bytes, Stream stream = Stream::kOut) {
    processes_.on_output(id, stream, bytes);
  }
  void wait(ProcessId id, std::optional<TimePoint> until = {}) {
    processes_.on_wait(id, until, now_);
  }
  void exit(ProcessId id, const Status& status = {}, std::string_view result = {}) {
    processes_.on_exit(id, status, result, now_);
  }
  void fail(ProcessId id, std::string what) {
    exit(id, {StatusCode::kTaskFailed, std::move(what)});
  }

  /// What a ticket was answered; "waits" while it was not.
  std::string answer(std::uint64_t ticket) {
    const auto found = runtime_.answers.find(ticket);
    return found == runtime_.answers.end() ? "waits" : found->second;
  }
  /// The id of the task that was started last.
  ProcessId last() const { return runtime_.started.back().id; }
  static std::string progress(ProcessId id, std::string_view rest) {
    return "[\"foo@h\"," + std::to_string(id) + ",7," + std::string{rest} + "]";
  }
  static std::string running(ProcessId id, std::string_view output = "[]") {
    return progress(id, std::string{output} + ",0,null");
  }
  std::string list() {
    wire::Buffer out;
    processes_.list(out, now_);
    return FakeRuntime::unpacked(out.view());
  }
  /// All that processes hold: nothing may be left at the end.
  void expect_empty() {
    EXPECT_EQ(processes_.size(), 0U);
    EXPECT_EQ(processes_.meters().mailboxes.bytes(), 0U);
    EXPECT_EQ(processes_.meters().output.bytes(), 0U);
    EXPECT_EQ(processes_.meters().results.bytes(), 0U);
  }

  TimePoint now_ = TimePoint{} + hours{1};
  std::uint64_t ticket_ = 100;
  FakeRuntime runtime_;
  Processes processes_{options(), runtime_};
};

}  // namespace kvmesh::tasks
