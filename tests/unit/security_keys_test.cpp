// Keys, key files, passwords and tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/security/key_file.h"
#include "common/security/secrets.h"
#include "tests/unit/temporary_folder.h"

namespace kvmesh::security {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The key pair of section 6.1 of RFC 7748 (Alice's), in base64url.
constexpr std::string_view kAliceSecret = "sec_dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo";
constexpr std::string_view kAlicePublic = "pub_hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo";

TEST(Keys, AreThoseOfTheRfc) {
  const auto secret = SecretKey::parse(kAliceSecret);
  ASSERT_TRUE(secret.ok()) << secret.status().text();
  EXPECT_EQ(secret->public_key().str(), kAlicePublic);
  EXPECT_EQ(secret->str(), kAliceSecret);
}

TEST(Keys, AreNewEachTime) {
  const KeyPair one{SecretKey::make()};
  const KeyPair other{SecretKey::make()};
  EXPECT_NE(one.public_key, other.public_key);
  EXPECT_EQ(PublicKey::parse(one.public_key.str()).value(), one.public_key);
  EXPECT_EQ(one.public_key.fingerprint(), one.public_key.str().substr(0, 16));
}

TEST(Keys, RefuseWhatIsNone) {
  for (const std::string text :
       {"", "pub_", "pub_AAAA", "xyz", "pub_hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTm=",
        "pub_hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmoA",
        "pub_hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
        "pub_hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmp"}) {
    EXPECT_FALSE(PublicKey::parse(text).ok()) << text;
    EXPECT_FALSE(SecretKey::parse(text).ok()) << text;
  }
}

TEST(Keys, TellTheHalvesApart) {
  const auto fault = PublicKey::parse(kAliceSecret).status().text();
  EXPECT_THAT(fault, AllOf(HasSubstr("is a secret key"), Not(HasSubstr(kAliceSecret.substr(4)))));
  EXPECT_THAT(SecretKey::parse(kAlicePublic).status().text(), HasSubstr("is a public key"));
}

class KeyFiles : public testing::Test {
 protected:
  std::string path(const std::string& name = "foo.key") { return (folder_.path() / name).string(); }
  std::string make(const std::string& name = "foo.key") {
    const auto status =
        write_key_file(path(name), {"foo@dc1", true, KeyPair{SecretKey::make()}, {}});
    EXPECT_TRUE(status.ok()) << status.text();
    return path(name);
  }
  std::string fault_of(const std::string& at) {
    const auto read = read_key_file(at);
    EXPECT_FALSE(read.ok());
    return read.status().text();
  }
  void write(const std::string& text) {
    std::ofstream{path()} << text;
    ::chmod(path().c_str(), 0600);
  }

  test::TemporaryFolder folder_;
};

TEST_F(KeyFiles, KeepAKey) {
  KeyFile key{"app1", false, KeyPair{SecretKey::make()}, {}};
  key.nodes.emplace("tcp://10.0.0.1:5550", std::vector{*PublicKey::parse(kAlicePublic)});
  key.nodes.emplace("tcp://10.0.0.2:5550", std::vector{*PublicKey::parse(kAlicePublic),
                                                       KeyPair{SecretKey::make()}.public_key});
  ASSERT_TRUE(write_key_file(path(), key).ok());
  struct stat about {};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  const auto read = read_key_file(path());
  ASSERT_TRUE(read.ok()) << read.status().text();
  EXPECT_EQ(read->principal, "app1");
  EXPECT_FALSE(read->is_node);
  EXPECT_EQ(read->keys.public_key, key.keys.public_key);
  EXPECT_EQ(read->nodes, key.nodes);
}

TEST_F(KeyFiles, AreNeverWrittenOver) {
  const auto before = read_key_file(make())->keys.public_key;
  const auto status = write_key_file(path(), {"foo@dc1", true, KeyPair{SecretKey::make()}, {}});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.text(), HasSubstr("never written over"));
  EXPECT_EQ(read_key_file(path())->keys.public_key, before);
  std::filesystem::create_symlink(path("nowhere"), path("link.key"));
  EXPECT_FALSE(
      write_key_file(path("link.key"), {"foo@dc1", true, KeyPair{SecretKey::make()}, {}}).ok());
  EXPECT_FALSE(std::filesystem::exists(path("nowhere")));
}

TEST_F(KeyFiles, MustBeTheOwnersAlone) {
  const auto at = make();
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601}) {
    ::chmod(at.c_str(), mode);
    EXPECT_THAT(fault_of(at), HasSubstr("type chmod 600 " + at)) << std::oct << mode;
  }
  ::chmod(at.c_str(), 0400);
  EXPECT_TRUE(read_key_file(at).ok());
}

TEST_F(KeyFiles, AreNoLinksAndNothingElse) {
  std::filesystem::create_symlink(make(), path("link.key"));
  EXPECT_THAT(fault_of(path("link.key")), HasSubstr("is a link"));
  ASSERT_EQ(::mkfifo(path("fifo.key").c_str(), 0600), 0);
  EXPECT_THAT(fault_of(path("fifo.key")), HasSubstr("is no file"));
  EXPECT_THAT(fault_of(folder_.path().string()), HasSubstr("is no file"));
  EXPECT_THAT(fault_of(path("missing.key")), HasSubstr("No such file"));
}

TEST_F(KeyFiles, StandWhereOthersCannotExchangeThem) {
  const auto inner = folder_.path() / "inner";
  std::filesystem::create_directory(inner);
  std::filesystem::rename(make(), inner / "foo.key");
  ::chmod(inner.c_str(), 0777);
  EXPECT_THAT(fault_of((inner / "foo.key").string()), HasSubstr("chmod go-w " + inner.string()));
  ::chmod(inner.c_str(), 01777);  // as /tmp: only owners remove what is there
  EXPECT_TRUE(read_key_file((inner / "foo.key").string()).ok());
}

TEST_F(KeyFiles, OfAnotherUserAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const auto at = make();
  ASSERT_EQ(::chown(at.c_str(), 12345, 0), 0);
  EXPECT_THAT(fault_of(at), HasSubstr("belongs to somebody else; type chown 0 " + at));
}

TEST_F(KeyFiles, ThatAreBrokenAreRefusedWithoutShowingThem) {
  const std::string secret{kAliceSecret};
  const auto broken = {
      std::string{"secret = \""} + secret,
      "node = \"foo@dc1\"\nsecret = \"" + secret + "\"\n",
      "node = \"foo@dc1\"\nuser = \"foo\"\npublic = \"" + std::string{kAlicePublic} +
          "\"\nsecret = \"" + secret + "\"\n",
      "node = \"foo\"\npublic = \"" + std::string{kAlicePublic} + "\"\nsecret = \"" + secret +
          "\"\n",
      "node = \"foo@dc1\"\npublic = \"" + KeyPair{SecretKey::make()}.public_key.str() +
          "\"\nsecret = \"" + secret + "\"\n",
      "user = \"app1\"\npublic = \"" + std::string{kAlicePublic} + "\"\nsecret = \"" + secret +
          "\"\n[nodes]\n\"tcp://a:1\" = \"" + secret + "\"\n",
      std::string(300 * 1024, 'x'),
      std::string{}};
  for (const auto& text : broken) {
    write(text);
    const auto fault = fault_of(path());
    EXPECT_THAT(fault, AllOf(HasSubstr("the key file"), HasSubstr(path()))) << text.substr(0, 99);
    EXPECT_THAT(fault, Not(HasSubstr(secret.substr(4, 8)))) << fault;
  }
}

TEST(Secrets, KnowAPassword) {
  const auto hash = hash_password("correct horse");
  ASSERT_TRUE(hash.ok());
  EXPECT_TRUE(check_password_hash(*hash).ok());
  EXPECT_THAT(*hash, Not(HasSubstr("horse")));
  EXPECT_TRUE(verify_password(*hash, "correct horse"));
  EXPECT_FALSE(verify_password(*hash, "correct horsf"));
  EXPECT_FALSE(verify_password(*hash, ""));
  EXPECT_FALSE(verify_password("", "correct horse"));
  EXPECT_NE(hash_password("correct horse").value(), *hash);
}

TEST(Secrets, RefuseHashesThatAreNoneOrCostTooMuch) {
  for (const std::string text : {"", "hunter2", "$argon2id$v=19$m=19456,t=2,p=1",
                                 "$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
                                 "$argon2id$v=19$m=x,t=2,p=1$c2FsdA$aGFzaA", "$2b$10$abc"}) {
    const auto status = check_password_hash(text);
    EXPECT_FALSE(status.ok()) << text;
    if (!text.empty()) {
      EXPECT_THAT(status.text(), Not(HasSubstr(text)));
    }
  }
  EXPECT_THAT(check_password_hash("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdA$aGFzaA").text(),
              HasSubstr("costs a node too much"));
  EXPECT_THAT(check_password_hash("$argon2id$v=19$m=19456,t=99,p=1$c2FsdA$aGFzaA").text(),
              HasSubstr("costs a node too much"));
}

TEST(Secrets, KnowAToken) {
  const auto token = make_token();
  EXPECT_TRUE(looks_like_token(token));
  EXPECT_FALSE(looks_like_token("tok_short"));
  const auto digest = digest_of(token);
  const auto text = text_of(digest);
  EXPECT_THAT(text, Not(HasSubstr(token.substr(4))));
  ASSERT_TRUE(parse_token_digest(text).ok());
  EXPECT_TRUE(are_same(*parse_token_digest(text), digest));
  EXPECT_FALSE(are_same(digest_of(make_token()), digest));
  EXPECT_THAT(parse_token_digest(token).status().text(), Not(HasSubstr(token)));
}

}  // namespace
}  // namespace kvmesh::security
