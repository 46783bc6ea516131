// security.toml: who is in it, and how each fault in it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/security/principals.h"

namespace kvmesh::security {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string key(int number) {
  std::array<std::uint8_t, kKeyBytes> bytes{};
  bytes[0] = static_cast<std::uint8_t>(number);
  return PublicKey{std::span<const std::uint8_t, kKeyBytes>{bytes}}.str();
}
PublicKey parsed(int number) { return *PublicKey::parse(key(number)); }

std::shared_ptr<const Principals> read(const std::string& text) {
  config::Faults warnings;
  auto out = Principals::parse(text, "security.toml", warnings);
  EXPECT_TRUE(out.ok()) << out.status().text();
  return out.ok() ? *out : nullptr;
}

std::string faults(const std::string& text) {
  config::Faults warnings;
  const auto out = Principals::parse(text, "security.toml", warnings);
  EXPECT_FALSE(out.ok()) << text;
  return out.status().text();
}

std::string user(const std::string& lines) { return "[user.app1]\n" + lines; }

TEST(PrincipalsFile, NamesNodesUsersAndWhatTheyMayDo) {
  const auto all =
      read("revoked = [\"" + key(9) + "\"]\n" + "[node.\"foo@dc1\"]\nkeys = [\"" + key(1) +
           "\", \"" + key(2) +
           "\"]\naddress = \"tcp://10.0.0.1:5550\"\n"
           "[node.\"bar@dc1\"]\nkeys = [\"" +
           key(3) +
           "\"]\nceiling = [\"read\"]\nvouch = false\n"
           "[user.app1]\nkeys = [\"" +
           key(4) +
           "\"]\nmay = [ { on = \"team1:\", rights = \"rw\" }, { call = \"hello.*\" } ]\n"
           "[user.ops]\nmay = [ { on = \"*\", rights = \"rwa\" }, { call = \"task.add\" } ]\n"
           "[anonymous]\nmay = [ { on = \"public:\", rights = \"r\" } ]\n");
  ASSERT_NE(all, nullptr);
  const auto* foo = all->by_key(parsed(2));
  ASSERT_NE(foo, nullptr);
  EXPECT_EQ(foo->name, "foo@dc1");
  EXPECT_EQ(foo, all->by_key(parsed(1)));
  EXPECT_EQ(foo->address, "tcp://10.0.0.1:5550");
  EXPECT_TRUE(foo->is_node && foo->may_vouch);
  EXPECT_TRUE(foo->rights.may(Right::kWrite, "x") && foo->rights.may_call("a.b"));
  EXPECT_FALSE(foo->rights.may_administer());
  const auto* bar = all->find("bar@dc1");
  ASSERT_NE(bar, nullptr);
  EXPECT_FALSE(bar->may_vouch);
  EXPECT_TRUE(bar->rights.may(Right::kRead, "x"));
  EXPECT_FALSE(bar->rights.may(Right::kWrite, "x") || bar->rights.may_call("a.b"));
  const auto* app1 = all->by_key(parsed(4));
  ASSERT_NE(app1, nullptr);
  EXPECT_TRUE(app1->rights.may(Right::kWrite, "team1:x") && app1->rights.may_call("hello.add"));
  EXPECT_FALSE(app1->rights.may(Right::kRead, "team2:x") || app1->rights.may_call("hellO.add"));
  const auto* ops = all->find("ops");
  ASSERT_NE(ops, nullptr);
  EXPECT_TRUE(ops->rights.may_administer() && ops->rights.may(Right::kWrite, ""));
  EXPECT_TRUE(ops->rights.may_call("task.add"));
  EXPECT_FALSE(ops->rights.may_call("task.add2") || ops->rights.may_call("task.ad"));
  EXPECT_TRUE(all->anonymous().rights.may(Right::kRead, "public:x"));
  EXPECT_TRUE(all->is_revoked(parsed(9)));
  EXPECT_EQ(all->by_key(parsed(9)), nullptr);
  EXPECT_EQ(all->by_key(parsed(5)), nullptr);
}

TEST(PrincipalsFile, WithoutAnythingLetsNobodyIn) {
  const auto all = read("");
  ASSERT_NE(all, nullptr);
  EXPECT_TRUE(all->all().empty() && all->anonymous().rights.empty());
}

TEST(PrincipalsFile, HoldsARevokedKeyToNoUse) {
  const auto all =
      read("revoked = [\"" + key(1) + "\"]\n[user.app1]\nkeys = [\"" + key(1) + "\"]\n");
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(all->by_key(parsed(1)), nullptr);
  EXPECT_THAT(all->warnings(), ElementsAre(HasSubstr("is revoked")));
}

TEST(PrincipalsFile, TellsAllFaultsWithTheirLines) {
  const auto text =
      faults("[node.foo]\n[user.\"app@1\"]\n[user.app1]\nmay = 1\nkey = []\n[nodes]\n");
  EXPECT_THAT(text,
              AllOf(HasSubstr("security.toml:1: node.foo: "), HasSubstr("security.toml:2: user."),
                    HasSubstr("security.toml:4: user.app1.may: is no array; "),
                    HasSubstr("security.toml:5: user.app1.key: is unknown; "),
                    HasSubstr("security.toml:6: nodes: is unknown; ")));
}

TEST(PrincipalsFile, RefusesOneKeyOfTwo) {
  EXPECT_THAT(faults("[node.\"a@h\"]\nkeys = [\"" + key(1) + "\"]\n[user.b]\nkeys = [\"" + key(1) +
                     "\"]\n"),
              HasSubstr("each has a key of its own"));
}

TEST(PrincipalsFile, RefusesWhatIsNoRight) {
  const auto may = [](const std::string& entry) {
    return faults(user("may = [ " + entry + " ]\n"));
  };
  EXPECT_THAT(may("{ on = \"x\", rights = \"rx\" }"), HasSubstr("is not made of r (read)"));
  EXPECT_THAT(may("{ on = \"x\", rights = \"ra\" }"), HasSubstr("with on = \"*\" only"));
  EXPECT_THAT(may("{ on = \"x\", rights = \"\" }"), HasSubstr("grants nothing"));
  EXPECT_THAT(may("{ on = \"\", rights = \"r\" }"),
              HasSubstr("is no beginning of a bucket's name"));
  EXPECT_THAT(may("{ on = \"x\" }"), HasSubstr("is no entry of that form"));
  EXPECT_THAT(may("{ on = \"x\", rights = \"r\", call = \"y\" }"),
              HasSubstr("is no entry of that form"));
  EXPECT_THAT(may("{ call = \"a*b\" }"), HasSubstr("is no function"));
  EXPECT_THAT(may("{ call = \"\" }"), HasSubstr("is no function"));
  EXPECT_THAT(may("7"), HasSubstr("is no table"));
  EXPECT_THAT(faults("[node.\"a@h\"]\nkeys = []\nceiling = [\"admin\"]\n"),
              HasSubstr("is never given to a node"));
  EXPECT_THAT(faults("[node.\"a@h\"]\nkeys = []\nceiling = [\"rw\"]\n"), HasSubstr("is no right"));
  EXPECT_THAT(faults("[node.\"a@h\"]\nvouch = true\n"), HasSubstr("has no key"));
}

TEST(PrincipalsFile, ShowsNoSecretThatIsInAWrongPlace) {
  const std::string secret = "hunter2hunter2";
  for (const std::string& line :
       {"password = " + secret + "\n", "password = \"" + secret + "\"\n",
        "tokens = [\"" + secret + "\"]\n", "keys = [\"sec_" + secret + "\"]\n",
        "keys = [\"" + secret + "\"]\n"}) {
    EXPECT_THAT(faults(user(line)), Not(HasSubstr(secret))) << line;
  }
}

TEST(PrincipalsFile, KnowsCertificates) {
  const std::string pin = "sha256:" + std::string(64, 'a');
  const auto all = read("[user.app1]\ncerts = [\"" + pin + "\"]\n");
  ASSERT_NE(all, nullptr);
  CertificatePin bytes;
  bytes.fill(0xaa);
  ASSERT_NE(all->by_certificate(bytes), nullptr);
  EXPECT_EQ(all->by_certificate(bytes)->name, "app1");
  EXPECT_THAT(faults(user("certs = [\"sha256:abc\"]\n")), HasSubstr("is no pin"));
  EXPECT_THAT(faults("[user.a]\ncerts = [\"" + pin + "\"]\n[user.b]\ncerts = [\"" + pin + "\"]\n"),
              HasSubstr("each user has its own"));
}

}  // namespace
}  // namespace kvmesh::security
