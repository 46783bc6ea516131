// What the client library asks for tasks and processes, and how it reads the answers, against the
// golden vectors of common/vectors/tasks.txt: so the specification and the library cannot drift
// apart.

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/functions.h"
#include "common/remote/requests.h"
#include "common/request.h"
#include "common/wire/buffer.h"
#include "common/wire/frame.h"
#include "common/wire/record.h"
#include "common/wire/value_codec.h"
#include "tests/unit/vector_file.h"

namespace kvmesh::remote {
namespace {

using namespace std::chrono_literals;

constexpr const char* kFoo = "foo@localhost";
const Ticket kTask{{kFoo, 0x1a2b3c}, 0x0f1e2d3c4b5a6978};
const Ticket kMailbox{{"gate@localhost", 0x2f}, 0x0f1e2d3c4b5a6978};

// The one record of the frame of a vector; points into the vector's bytes.
std::string_view record_of(const Vector& vector) {
  const auto parsed = wire::parse_frame(vector.bytes);
  if (!parsed.frame) return {};
  auto run = parsed.frame->content;
  std::optional<wire::Refusal> refusal;
  return wire::next_record(run, refusal).value_or(std::string_view{});
}

class TaskVectors : public testing::Test {
 protected:
  TaskVectors() {
    for (auto& vector : read_vectors("tasks.txt")) {
      auto name = vector.name;
      vectors_.emplace(std::move(name), std::move(vector));
    }
  }

  // Target, function and arguments are those of the vector, byte for byte.
  void expect_sent(const std::string& name, const Operation& operation) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(vectors_.contains(name));
    const auto wanted = wire::decode_request(record_of(vectors_.at(name)));
    ASSERT_TRUE(wanted);
    using For = Operation::For;
    EXPECT_EQ(wanted->target.kind, operation.target == For::kHere   ? Target::Kind::kHere
                                   : operation.target == For::kNode ? Target::Kind::kNode
                                                                    : Target::Kind::kBucket);
    EXPECT_EQ(wanted->target.name, operation.name);
    EXPECT_EQ(wanted->function, operation.function);
    wire::Buffer args;
    ASSERT_TRUE(wire::pack_value(args, operation.args).ok());
    EXPECT_EQ(wanted->args, args.view());
  }

  Value result(const std::string& name) {
    if (!vectors_.contains(name)) {
      ADD_FAILURE() << name;
      return {};
    }
    const auto reply = wire::decode_reply(record_of(vectors_.at(name)));
    auto value = reply ? wire::unpack_value(reply->result)
                       : Result<Value>{Status{StatusCode::kInternal, "no reply"}};
    EXPECT_TRUE(value.ok()) << name << ": " << value.status().to_string();
    return value ? *std::move(value) : Value{};
  }

  std::map<std::string, Vector> vectors_;
};

TEST_F(TaskVectors, TasksAreAskedForAsSpecified) {
  const Destination foo{Operation::For::kNode, kFoo};
  expect_sent("task_run", run_request(foo, "hello.world", {}, Mode::kCall, 0ms, {}));
  expect_sent("task_run_args", run_request({Operation::For::kBucket, "shopping"}, "hello.add",
                                           {1, 2}, Mode::kAsync, 5000ms, kMailbox.pid));
  expect_sent("task_run_spawn",
              run_request(foo, "hello.ping", {}, Mode::kSpawnLink, 0ms, kMailbox.pid));
  expect_sent("task_next", next_request(kTask, true));
  expect_sent("task_next_without", next_request(kTask, false));
  expect_sent("task_cancel", cancel_request(kTask.pid));
}

TEST_F(TaskVectors, ProcessesAreAskedForAsSpecified) {
  expect_sent("process_open", open_request());
  expect_sent("process_receive", receive_request(kMailbox, 1000, true));
  expect_sent("process_receive_without", receive_request(kMailbox, 1000, false));
  expect_sent("process_close", close_request(kMailbox));
  expect_sent("process_send",
              send_request(kFoo, Value{std::int64_t{0x1a2b3c}}, kMailbox.pid, "ping"));
  expect_sent("process_send_name",
              send_request(kFoo, "counter", {}, Value::List{"add", std::int64_t{1}}));
  expect_sent("process_monitor", monitor_request(kTask.pid));
  expect_sent("node_watch", watch_request(kFoo, 0));
  expect_sent("node_watch_again", watch_request(kFoo, 0x1a2b3c4d5e6f));
  expect_sent("server_call",
              server_request("server.call", kFoo, "counter", "add", {1}, kMailbox.pid));
  expect_sent("server_cast", server_request("server.cast", kFoo, "counter", "add", {1}, {}));
  using For = Operation::For;
  expect_sent("server_list", {For::kNode, kFoo, functions::kServerList.str(), {}});
  expect_sent("server_restart", {For::kNode, kFoo, functions::kServerRestart.str(), {"counter"}});
}

TEST_F(TaskVectors, ProgressIsReadAsSpecified) {
  const auto done = progress_of(result("progress_done"));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->task.pid, kTask.pid);
  EXPECT_EQ(done->task.key, kTask.key);
  EXPECT_TRUE(done->done);
  EXPECT_TRUE(done->result.is_nil());
  EXPECT_EQ(done->output,
            (std::vector<OutputChunk>{OutputChunk{OutputStream::kOut, "hello world\n"}}));

  const auto sum = progress_of(result("progress_result"));
  ASSERT_TRUE(sum);
  EXPECT_TRUE(sum->done);
  EXPECT_EQ(sum->result, Value{std::int64_t{3}});

  const auto output = progress_of(result("progress_output"));
  ASSERT_TRUE(output);
  EXPECT_FALSE(output->done);
  EXPECT_EQ(output->output,
            (std::vector<OutputChunk>{OutputChunk{OutputStream::kOut, "1 of 3\n"},
                                      OutputChunk{OutputStream::kErr, std::string{"\xff\0", 2}},
                                      OutputChunk{OutputStream::kOut, "2 of 3\n"}}));

  for (const auto* name : {"progress_begun", "progress_nothing"}) {
    const auto begun = progress_of(result(name));
    ASSERT_TRUE(begun) << name;
    EXPECT_FALSE(begun->done) << name;
    EXPECT_TRUE(begun->output.empty()) << name;
  }
}

TEST_F(TaskVectors, MessagesAreReadAsSpecified) {
  const auto messages = messages_of(result("messages"));
  ASSERT_TRUE(messages);
  ASSERT_EQ(messages->size(), 5U);
  EXPECT_EQ((*messages)[0], (Message{MessageKind::kMessage, kTask.pid, "pong"}));
  EXPECT_EQ((*messages)[1],
            (Message{MessageKind::kMessage, {}, Value::Map{{"a", Value{std::int64_t{1}}}}}));
  EXPECT_EQ((*messages)[2], (Message{MessageKind::kDown, kTask.pid, "normal"}));
  EXPECT_EQ((*messages)[3],
            (Message{MessageKind::kUndelivered, kTask.pid, "overloaded: the mailbox is full"}));
  EXPECT_EQ((*messages)[4], (Message{MessageKind::kUndelivered, {}, "not_found: no such server"}));

  const auto long_form = messages_of(result("messages_long"));
  ASSERT_TRUE(long_form);
  ASSERT_EQ(long_form->size(), 1U);
  EXPECT_EQ((*long_form)[0], (*messages)[0]);
  const auto none = messages_of(result("messages_none"));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST_F(TaskVectors, NodesAreReadAsSpecified) {
  const auto all = nodes_told_of(result("nodes_told"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->node, kFoo);
  EXPECT_EQ(all->seen, 0x1a2b3c4d5e6fU);
  ASSERT_EQ(all->changes.size(), 2U);
  EXPECT_EQ(all->changes[0].node, "bar@localhost");
  EXPECT_TRUE(all->changes[0].up);
  EXPECT_EQ(all->changes[1].node, "gate@localhost");
  EXPECT_FALSE(all->changes[1].up);
  EXPECT_EQ(all->changes[1].why, "it is stopping");
  const auto none = nodes_told_of(result("nodes_unchanged"));
  ASSERT_TRUE(none);
  EXPECT_EQ(none->seen, all->seen);
  EXPECT_TRUE(none->changes.empty());
}

TEST_F(TaskVectors, LivesAndMailboxesAreReadAsSpecified) {
  const auto lives = life_of(result("process_lives"));
  ASSERT_TRUE(lives);
  EXPECT_TRUE(lives->alive);
  const auto ended = life_of(result("process_ended"));
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->alive);
  EXPECT_EQ(ended->reason, "failed: the shelf is empty");
  const auto opened = ticket_of(result("process_opened"));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->pid, kMailbox.pid);
  EXPECT_EQ(opened->key, kMailbox.key);
}

}  // namespace
}  // namespace kvmesh::remote
