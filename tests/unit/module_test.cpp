// Modules: from callables of all kinds to functions of Values, and what is said of wrong ones.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/module.h>

#include "tests/unit/fake_port.h"

namespace kvmesh {
namespace {

using namespace std::chrono_literals;

class FakeTask final : public Task {
 public:
  explicit FakeTask(remote::FakePort& port) : Task(port) {}
  Pid self() const override { return {"foo@h", 1}; }
  std::stop_token stop_token() const override { return source.get_token(); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override { return {}; }
  Status send_after(std::chrono::milliseconds, Value) override { return {}; }
  void output(OutputStream stream, std::string_view bytes) override {
    printed += std::to_string(static_cast<int>(stream)) + ":" + std::string{bytes};
  }

  std::string printed;
  std::stop_source source;
};

class ModuleTest : public testing::Test {
 protected:
  Result<Value> run(const Module& module, std::string_view function, const Value::List& args = {}) {
    for (const auto& defined : module.functions()) {
      if (defined.name == function) return defined.run(task_, args);
    }
    return Status{StatusCode::kUndefinedFunction, std::string{function}};
  }
  std::string refusal(const Module& module, std::string_view function, const Value::List& args) {
    const auto result = run(module, function, args);
    if (result) return "taken";
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
    return result.status().text();
  }

  remote::FakePort port_;
  FakeTask task_{port_};
};

std::int64_t subtract(std::int64_t a, std::int64_t b) { return a - b; }
int one() noexcept { return 1; }

struct Adder {
  int operator()(int a, int b) const { return a + b; }
};

TEST_F(ModuleTest, ASleepSaysWhetherItsTimeIsOver) {
  const auto begin = port_.time;
  port_.then([&] { port_.time += 7ms; });
  EXPECT_TRUE(task_.sleep_for(7ms));
  EXPECT_EQ(port_.waits, std::vector{begin + 7ms});
  EXPECT_FALSE(task_.sleep_for(7ms)) << "the wait ended before its time";
  EXPECT_TRUE(task_.sleep_for(-7ms));
  EXPECT_FALSE(task_.sleep_for(std::chrono::milliseconds::max()));
  EXPECT_GT(port_.waits.back(), begin + 24h);
  task_.source.request_stop();
  EXPECT_FALSE(task_.sleep_for(0ms));
  port_.then([&] { port_.time += 7ms; });
  EXPECT_FALSE(task_.sleep_for(7ms));
}

TEST_F(ModuleTest, CallablesOfAllKinds) {
  Module hello{"hello"};
  int offset = 10;
  std::function<std::string(std::string)> twice = [](const std::string& s) { return s + s; };
  hello.define("world", [](Task& self) { self.print("hello world"); })
      .define("add", [](std::int64_t a, std::int64_t b) { return a + b; })
      .define("shifted", [offset](int a) { return a + offset; })
      .define("greet", [](Task& self, const std::string& name) { self.err("hi " + name); })
      .define("subtract", subtract)
      .define("pointer", &subtract)
      .define("one", one)
      .define("adder", Adder{})
      .define("twice", twice)
      .define("sum", [](const std::vector<int>& values) {
        int sum = 0;
        for (const int value : values) sum += value;
        return sum;
      });
  ASSERT_TRUE(hello.check().ok()) << hello.check().text();

  EXPECT_EQ(*run(hello, "hello.world"), Value{});
  EXPECT_EQ(*run(hello, "hello.add", {1, 2}), Value{3});
  EXPECT_EQ(*run(hello, "hello.shifted", {1}), Value{11});
  EXPECT_EQ(*run(hello, "hello.greet", {"you"}), Value{});
  EXPECT_EQ(*run(hello, "hello.subtract", {5, 2}), Value{3});
  EXPECT_EQ(*run(hello, "hello.pointer", {5, 2}), Value{3});
  EXPECT_EQ(*run(hello, "hello.one"), Value{1});
  EXPECT_EQ(*run(hello, "hello.adder", {1, 2}), Value{3});
  EXPECT_EQ(*run(hello, "hello.twice", {"ab"}), Value{"abab"});
  EXPECT_EQ(*run(hello, "hello.sum", {Value{Value::List{1, 2, 3}}}), Value{6});
  EXPECT_EQ(task_.printed, "1:hello world\n2:hi you\n");
}

TEST_F(ModuleTest, ParametersAreDescribed) {
  Module hello{"hello"};
  hello.define("f", [](Task&, int, const std::string&, const std::vector<double>&,
                       const std::optional<Pid>&) {});
  hello.define("g", [](Task&) {});
  EXPECT_EQ(hello.functions()[0].parameters,
            (std::vector<std::string>{"int", "text", "list of float", "pid or nil"}));
  EXPECT_TRUE(hello.functions()[1].parameters.empty());
}

TEST_F(ModuleTest, ResultsOfAllKinds) {
  Module m{"m"};
  m.define("ok", []() -> Status { return {}; });
  m.define("bad", []() -> Status { return {StatusCode::kFull, "full up"}; });
  m.define("some", []() -> Result<int> { return 4; });
  m.define("none", []() -> Result<int> { return Status{StatusCode::kNotFound, "nothing"}; });
  m.define("text", [] { return "literal"; });
  m.define("optional", [] { return std::optional<int>{}; });
  m.define("value", [] { return Value{Value::List{1}}; });
  EXPECT_EQ(*run(m, "m.ok"), Value{});
  EXPECT_EQ(run(m, "m.bad").status(), (Status{StatusCode::kFull, "full up"}));
  EXPECT_EQ(*run(m, "m.some"), Value{4});
  EXPECT_EQ(run(m, "m.none").status(), (Status{StatusCode::kNotFound, "nothing"}));
  EXPECT_EQ(*run(m, "m.text"), Value{"literal"});
  EXPECT_EQ(*run(m, "m.optional"), Value{});
  EXPECT_EQ(*run(m, "m.value"), (Value{Value::List{1}}));
}

TEST_F(ModuleTest, WrongArgumentsNeverReachTheFunction) {
  Module hello{"hello"};
  int calls = 0;
  hello.define("add", [&calls](int a, int b) { return ++calls, a + b; });
  hello.define("one", [&calls](int a) { return ++calls, a; });
  hello.define("none", [&calls] { ++calls; });
  hello.define("list", [&calls](Task&, const std::vector<int>&) { ++calls; });
  EXPECT_EQ(refusal(hello, "hello.add", {1, 2, 3}),
            "hello.add takes 2 arguments (int, int), got 3");
  EXPECT_EQ(refusal(hello, "hello.one", {}), "hello.one takes 1 argument (int), got 0");
  EXPECT_EQ(refusal(hello, "hello.none", {1}), "hello.none takes no arguments, got 1");
  EXPECT_EQ(refusal(hello, "hello.add", {1, "x"}),
            "hello.add: argument 2 must be an int, got text \"x\"");
  EXPECT_EQ(refusal(hello, "hello.add", {"x", "y"}),
            "hello.add: argument 1 must be an int, got text \"x\"");
  EXPECT_EQ(refusal(hello, "hello.add", {1, std::int64_t{1} << 40}),
            "hello.add: argument 2 must be an int from -2147483648 to 2147483647, got int "
            "1099511627776");
  EXPECT_EQ(refusal(hello, "hello.list", {Value{Value::List{1, Value{}}}}),
            "hello.list: argument 1, element 2, must be an int, got nil");
  EXPECT_EQ(calls, 0);
}

TEST_F(ModuleTest, ExceptionsPassThrough) {
  Module m{"m"};
  m.define("f", [] { throw std::runtime_error("oh no"); });
  EXPECT_THROW((void)run(m, "m.f"), std::runtime_error);
}

TEST_F(ModuleTest, AnOptionalArgumentMayBeNil) {
  Module m{"m"};
  m.define("f", [](std::optional<int> a) { return a.value_or(-1); });
  EXPECT_EQ(*run(m, "m.f", {Value{}}), Value{-1});
  EXPECT_EQ(*run(m, "m.f", {3}), Value{3});
}

TEST_F(ModuleTest, WrongNamesAreTold) {
  EXPECT_TRUE(Module{"_a1"}.check().ok());
  EXPECT_NE(Module{"Hello"}.check().text().find("module \"Hello\" is not a name"),
            std::string::npos);
  EXPECT_FALSE(Module{""}.check().ok());
  EXPECT_FALSE(Module{"1a"}.check().ok());
  EXPECT_FALSE(Module{"a.b"}.check().ok());
  for (const auto* name : {"kv", "node", "task", "process", "server"}) {
    EXPECT_NE(Module{name}.check().text().find("every node has its own"), std::string::npos);
  }

  Module m{"m"};
  m.define("ok", [] {}).define("a-b", [] {}).define("ok", [] {}).define(std::string(255, 'x'), [] {
  });
  const auto status = m.check();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.text(),
            "module m: function \"a-b\" is not a name; write lower-case letters, digits and '_', "
            "and no digit first\n"
            "module m: function \"ok\" is there twice\n"
            "module m: function name of 257 bytes is over the limit of 255");
  EXPECT_EQ(m.functions().size(), 1U);
}

TEST_F(ModuleTest, PermanentTasksMustBeFunctionsOfTheModule) {
  Module m{"m"};
  m.define("watch", [](int, const std::string&) {});
  m.keep_running("watch", {.max_restarts = 1, .period = 1s}, 5, "x");
  ASSERT_TRUE(m.check().ok()) << m.check().text();
  ASSERT_EQ(m.permanent_tasks().size(), 1U);
  EXPECT_EQ(m.permanent_tasks()[0].function, "m.watch");
  EXPECT_EQ(m.permanent_tasks()[0].args, (Value::List{5, "x"}));
  EXPECT_EQ(m.permanent_tasks()[0].policy.max_restarts, 1U);
  m.keep_running("wotch", {.period = 0ms});
  EXPECT_EQ(m.check().text(),
            "module m: permanent task m.wotch: the period of its restarts must be more than 0 ms\n"
            "module m: the permanent task m.wotch is no function of this module");
}

class Counter {
 public:
  std::int64_t add(std::int64_t by) { return count_ += by; }
  std::int64_t count() const noexcept { return count_; }
  void reset(Task& self, std::int64_t to) {
    self.print("reset");
    count_ = to;
  }

 private:
  std::int64_t count_ = 0;
};

TEST_F(ModuleTest, AServerKeepsItsState) {
  Module m{"m"};
  m.server<Counter>("counter")
      .call("add", &Counter::add)
      .call("count", &Counter::count)
      .call("twice", [](Counter& counter, Task&) { return counter.add(counter.count()); })
      .cast("reset", &Counter::reset)
      .started([](Counter& counter, Task&) { counter.add(5); })
      .message([](Counter& counter, Task&, const Message& message) {
        counter.add(message.body.get_if<std::int64_t>() != nullptr ? 100 : 0);
      })
      .max_restarts(7)
      .period(2s)
      .transient();
  ASSERT_TRUE(m.check().ok()) << m.check().text();
  ASSERT_EQ(m.servers().size(), 1U);
  const auto copy = m;
  const auto& server = copy.servers().front();
  EXPECT_EQ(server.name, "counter");
  EXPECT_EQ(server.policy, (RestartPolicy{RestartPolicy::Kind::kTransient, 7, 2s}));

  const auto state = server.make();
  server.started(state.get(), task_);
  EXPECT_EQ(*server.call(state.get(), task_, "add", {2}), Value{7});
  EXPECT_EQ(*server.call(state.get(), task_, "twice", {}), Value{14});
  server.message(state.get(), task_, {MessageKind::kMessage, {}, 1});
  EXPECT_EQ(*server.call(state.get(), task_, "count", {}), Value{114});
  EXPECT_TRUE(server.cast(state.get(), task_, "reset", {3}).ok());
  EXPECT_EQ(*server.call(state.get(), task_, "count", {}), Value{3});
  EXPECT_EQ(task_.printed, "1:reset\n");

  const auto fresh = server.make();
  EXPECT_EQ(*server.call(fresh.get(), task_, "count", {}), Value{0});
}

TEST_F(ModuleTest, TheTextOfAFunctionIsOneShortLine) {
  Module m{"m"};
  m.define("f", std::string(Module::kDocBytesMax, 'x'), [] {}).define("g", "Says so.", [] {});
  EXPECT_EQ(m.check(), Status{});
  EXPECT_EQ(m.functions()[0].doc.size(), Module::kDocBytesMax);
  EXPECT_EQ(m.functions()[1].doc, "Says so.");
  const std::string why =
      "module n: the text of function \"f\" must be one line of at most 200 bytes";
  for (const auto& wrong :
       {std::string(Module::kDocBytesMax + 1, 'x'), std::string{"two\nlines"}}) {
    EXPECT_EQ(Module{"n"}.define("f", wrong, [] {}).check().text(), why);
  }
}

TEST_F(ModuleTest, TheTextOfAServersFunctionIsOneShortLine) {
  Module m{"m"};
  m.server<Counter>("counter")
      .call("add", "Adds to the count.", &Counter::add)
      .call("count", &Counter::count)
      .cast("reset", std::string(Module::kDocBytesMax, 'x'), &Counter::reset);
  EXPECT_EQ(m.check(), Status{});
  const auto& server = m.servers().front();
  EXPECT_EQ(server.calls.at("add").doc, "Adds to the count.");
  EXPECT_EQ(server.calls.at("count").doc, "");
  EXPECT_EQ(server.casts.at("reset").doc.size(), Module::kDocBytesMax);
  EXPECT_EQ(*server.call(server.make().get(), task_, "add", {2}), Value{2});
  const std::string why =
      "server s: the text of function \"f\" must be one line of at most 200 bytes";
  for (const auto& wrong :
       {std::string(Module::kDocBytesMax + 1, 'x'), std::string{"two\nlines"}}) {
    Module n{"n"};
    n.server<Counter>("s").call("f", wrong, &Counter::add).cast("f", wrong, &Counter::reset);
    EXPECT_EQ(n.check().text(), why + "\n" + why);
  }
}

TEST_F(ModuleTest, AServerRefusesWhatItHasNot) {
  Module m{"m"};
  m.server<Counter>("counter").call("add", &Counter::add).call("count", &Counter::count);
  const auto& server = m.servers().front();
  const auto state = server.make();
  EXPECT_EQ(server.call(state.get(), task_, "sub", {1}).status(),
            (Status{StatusCode::kUndefinedFunction,
                    "the server counter has no call \"sub\"; it has add, count"}));
  EXPECT_EQ(server.cast(state.get(), task_, "add", {1}),
            (Status{StatusCode::kUndefinedFunction,
                    "the server counter has no cast \"add\"; it has none; \"add\" is a call"}));
  EXPECT_EQ(server.call(state.get(), task_, "add", {"x"}).status(),
            (Status{StatusCode::kInvalidArgument,
                    "counter.add: argument 1 must be an int, got text \"x\""}));
}

TEST_F(ModuleTest, AServerMayBeMadeByAFunction) {
  struct Named {
    explicit Named(std::string n) : name(std::move(n)) {}
    std::string name;
  };
  Module m{"m"};
  m.server<Named>("named", [] {
     return std::make_shared<Named>("x");
   }).call("name", [](const Named& named) { return named.name; });
  const auto& server = m.servers().front();
  EXPECT_EQ(*server.call(server.make().get(), task_, "name", {}), Value{"x"});
}

TEST_F(ModuleTest, WrongServersAreTold) {
  Module m{"m"};
  m.server<Counter>("a").call("add", &Counter::add).call("add", &Counter::add);
  m.server<Counter>("a").cast("x y", &Counter::add).period(0ms);
  EXPECT_EQ(m.check().text(),
            "server a: function \"add\" is there twice\n"
            "module m: server \"a\" is there twice\n"
            "server a: function \"x y\" is not a name; write lower-case letters, digits and '_', "
            "and no digit first\n"
            "module m: server a: the period of its restarts must be more than 0 ms");
}

}  // namespace
}  // namespace kvmesh
