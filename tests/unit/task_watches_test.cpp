// Nodes that come and go, as a task is told of them.
#include <string>
#include <vector>

#include "common/wire/value_codec.h"
#include "host_fixture.h"

namespace kvmesh::tasks {
namespace {

using std::chrono::hours;

class TaskRuntimeWatches : public HostTest {};

TEST_F(TaskRuntimeWatches, ATaskIsToldOfNodesThatComeAndGo) {
  peers_ = {*NodeName::parse("bar@localhost")};
  run(Module{"t"}.define("watch", [](Task& self) {
    if (auto status = self.watch_nodes(); !status.ok()) return status;
    for (int i = 0; i < 3; ++i) {
      const auto event = self.receive(hours{1});
      if (!event) return event.status();
      const bool up = event->kind == MessageKind::kNodeUp;
      self.print(event->sender.node + (up ? " up" : " down: ") + *event->body.bytes_or_text() +
                 ", says " + event->seen_by);
    }
    self.unwatch_nodes();
    return Status{};
  }));
  auto progress = answer(start("t.watch", {}, "async"));
  // The next line that it prints, in however many answers that comes.
  const auto next_line = [&] {
    std::string out;
    for (;;) {
      auto& parts = *progress.result.get_if<Value::List>();
      for (const auto& chunk : *parts[3].get_if<Value::List>()) {
        out += *(*chunk.get_if<Value::List>())[1].bytes_or_text();
      }
      parts[3] = Value::List{};
      if (out.ends_with('\n')) return out;
      progress = answer(ask("task.next", {parts[1], parts[2]}));
    }
  };
  EXPECT_EQ(next_line(), "bar@localhost down: not connected yet, says foo@localhost\n");
  host_->watch().on_up(PeerIndex{0});
  EXPECT_EQ(next_line(), "bar@localhost up, says foo@localhost\n");
  host_->watch().on_down(PeerIndex{0}, "gone");
  EXPECT_EQ(next_line(), "bar@localhost down: gone, says foo@localhost\n");
}

TEST_F(TaskRuntimeWatches, ATaskWatchesABusyNodeOn) {
  std::vector<std::string> asked;  // arguments, packed
  watch_ = [&](core::Call& call) {
    asked.emplace_back(call.request().args);
    if (asked.size() > 3) return (void)call.defer();  // the test is over before there is news
    if (asked.size() == 2) return call.fail({StatusCode::kOverloaded, "busy"});
    const bool up = asked.size() == 1;
    ASSERT_TRUE(wire::pack_value(call.result(),
                                 Value::List{"foo@localhost", up ? 3 : 4,
                                             Value::List{Value::List{"bar@localhost", up, ""}}})
                    .ok());
    call.succeed();
  };
  run(Module{"t"}.define("watch", [](Task& self) {
    if (auto status = self.watch_nodes(); !status.ok()) return status;
    for (const auto kind : {MessageKind::kNodeUp, MessageKind::kNodeDown}) {
      const auto event = self.receive(hours{1});
      if (!event) return event.status();
      if (event->kind != kind || event->seen_by != "foo@localhost") self.print("wrong");
    }
    self.unwatch_nodes();
    return Status{};
  }));
  const auto ended = run_task("t.watch");
  EXPECT_EQ(ended.status, Status{});
  EXPECT_EQ(ended.out, "");
  ASSERT_GE(asked.size(), 3U);
  EXPECT_NE(asked[0], asked[1]);
  EXPECT_EQ(asked[1], asked[2]);
}

}  // namespace
}  // namespace kvmesh::tasks
