#include "common/rights.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace kvmesh::security {
namespace {

// The first bytes of a text, as many as there are; zeros stand for those that are missing.
std::uint64_t head_of(std::string_view text) {
  std::uint64_t out = 0;
  std::memcpy(&out, text.data(), std::min(text.size(), sizeof out));
  return out;
}

}  // namespace

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
  if (prefix.empty()) return on_all_buckets_.add(rights);
  const auto mask = head_of(std::string(prefix.size(), '\xff'));
  buckets_.push_back({head_of(prefix), mask, std::move(prefix), rights});
}

void Rights::grant_call(std::string pattern) {
  const bool is_start = pattern.ends_with('*');
  if (is_start) pattern.pop_back();
  calls_.push_back({std::move(pattern), is_start});
}

// The heads spare most comparisons: every request comes here.
bool Rights::may(Right right, std::string_view bucket) const {
  if (on_all_buckets_.has(right)) return true;
  const auto head = head_of(bucket);
  return std::ranges::any_of(buckets_, [&](const OnPrefix& entry) {
    return ((head ^ entry.head) & entry.mask) == 0 && entry.rights.has(right) &&
           bucket.starts_with(entry.prefix);
  });
}

bool Rights::may_call(std::string_view function) const {
  return std::ranges::any_of(calls_, [&](const Call& call) {
    return call.is_start ? function.starts_with(call.name) : function == call.name;
  });
}

bool Rights::may_anywhere(Right right) const {
  return on_all_buckets_.has(right) || std::ranges::any_of(buckets_, [&](const OnPrefix& entry) {
           return entry.rights.has(right);
         });
}

Permit Permit::none(std::string_view asker, const Rights* ceiling) {
  static const Rights kNothing;
  Permit out{asker, kNothing, ceiling};
  out.is_known_ = false;
  return out;
}

}  // namespace kvmesh::security
