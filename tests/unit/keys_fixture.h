#pragma once

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "common/security/current_principals.h"
#include "node/core/audit.h"

namespace kvmesh::test {

/// An event as it was told.
struct Told {
  core::AuditEvent::Kind kind;
  std::string principal, fingerprint, from, what;
};

/// Keeps what it is told.
class ToldAudit final : public core::Audit {
 public:
  void tell(const core::AuditEvent& event) override {
    const std::lock_guard lock{mutex_};
    told_.push_back({event.kind, std::string{event.principal}, std::string{event.fingerprint},
                     std::string{event.from}, std::string{event.what}});
  }
  std::vector<Told> of(core::AuditEvent::Kind kind) const {
    const std::lock_guard lock{mutex_};
    std::vector<Told> out;
    for (const auto& one : told_) {
      if (one.kind == kind) out.push_back(one);
    }
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Told> told_;
};

inline security::KeyPair new_key() { return security::KeyPair{security::SecretKey::make()}; }

/// What security.toml says in `text`.
inline std::shared_ptr<const security::Principals> principals_of(const std::string& text) {
  config::Faults warnings;
  auto out = security::Principals::parse(text, "security.toml", warnings);
  EXPECT_TRUE(out.ok()) << out.status().text();
  return out.ok() ? *out : nullptr;
}

inline std::string quoted(const security::KeyPair& key) {
  return "\"" + key.public_key.str() + "\"";
}

}  // namespace kvmesh::test
