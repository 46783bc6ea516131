// The shell's lines, and where its history is kept.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "client/command/shell/history.h"
#include "client/command/shell/shell_values.h"
#include "client/command/shell/statement.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/value_printer.h"

namespace kvmesh::command::shell {
namespace {

std::vector<std::string> texts(std::string_view line) {
  const auto words = split_words(line);
  EXPECT_TRUE(words) << line;
  std::vector<std::string> out;
  if (!words) return out;
  for (const auto& word : *words) out.push_back((word.literal ? "'" : "") + word.text);
  return out;
}
using Texts = std::vector<std::string>;

TEST(ShellWords, ArePartedByWhiteSpace) {
  EXPECT_EQ(texts(""), Texts{});
  EXPECT_EQ(texts(" \t "), Texts{});
  EXPECT_EQ(texts("  call\thello.add  1 2\r"), (Texts{"call", "hello.add", "1", "2"}));
  EXPECT_EQ(texts("send <foo@h/1> don't"), (Texts{"send", "<foo@h/1>", "don't"}));
}

TEST(ShellWords, KeepJsonTogether) {
  EXPECT_EQ(texts(R"(f "two words" [1, 2] {"a": [1, "]"], "b": "\"}"} 3)"),
            (Texts{"f", R"("two words")", "[1, 2]", R"({"a": [1, "]"], "b": "\"}"})", "3"}));
  EXPECT_EQ(texts(R"(f "a"b c)"), (Texts{"f", R"("a"b)", "c"}));
  EXPECT_EQ(texts("f a[1, 2]"), (Texts{"f", "a[1,", "2]"}));  // begins as none
}

TEST(ShellWords, KeepSingleQuotesAsTheyAre) {
  EXPECT_EQ(texts(R"(put b 'a "key"' '')"), (Texts{"put", "b", R"('a "key")", "'"}));
  EXPECT_EQ(texts("'a'b"), (Texts{"'a", "b"}));
}

TEST(ShellWords, OfACommentAreNone) {
  EXPECT_EQ(texts("# call f 'unclosed"), Texts{});
  EXPECT_EQ(texts("call f #1"), (Texts{"call", "f", "#1"}));
}

TEST(ShellWords, AreRefusedWhenSomethingIsNotClosed) {
  for (const auto* line :
       {"f 'a", "f \"a", "f \"a\\\"", "f [1", "f {\"a\": [}", "f [\"]", "f [\"a\\"}) {
    const auto words = split_words(line);
    ASSERT_FALSE(words) << line;
    EXPECT_EQ(words.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(words.status().text().find("column 3"), std::string::npos) << words.status().text();
  }
}

TEST(ShellWords, AreTextOrValues) {
  EXPECT_EQ(text_of({"\"a b\"", false}), "a b");
  EXPECT_EQ(text_of({"\"a b\"", true}), "\"a b\"");
  EXPECT_EQ(text_of({"5", false}), "5");
  EXPECT_EQ(text_of({"\"a\"b", false}), "\"a\"b");
  EXPECT_EQ(*value_of({"5", false}), Value{5});
  EXPECT_EQ(*value_of({"5", true}), Value{"5"});
  EXPECT_EQ(*value_of({"five", false}), Value{"five"});
}

StatementReader read(const std::vector<std::string>& lines, std::size_t first_line = 0) {
  StatementReader reader{first_line};
  for (const auto& line : lines) EXPECT_TRUE(reader.add(line).ok()) << line;
  return reader;
}

std::vector<std::string> texts_of(StatementReader reader) {
  EXPECT_FALSE(reader.is_open());
  std::vector<std::string> out;
  for (const auto& word : reader.take().words) out.push_back(word.text);
  return out;
}

TEST(ShellStatement, SetsAVariable) {
  for (const auto* line : {"x = f 1", "x= f 1", "x=f 1", "  x\t=  f 1"}) {
    auto reader = read({line});
    const auto statement = reader.take();
    EXPECT_EQ(statement.name, "x") << line;
    ASSERT_EQ(statement.words.size(), 2U) << line;
    EXPECT_EQ(statement.words[0].text, "f") << line;
  }
  for (const auto* line : {"create =x", "get 'a' = b", "1x = 2", "'x' = 2", "a.b = 2", "# x = 1"}) {
    EXPECT_EQ(read({line}).take().name, "") << line;
  }
  auto reader = read({"list=[1, [2,", " 3]]"});
  EXPECT_EQ(reader.take().words, std::vector<Word>{{"[1, [2,\n 3]]"}});
}

TEST(ShellStatement, GoesOnAfterWhatIsOpen) {
  EXPECT_EQ(texts_of(read({"f [1,", "2] 3"})), (Texts{"f", "[1,\n2]", "3"}));
  EXPECT_EQ(texts_of(read({"f {\"a", "]\": 1", "}"})), (Texts{"f", "{\"a\n]\": 1\n}"}));
  EXPECT_EQ(texts_of(read({"f 'a\r", "# b'"})), (Texts{"f", "a\n# b"}));
  EXPECT_EQ(texts_of(read({"f \"a", "b\" c"})), (Texts{"f", "\"a\nb\"", "c"}));
  EXPECT_EQ(texts_of(read({"f a \\", "  b \\\r", "c"})), (Texts{"f", "a", "b", "c"}));
  // A backslash is text within a word, in quotes, and where something follows it.
  EXPECT_EQ(texts_of(read({"f C:\\"})), (Texts{"f", "C:\\"}));
  EXPECT_EQ(texts_of(read({"f '\\'"})), (Texts{"f", "\\"}));
  EXPECT_EQ(texts_of(read({"f \\ "})), (Texts{"f", "\\"}));
}

TEST(ShellStatement, SaysWhereWhatIsOpenBegan) {
  EXPECT_EQ(read({"f [1", "2"}).unclosed().text(), "column 3: the [ is not closed");
  EXPECT_EQ(read({"f [1", "2] {"}).unclosed().text(), "line 2, column 4: the { is not closed");
  EXPECT_EQ(read({"f 'a"}, 7).unclosed().text(), "line 7, column 3: the quote is not closed");
  EXPECT_EQ(read({"f \\", "g \\"}, 7).unclosed().text(),
            "line 8, column 3: nothing follows the \\ at the line's end");
}

TEST(ShellStatement, IsBounded) {
  StatementReader reader{3};
  ASSERT_TRUE(reader.add("f [").ok());
  const auto status = reader.add(std::string(kStatementBytesMax, '1'));
  EXPECT_EQ(status.code(), StatusCode::kTooLarge);
  EXPECT_EQ(status.text(), "line 3, column 3: the [ is not closed within 4194304 bytes");
  EXPECT_EQ(StatementReader{}.add(std::string(kStatementBytesMax, '1')).code(),
            StatusCode::kTooLarge);
}

Result<Value> parsed(std::string_view text) { return parse_value(text, {}, nullptr); }

TEST(ShellValue, IsJsonOrLess) {
  EXPECT_EQ(*parsed("[]"), Value{Value::List{}});
  EXPECT_EQ(*parsed(R"({ })"), Value{Value::Map{}});
  EXPECT_EQ(
      *parsed(R"([1, -2.5, true, null, nil, "a, \u00e9", two, <foo@h/1>, a:b])"),
      (Value{Value::List{1, -2.5, true, Value{}, Value{}, "a, é", "two", "<foo@h/1>", "a:b"}}));
  EXPECT_EQ(*parsed(R"({a: 1, "b c" : [x, {}], d:e:f})"),
            (Value{Value::Map{{"a", 1}, {"b c", Value::List{"x", Value::Map{}}}, {"d", "e:f"}}}));
  EXPECT_EQ(*parsed("[\"a\nb\",\n c]"), (Value{Value::List{"a\nb", "c"}}));
  EXPECT_EQ(*parsed(R"([{base64: "AP8="}])"), (Value{Value::List{Bytes{{"\0\xff", 2}}}}));
  EXPECT_EQ(*parsed(R"({base64: "%", a: 1})"), (Value{Value::Map{{"base64", "%"}, {"a", 1}}}));
  EXPECT_EQ(*parsed("[$x, $5]"), (Value{Value::List{"$x", "$5"}}));  // without variables
}

TEST(ShellValue, NamesThePlaceOfAFault) {
  const std::vector<std::pair<const char*, const char*>> faults{
      {"[1 2]", "column 8: a , or ] is missing"},
      {R"([{base64: "%"}])", "column 6: {base64: ...} is bytes, but \"%\" is no base64"},
      {"[1,]", "column 8: a value is missing"},
      {"[,1]", "column 6: a value is missing"},
      {"[1]x", "column 8: nothing may follow the end of a list or map"},
      {"[1}", "column 7: a , or ] is missing"},
      {"{a}", "column 7: a : is missing after a member's name"},
      {"{a: 1 b: 2}", "column 11: a , or } is missing"},
      {"{a: 1,\n a: 2}", "line 2, column 2: the member \"a\" is there twice"},
      {"{: 1}", "column 6: a member's name is missing"},
      {"{$a: 1}", "column 6: a member's name cannot be a variable; between \" and \" it is text"},
      {"['a']", "column 6: text in a list or map stands between \" and \""},
      {"[a\"b\"]", "column 7: a , or ] is missing"},
      {"[1e400]", "column 6: "},
      {R"(["\x"])", "column 6: "},
      {"[", "column 6: a value is missing"},
      {"{a:", "column 8: a value is missing"},
  };
  for (const auto& [text, fault] : faults) {
    const auto value = parse_value(text, {0, 5}, nullptr);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_TRUE(value.status().text().starts_with(fault)) << text << ": " << value.status().text();
  }
  EXPECT_EQ(parse_value("[1 2]", {7, 5}, nullptr).status().text(),
            "line 7, column 8: a , or ] is missing");
}

TEST(ShellValue, IsNestedAsDeeplyAsTheMeshAllows) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_TRUE(parsed(nested(limits::kNestingMax - 1)));
  EXPECT_FALSE(parsed(nested(limits::kNestingMax)));
  EXPECT_FALSE(parsed(nested(100'000)));
  const Lookup deep = [&](std::string_view) { return parsed(nested(limits::kNestingMax - 2)); };
  EXPECT_TRUE(parse_value("[$x]", {}, deep));
  EXPECT_FALSE(parse_value("[[$x]]", {}, deep));
}

TEST(ShellValue, OfVariablesIsBounded) {
  const Lookup large = [](std::string_view) { return Value{std::string(1'500'000, 'x')}; };
  EXPECT_TRUE(parse_value("[$x, $x]", {}, large));
  EXPECT_EQ(parse_value("[$x, $x, $x]", {}, large).status().code(), StatusCode::kTooLarge);
}

TEST(ShellVariables, StandForWordsAndElements) {
  Variables variables;
  ASSERT_TRUE(variables.set("p", "<foo@h/1>").ok());
  ASSERT_TRUE(variables.set("n", 5).ok());
  const Lookup lookup = [&](std::string_view name) { return variables.find(name); };
  auto words = *split_words(R"($p $n [$n, "$n", {p: $p}] '$n' "$n" a$n $5 $ [1,  2])");
  ASSERT_TRUE(resolve(words, lookup).ok());
  EXPECT_EQ(text_of(words[0]), "<foo@h/1>");
  EXPECT_EQ(*value_of(words[1]), Value{5});
  EXPECT_EQ(text_of(words[1]), "5");
  EXPECT_EQ(*value_of(words[2]), (Value{Value::List{5, "$n", Value::Map{{"p", "<foo@h/1>"}}}}));
  EXPECT_EQ(text_of(words[2]), R"([5,"$n",{"p":"<foo@h/1>"}])");
  for (std::size_t i = 3; i <= 4; ++i) EXPECT_EQ(*value_of(words[i]), Value{"$n"});
  EXPECT_EQ(*value_of(words[5]), Value{"a$n"});
  EXPECT_EQ(*value_of(words[6]), Value{"$5"});
  EXPECT_EQ(*value_of(words[7]), Value{"$"});
  EXPECT_EQ(text_of(words[8]), "[1,  2]");  // as written: there is no variable in it
}

TEST(ShellVariables, ThatDoNotExistNameTheNearest) {
  Variables variables;
  ASSERT_TRUE(variables.set("counter", 1).ok());
  const Lookup lookup = [&](std::string_view name) { return variables.find(name); };
  const auto fault = [&](std::string_view line) {
    auto words = *split_words(line);
    return resolve(words, lookup).text();
  };
  EXPECT_EQ(fault("f $cuonter"), "column 3: there is no variable $cuonter; did you mean $counter?");
  EXPECT_EQ(fault("f [1, $slef]"), "column 7: there is no variable $slef; did you mean $self?");
  EXPECT_EQ(
      fault("$zebra"),
      "column 1: there is no variable $zebra; zebra = VALUE sets it, and '$zebra' is the text");
  EXPECT_EQ(fault("f $counter/x"),
            "column 3: a variable stands alone, but \"/x\" follows $counter; "
            "between quotes it is text");
  EXPECT_EQ(fault("f $counter."),
            "column 3: a variable stands alone, but \".\" follows $counter; "
            "between quotes it is text");
}

TEST(ShellVariables, PartsAreNamed) {
  Variables variables;
  const Value::Map inner{{"name", "a"}, {"left", 5}};
  ASSERT_TRUE(variables.set("x", Value::Map{{"list", Value::List{inner, 7}}}).ok());
  EXPECT_EQ(*variables.find("x.list.0.left"), Value{5});
  EXPECT_EQ(*variables.find("x.list.1"), Value{7});
  EXPECT_EQ(*variables.find("x.list.0"), Value{inner});
  const auto fault = [&](std::string_view name) { return variables.find(name).status().text(); };
  EXPECT_EQ(fault("x.lost"), "$x has no member \"lost\"; did you mean $x.list?");
  EXPECT_EQ(fault("x.list.0.zebra"), "$x.list.0 has no member \"zebra\"");
  EXPECT_EQ(fault("x.list.2"),
            "$x.list is a list of 2 elements, which are named by numbers from 0, not by \"2\"");
  EXPECT_EQ(fault("x.list.-1"),
            "$x.list is a list of 2 elements, which are named by numbers from 0, not by \"-1\"");
  EXPECT_EQ(fault("x.list.1.a"), "$x.list.1 is neither a list nor a map, and has no part \"a\"");
  EXPECT_EQ(variables.find("y.a").status().code(), StatusCode::kInvalidArgument);
}

TEST(ShellVariables, AreRefusedWhereTheyCannotBeSet) {
  Variables variables;
  EXPECT_EQ(variables.set("self", 1).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(variables.set("it", 1).code(), StatusCode::kInvalidArgument);
  for (std::size_t i = 0; i < Variables::kMax; ++i) {
    ASSERT_TRUE(variables.set("v" + std::to_string(i), 1).ok());
  }
  EXPECT_EQ(variables.set("more", 1).code(), StatusCode::kTooLarge);
  EXPECT_TRUE(variables.set("v0", 2).ok());
  variables.set_last(3);
  EXPECT_EQ(*variables.find("it"), Value{3});
}

TEST(ShellHistory, IsWhereStateIsKept) {
  EXPECT_EQ(history_path("/state", "/home/me"), "/state/kvmesh/history");
  EXPECT_EQ(history_path(nullptr, "/home/me"), "/home/me/.local/state/kvmesh/history");
  EXPECT_EQ(history_path("relative", "/home/me"), "/home/me/.local/state/kvmesh/history");
  EXPECT_EQ(history_path("", nullptr), "");
  EXPECT_EQ(history_path(nullptr, ""), "");
}

TEST(ShellHistory, MakesItsFolder) {
  const test::TemporaryFolder folder;
  const auto made = folder.path() / "a" / "b";
  EXPECT_TRUE(make_folder_of(made / "history"));
  EXPECT_TRUE(std::filesystem::is_directory(made));
  EXPECT_EQ(std::filesystem::status(made.parent_path()).permissions(),
            std::filesystem::perms::owner_all);
  EXPECT_TRUE(make_folder_of(made / "history"));
  EXPECT_FALSE(make_folder_of("/dev/null/a/history"));
}

}  // namespace
}  // namespace kvmesh::command::shell
