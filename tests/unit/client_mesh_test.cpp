// The Mesh of a client: what it asks the node for, and where the output of tasks goes.

#include <kvmesh/mesh.h>

#include <cstdio>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <unistd.h>

#include "client/standard_output.h"
#include "tests/unit/client_fixture.h"
#include "tests/unit/value_printer.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;
using client::StandardOutput;
using test::kLong;

class ClientMesh : public test::ClientFixture {
 protected:
  // A node on which each task prints its arguments' first, to both streams, and ends with its
  // second; it has mailboxes that get what is sent to them.
  void play_node() {
    node_.on_request = [this](const auto& request) {
      if (request.function == "task.run") {
        const auto& args = *request.args[1].template get_if<Value::List>();
        asked_functions.push_back(*request.args[0].bytes_or_text());
        asked_arguments.push_back(args);
        result = args.size() > 1 ? args[1] : Value{};
        const auto text = args.empty() ? "" : *args[0].bytes_or_text();
        node_.answer(request, Value::List{"foo@h", 7, 99,
                                          Value::List{Value::List{1, Bytes{text}},
                                                      Value::List{2, Bytes{"!" + text}}},
                                          0, Value{}});
      } else if (request.function == "task.next") {
        node_.answer(request, Value::List{"foo@h", 7, 99, Value::List{}, 1, result});
      } else if (request.function == "process.open") {
        node_.answer(request, Value::List{"fake@localhost", 5, 55});
      } else if (request.function == "process.send") {
        sent.push_back(request.args[2]);
        node_.answer(request);
        if (receiver.id != 0) deliver();
      } else if (request.function == "process.receive") {
        receiver = request;
        if (!sent.empty()) deliver();
      } else {
        node_.answer(request);
      }
    };
  }
  void deliver() {
    Value::List messages;
    for (auto& body : sent) messages.push_back(Value::List{0, Value{}, std::move(body)});
    sent.clear();
    const auto asked = std::exchange(receiver, {});
    node_.answer(asked, Value{std::move(messages)});
  }

  Value result;
  std::vector<std::string> asked_functions;
  std::vector<Value::List> asked_arguments;
  std::vector<Value> sent;
  test::FakeNode::Request receiver;
};

TEST_F(ClientMesh, CallsAFunctionAndShowsWhatItWrites) {
  play_node();
  open_connected();
  std::mutex mutex;
  std::string shown;
  const CallOptions options{kLong, output_to([&](const OutputChunk& chunk) {
                              const std::lock_guard lock{mutex};
                              shown += chunk.bytes;
                            })};
  const auto answer = while_serving(
      [&] { return client_->mesh().call<std::int64_t>(options, "foo@h", "hello.add", "hi", 3); });
  ASSERT_TRUE(answer) << answer.status().to_string();
  EXPECT_EQ(*answer, 3);
  EXPECT_EQ(shown, "hi!hi");
  EXPECT_EQ(asked_functions, std::vector<std::string>{"hello.add"});
}

TEST_F(ClientMesh, TakesArgumentsWhoseNumberIsKnownAtRunTimeOnly) {
  play_node();
  open_connected();
  const CallOptions options{kLong, output_to([](const OutputChunk&) {})};
  ArgumentList args{{"a", 2, Value::List{3}}};
  const auto answer =
      while_serving([&] { return client_->mesh().call(options, "foo@h", "f.g", args); });
  ASSERT_TRUE(answer) << answer.status().to_string();
  ASSERT_EQ(asked_arguments.size(), 1U);
  EXPECT_EQ(asked_arguments[0], (Value::List{"a", 2, Value::List{3}}));
}

TEST_F(ClientMesh, IsOneWithOneMailbox) {
  play_node();
  open_connected();
  auto& mesh = client_->mesh();
  EXPECT_EQ(&mesh, &client_->mesh());
  const auto pid = while_serving([&] { return mesh.self(); });
  ASSERT_TRUE(pid) << pid.status().to_string();
  EXPECT_EQ(*pid, (Pid{"fake@localhost", 5}));
  ASSERT_TRUE(while_serving([&] { return mesh.send(*pid, "ping"); }).ok());
  const auto message = while_serving([&] { return mesh.receive(kLong); });
  ASSERT_TRUE(message) << message.status().to_string();
  EXPECT_EQ(message->body, Value{"ping"});
}

// A node that tells a watcher at once that foo@h is up; then it is busy, `busy` times; then foo@h
// is down. Polls after that it keeps.
class BusyNode : public ClientMesh {
 protected:
  void play_busy_node(int busy) {
    node_.on_request = [this, busy](const auto& request) {
      if (request.function == "process.open") {
        node_.answer(request, Value::List{"fake@localhost", 5, 55});
      }
      if (request.function != "node.watch") return;
      seen.push_back(*request.args[0].to_uint());
      if (seen.size() == 1) {
        node_.answer(request, Value::List{"fake@localhost", 3, Value::List{change(true)}});
      } else if (static_cast<int>(seen.size()) < busy + 2) {
        node_.answer(request, {StatusCode::kOverloaded, "as many as it takes are under way"});
      } else if (static_cast<int>(seen.size()) == busy + 2) {
        node_.answer(request, Value::List{"fake@localhost", 4, Value::List{change(false)}});
      }
    };
  }
  static Value change(bool up) { return Value::List{"foo@h", up, up ? "" : "gone"}; }
  MessageKind next_kind() {
    const auto message = while_serving([&] { return client_->mesh().receive(kLong); });
    EXPECT_TRUE(message) << message.status().to_string();
    return message ? message->kind : MessageKind::kMessage;
  }

  std::vector<std::uint64_t> seen;
};

TEST_F(BusyNode, IsWatchedOnAfterAPause) {
  play_busy_node(2);
  open_connected();
  ASSERT_TRUE(while_serving([&] { return client_->mesh().watch_nodes(); }).ok());
  EXPECT_EQ(next_kind(), MessageKind::kNodeUp);
  EXPECT_EQ(next_kind(), MessageKind::kNodeDown);
  ASSERT_TRUE(node_.await([&] { return seen.size() >= 5; }));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 3, 3, 3, 4}));
}

TEST_F(BusyNode, AClientEndsInThePause) {
  play_busy_node(1000000);
  open_connected();
  ASSERT_TRUE(while_serving([&] { return client_->mesh().watch_nodes(); }).ok());
  ASSERT_TRUE(node_.await([&] { return seen.size() >= 2; }));
  while_serving([&] {
    client_.reset();
    return true;
  });
  EXPECT_EQ(client_, nullptr);
}

TEST_F(ClientMesh, EndsWithItsClientWhileATaskRuns) {
  open_connected();
  auto task = client_->mesh().async<Value>("foo@h", "hello.slow");
  ASSERT_TRUE(node_.await_requests(1));
  client_.reset();
  EXPECT_FALSE(task.await(kLong));
}

TEST_F(ClientMesh, SaysWhatIsWrongWhenThereIsNoNode) {
  node_.stop();
  Client::Options options;
  options.connect_timeout = 50ms;
  open(options);
  const auto answer = client_->mesh().call<int>("foo@h", "hello.add", 1, 2);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
}

// A pipe, as a stream to write and a descriptor to read.
struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    reader = ends[0];
    stream = fdopen(ends[1], "w");
  }
  ~Pipe() {
    std::fclose(stream);
    close(reader);
  }
  std::string read_bytes(std::size_t count) const {
    std::string out;
    std::string part(65536, '\0');
    while (out.size() < count) {
      const auto got = read(reader, part.data(), std::min(part.size(), count - out.size()));
      if (got <= 0) break;
      out.append(part, 0, static_cast<std::size_t>(got));
    }
    return out;
  }
  int reader = -1;
  std::FILE* stream = nullptr;
};

TEST(StandardOutputThreads, WritesInOrderAndTellsWhenItHas) {
  Pipe pipe;
  Pipe other;
  std::string expected;
  std::promise<void> all;
  {
    StandardOutput output{pipe.stream, other.stream};
    for (int i = 0; i < 100; ++i) {
      const std::string text = std::to_string(i) + "\n";
      expected += text;
      output.write(
          {{OutputStream::kOut, text}},
          i == 99 ? std::function<void()>{[&] { all.set_value(); }} : [] {});
    }
    output.write({{OutputStream::kErr, "err"}}, [] {});
    all.get_future().get();
    EXPECT_EQ(pipe.read_bytes(expected.size()), expected);
  }
  EXPECT_EQ(other.read_bytes(3), "err");
}

TEST(StandardOutputThreads, ASlowReaderHoldsUpNeitherWritersNorTheOrder) {
  Pipe pipe;
  StandardOutput output{pipe.stream, pipe.stream};
  const std::string large(1 << 20, 'x');  // more than a pipe holds
  std::promise<void> taken;
  auto told = taken.get_future();
  output.write({{OutputStream::kOut, large}}, [&] { taken.set_value(); });
  output.write({{OutputStream::kErr, "end"}}, [] {});  // returns
  EXPECT_EQ(told.wait_for(0s), std::future_status::timeout) << "it cannot have been written";
  EXPECT_EQ(pipe.read_bytes(large.size()), large);
  told.get();
  EXPECT_EQ(pipe.read_bytes(3), "end");
}

TEST(StandardOutputThreads, MayEndOnItsOwnThread) {
  Pipe pipe;
  auto output = std::make_shared<StandardOutput>(pipe.stream, pipe.stream);
  std::promise<void> gone;
  auto& sink = *output;
  auto last = std::make_shared<std::shared_ptr<StandardOutput>>(std::move(output));
  sink.write({{OutputStream::kOut, "a"}}, [last, &gone] {
    last->reset();
    gone.set_value();
  });
  last.reset();
  gone.get_future().get();
  EXPECT_EQ(pipe.read_bytes(1), "a");
}

}  // namespace
}  // namespace kvmesh
