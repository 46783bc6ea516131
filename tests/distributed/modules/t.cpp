// The module `t` for the tests of real nodes: small functions, each for one thing that a task can
// do.

#include <kvmesh/plugin.h>

#include <chrono>
#include <cstdint>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>

#include <kvmesh/module.h>

namespace {

using kvmesh::Pid;
using kvmesh::Result;
using kvmesh::Status;
using kvmesh::StatusCode;
using kvmesh::Task;
using kvmesh::Value;
using std::chrono::milliseconds;

// ---- Results and ends.

Value nested(std::int64_t depth) {
  Value value{1};
  for (std::int64_t i = 0; i < depth; ++i) value = Value::List{value};
  return value;
}

void maybe_fail(std::int64_t number) {
  if (number % 10 == 0) throw std::runtime_error("number " + std::to_string(number));
}

Result<std::int64_t> half(std::int64_t number) {
  if (number % 2 == 0) return number / 2;
  return Status{StatusCode::kNotFound, std::to_string(number) + " has no half"};
}

// ---- The stack.

// Each character takes some hundred bytes of it.
bool grep(const std::string& text, const std::string& expression) {
  return std::regex_search(text, std::regex{expression});
}

// Without end, for every argument but 0; the compiler does not know that.
std::int64_t descend(std::int64_t number) {
  volatile char frame[256];  // NOLINT: std::array has no volatile elements
  for (volatile char& byte : frame) byte = 1;
  return number == 0 ? 0 : descend(number + 1) + frame[0];
}

// ---- Output.

void both_streams(Task& self) {
  self.print("one");
  self.err("two");
  self.write("thr");
  self.write("ee\n");
}

void flood(Task& self, std::int64_t lines) {
  for (std::int64_t i = 0; i < lines; ++i) self.print("line " + std::to_string(i));
}

// ---- Waiting.

std::string wait_for_stop(Task& self) {
  self.print("waiting");
  const auto message = self.receive(std::chrono::hours{1});
  return message.status().to_string();
}

// Does not look whether it is to stop.
void compute(std::int64_t for_ms) { std::this_thread::sleep_for(milliseconds{for_ms}); }

// The same until it is told to.
void hold(Task& self) {
  while (!self.stop_token().stop_requested()) std::this_thread::sleep_for(milliseconds{1});
}

// Answers each message until it gets "end".
std::int64_t echo_messages(Task& self) {
  for (std::int64_t count = 0;; ++count) {
    const auto message = self.receive(std::chrono::hours{1});
    if (!message) return -1;
    if (message->body == Value{"end"}) return count;
    (void)self.send(message->sender, message->body);
  }
}

std::string one_message(Task& self, milliseconds timeout) {
  const auto message = self.receive(timeout);
  if (!message) return message.status().to_string();
  const auto* text = message->body.bytes_or_text();
  return std::to_string(static_cast<int>(message->kind)) + " " +
         (text == nullptr ? message->body.to_json() : *text);
}

// What comes back of a message that cannot be delivered.
std::string send_to(Task& self, const Pid& to, Value body) {
  if (const auto status = self.send(to, std::move(body)); !status.ok()) return status.to_string();
  const auto message = self.receive(std::chrono::seconds{10});
  if (!message) return message.status().to_string();
  if (message->kind != kvmesh::MessageKind::kUndelivered || message->sender != to) return "another";
  return *message->body.bytes_or_text();
}

std::string reminded(Task& self, milliseconds after) {
  if (const auto status = self.send_after(after, "wake up"); !status.ok()) return status.text();
  const auto message = self.receive(std::chrono::hours{1});
  if (!message) return message.status().to_string();
  return message->body.to_json() + (message->sender == self.self() ? " from itself" : "");
}

// ---- Tasks that ask.

Result<Value> relay(Task& self, const std::string& node, const std::string& function,
                    Value::List args) {
  if (args.empty()) return self.call(node, function);
  return self.call(node, function, args.front());
}

std::int64_t sum_of_halves(Task& self, const std::string& node, std::int64_t count) {
  std::vector<kvmesh::Async<std::int64_t>> halves;
  for (std::int64_t i = 0; i < count; ++i) {
    halves.push_back(self.async<std::int64_t>(node, "t.half", 2 * i));
  }
  std::int64_t sum = 0;
  for (auto& half : halves) sum += half.await().value();
  return sum;
}

// Ends while what it asked for is under way.
void leave_requests(Task& self, const std::string& node) {
  for (int i = 0; i < 10; ++i) (void)self.spawn(node, "t.wait_for_stop");
  const auto forgotten = self.async_nolink(node, "t.wait_for_stop");
  (void)self.monitor(Pid{node.empty() ? self.self().node : node, 1});
}

std::string monitored(Task& self, const std::string& node, const std::string& function) {
  const auto pid = self.spawn(node, function);
  if (!pid) return pid.status().to_string();
  if (const auto status = self.monitor(*pid); !status.ok()) return status.to_string();
  const auto down = self.receive(std::chrono::seconds{10});
  if (!down) return down.status().to_string();
  return down->sender == *pid ? down->body.to_json() : "of another process";
}

// Prints what becomes of the peers of a node, until `wanted` has come back or that node is gone.
Result<std::string> watch(Task& self, const std::string& node, const std::string& wanted) {
  if (auto status = self.watch_nodes(node); !status.ok()) return status;
  for (bool was_down = false;;) {
    const auto event = self.receive(std::chrono::seconds{30});
    if (!event) return event.status();
    const bool up = event->kind == kvmesh::MessageKind::kNodeUp;
    const auto text = event->sender.node + (up ? " up, says " : " down, says ") +
                      (event->seen_by.empty() ? "nobody" : event->seen_by);
    const bool is_wanted = event->sender.node == wanted;
    if (event->seen_by.empty() || (is_wanted && up && was_down)) return text;
    was_down = was_down || (is_wanted && !up);
    self.print(text);
  }
}

// ---- A server.

class Counter {
 public:
  std::int64_t add(std::int64_t amount) { return total_ += amount; }
  void reset() { total_ = 0; }
  std::string crash() { throw std::runtime_error("the counter is broken"); }
  std::string self_text(Task& self) { return self.self().to_string(); }
  std::string receives(Task& self) { return self.receive(milliseconds{1}).status().to_string(); }
  void note(Task&, const kvmesh::Message& message) {
    if (const auto* number = message.body.get_if<std::int64_t>()) total_ += *number;
  }

 private:
  std::int64_t total_ = 0;
};

kvmesh::Module make() {
  kvmesh::Module t{"t"};
  t.define("add", [](std::int64_t a, std::int64_t b) { return a + b; })
      .define("nothing", [] {})
      .define("echo", [](Value value) { return value; })
      .define("size", [](const std::string& text) { return text.size(); })
      .define("bytes",
              [](std::int64_t count) { return std::string(static_cast<std::size_t>(count), 'x'); })
      .define("nested", nested)
      .define("fail", [](const std::string& text) { throw std::runtime_error(text); })
      .define("fail_oddly", [] { throw 7; })
      .define("maybe_fail", maybe_fail)
      .define("half", half)
      .define("grep", grep)
      .define("descend", descend)
      .define("both_streams", both_streams)
      .define("flood", flood)
      .define("wait_for_stop", wait_for_stop)
      .define("compute", compute)
      .define("sleep", [](Task& self, std::int64_t ms) { return self.sleep_for(milliseconds{ms}); })
      .define("hold", hold)
      .define("echo_messages", echo_messages)
      .define("one_message", one_message)
      .define("send_to", send_to)
      .define("reminded", reminded)
      .define("relay", relay)
      .define("sum_of_halves", sum_of_halves)
      .define("leave_requests", leave_requests)
      .define("monitored", monitored)
      .define("watch", watch)
      .define("pid", [](Task& self) { return self.self(); })
      .define("has_deadline", [](Task& self) { return self.deadline().has_value(); });
  t.server<Counter>("counter")
      .call("add", "Adds to the count, and says what it is then.", &Counter::add)
      .call("crash", &Counter::crash)
      .call("self", &Counter::self_text)
      .call("receives", &Counter::receives)
      .cast("reset", &Counter::reset)
      .message(&Counter::note)
      .max_restarts(2)
      .period(std::chrono::minutes{1});
  return t;
}

}  // namespace

KVMESH_MODULE(make)
