#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "common/deadline.h"
#include "node/core/audit.h"
#include "node/core/counters.h"

namespace kvmesh::mesh {

/// Connections that are not let in: counts them and tells of them. The audit hears of the first
/// ten a second of each address, the log once an hour of each address and reason; so nobody who
/// tries again and again fills either. Bounded. Owned by one thread; count() may be asked by any.
class Refusals {
 public:
  static constexpr std::size_t kAuditedEachSecond = 10;

  struct Refused {
    std::string_view from;  // an address; empty: not known
    std::string_view principal;
    std::string_view fingerprint;  // of its key; empty: it has none, or it is not known
    std::string_view why;          // "its key is nobody's"
    std::string_view advice;       // what to do; for the log
  };

  /// `audit` may be null: nobody wants to know.
  explicit Refusals(core::Audit* audit) : audit_(audit) {}

  void tell(const Refused& refused, TimePoint now);
  std::uint64_t count() const { return count_.value(); }

 private:
  bool may_audit(std::string_view address, TimePoint now);
  bool may_log(const Refused& refused, TimePoint now);

  core::Audit* audit_;
  core::Counter count_;
  std::map<std::string, std::size_t, std::less<>> audited_;  // by address, in this second
  TimePoint second_{};                                       // that began then
  std::set<std::string> logged_;                             // in this hour
  TimePoint hour_{};                                         // that began then
};

}  // namespace kvmesh::mesh
