// What the command says of a line that it refuses.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/command/base/usage.h"

namespace kvmesh::command {
namespace {

class Usage : public testing::Test {
 protected:
  Usage() {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_option("--node", node_);
    for (const char* name : {"get", "put", "keys", "delete", "buckets"}) app_.add_subcommand(name);
    auto* get = app_.get_subcommand("get");
    get->add_option("BUCKET", bucket_)->required();
    get->add_option("KEY", key_)->required();
    get->add_flag("--raw", raw_);
    auto* keys = app_.get_subcommand("keys");
    keys->add_option("BUCKET", buckets_)->required();
    keys->add_option("NODE", node_);
  }

  std::string fault(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());  // as the parser wants it
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      return usage_fault(app_, error);
    }
    return "none";
  }

  CLI::App app_{"", "kvmesh"};
  std::string node_, bucket_, key_;
  std::vector<std::string> buckets_;
  bool raw_ = false;
};

TEST_F(Usage, ACommandThatIsNotThere) {
  EXPECT_EQ(fault({"gett", "x"}), "no command \"gett\"; did you mean get?");
  EXPECT_EQ(fault({"--node", "n", "bucket"}), "no command \"bucket\"; did you mean buckets?");
  EXPECT_EQ(fault({"set", "a", "b"}), "no command \"set\"; did you mean put?");
  EXPECT_EQ(fault({"frobnicate"}), "no command \"frobnicate\"; kvmesh --help lists them");
  EXPECT_EQ(fault({"\x1b[31m"}), "no command \"\\x1b[31m\"; kvmesh --help lists them");
  EXPECT_EQ(fault({""}), "no command \"\"; kvmesh --help lists them");
  EXPECT_EQ(fault({}), "no command; kvmesh --help lists them");
}

TEST(MeantCommand, KnowsOtherNamesAndNeverLeadsToWhatDestroys) {
  const std::vector<std::string> all{"put",    "get",  "delete", "drop",  "export",
                                     "import", "info", "nodes",  "tasks", "server"};
  EXPECT_EQ(meant_command("dump", all), "export");
  EXPECT_EQ(meant_command("restore", all), "import");
  EXPECT_EQ(meant_command("watch", all), "nodes --watch");
  EXPECT_EQ(meant_command("restart", all), "server ... --restart");
  EXPECT_EQ(meant_command("rm", all), "delete");  // that is what it says
  for (const auto* word : {"dro", "dropp", "delet", "delete1", "quit"}) {
    EXPECT_EQ(meant_command(word, all), "") << word;
  }
  EXPECT_EQ(meant_command("q", {"quit", "get"}), "quit");
  EXPECT_EQ(meant_command("gte", all), "get");  // two letters the wrong way round
  EXPECT_EQ(meant_command("teg", all), "");
  EXPECT_EQ(meant_command("rdop", all), "");
}

TEST_F(Usage, AWordThatIsNoneOfAnOptionsChoices) {
  std::string format;
  app_.get_subcommand("get")
      ->add_option("--format", format)
      ->check(CLI::IsMember({"tsv", "jsonl"}));
  EXPECT_EQ(fault({"get", "a", "b", "--format", "x: y"}),
            "--format is one of tsv,jsonl, not \"x: y\"");
}

TEST_F(Usage, WordsTooManyComeInTheirOrder) {
  EXPECT_EQ(fault({"get", "a", "b", "c", "d"}),
            "get does not expect \"c\" \"d\"; write kvmesh get BUCKET KEY");
}

TEST_F(Usage, WordsTooFew) {
  EXPECT_EQ(fault({"get", "a"}), "get needs KEY; write kvmesh get BUCKET KEY");
  EXPECT_EQ(fault({"keys"}), "keys needs BUCKET; write kvmesh keys BUCKET ... [NODE]");
}

TEST_F(Usage, OptionsWithoutAValueOrGivenTwice) {
  app_.get_option("--node")->type_name("ENDPOINT");
  EXPECT_EQ(fault({"get", "a", "b", "--node"}), "--node needs a value: ENDPOINT");
  EXPECT_EQ(fault({"get", "a", "b", "--node", "x", "--node", "y"}),
            "--node is given more than once");
}

TEST_F(Usage, AShellHasNoNameOfItsOwn) {
  app_.name("");
  EXPECT_EQ(fault({"get", "a"}), "get needs KEY; write get BUCKET KEY");
  EXPECT_EQ(fault({"frobnicate"}), "no command \"frobnicate\"; help lists them");
}

TEST_F(Usage, OptionsThatAreNotThere) {
  EXPECT_EQ(fault({"get", "a", "b", "--rav"}), "get has no option \"--rav\"; did you mean --raw?");
  EXPECT_EQ(fault({"get", "a", "b", "--nod=3"}),
            "get has no option \"--nod\"; did you mean --node?");
  EXPECT_EQ(
      fault({"get", "a", "-x"}),
      "get has no option \"-x\"; write -- before the arguments if it is one: kvmesh get BUCKET "
      "KEY");
  EXPECT_EQ(fault({"--frobnicate"}), "no option \"--frobnicate\"; kvmesh --help lists them");
  EXPECT_EQ(fault({"get", "a", "b", "--frobnicate"}),
            "get has no option \"--frobnicate\"; kvmesh get --help lists them");
  EXPECT_EQ(fault({"get", "a", "-5"}), "none");
  EXPECT_EQ(fault({"get", "a", "--", "-x"}), "none");
}

}  // namespace
}  // namespace kvmesh::command
