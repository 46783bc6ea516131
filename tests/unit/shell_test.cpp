// The shell's lines, help, completion, and where its history is kept.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "client/command/shell/history.h"
#include "client/command/shell/shell_command.h"
#include "client/command/shell/words.h"
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

int nothing(Shell&, const std::vector<Word>&) { return 0; }

constexpr ShellCommand kTable[] = {
    {"help", "[COMMAND]", "this list", 0, 1, nothing, {Names::kCommands}},
    {"call", "FUNCTION [ARGS...]", "call a function", 1, kAnyNumber, nothing, {Names::kFunctions}},
    {"node", "[NODE]", "the node", 0, 1, nothing, {Names::kNodes}},
    {"nodes", "", "all nodes", 0, 0, nothing},
    {"put", "BUCKET KEY", "store", 2, 2, nothing, {Names::kBuckets, Names::kNodes}},
};

class FakeNames : public NameSource {
 public:
  std::vector<std::string> names(Names kind) override {
    asked.push_back(kind);
    return known[kind];
  }
  std::map<Names, std::vector<std::string>> known{
      {Names::kFunctions, {"hello.world", "hello.add", "math.pi", "hello.add"}},
      {Names::kNodes, {"foo@h", "bar@h"}},
      {Names::kBuckets, {"two words", "'", "", "tab\t", "plain"}},
  };
  std::vector<Names> asked;
};

std::string completed(std::string_view before) {
  FakeNames names;
  const auto found = complete(before, kTable, names);
  std::string out = found.insert;
  for (const auto& choice : found.choices) out += "|" + choice;
  return out;
}

TEST(ShellCompletion, KnowsCommands) {
  EXPECT_EQ(completed("ca"), "ll ");
  EXPECT_EQ(completed("  ca"), "ll ");
  EXPECT_EQ(completed("n"), "ode|node|nodes");
  EXPECT_EQ(completed("node"), "|node|nodes");
  EXPECT_EQ(completed("nodes"), " ");
  EXPECT_EQ(completed("x"), "");
  EXPECT_EQ(completed(""), "|call|help|node|nodes|put");
  EXPECT_EQ(completed("help c"), "all ");
}

TEST(ShellCompletion, KnowsWhatTheWordsOfACommandName) {
  EXPECT_EQ(completed("call h"), "ello.|hello.add|hello.world");
  EXPECT_EQ(completed("call hello.w"), "orld ");
  EXPECT_EQ(completed("call  m"), "ath.pi ");
  EXPECT_EQ(completed("call hello.add h"), "");
  EXPECT_EQ(completed("node "), "|bar@h|foo@h");
  EXPECT_EQ(completed("node f"), "oo@h ");
  EXPECT_EQ(completed("put b f"), "oo@h ");
  EXPECT_EQ(completed("nodes f"), "");
  EXPECT_EQ(completed("frob f"), "");
}

TEST(ShellCompletion, LeavesOutWhatWouldHaveToBeQuoted) { EXPECT_EQ(completed("put "), "plain "); }

TEST(ShellCompletion, AsksForNamesOnlyWhereTheyStand) {
  FakeNames names;
  (void)complete("ca", kTable, names);
  (void)complete("call hello.add 1", kTable, names);
  EXPECT_TRUE(names.asked.empty());
  (void)complete("call ", kTable, names);
  EXPECT_EQ(names.asked, std::vector<Names>{Names::kFunctions});
}

TEST(ShellHelp, IsALineACommand) {
  EXPECT_EQ(help_text({kTable, 2}),
            "  help [COMMAND]           this list\n"
            "  call FUNCTION [ARGS...]  call a function\n");
  EXPECT_EQ(usage_text(kTable[1]), "usage: call FUNCTION [ARGS...]");
  EXPECT_EQ(usage_text(kTable[3]), "usage: nodes");
  EXPECT_EQ(find_command(kTable, "nodes"), &kTable[3]);
  EXPECT_EQ(find_command(kTable, "nod"), nullptr);
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
