// The shell's completion and help.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/shell/shell_command.h"
#include "client/command/shell/shell_options.h"
#include "client/command/shell/statement.h"

namespace kvmesh::command::shell {
namespace {

using Texts = std::vector<std::string>;

int nothing(Shell&, const std::vector<Word>&) { return 0; }

constexpr ShellCommand kTable[] = {
    {"help", "[COMMAND]", "this list", 0, 1, nothing, {Names::kCommands}},
    {"call", "FUNCTION [ARGS...]", "call a function", 1, kAnyNumber, nothing, {Names::kFunctions}},
    {"node", "[NODE]", "the node", 0, 1, nothing, {Names::kNodes}},
    {"nodes", "", "all nodes", 0, 0, nothing},
    {"async", "[NODE] FUNCTION", "start", 1, kAnyNumber, nothing, {Names::kFunctionsOrNodes}},
    {"put", "BUCKET KEY", "store", 2, 2, nothing, {Names::kServers, Names::kNodes}},
    {"server",
     "NAME FUNCTION",
     "call",
     2,
     kAnyNumber,
     nothing,
     {Names::kServers, Names::kServerFunctions}},
};

class FakeNames : public NameSource {
 public:
  std::vector<std::string> names(Names kind, const Where& where) override {
    asked.push_back(kind);
    asked_of = where;
    return known[kind];
  }
  std::vector<std::string> words(const std::vector<std::string>& words) override {
    asked_of_tree = words;
    return {"--raw", "shoes", "shopping/", "two words"};
  }
  std::vector<std::string> asked_of_tree;
  std::map<Names, std::vector<std::string>> known{
      {Names::kFunctions, {"hello.world", "hello.add", "math.pi", "hello.add"}},
      {Names::kNodes, {"foo@h", "bar@h"}},
      {Names::kFunctionsOrNodes, {"hello.add", "math.pi", "foo@h"}},
      {Names::kVariables, {"$self", "$count", "$counter"}},
      {Names::kServers, {"two words", "'", "", "tab\t", "plain"}},
  };
  std::vector<Names> asked;
  Where asked_of;
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
  EXPECT_EQ(completed(""), "|async|call|help|node|nodes|put|server");
  EXPECT_EQ(completed("help c"), "all ");
}

TEST(ShellCompletion, AsksTheNodeThatTheLineNames) {
  struct Asked {
    const char* line;
    Names kind;
    Where where;
  };
  const std::vector<Asked> all{
      {"async foo@h m", Names::kFunctions, {"foo@h", "", ""}},
      {"async --limit 5s foo@h m", Names::kFunctions, {"foo@h", "", ""}},
      {"async --bucket b@h m", Names::kFunctions, {"", "b@h", ""}},
      {"async m", Names::kFunctionsOrNodes, {}},
      {"server foo@h p", Names::kServers, {"foo@h", "", ""}},
      {"server --cast foo@h s f", Names::kServerFunctions, {"foo@h", "", "s"}},
      {"server s f", Names::kServerFunctions, {"", "", "s"}}};
  for (const auto& [line, kind, where] : all) {
    FakeNames names;
    (void)complete(line, kTable, names);
    EXPECT_EQ(names.asked, std::vector<Names>{kind}) << line;
    EXPECT_EQ(names.asked_of.node, where.node) << line;
    EXPECT_EQ(names.asked_of.bucket, where.bucket) << line;
    EXPECT_EQ(names.asked_of.server, where.server) << line;
  }
  for (const auto* line : {"async foo@h f m", "async --limit ", "server foo@h s f "}) {
    EXPECT_EQ(completed(line), "") << line;
  }
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

TEST(ShellCompletion, KnowsNodesBeforeFunctions) {
  EXPECT_EQ(completed("async f"), "oo@h ");
  EXPECT_EQ(completed("async foo@h m"), "ath.pi ");
  EXPECT_EQ(completed("async hello.add m"), "");
}

TEST(ShellCompletion, KnowsVariables) {
  EXPECT_EQ(completed("call hello.add $s"), "elf ");
  EXPECT_EQ(completed("$c"), "ount|$count|$counter");
  EXPECT_EQ(completed("x = ca"), "ll ");
  EXPECT_EQ(completed("x = call m"), "ath.pi ");
  FakeNames names;
  EXPECT_EQ(complete("ca", kTable, names, true).insert, "");
  EXPECT_EQ(complete("$s", kTable, names, true).insert, "elf ");
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

TEST(ShellCompletion, LeavesCommandsOfTheTreeToIt) {
  constexpr ShellCommand kTree[] = {{"get", "BUCKET", "print", 0, kAnyNumber}};
  FakeNames names;
  const auto several = complete("x = get --on f  s", kTree, names);
  EXPECT_EQ(names.asked_of_tree, (Texts{"get", "--on", "f", "s"}));
  EXPECT_EQ(several.insert, "ho");
  EXPECT_EQ(several.choices, (Texts{"shoes", "shopping/"}));
  EXPECT_EQ(complete("get shoe", kTree, names).insert, "s ");
  EXPECT_EQ(complete("get shop", kTree, names).insert, "ping/");  // a folder, which goes on
  EXPECT_EQ(complete("get --", kTree, names).insert, "raw ");
  EXPECT_TRUE(names.asked.empty());
}

TEST(ShellHelp, IsInGroupsAndSaysMoreOfOne) {
  const ShellCommand table[] = {
      {"send", "PID VALUE", "send it", 2, 2, nothing, {}, "Messages"},
      {"flush", "", "print all", 0, 0, nothing, {}, "Messages"},
      {"get", "BUCKET", "print one", 0, kAnyNumber, nullptr, {}, "Keys"},
  };
  EXPECT_EQ(help_text(table),
            "Messages:\n"
            "  send PID VALUE  send it\n"
            "  flush           print all\n"
            "\nKeys:\n"
            "  get BUCKET      print one\n");
  EXPECT_EQ(help_of(table[0], "send $p 1\nsend c 2"),
            "usage: send PID VALUE\n  send it\nfor example:\n  send $p 1\n  send c 2\n");
  EXPECT_EQ(help_of(table[1], ""), "usage: flush\n  print all\n");
}

constexpr ShellOption kOptions[] = {{"--bucket", "BUCKET", "where"}, {"--cast", "", "only put"}};
constexpr ShellCommand kCall{"call", "FUNCTION", "call", 1, kAnyNumber, nothing, {}, {}, kOptions};

TEST(ShellHelp, ShowsOptions) {
  EXPECT_EQ(help_of(kCall, ""),
            "usage: call FUNCTION\n  call\noptions, anywhere after the command:\n"
            "  --bucket BUCKET  where\n  --cast  only put\n");
}

Texts arranged(std::string_view line) {
  auto words = options_first(kCall, *split_words(line));
  if (!words) return {words.status().text()};
  Texts out;
  for (const auto& word : *words) out.push_back(word.text + (word.literal ? " (text)" : ""));
  return out;
}

TEST(ShellOptions, ComeFirstWhereverTheyStood) {
  EXPECT_EQ(arranged("t.echo 1 --bucket b --cast 2"),
            (Texts{"--bucket", "b", "--cast", "t.echo", "1", "2"}));
  EXPECT_EQ(arranged("t.echo --bucket=b=c"), (Texts{"--bucket", "b=c", "t.echo"}));
  EXPECT_EQ(arranged("t.echo -1 -x"), (Texts{"t.echo", "-1", "-x"}));
}

TEST(ShellOptions, AreTextBetweenQuotesAndAfterDashes) {
  EXPECT_EQ(arranged("t.echo '--cast'"), (Texts{"t.echo", "--cast (text)"}));
  EXPECT_EQ(arranged("t.echo \"--what\""), (Texts{"t.echo", "\"--what\""}));
  EXPECT_EQ(arranged("t.echo -- --cast 5 --"),
            (Texts{"t.echo", "--cast (text)", "5", "-- (text)"}));
}

TEST(ShellOptions, AreRefusedWithWhatIsRight) {
  EXPECT_EQ(arranged("t.echo --bukcet b"),
            Texts{"call has no option --bukcet here; did you mean --bucket?"});
  EXPECT_EQ(arranged("t.echo --bucket"), Texts{"--bucket needs a value: BUCKET"});
  EXPECT_EQ(arranged("--json t.echo"),
            Texts{"call has no option --json here; start the shell with --json; for the text write "
                  "'--json'"});
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

}  // namespace
}  // namespace kvmesh::command::shell
