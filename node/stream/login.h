#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <kvmesh/status.h>

#include "common/security/current_principals.h"
#include "common/security/keyed_digest.h"
#include "common/security/private_file.h"
#include "node/core/audit.h"
#include "node/stream/address_budget.h"
#include "node/stream/identity.h"
#include "node/stream/login_guard.h"

namespace kvmesh::stream {

/// Judges what clients say with AUTH, for all adapters of a node. A password is hashed on a thread
/// of its own, one at a time, as each takes tens of milliseconds and 19 MiB; one that was right
/// lately, and tokens, take microseconds. Bounded in all that strangers can make it do
/// (LoginGuard). Thread-safe.
class Login {
 public:
  static constexpr std::size_t kQueueMax = 64;

  struct Options {
    bool in_plain_text = false;    // secrets may cross a network unencrypted (mesh.insecure)
    core::Audit* audit = nullptr;  // null: nobody wants to know
  };
  /// `principals` outlive it.
  Login(const security::CurrentPrincipals& principals, Options options);
  /// Waits for the one password that is being hashed; those that wait hear nothing.
  ~Login();
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;

  /// kInternal when there is no thread for it.
  Status start();

  struct Attempt {
    AddressKey address;
    std::string from;  // the same in words
    bool is_encrypted = false;
    std::string user;
    std::unique_ptr<security::WipedText> secret;
  };
  struct Answer {
    Status status;
    std::unique_ptr<Identity> identity;  // of one that is right
  };
  /// Called once, in ask() or later on the login's thread.
  using Done = std::function<void(Answer)>;
  /// kDenied: it is wrong, or there were too many of them; kOverloaded: kQueueMax passwords wait.
  /// No text tells whether there is such a user, or holds anything of the secret.
  void ask(Attempt attempt, Done done);

 private:
  struct Waiter {
    LoginGuard::Try one;
    std::string from;
    Done done;
    bool counts = true;  // with the guard: the first of its address does
  };
  // A password that is to be hashed, for all who say the same.
  struct Job {
    security::TokenDigest digest{};
    std::string user;
    std::string hash;  // empty: there is none
    std::unique_ptr<security::WipedText> secret;
    std::vector<Waiter> waiters;
  };
  using Principals = std::shared_ptr<const security::Principals>;

  Status check(const Attempt& attempt) const;
  bool is_cached(const security::TokenDigest& digest, const Principals& principals,
                 const std::string& hash);
  void run();
  void finish(Job& job, bool is_right);
  Answer judge_token(const Attempt& attempt, const Principals& principals) const;
  Answer welcome(const LoginGuard::Try& one, Identity::Proof proof, Principals principals);
  void tell(core::AuditEvent::Kind kind, const std::string& user, const std::string& from,
            const AddressKey& address, std::string_view what);

  const security::CurrentPrincipals& principals_;
  const Options options_;
  const security::KeyedDigest digests_;
  std::mutex mutex_;  // of all that follows
  LoginGuard guard_;
  AddressBudget told_;                                          // failures to the audit log
  std::size_t not_told_ = 0;                                    // since the last that was
  Principals cached_of_;                                        // whom cached_ is of
  RecentMap<security::TokenDigest, std::string> cached_{4096};  // their hashes
  std::deque<std::shared_ptr<Job>> queue_;
  absl::flat_hash_map<security::TokenDigest, std::shared_ptr<Job>> jobs_;  // queued or in work
  std::condition_variable news_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kvmesh::stream
