#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/request.h"
#include "common/rights.h"
#include "common/security/current_principals.h"
#include "node/core/core.h"

namespace kvmesh::mesh {

/// What the requests of one run may do: those of a user by its rights; those of a node by its
/// ceiling or, where it says on whose behalf it asks, by that one's rights within the ceiling. All
/// by the principals in force when the run began. Not thread-safe.
class RequestPermits {
 public:
  /// `principals`: null: there are none, and everything may be asked.
  explicit RequestPermits(const security::CurrentPrincipals* principals)
      : principals_(principals) {}

  /// What follows came over a connection of this principal. Permits given before are of no use any
  /// more.
  void begin(std::string_view connection);
  /// Gives the request its permit, and the name that the next node is told; one that may do nothing
  /// where the asker is not known or the node may not ask for others. False: the connection breaks
  /// common/PROTOCOL.md, 1.14: it says what only a node may say, or another path than its own.
  /// REQUIRES: at most Core::kRunMax requests between two calls of begin().
  bool permit(RequestView& request);

 private:
  security::Permit judge(const RequestView& request);

  const security::CurrentPrincipals* principals_;
  std::shared_ptr<const security::Principals> now_;
  const security::Principal* connection_ = nullptr;  // null: it is there no more
  std::string name_;                                 // of the connection's principal
  // The last asker that was looked for: requests for one come together.
  const security::Principal* last_ = nullptr;
  std::array<std::optional<security::Permit>, core::Core::kRunMax> given_;
  std::size_t count_ = 0;
};

}  // namespace kvmesh::mesh
