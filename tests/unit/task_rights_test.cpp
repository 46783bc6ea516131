// Who may act on whose processes: tasks.allow holds for all that reaches a process from outside.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host_fixture.h"

namespace kvmesh::tasks {
namespace {

using std::chrono::hours;

class Tally {
 public:
  std::int64_t add(std::int64_t amount) { return total_ += amount; }

 private:
  std::int64_t total_ = 0;
};

// A server `counter`, and permanent tasks of the functions `shown` and `hidden`, which wait.
Module waiting_module() {
  const auto wait = [](Task& self) { (void)self.receive(hours{1}); };
  Module module{"t"};
  module.define("shown", wait).define("hidden", wait);
  // What a body of the node itself may do with the others.
  module
      .define("cancel",
              [](Task& self, std::int64_t id) { return self.call<void>("", "task.cancel", id); })
      .define("send",
              [](Task& self, const std::string& name) {
                return self.call<void>("", "process.send", name, Value{}, 1);
              })
      .define("count", [](Task& self) {
        return static_cast<std::int64_t>(
            self.call<Value>("", "task.list")->get_if<Value::List>()->size());
      });
  module.keep_running("shown", {}).keep_running("hidden", {});
  module.server<Tally>("counter").call("add", &Tally::add);
  return module;
}

class TaskRights : public HostTest {
 protected:
  // Starts the node with that tasks.allow.
  void run_allowing(const std::vector<std::string>& patterns) {
    settings_.allow = *Allowed::parse(patterns);
    run(waiting_module());
    pass_until([this] { return host_->counts().waiting == 3; });
    // Ids are given in the order of the starts: a stranger may guess them.
    const auto box = open();
    counter_ = box.id - 3;
    shown_ = box.id - 2;
    hidden_ = box.id - 1;
  }

  struct Box {
    std::int64_t id = 0;
    Value key;
  };
  Box open() {
    const auto opened = call("process.open", {});
    const auto& parts = *opened.result.get_if<Value::List>();
    return {static_cast<std::int64_t>(*parts[1].to_uint()), parts[2]};
  }
  std::vector<std::string> listed() {
    std::vector<std::string> functions;
    const auto list = call("task.list", {});
    for (const auto& row : *list.result.get_if<Value::List>()) {
      functions.emplace_back(*row.find("function")->bytes_or_text());
    }
    return functions;
  }
  StatusCode code(const std::string& function, Value::List args) {
    return call(function, std::move(args)).status.code();
  }
  Status cancel_from_inside(std::int64_t id) { return run_task("t.cancel", {id}).status; }

  std::int64_t counter_ = 0;
  std::int64_t shown_ = 0;
  std::int64_t hidden_ = 0;
};

TEST_F(TaskRights, WithoutAListAllIsAllowed) {
  run(waiting_module());
  pass_until([this] { return host_->counts().waiting == 3; });
  open();
  EXPECT_THAT(listed(), ElementsAre("server counter", "task t.shown", "task t.hidden", "mailbox"));
  const auto box = open();
  EXPECT_EQ(code("task.cancel", {box.id - 2}), StatusCode::kOk) << "t.hidden";
  EXPECT_EQ(code("task.cancel", {box.id}), StatusCode::kOk);
}

TEST_F(TaskRights, NothingIsCancelledThatMayNotBeCalled) {
  run_allowing({"t.shown", "t.cancel", "counter.add"});
  for (const auto id : {counter_, hidden_}) {
    const auto refused = call("task.cancel", {id}).status;
    EXPECT_EQ(refused.code(), StatusCode::kDenied);
    EXPECT_THAT(refused.text(), HasSubstr("tasks.allow does not name the function"));
    EXPECT_EQ(refused.text().find("hidden"), std::string::npos) << refused.text();
  }
  EXPECT_EQ(code("task.cancel", {shown_}), StatusCode::kOk);
  EXPECT_EQ(code("task.cancel", {std::int64_t{1}}), StatusCode::kNotFound);
  EXPECT_EQ(cancel_from_inside(hidden_), Status{}) << "a body of this node may";
}

TEST_F(TaskRights, AServerIsCancelledByThoseWhoMayCallAllOfIt) {
  run_allowing({"counter.*"});
  EXPECT_EQ(code("task.cancel", {counter_}), StatusCode::kOk);
  EXPECT_EQ(code("task.cancel", {shown_}), StatusCode::kDenied);
}

TEST_F(TaskRights, AMailboxIsClosedWithItsKeyOnly) {
  run_allowing({"t.*", "counter.*"});
  const auto box = open();
  EXPECT_EQ(code("task.cancel", {box.id}), StatusCode::kDenied);
  EXPECT_EQ(code("task.cancel", {box.id, std::int64_t{7}}), StatusCode::kDenied);
  EXPECT_EQ(code("process.close", {box.id, std::int64_t{7}}), StatusCode::kNotFound);
  EXPECT_EQ(code("task.cancel", {box.id, box.key}), StatusCode::kOk);
  EXPECT_EQ(code("process.close", {box.id, box.key}), StatusCode::kNotFound) << "it is closed";
}

TEST_F(TaskRights, TheKeyOfOneProcessOpensNoOther) {
  run_allowing({});
  const auto mine = open();
  const auto other = open();
  EXPECT_EQ(code("task.cancel", {other.id, mine.key}), StatusCode::kDenied);
  EXPECT_EQ(code("task.cancel", {counter_, std::int64_t{0}}), StatusCode::kDenied)
      << "a server has no asker, and so no key";
}

TEST_F(TaskRights, OnlyWhatMayBeCalledIsListed) {
  run_allowing({"t.shown", "t.count"});
  EXPECT_THAT(listed(), ElementsAre("task t.shown"));
  EXPECT_EQ(run_task("t.count").result, Value{5}) << "itself and a mailbox too, for a body of it";
  EXPECT_THAT(listed(), ElementsAre("task t.shown")) << "what a body may is no right of others";
  std::vector<std::string> functions;
  const auto modules = call("task.modules", {});
  for (const auto& function : *modules.result.get_if<Value::List>()) {
    functions.emplace_back(*(*function.get_if<Value::List>())[0].bytes_or_text());
  }
  EXPECT_THAT(functions, ElementsAre("t.count", "t.shown"));
}

TEST_F(TaskRights, MailboxesAreListedForThoseWhoMayCallEverything) {
  run_allowing({"*"});
  EXPECT_THAT(listed(), ElementsAre("server counter", "task t.shown", "task t.hidden", "mailbox"));
}

TEST_F(TaskRights, MessagesReachWhatMayBeCalledAndMailboxes) {
  run_allowing({"t.shown", "t.send", "counter.add"});
  EXPECT_EQ(code("process.send", {hidden_, Value{}, 1}), StatusCode::kDenied);
  EXPECT_EQ(code("process.send", {counter_, Value{}, 1}), StatusCode::kDenied);
  EXPECT_EQ(code("process.send", {"counter", Value{}, 1}), StatusCode::kDenied);
  EXPECT_EQ(code("process.send", {"t.hidden", Value{}, 1}), StatusCode::kDenied);
  EXPECT_EQ(code("process.send", {"nobody", Value{}, 1}), StatusCode::kDenied)
      << "which names there are is not told either";
  EXPECT_EQ(code("process.send", {open().id, Value{}, 1}), StatusCode::kOk);
  EXPECT_EQ(code("process.send", {"t.shown", Value{}, 1}), StatusCode::kOk);
  EXPECT_EQ(run_task("t.send", {"t.hidden"}).status, Status{}) << "a body of this node may";
}

TEST_F(TaskRights, TheEndOfWhatMayNotBeCalledIsNotTold) {
  run_allowing({"t.shown", "t.cancel"});
  EXPECT_EQ(code("process.monitor", {hidden_}), StatusCode::kDenied);
  EXPECT_EQ(code("process.monitor", {counter_}), StatusCode::kDenied);
  EXPECT_EQ(code("process.monitor", {shown_}), StatusCode::kOk);
  EXPECT_EQ(code("process.monitor", {open().id}), StatusCode::kOk) << "a mailbox of a client";
}

TEST_F(TaskRights, OfServersOnlyWhatMayBeCalledIsListed) {
  run_allowing({"counter.add"});
  EXPECT_THAT(call("server.list", {}).result.to_json(), StartsWith(R"([["counter",[["add",)"));
  EXPECT_EQ(call("server.list", {}).result.get_if<Value::List>()->size(), 1U);
  EXPECT_EQ(code("server.restart", {"counter"}), StatusCode::kDenied) << "that needs counter.*";
  EXPECT_EQ(code("server.restart", {"nobody"}), StatusCode::kDenied);
}

TEST_F(TaskRights, WhoMayCallNothingOfAServerDoesNotSeeIt) {
  run_allowing({"t.shown"});
  EXPECT_EQ(call("server.list", {}).result, Value{Value::List{}});
}

TEST_F(TaskRights, WhoMayDoAllOfAServerMayRestartIt) {
  run_allowing({"counter.*"});
  const auto restarted = call("server.restart", {"counter"});
  EXPECT_EQ(restarted.status, Status{});
  EXPECT_TRUE(restarted.result.is_nil()) << "it runs, and is told to stop first";
  pass_until([&] { return !reports_.empty(); });
  EXPECT_EQ(call("server.call", {"counter", "add", Value::List{2}, Value{}}).result, Value{2});
  EXPECT_EQ(code("server.restart", {"nobody"}), StatusCode::kDenied);
}

// Strangers took a server down for good: each cancelling counted as a crash.
TEST_F(TaskRights, CancellingAServerTimeAndAgainLeavesItRunning) {
  run_allowing({"counter.*", "*"});
  for (int i = 0; i < 10; ++i) {
    const auto list = call("task.list", {});
    for (const auto& row : *list.result.get_if<Value::List>()) {
      if (*row.find("function")->bytes_or_text() != "server counter") continue;
      const auto pid = Pid::parse(*row.find("pid")->bytes_or_text());
      EXPECT_EQ(code("task.cancel", {static_cast<std::int64_t>(pid->id)}), StatusCode::kOk);
    }
    const auto restarts = static_cast<std::size_t>(i) + 1;
    pass_until([&] { return reports_.size() == restarts; });
    EXPECT_THAT(reports_.back(), HasSubstr("> was cancelled and is restarted"));
  }
  EXPECT_EQ(call("server.call", {"counter", "add", Value::List{2}, Value{}}).result, Value{2});
}

}  // namespace
}  // namespace kvmesh::tasks
