// Nodes whose keys, or whose files of principals, do not go together.
#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "common/security/principals.h"
#include "tests/unit/verify_fixture.h"

namespace kvmesh::verify {
namespace {

using security::Principals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

security::PublicKey public_key(int key) {
  std::array<std::uint8_t, security::kKeyBytes> bytes{};
  bytes[0] = static_cast<std::uint8_t>(key);
  return security::PublicKey{std::span<const std::uint8_t, security::kKeyBytes>{bytes}};
}

std::string node_entry(std::string_view name, int key, std::string_view more = "") {
  return "[node.\"" + std::string{name} + "@h\"]\nkeys = [\"" + public_key(key).str() + "\"]\n" +
         std::string{more};
}

std::shared_ptr<const Principals> principals(const std::string& text) {
  config::Faults warnings;
  return Principals::parse(text, "security.toml", warnings).value();
}

class VerifyKeys : public testing::Test {
 protected:
  VerifyKeys() {
    foo_ = principals_of_both_;
    bar_ = principals_of_both_;
  }
  std::vector<std::string> found() {
    TestMesh mesh;
    mesh.add("foo", {{"a..m", "foo"}, {"*", "bar"}}).principals = foo_;
    mesh.add("bar", {{"a..m", "foo"}, {"*", "bar"}}).principals = bar_;
    std::vector<std::string> out;
    const auto report = verify(mesh.model()).value();
    for (const auto& finding : report.findings) {
      out.push_back(std::string{to_string(finding.kind)} + ": " + finding.what);
      EXPECT_FALSE(finding.advice.empty());
    }
    return out;
  }

  const std::string foo_entry_ = node_entry("foo", 1);
  const std::string bar_entry_ = node_entry("bar", 2);
  const std::shared_ptr<const Principals> principals_of_both_ = principals(foo_entry_ + bar_entry_);
  std::shared_ptr<const Principals> foo_;
  std::shared_ptr<const Principals> bar_;
};

TEST_F(VerifyKeys, ThatAreTheSameEverywhereAreSound) { EXPECT_THAT(found(), IsEmpty()); }

TEST_F(VerifyKeys, OfSomeNodesOnly) {
  bar_ = nullptr;
  EXPECT_THAT(found(),
              ElementsAre("keys: foo@h has a key and bar@h has none, so they do not connect"));
}

TEST_F(VerifyKeys, ThatAPeerDoesNotKnow) {
  bar_ = principals(bar_entry_);
  EXPECT_THAT(
      found(),
      ElementsAre("keys: bar@h knows no key of foo@h, so they do not connect",
                  "principals: the security.toml of bar@h says something else of foo@h than "
                  "that of foo@h"));
}

TEST_F(VerifyKeys, ThatDiffer) {
  bar_ = principals(node_entry("foo", 3) + bar_entry_);
  EXPECT_THAT(found(),
              ElementsAre(HasSubstr("bar@h knows other keys of foo@h than that one itself"),
                          HasSubstr("principals: ")));
}

TEST_F(VerifyKeys, ThatAreRevoked) {
  const auto revoked = "revoked = [\"" + public_key(2).str() + "\"]\n";
  foo_ = bar_ = principals(revoked + foo_entry_ + bar_entry_);
  EXPECT_THAT(found(),
              ElementsAre("keys: foo@h has every key of bar@h revoked, so they do not connect"));
  const auto more = "keys = [\"" + public_key(2).str() + "\", \"" + public_key(4).str() + "\"]\n";
  foo_ = bar_ = principals(revoked + foo_entry_ + "[node.\"bar@h\"]\n" + more);
  EXPECT_THAT(found(), IsEmpty()) << "it has another one";
}

TEST_F(VerifyKeys, AndCeilingsThatKeepRequestsBack) {
  foo_ = bar_ = principals(node_entry("foo", 1, "ceiling = [\"read\"]\n") + bar_entry_);
  EXPECT_THAT(found(),
              ElementsAre("ceiling: foo@h passes requests on to bar@h, which lets it write "
                          "nothing"));
  foo_ = bar_ = principals(node_entry("foo", 1, "ceiling = [\"call\"]\n") + bar_entry_);
  EXPECT_THAT(found(), ElementsAre("ceiling: foo@h passes requests on to bar@h, which lets it read "
                                   "and write nothing"));
  foo_ = bar_ = principals(node_entry("foo", 1, "vouch = false\n") + bar_entry_);
  EXPECT_THAT(found(), ElementsAre(HasSubstr("does not take its word for whom it asks")));
}

TEST_F(VerifyKeys, AndUsersThatDiffer) {
  bar_ = principals(foo_entry_ + bar_entry_ + "[user.app1]\nmay = [{ call = \"*\" }]\n");
  EXPECT_THAT(found(), ElementsAre("principals: the security.toml of bar@h says something else of "
                                   "app1 than that of foo@h"));
}

}  // namespace
}  // namespace kvmesh::verify
