// Arguments as people write them, and values, messages and tasks as they read them.
#include <gtest/gtest.h>
#include <kvmesh/limits.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "client/command/base/values.h"
#include "client/command/nodes/nodes_text.h"
#include "client/command/tasks/task_texts.h"
#include "tests/unit/value_printer.h"

namespace kvmesh::command {
namespace {

Value argument(std::string_view text) {
  auto value = parse_argument(text);
  EXPECT_TRUE(value) << text << ": " << value.status().to_string();
  return value ? *std::move(value) : Value{};
}

TEST(Argument, IsJsonWhereItIsJson) {
  EXPECT_EQ(argument("1"), Value{1});
  EXPECT_EQ(argument("-9223372036854775808"), Value{std::numeric_limits<std::int64_t>::min()});
  EXPECT_EQ(argument("9223372036854775807"), Value{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(argument("18446744073709551615"), Value{std::numeric_limits<std::uint64_t>::max()});
  EXPECT_EQ(argument("2.5"), Value{2.5});
  EXPECT_EQ(argument("1e3"), Value{1000.0});
  EXPECT_EQ(argument("true"), Value{true});
  EXPECT_EQ(argument("null"), Value{});
  EXPECT_EQ(argument("nil"), Value{});
  EXPECT_EQ(argument("\"5\""), Value{"5"});
  EXPECT_EQ(argument(" 7 "), Value{7});
  EXPECT_EQ(argument("[1, [\"a\"], null]"), (Value{Value::List{1, Value::List{"a"}, Value{}}}));
  EXPECT_EQ(argument("{\"b\": 1, \"a\": {}}"), (Value{Value::Map{{"b", 1}, {"a", Value::Map{}}}}));
}

TEST(Argument, IsTextOtherwise) {
  for (const auto* text : {"", "hello", "hello world", "007", "+5", "1 2", "True", "[1,", "'5'",
                           "<foo@h/1a>", "\xff\xfe", "{a: 1}", "NaN", "--flag"}) {
    EXPECT_EQ(argument(text), Value{text}) << text;
  }
}

TEST(Argument, HasAFormForBytes) {
  EXPECT_EQ(argument(R"({"base64": "AP8="})"), (Value{Bytes{std::string{"\0\xff", 2}}}));
  EXPECT_EQ(argument(R"([{"base64": ""}])"), (Value{Value::List{Bytes{}}}));
  // What only looks like it is a map.
  EXPECT_EQ(argument(R"({"base64": 5})"), (Value{Value::Map{{"base64", 5}}}));
  EXPECT_EQ(argument(R"({"base64": "AP8=", "a": 1})"),
            (Value{Value::Map{{"base64", "AP8="}, {"a", 1}}}));
}

TEST(Argument, IsRefusedWhenItCannotBeKept) {
  for (const char* text :
       {"1e400", "-1e400", "[1e400]", "1e-400", "18446744073709551616", "-9223372036854775809",
        "[{\"a\": 18446744073709551616}]", "{\"a\": 1, \"a\": 2}", "{\"a\": 1, \"\\u0061\": 1}"}) {
    const auto value = parse_argument(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(parse_argument("18446744073709551615")->to_uint(), UINT64_MAX);
  EXPECT_EQ(parse_argument("\"1e400\"")->to_json(), "\"1e400\"");
  EXPECT_EQ(parse_argument("0e400")->to_json(), "0.0");
  // What is no JSON loses nothing: it is text.
  for (const char* text : {"1e400 or more", "1e400 2", "[1e400", "1e400.", "01e400", "1e400 00",
                           "{\"a\": 1, \"a\": 2} b", "[\"1e400\", 1e400 \"]"}) {
    EXPECT_EQ(argument(text), Value{text}) << text;
  }
  for (const char* text : {"-10.02e400", "[0.0001E+0400, \"\\\"[\", 10]"}) {
    EXPECT_FALSE(parse_argument(text).ok()) << text;
  }
}

TEST(Argument, ATextOfAnyBytesIsShownWithAllOfThem) {
  EXPECT_EQ(parse_argument("a\xff"
                           "b")
                ->to_json(),
            R"({"base64":"Yf9i"})");
}

TEST(Argument, IsRefusedWhenNestedDeeperThanARequestMayBe) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_argument(nested(limits::kNestingMax - 1)));
  const auto refused = parse_argument(nested(limits::kNestingMax));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  const auto second = parse_arguments({"1", nested(100000)});
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.status().text().starts_with("argument 2: ")) << second.status().text();
}

TEST(PidArgument, MayStandWithoutItsBracketsOrNode) {
  const Pid pid{"foo@h", 0x1a2b};
  EXPECT_EQ(*parse_pid("<foo@h/1a2b>"), pid);
  EXPECT_EQ(*parse_pid("foo@h/1a2b"), pid);
  EXPECT_EQ(*parse_pid("1a2b", "foo@h"), pid);
  EXPECT_EQ(*parse_pid("<bar@h/1>", "foo@h"), (Pid{"bar@h", 1}));
  for (const auto* text : {"", "1a2b", "foo@h", "foo@h/", "foo@h/xyz", "<foo@h/1a2b", "foo/1"}) {
    const auto pid_of = parse_pid(text);
    ASSERT_FALSE(pid_of) << text;
    EXPECT_EQ(pid_of.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(parse_pid("1a2z", "foo@h"));
}

TEST(ValueText, ShowsEachType) {
  EXPECT_EQ(value_text({}), "nil");
  EXPECT_EQ(value_text(true), "true");
  EXPECT_EQ(value_text(-5), "-5");
  EXPECT_EQ(value_text(~std::uint64_t{0}), "18446744073709551615");
  EXPECT_EQ(value_text(3.0), "3.0");
  EXPECT_EQ(value_text(0.1), "0.1");
  EXPECT_EQ(value_text(std::nan("")), "nan");
  EXPECT_EQ(value_text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(value_text("Zürich"), "\"Zürich\"");
  EXPECT_EQ(value_text(Bytes{"ab"}), "b\"ab\"");
  EXPECT_EQ(value_text(Value::List{}), "[]");
  EXPECT_EQ(value_text(Value::Map{}), "{}");
  EXPECT_EQ(value_text(Value::List{1, "a", Value{}}), "[1, \"a\", nil]");
  EXPECT_EQ(value_text(Value::Map{{"b", 1}, {"a", Value::List{2}}}), "{\"b\": 1, \"a\": [2]}");
}

TEST(ValueText, IsSafeOnATerminal) {
  EXPECT_EQ(value_text("a\"\\\n\t\r"), R"("a\"\\\n\t\r")");
  EXPECT_EQ(value_text("\x1b[31m\x7f"), R"("\x1b[31m\x7f")");
  EXPECT_EQ(value_text("\xc2\x9b"), R"("\xc2\x9b")");          // a control character of Unicode
  EXPECT_EQ(value_text("\xc2\xa0"), "\"\xc2\xa0\"");           // the next that is none
  EXPECT_EQ(value_text("\xff\xc3\xbc"), R"("\xff\xc3\xbc")");  // not UTF-8 as a whole
  EXPECT_EQ(value_text(Bytes{std::string{"\0", 1}}), R"(b"\x00")");
  EXPECT_EQ(value_text(Value::Map{{"\x1b", 1}}), R"({"\x1b": 1})");
}

TEST(TextWarning, IsOfWhatBeginsAsAListOrMap) {
  for (const auto* text : {"", "hello", "[1]", " {\"a\": 1}", "5", "\"{a}\"", "[1e400]"}) {
    EXPECT_EQ(text_warning(text), "") << text;
  }
  const auto warning = text_warning("{a: 1}");
  EXPECT_TRUE(warning.starts_with("\"{a: 1}\" is no JSON (column 2: ")) << warning;
  EXPECT_TRUE(warning.ends_with("to mean that, write a JSON string: '\"{a: 1}\"'")) << warning;
  EXPECT_THAT(text_warning(R"("C:\dir")"), testing::HasSubstr("is no JSON (column 5: "));
  EXPECT_THAT(text_warning(R"([1, {"a": {"base64": "!!"}}])"),
              testing::StartsWith("\"!!\" is no base64"));
  EXPECT_EQ(text_warning(R"([{"base64": "AP8="}, {"base64": 1}, {"base64": "!", "a": 1}])"), "");
  EXPECT_TRUE(text_warning("[it's").ends_with("write a JSON string")) << text_warning("[it's");
  EXPECT_TRUE(text_warning("[\x7f").ends_with("write a JSON string")) << "no shell shows it";
  EXPECT_LT(text_warning("[" + std::string(10'000, 'x')).size(), 400U);
}

TEST(ValueText, TakesSeveralLinesWhereOneIsTooLong) {
  const Value value{Value::Map{{"list", Value::List{1, 2}}, {"more", Value::List{"aaaa", "bbbb"}}}};
  EXPECT_EQ(value_text(value, 44), R"({"list": [1, 2], "more": ["aaaa", "bbbb"]})");
  EXPECT_EQ(value_text(value, 30),
            "{\n"
            "  \"list\": [1, 2],\n"
            "  \"more\": [\"aaaa\", \"bbbb\"]\n"
            "}");
  EXPECT_EQ(value_text(value, 20),
            "{\n"
            "  \"list\": [1, 2],\n"
            "  \"more\": [\n"
            "    \"aaaa\", \"bbbb\"\n"
            "  ]\n"
            "}");
  // Simple elements are packed.
  EXPECT_EQ(value_text(Value::List{1, 22, "a b", Value{}, 333, 4}, 14),
            "[\n  1, 22,\n  \"a b\", nil,\n  333, 4\n]");
  EXPECT_EQ(value_text(Value::List{1, 22, "a b", Value{}, 333, 4}, 15),
            "[\n  1, 22, \"a b\",\n  nil, 333, 4\n]");
  EXPECT_EQ(value_text(Value::List{std::string(50, 'x'), 1, 2}, 20),
            "[\n  \"" + std::string(50, 'x') + "\",\n  1, 2\n]");
  EXPECT_EQ(value_text(std::string(50, 'x'), 20), '"' + std::string(50, 'x') + '"');
}

const Value kModules = Value::List{
    Value::List{"hello.add", "int, int", 2},
    Value::List{"hello.world", "", 0},
    Value::List{"of another version"},
    5,
};

TEST(Modules, AreSignatures) {
  EXPECT_EQ(modules_text(kModules, {}), "hello.add(int, int)\nhello.world()\n");
  EXPECT_EQ(modules_json(kModules, {}).to_json(),
            R"([{"function":"hello.add","parameters":"int, int","arity":2},)"
            R"({"function":"hello.world","parameters":"","arity":0}])");
  EXPECT_EQ(module_functions(kModules), (std::vector<std::string>{"hello.add", "hello.world"}));
  const Value documented = Value::List{Value::List{"m.f", "int", 1, "Doubles\x1b it"}};
  EXPECT_EQ(modules_text(documented, {}), "m.f(int)  Doubles\\x1b it\n");
  EXPECT_EQ(modules_json(documented, {}).to_json(),
            R"([{"function":"m.f","parameters":"int","arity":1,"doc":"Doubles\u001b it"}])");
  EXPECT_EQ(modules_text("none", "none"), "");
  EXPECT_EQ(modules_json({}, {}).to_json(), "[]");
}

TEST(Modules, ListServersWithTheirCallsAndCasts) {
  const auto add = Value::List{"add", "int", 1}, reset = Value::List{"reset", "", 0};
  const Value servers =
      Value::List{Value::List{"counter", Value::List{add}, Value::List{reset}},
                  Value::List{"log", Value::List{}, Value::List{}}, "none", Value::List{"short"}};
  EXPECT_EQ(modules_text({}, servers),
            "server counter: call add(int)\n"
            "server counter: cast reset()\n"
            "server log: messages only\n");
  EXPECT_EQ(modules_json(Value::List{Value::List{"m.f", "", 0}}, servers).to_json(),
            R"([{"function":"m.f","parameters":"","arity":0},{"server":"counter",)"
            R"("calls":[{"function":"add","parameters":"int","arity":1}],)"
            R"("casts":[{"function":"reset","parameters":"","arity":0}]},)"
            R"({"server":"log","calls":[],"casts":[]}])");
  EXPECT_EQ(server_names(servers), (std::vector<std::string>{"counter", "log"}));
  EXPECT_EQ(server_functions(servers), (std::vector<std::string>{"add", "reset"}));
}

TEST(Tasks, AreATable) {
  const Value::Map task{{"pid", "<foo@h/1a>"}, {"function", "hello.slow"}, {"from", "<bar@h/2>"},
                        {"age_ms", 2140},      {"state", "running"},       {"mailbox", 1200},
                        {"output", 0}};
  const Value::Map other{{"pid", "<foo@h/1b>"}, {"from", Value{}}, {"age_ms", 5}};
  EXPECT_EQ(tasks_table(Value::List{task, other}, false),
            "pid         function    state     since  mailbox  for\n"
            "<foo@h/1a>  hello.slow  running   2.1 s    1,200  <bar@h/2>\n"
            "<foo@h/1b>                       5.0 ms        0\n");
  EXPECT_EQ(tasks_table({}, false), "pid  function  state  since  mailbox  for\n");
}

TEST(Tasks, OfServersShowTheirRestartsAndWhyTheyEnded) {
  const Value::Map gone{{"pid", Value{}}, {"function", "server counter"},
                        {"age_ms", 5},    {"state", "given_up"},
                        {"restarts", 3},  {"why", "failed: no\x1b"}};
  const Value::Map task{{"pid", "<foo@h/1a>"}, {"function", "m.f"}, {"state", "running"}};
  EXPECT_EQ(
      tasks_table(Value::List{gone, task}, false),
      "pid         function        state      since  mailbox  for  restarts  why\n"
      "            server counter  given_up  5.0 ms        0              3  failed: no\\x1b\n"
      "<foo@h/1a>  m.f             running     0 us        0\n");
}

TEST(Tasks, OfServersShowHowManyRestartsCount) {
  const auto row = [](std::uint64_t counted) {
    return Value::Map{{"pid", "<foo@h/1a>"}, {"function", "server counter"},
                      {"restarts", 5},       {"restarts_counted", counted},
                      {"restarts_max", 3},   {"restarts_period_ms", 5000}};
  };
  const auto table = tasks_table(Value::List{row(2), row(0)}, false);
  EXPECT_THAT(table, testing::HasSubstr("  5 (2 of 3 in 5000 ms)"));
  EXPECT_EQ(table.find(" of "), table.rfind(" of ")) << table;
}

TEST(Messages, SayWhatTheyAre) {
  const Message sent{MessageKind::kMessage, {"foo@h", 1}, Value::List{1, "a"}};
  EXPECT_EQ(message_text(sent), "message from <foo@h/1>: [1, \"a\"]");
  EXPECT_EQ(message_json(sent).to_json(),
            R"({"kind":"message","sender":"<foo@h/1>","body":[1,"a"]})");
  const Message nobody{MessageKind::kMessage, {}, "hi"};
  EXPECT_EQ(message_text(nobody), "message: \"hi\"");
  EXPECT_EQ(message_json(nobody).to_json(), R"({"kind":"message","sender":null,"body":"hi"})");
  const Message down{MessageKind::kDown, {"foo@h", 1}, "failed: no\x1b"};
  EXPECT_EQ(message_text(down), "down <foo@h/1>: failed: no\\x1b");
  EXPECT_EQ(message_json({MessageKind::kDown, {"foo@h", 1}, "normal"}).to_json(),
            R"({"kind":"down","sender":"<foo@h/1>","body":"normal"})");
  EXPECT_EQ(message_text({MessageKind::kUndelivered, {"foo@h", 1}, "not_found: it has ended"}),
            "undelivered to <foo@h/1>: not_found: it has ended");
  EXPECT_EQ(message_text({MessageKind::kUndelivered, {}, "not_found: no"}),
            "undelivered: not_found: no");
  const Message node_up{MessageKind::kNodeUp, {"foo@h", 0}, "", "gate@h"};
  EXPECT_EQ(message_text(node_up), "node up foo@h");
  EXPECT_EQ(message_json(node_up).to_json(),
            R"({"kind":"node_up","sender":"<foo@h/0>","body":"","seen_by":"gate@h"})");
  const Message node_down{MessageKind::kNodeDown, {"foo@h", 0}, "it is\x1b stopping", "gate@h"};
  EXPECT_EQ(message_text(node_down), "node down foo@h: it is\\x1b stopping");
  EXPECT_EQ(message_json({MessageKind::kNodeDown, {"foo@h", 0}, "gone", ""}).to_json(),
            R"({"kind":"node_down","sender":"<foo@h/0>","body":"gone"})");
}

TEST(NodeChanges, AreALineWithTheTime) {
  const auto time = std::chrono::system_clock::time_point{} + std::chrono::milliseconds{90'000'007};
  const auto line = [&](const NodeChange& change) { return change_text(change, time).substr(16); };
  // Whatever the place's time is.
  EXPECT_EQ(line({"foo@h", true, "", "gate@h"}), ":00.007  foo@h  came up");
  EXPECT_EQ(line({"foo@h", true, "", "gate@h", false}), ":00.007  foo@h  is up");
  EXPECT_EQ(line({"foo@h", false, "no\x1b", "gate@h"}), ":00.007  foo@h  went down: no\\x1b");
  EXPECT_EQ(line({"foo@h", false, "no", "gate@h", false}), ":00.007  foo@h  is down: no");
  EXPECT_EQ(change_json({"foo@h", false, "gone", "gate@h"}, time).to_json(),
            R"({"time":"1970-01-02T01:00:00.007Z","node":"foo@h","state":"down","change":true,)"
            R"("why":"gone","seen_by":"gate@h"})");
  EXPECT_EQ(change_json({"foo@h", true, "", "", false}, time).to_json(),
            R"({"time":"1970-01-02T01:00:00.007Z","node":"foo@h","state":"up","change":false,)"
            R"("why":"","seen_by":""})");
}

TEST(TaskOutput, IsADocumentAPiece) {
  EXPECT_EQ(output_json({OutputStream::kOut, "a\n"}).to_json(),
            R"({"stream":"stdout","output":"a\n"})");
  EXPECT_EQ(output_json({OutputStream::kErr, "\xff"}).to_json(),
            R"({"stream":"stderr","output":{"base64":"/w=="}})");
}

TEST(EndOfAProcess, IsAStatus) {
  EXPECT_TRUE(end_status("normal").ok());
  EXPECT_EQ(end_status("failed: out of: luck"), (Status{StatusCode::kTaskFailed, "out of: luck"}));
  EXPECT_EQ(end_status("cancelled: it was told to stop"),
            (Status{StatusCode::kCancelled, "it was told to stop"}));
  EXPECT_EQ(end_status("outcome_unknown: bar@h is gone: why").code(), StatusCode::kOutcomeUnknown);
  EXPECT_EQ(end_status("cancelled").code(), StatusCode::kCancelled);
  EXPECT_EQ(end_status("strange"), (Status{StatusCode::kTaskFailed, "strange"}));
  EXPECT_FALSE(end_status("ok: not").ok());
  EXPECT_FALSE(end_status("").ok());
}

}  // namespace
}  // namespace kvmesh::command
