// The tree of commands, and what is derived from it: help, completion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "client/command/command_line.h"
#include "client/command/shell/tree_commands.h"
#include "common/command_line/completion.h"

namespace kvmesh::command {
namespace {

using command_line::Names;
using command_line::Wanted;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Texts = std::vector<std::string>;

Wanted wanted(Names what, const std::map<std::string, std::string>& rest) {
  const auto at = [&](const char* name) {
    const auto found = rest.find(name);
    return found == rest.end() ? std::string{} : found->second;
  };
  return {what, at("begin"), at("node"), at("bucket"), at("server"), at("receiver")};
}

struct FakeNames final : command_line::NameSource {
  Texts names(const Wanted& wanted) override {
    asked.push_back(wanted);
    const auto at = known.find(wanted.what);
    return at == known.end() ? Texts{} : at->second;
  }
  std::vector<Wanted> asked;
  std::map<Names, Texts> known;
};

class CommandLine : public testing::Test {
 protected:
  CommandLine() { add_command_line(app_, session_); }

  const CLI::App& command(const std::string& name) { return *app_.get_subcommand(name); }
  Texts complete(const Texts& words) {
    auto found = command_line::complete(app_, words, names_);
    files_ = found.files;
    begin_ = found.begin;
    return found.words;
  }
  Wanted asked() {
    EXPECT_EQ(names_.asked.size(), 1U);
    Wanted one = names_.asked.empty() ? Wanted{} : names_.asked.back();
    names_.asked.clear();
    return one;
  }

  Session session_;
  CLI::App app_{"Talks to a mesh.", "kvmesh"};
  FakeNames names_;
  bool files_ = false;
  std::string begin_;
};

TEST_F(CommandLine, EveryCommandIsInAGroupAndSaysHowItEnds) {
  const auto all = app_.get_subcommands({});
  EXPECT_GT(all.size(), 20U);
  for (const auto* one : all) {
    EXPECT_NE(one->get_group(), "Subcommands") << one->get_name();
    EXPECT_FALSE(one->get_description().empty()) << one->get_name();
    if (!one->get_prefix_command()) {
      EXPECT_THAT(one->get_footer(),
                  AllOf(HasSubstr("Exit status: 0 done; "), HasSubstr("2 wrong usage")))
          << one->get_name();
    }
  }
}

TEST_F(CommandLine, EveryArgumentAndValueSaysWhatItNames) {
  auto all = app_.get_subcommands({});
  all.push_back(&app_);
  for (const auto* one : all) {
    for (const auto* option : one->get_options()) {
      if (command_line::is_flag(*option)) continue;
      if (!command_line::choices_of(*option).empty()) continue;
      EXPECT_NE(command_line::word_kind(*option), Names::kUnknown)
          << one->get_name() << " " << option->get_name(true) << ": add \""
          << option->get_type_name() << "\" to the placeholders of completion.cpp";
    }
  }
}

TEST_F(CommandLine, HelpListsTheCommandsInGroups) {
  const auto help = app_.help();
  const auto buckets = help.find("\nBuckets:\n");
  const auto create = help.find("\n  create ");
  const auto keys = help.find("\nKeys:\n");
  ASSERT_NE(keys, std::string::npos) << help;
  EXPECT_LT(buckets, create);
  EXPECT_LT(create, keys);
  EXPECT_LT(keys, help.find("\n  get "));
  EXPECT_THAT(help, Not(HasSubstr("__complete")));
}

TEST_F(CommandLine, HelpOfACommandShowsWhatAllTake) {
  const auto help = command("get").help();
  EXPECT_THAT(help, AllOf(HasSubstr("--raw"), HasSubstr("--node ENDPOINT"), HasSubstr("--timeout"),
                          HasSubstr("--json"), HasSubstr("1 the bucket has no such key")));
  EXPECT_THAT(help, AllOf(Not(HasSubstr("verify")), Not(HasSubstr("--help-all")),
                          Not(HasSubstr("TEXT")), Not(HasSubstr("--version"))));
  EXPECT_THAT(command("keys").help(), Not(HasSubstr("1 the")));
  EXPECT_THAT(command("verify").help(), HasSubstr("1 the mesh is not sound"));
}

TEST_F(CommandLine, CompletesCommandsAndOptions) {
  EXPECT_THAT(complete({"ge"}), ElementsAre("get"));
  EXPECT_THAT(complete({"--node", "x", "ro"}), ElementsAre("route"));
  EXPECT_THAT(complete({"help", "pi"}), ElementsAre("ping"));
  EXPECT_THAT(complete({"get", "--r"}), ElementsAre("--raw"));
  EXPECT_THAT(complete({"get", "b", "k", "--n"}), ElementsAre("--node"));
  EXPECT_THAT(complete({"--js"}), ElementsAre("--json"));
  EXPECT_THAT(complete({"import", "--no"}), ElementsAre("--no-create", "--node"));
  EXPECT_THAT(complete({"get", "--", "--r"}), ElementsAre());
  EXPECT_THAT(complete({"frobnicate", ""}), ElementsAre());
  EXPECT_THAT(complete({"nod"}), ElementsAre("nodes"));
  EXPECT_EQ(complete({}).size(), app_.get_subcommands({}).size());
  for (const auto& word : complete({""})) EXPECT_FALSE(word.starts_with("_"));
  names_.asked.clear();
}

TEST_F(CommandLine, CompletesChoicesDurationsAndFiles) {
  EXPECT_THAT(complete({"import", "--format", ""}), ElementsAre("jsonl", "tsv"));
  EXPECT_THAT(complete({"import", "--format=t"}), ElementsAre("--format=tsv"));
  EXPECT_THAT(complete({"--timeout", "5"}), ElementsAre("500ms", "5s"));
  EXPECT_THAT(complete({"import", ""}), ElementsAre());
  EXPECT_TRUE(files_);
  EXPECT_EQ(begin_, "");
  (void)complete({"put", "b", "k", "--file=x"});
  EXPECT_TRUE(files_);
  EXPECT_EQ(begin_, "--file=");
  (void)complete({"verify", "a.toml", ""});
  EXPECT_TRUE(files_);
  EXPECT_THAT(complete({"get", "--json=t"}), ElementsAre());
  EXPECT_FALSE(files_);
  EXPECT_TRUE(names_.asked.empty());
}

TEST_F(CommandLine, AsksForWhatAWordNames) {
  names_.known = {{Names::kBuckets, {"shopping", "two words", "a\nb", "shoes", "shoes"}},
                  {Names::kNodes, {"foo@h", "bar@h"}}};
  EXPECT_THAT(complete({"get", "sho"}), ElementsAre("shoes", "shopping"));
  EXPECT_EQ(asked(), wanted(Names::kBuckets, {{"begin", "sho"}}));
  EXPECT_THAT(complete({"get", ""}), ElementsAre("shoes", "shopping", "two words"));
  EXPECT_EQ(asked().what, Names::kBuckets);
  EXPECT_THAT(complete({"drop", "a", "b", "t"}), ElementsAre("two words"));
  (void)asked();
  EXPECT_THAT(complete({"get", "--on", "f"}), ElementsAre("foo@h"));
  EXPECT_EQ(asked(), wanted(Names::kNodes, {{"begin", "f"}}));
  (void)complete({"get", "--raw", "--on", "bar@h", "b", "k"});
  EXPECT_EQ(asked(), wanted(Names::kKeys, {{"begin", "k"}, {"node", "bar@h"}, {"bucket", "b"}}));
  (void)complete({"get", "b", "k", "more"});
  (void)complete({"ping", "--count", ""});
  EXPECT_TRUE(names_.asked.empty());
}

TEST_F(CommandLine, AsksForFunctionsServersAndPids) {
  names_.known = {{Names::kPids, {"foo@h/1a"}}, {Names::kReceivers, {"foo@h/1a", "foo@h"}}};
  (void)complete({"call", "foo@h", "t."});
  EXPECT_EQ(asked(), wanted(Names::kFunctions, {{"begin", "t."}, {"node", "foo@h"}}));
  (void)complete({"call", "--bucket", "b", "t."});
  EXPECT_EQ(asked(), wanted(Names::kFunctions, {{"begin", "t."}, {"bucket", "b"}}));
  (void)complete({"call", "foo@h", "t.add", "1"});
  EXPECT_TRUE(names_.asked.empty());
  (void)complete({"server", "foo@h", ""});
  EXPECT_EQ(asked(), wanted(Names::kServers, {{"node", "foo@h"}}));
  (void)complete({"server", "foo@h", "counter", ""});
  EXPECT_EQ(asked(), wanted(Names::kServerFunctions, {{"node", "foo@h"}, {"server", "counter"}}));
  EXPECT_THAT(complete({"tasks", "foo@h", "--cancel", ""}), ElementsAre("foo@h/1a"));
  EXPECT_EQ(asked(), wanted(Names::kPids, {{"node", "foo@h"}}));
  EXPECT_THAT(complete({"tasks", "--cancel", "<f"}), ElementsAre("<foo@h/1a>"));
  (void)asked();
  EXPECT_THAT(complete({"send", ""}), ElementsAre("foo@h", "foo@h/1a"));
  (void)asked();
  (void)complete({"send", "foo@h", "c"});
  EXPECT_EQ(asked(), wanted(Names::kServersOrValue, {{"begin", "c"}, {"receiver", "foo@h"}}));
}

TEST_F(CommandLine, WhatIsHandedOverEndsTheLine) {
  const Texts words{"--node", "tcp://h:1", "--json", "bench", "--node", "x", "-d"};
  const auto line = command_line::read_line(app_, words);
  ASSERT_EQ(line.command, &command("bench"));
  EXPECT_EQ(line.after_command, 4U);
  EXPECT_EQ(line.value_of("--node"), "tcp://h:1");
}

TEST_F(CommandLine, IsPrintedForScripts) {
  EXPECT_EQ(command_line::candidates_text({false, "", {"a b", "c"}}), "words\na b\nc\n");
  EXPECT_EQ(command_line::candidates_text({true, "--file=", {}}), "files\n--file=\n");
}

class ShellTree : public testing::Test {
 protected:
  ShellTree() { add_shell_commands(app_, session_); }

  Texts arranged(const std::string& name, const std::vector<shell::Word>& words,
                 const std::string& node = {}) {
    return shell::arranged(app_, *app_.get_subcommand(name), words, node);
  }

  Session session_;
  CLI::App app_{"", ""};
};

TEST_F(ShellTree, HasWhatNeedsOnlyTheConnection) {
  for (const char* name : {"trace", "verify", "import", "export", "put", "tasks"}) {
    EXPECT_NE(app_.get_subcommand(name), nullptr);
  }
  for (const char* name : {"shell", "bench", "sim", "call", "send"}) {
    EXPECT_THROW(app_.get_subcommand(name), CLI::OptionNotFound);
  }
  EXPECT_EQ(app_.get_subcommand("nodes")->get_option_no_throw("--watch"), nullptr);
  EXPECT_THAT(app_.get_subcommand("get")->help(),
              AllOf(HasSubstr("--timeout"), HasSubstr("--raw"), Not(HasSubstr("--node"))));
}

TEST_F(ShellTree, OptionsStandWhereNoValueDoes) {
  EXPECT_EQ(arranged("get", {{"b"}, {"--raw"}, {"k"}}), (Texts{"--raw", "--", "b", "k"}));
  EXPECT_EQ(arranged("buckets", {{"--prefix"}, {"\"a b\""}}), (Texts{"--prefix", "a b", "--"}));
  EXPECT_EQ(arranged("buckets", {{"--prefix=a"}}), (Texts{"--prefix=a", "--"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"--stdin"}}), (Texts{"--stdin", "--", "b", "k"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"--file"}, {"f"}}),
            (Texts{"--file", "f", "--", "b", "k"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"--file=f"}}), (Texts{"--file=f", "--", "b", "k"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"--other"}}), (Texts{"--", "b", "k", "--other"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"\"--stdin\""}}), (Texts{"--", "b", "k", "--stdin"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"-"}}), (Texts{"--stdin", "--", "b", "k"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"\"-\""}}), (Texts{"--", "b", "k", "-"}));
  EXPECT_EQ(arranged("put", {{"b"}, {"k"}, {"--"}, {"-"}}), (Texts{"--", "b", "k", "-"}));
  EXPECT_EQ(arranged("get", {{"b"}, {"-"}}), (Texts{"--", "b", "-"}));
  EXPECT_EQ(arranged("get", {{"b"}, {"--raw", true}}), (Texts{"--", "b", "--raw"}));
  shell::Word of_variable{"--raw"};
  of_variable.value = Value{"--raw"};
  EXPECT_EQ(arranged("get", {{"b"}, of_variable}), (Texts{"--", "b", "--raw"}));
  EXPECT_EQ(arranged("get", {{"--"}, {"--raw"}}), (Texts{"--", "--raw"}));
  EXPECT_EQ(arranged("get", {{"b"}, {"--rav"}}), (Texts{"--rav", "--", "b"}));
  EXPECT_EQ(arranged("keys", {{"b"}, {"--limit"}}), (Texts{"b", "--limit"}));
}

TEST_F(ShellTree, TheShellsNodeStandsWhereNoneIsNamed) {
  EXPECT_EQ(arranged("ping", {}, "foo@h"), (Texts{"--", "foo@h"}));
  EXPECT_EQ(arranged("ping", {{"bar@h"}}, "foo@h"), (Texts{"--", "bar@h"}));
  EXPECT_EQ(arranged("tasks", {{"--cancel"}, {"1a"}}, "foo@h"),
            (Texts{"--cancel", "1a", "--", "foo@h"}));
  EXPECT_EQ(arranged("buckets", {{"--on"}, {"bar@h"}}, "foo@h"), (Texts{"--on", "bar@h", "--"}));
  EXPECT_EQ(arranged("reload", {}, "foo@h"), (Texts{"--"}));
  EXPECT_EQ(arranged("keys", {}, "foo@h"), (Texts{"--"}));
}

}  // namespace
}  // namespace kvmesh::command
