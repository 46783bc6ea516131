// What clients say with AUTH: real principals, real hashes, a real thread.
#include "node/stream/login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "common/security/secrets.h"

namespace kvmesh::stream {
namespace {

using testing::HasSubstr;
using testing::Not;

// Keeps what it is told as texts.
class Told final : public core::Audit {
 public:
  void tell(const core::AuditEvent& event) override {
    const std::scoped_lock lock{mutex_};
    lines_.push_back(std::string{core::to_string(event.kind)} + " " + std::string{event.principal} +
                     " " + std::string{event.from} + " " + std::string{event.what});
  }
  std::vector<std::string> lines() {
    const std::scoped_lock lock{mutex_};
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class LoginTest : public testing::Test {
 protected:
  LoginTest() : principals_(parsed(user("app1", kHash))) {
    login_.emplace(principals_, Login::Options{false, &told_});
    EXPECT_TRUE(login_->start().ok());
  }

  static std::string user(const std::string& name, const std::string& hash) {
    return "[user." + name + "]\npassword = \"" + hash + "\"\ntokens = [\"" +
           security::text_of(security::digest_of(kToken)) + "\"]\nmay = []\n";
  }
  static std::shared_ptr<const security::Principals> parsed(const std::string& text) {
    config::Faults warnings;
    auto out = security::Principals::parse(text, "security.toml", warnings);
    EXPECT_TRUE(out) << out.status().text();
    return *out;
  }
  static Login::Attempt attempt(const std::string& name, const std::string& secret,
                                std::uint8_t address = 1, bool is_encrypted = true) {
    return {AddressKey::of_v4({10, 0, 0, address}), "10.0.0." + std::to_string(address),
            is_encrypted, name, std::make_unique<security::WipedText>(secret)};
  }
  std::future<Login::Answer> ask(Login::Attempt one) {
    auto promise = std::make_shared<std::promise<Login::Answer>>();
    auto out = promise->get_future();
    login_->ask(std::move(one),
                [promise](Login::Answer answer) { promise->set_value(std::move(answer)); });
    return out;
  }
  // The user that it is, or the status.
  std::string said(const std::string& name, const std::string& secret, std::uint8_t address = 1,
                   bool is_encrypted = true) {
    const auto answer = ask(attempt(name, secret, address, is_encrypted)).get();
    if (!answer.status.ok()) return answer.status.to_string();
    return answer.identity->user;
  }

  inline static const std::string kHash = *security::hash_password("open sesame");
  inline static const std::string kToken = security::make_token();
  security::CurrentPrincipals principals_;
  Told told_;
  std::optional<Login> login_;
};

TEST_F(LoginTest, TheRightSecretsAndNoOthers) {
  EXPECT_EQ(said("app1", "open sesame"), "app1");
  EXPECT_EQ(said("app1", "open sesame"), "app1") << "and again, from what it remembers";
  EXPECT_EQ(said("app1", kToken), "app1");
  const auto wrong = said("app1", "open");
  EXPECT_THAT(wrong, HasSubstr("denied: "));
  EXPECT_THAT(wrong, Not(HasSubstr("open")));
  EXPECT_EQ(said("app2", "open sesame"), wrong) << "nobody learns which users there are";
  EXPECT_EQ(said("app1", security::make_token(), 2), wrong);
  EXPECT_EQ(said(std::string(100, 'x'), "open sesame", 2), wrong);
}

TEST_F(LoginTest, NoSecretCrossesANetworkInPlainText) {
  EXPECT_THAT(said("app1", "open sesame", 1, false), HasSubstr("in plain text"));
  login_.emplace(principals_, Login::Options{true, nullptr});
  ASSERT_TRUE(login_->start().ok());
  EXPECT_EQ(said("app1", "open sesame", 1, false), "app1");
}

TEST_F(LoginTest, GuessesOfAnAddressAreNotLookedAtAfterFive) {
  for (int i = 0; i < 5; ++i) (void)said("app1", "wrong " + std::to_string(i));
  EXPECT_THAT(said("app1", "open sesame"), HasSubstr("try again in"));
  EXPECT_EQ(said("app1", kToken), "app1") << "tokens cannot be guessed, so they need not wait";
}

TEST_F(LoginTest, ManyWhoSayTheSameAtOnceAreOneGuess) {
  std::vector<std::future<Login::Answer>> answers;
  answers.reserve(200);
  for (int i = 0; i < 200; ++i) answers.push_back(ask(attempt("app1", "open sesame")));
  for (auto& answer : answers) EXPECT_TRUE(answer.get().status.ok());
  answers.clear();
  for (int i = 0; i < 200; ++i) answers.push_back(ask(attempt("app1", "wrong")));
  for (auto& answer : answers) EXPECT_EQ(answer.get().status.code(), StatusCode::kDenied);
  EXPECT_EQ(said("app1", "open sesame"), "app1");
}

TEST_F(LoginTest, OnlySoManyPasswordsWait) {
  login_.emplace(principals_, Login::Options{});  // nobody looks at them
  std::vector<std::future<Login::Answer>> answers;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    const auto name = "user" + std::to_string(i);
    answers.push_back(ask(attempt(name, "x", static_cast<std::uint8_t>(i + 1))));
    if (answers.back().wait_for(std::chrono::seconds{0}) != std::future_status::ready) continue;
    EXPECT_EQ(answers.back().get().status.code(), StatusCode::kOverloaded);
    ++refused;
  }
  EXPECT_EQ(refused, 100 - Login::kQueueMax);
}

TEST_F(LoginTest, OtherPrincipalsAreAskedAtOnce) {
  EXPECT_EQ(said("app1", "open sesame"), "app1");
  principals_.set(parsed(user("app1", *security::hash_password("another"))));
  EXPECT_THAT(said("app1", "open sesame"), HasSubstr("denied"));
  EXPECT_EQ(said("app1", "another"), "app1");
  principals_.set(parsed(user("app2", kHash)));
  EXPECT_THAT(said("app1", "another"), HasSubstr("denied"));
}

TEST_F(LoginTest, AProofHoldsWhileItIsWhatTheFileSays) {
  const auto by_password = ask(attempt("app1", "open sesame")).get();
  const auto by_token = ask(attempt("app1", kToken)).get();
  const auto other_password = parsed(user("app1", *security::hash_password("another")));
  EXPECT_TRUE(still_holds(*by_password.identity, *principals_.get()));
  EXPECT_FALSE(still_holds(*by_password.identity, *other_password));
  EXPECT_TRUE(still_holds(*by_token.identity, *other_password));
  const auto gone = parsed("");
  EXPECT_FALSE(still_holds(*by_token.identity, *gone));
  EXPECT_TRUE(still_holds(Identity{}, *gone));
}

TEST_F(LoginTest, TheAuditLogKnowsWhoFromWhereAndNoSecret) {
  (void)said("app1", "open sesame");
  (void)said("app1", "hunter2");
  for (int i = 0; i < 50; ++i) (void)said("app1", "hunter3", 9);
  const auto lines = told_.lines();
  ASSERT_GE(lines.size(), 3U);
  EXPECT_EQ(lines[0], "logged_in app1 10.0.0.1 AUTH with a password");
  EXPECT_EQ(lines[1], "login_failed app1 10.0.0.1 AUTH with a password");
  EXPECT_LT(lines.size(), 50U);
  for (const auto& line : lines) EXPECT_THAT(line, Not(HasSubstr("hunter")));
}

}  // namespace
}  // namespace kvmesh::stream
