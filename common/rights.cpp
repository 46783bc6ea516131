#include "common/rights.h"

#include <algorithm>
#include <utility>

namespace kvmesh::security {

Rights Rights::all(RightSet rights) {
  Rights out;
  RightSet on_buckets;
  for (const auto right : {Right::kRead, Right::kWrite}) {
    if (rights.has(right)) on_buckets.add(right);
  }
  if (!on_buckets.empty()) out.grant({}, on_buckets);
  if (rights.has(Right::kCall)) out.grant_call("*");
  if (rights.has(Right::kAdmin)) out.grant_admin();
  return out;
}

void Rights::grant(std::string prefix, RightSet rights) {
  buckets_.push_back({std::move(prefix), rights});
}

void Rights::grant_call(std::string pattern) {
  const bool is_start = pattern.ends_with('*');
  if (is_start) pattern.pop_back();
  calls_.push_back({std::move(pattern), is_start});
}

// A look at the first byte spares most comparisons: every request comes here.
bool Rights::may(Right right, std::string_view bucket) const {
  return std::ranges::any_of(buckets_, [&](const OnPrefix& entry) {
    if (!entry.rights.has(right)) return false;
    if (entry.prefix.empty()) return true;
    return !bucket.empty() && bucket.front() == entry.prefix.front() &&
           bucket.starts_with(entry.prefix);
  });
}

bool Rights::may_call(std::string_view function) const {
  return std::ranges::any_of(calls_, [&](const Call& call) {
    return call.is_start ? function.starts_with(call.name) : function == call.name;
  });
}

bool Rights::may_anywhere(Right right) const {
  return std::ranges::any_of(buckets_,
                             [&](const OnPrefix& entry) { return entry.rights.has(right); });
}

Permit Permit::none(std::string_view asker, const Rights* ceiling) {
  static const Rights kNothing;
  Permit out{asker, kNothing, ceiling};
  out.is_known_ = false;
  return out;
}

}  // namespace kvmesh::security
