#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "common/security/principals.h"

namespace kvmesh::security {

/// The principals in force, for all parts of a node; a reload swaps them whole. Thread-safe.
class CurrentPrincipals {
 public:
  explicit CurrentPrincipals(std::shared_ptr<const Principals> first) : now_(std::move(first)) {}

  std::shared_ptr<const Principals> get() const { return now_.load(); }
  void set(std::shared_ptr<const Principals> next) { now_.store(std::move(next)); }

 private:
  std::atomic<std::shared_ptr<const Principals>> now_;
};

}  // namespace kvmesh::security
