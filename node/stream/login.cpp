#include "node/stream/login.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <kvmesh/limits.h>

#include "common/security/secrets.h"
#include "common/signals_blocked.h"
#include "node/stream/yielding.h"

namespace kvmesh::stream {
namespace {

constexpr double kFailuresToldPerSecond = 10;  // of an address; more are counted

TimePoint moment() { return std::chrono::steady_clock::now(); }

Status denied(std::string text) { return {StatusCode::kDenied, std::move(text)}; }

// The same whether there is such a user or not.
Status wrong_secret() { return denied("there is no such user, or this is not its secret"); }

const security::Principal* find_user(const security::Principals& principals,
                                     const std::string& name) {
  const auto* user = principals.find(name);
  return user == nullptr || user->is_node ? nullptr : user;
}

}  // namespace

Login::Login(const security::CurrentPrincipals& principals, Options options)
    : principals_(principals),
      options_(options),
      told_({kFailuresToldPerSecond, kFailuresToldPerSecond}) {}

Login::~Login() {
  {
    const std::scoped_lock lock{mutex_};
    stopping_ = true;
  }
  news_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Status Login::start() {
  try {
    const SignalsBlocked blocked;
    thread_ = std::thread{[this] {
      let_others_go_first();
      run();
    }};
    return {};
  } catch (const std::system_error& error) {
    return {StatusCode::kInternal,
            std::string{"cannot start the thread of passwords: "} + error.what()};
  }
}

Status Login::check(const Attempt& attempt) const {
  if (!attempt.is_encrypted && !attempt.address.is_loopback() && !options_.in_plain_text) {
    return denied(
        "a secret must not cross a network in plain text, as this one has; choose another one, and "
        "connect with TLS (kv_server.tls)");
  }
  return {};
}

void Login::ask(Attempt attempt, Done done) {
  if (auto status = check(attempt); !status.ok()) return done({std::move(status), nullptr});
  // Maybe the secret, in the wrong place: it is told to nobody.
  if (!security::check_user_name(attempt.user).ok() || security::looks_like_token(attempt.user)) {
    {
      const std::scoped_lock lock{mutex_};
      tell(core::AuditEvent::Kind::kLoginFailed, {}, attempt.from, attempt.address,
           "AUTH of what is no user's name");
    }
    return done({wrong_secret(), nullptr});
  }
  const bool is_token = security::looks_like_token(attempt.secret->text);
  LoginGuard::Try one{attempt.address, attempt.user, is_token};
  const auto principals = principals_.get();
  const auto digest = digests_.of(attempt.user, attempt.secret->text);
  const auto* user = find_user(*principals, attempt.user);
  Answer answer;
  {
    const std::scoped_lock lock{mutex_};
    const auto now = moment();
    if (const auto joined = jobs_.find(digest); joined != jobs_.end() && !is_token) {
      // It is no further guess of this address.
      auto& waiters = joined->second->waiters;
      const bool counts = std::ranges::none_of(
          waiters, [&](const Waiter& other) { return other.one.address == one.address; });
      if (counts) guard_.begin(one);
      waiters.push_back({std::move(one), std::move(attempt.from), std::move(done), counts});
      return;
    }
    if (const auto wait = guard_.wait(one, now); wait.count() > 0 && !guard_.has_failed(one, now)) {
      answer.status = {StatusCode::kOverloaded,
                       "passwords from your address, or of this user, are being checked; try again "
                       "in a second"};
    } else if (wait.count() > 0) {
      tell(core::AuditEvent::Kind::kLoginFailed, attempt.user, attempt.from, attempt.address,
           "AUTH, not looked at: too many have failed");
      answer.status = denied(
          "too many have failed from your address or for this user; try again "
          "in " +
          std::to_string(wait.count()) + " s");
    } else if (is_token) {
      guard_.begin(one);
      answer = judge_token(attempt, principals);
      guard_.end(one, answer.status.ok(), now);
      tell(answer.status.ok() ? core::AuditEvent::Kind::kLoggedIn
                              : core::AuditEvent::Kind::kLoginFailed,
           attempt.user, attempt.from, attempt.address, "AUTH with a token");
    } else if (user != nullptr && is_cached(digest, principals, user->password_hash)) {
      guard_.begin(one);
      guard_.end(one, true, now);
      answer = welcome(one, Identity::Proof::kPassword, principals);
      tell(core::AuditEvent::Kind::kLoggedIn, attempt.user, attempt.from, attempt.address,
           "AUTH with a password");
    } else if (queue_.size() >= kQueueMax) {
      answer.status = {StatusCode::kOverloaded, "this node has " + std::to_string(kQueueMax) +
                                                    " passwords to check already; try again later"};
    } else {
      guard_.begin(one);
      auto job = std::make_shared<Job>();
      job->digest = digest;
      job->user = std::move(attempt.user);
      job->hash = user == nullptr ? std::string{} : user->password_hash;
      job->secret = std::move(attempt.secret);
      job->waiters.push_back({std::move(one), std::move(attempt.from), std::move(done)});
      jobs_.emplace(digest, job);
      queue_.push_back(std::move(job));
      news_.notify_one();
      return;
    }
  }
  done(std::move(answer));
}

bool Login::is_cached(const security::TokenDigest& digest, const Principals& principals,
                      const std::string& hash) {
  if (cached_of_ != principals) {
    cached_.clear();
    cached_of_ = principals;
  }
  const auto* verified = cached_.find(digest);
  return verified != nullptr && !hash.empty() && *verified == hash;
}

Login::Answer Login::judge_token(const Attempt& attempt, const Principals& principals) const {
  const auto digest = security::digest_of(attempt.secret->text);
  const auto* user = find_user(*principals, attempt.user);
  bool is_right = false;
  if (user != nullptr) {
    for (const auto& token : user->tokens) is_right |= security::are_same(token, digest);
  }
  if (!is_right) return {wrong_secret(), nullptr};
  auto identity = std::make_unique<Identity>();
  identity->proof = Identity::Proof::kToken;
  identity->user = user->name;
  identity->principals = principals;
  identity->token = digest;
  return {{}, std::move(identity)};
}

// REQUIRES: `principals` know the user.
Login::Answer Login::welcome(const LoginGuard::Try& one, Identity::Proof proof,
                             Principals principals) {
  auto identity = std::make_unique<Identity>();
  const auto* user = principals->find(one.user);
  identity->proof = proof;
  identity->user = user->name;
  identity->password_hash = user->password_hash;
  identity->principals = std::move(principals);
  return {{}, std::move(identity)};
}

void Login::run() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock{mutex_};
      news_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    // As long for those that are not there.
    finish(*job, security::verify_password(job->hash, job->secret->text));
  }
}

void Login::finish(Job& job, bool is_right) {
  std::vector<std::pair<Done, Answer>> answers;
  {
    const std::scoped_lock lock{mutex_};
    jobs_.erase(job.digest);
    const auto now = moment();
    // They may have changed meanwhile.
    const auto principals = principals_.get();
    const auto* user = find_user(*principals, job.user);
    is_right = is_right && user != nullptr && user->password_hash == job.hash;
    if (is_right && !is_cached(job.digest, principals, job.hash)) {
      cached_.at(job.digest) = job.hash;
    }
    for (auto& waiter : job.waiters) {
      if (waiter.counts) guard_.end(waiter.one, is_right, now);
      tell(is_right ? core::AuditEvent::Kind::kLoggedIn : core::AuditEvent::Kind::kLoginFailed,
           job.user, waiter.from, waiter.one.address, "AUTH with a password");
      answers.emplace_back(std::move(waiter.done),
                           is_right ? welcome(waiter.one, Identity::Proof::kPassword, principals)
                                    : Answer{wrong_secret(), nullptr});
    }
  }
  for (auto& [done, answer] : answers) done(std::move(answer));
}

// Under the mutex, and so in order.
void Login::tell(core::AuditEvent::Kind kind, const std::string& user, const std::string& from,
                 const AddressKey& address, std::string_view what) {
  if (options_.audit == nullptr) return;
  std::string text{what};
  if (kind == core::AuditEvent::Kind::kLoginFailed) {
    if (!told_.take(address, moment())) {
      ++not_told_;
      return;
    }
    if (const auto others = std::exchange(not_told_, 0); others > 0) {
      text += "; " + std::to_string(others) + " more failures were only counted";
    }
  }
  core::AuditEvent event;
  event.kind = kind;
  event.principal = user;
  event.from = from;
  event.what = text;
  options_.audit->tell(event);
}

}  // namespace kvmesh::stream
