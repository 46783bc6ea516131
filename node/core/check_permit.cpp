#include "node/core/check_permit.h"

#include <algorithm>
#include <string>

#include "common/rights.h"
#include "common/text.h"
#include "common/wire/reader.h"

namespace kvmesh::core {
namespace {

using functions::Needs;
using security::Permit;
using security::Right;

constexpr std::string_view kReadCeiling =
    "may read that bucket, but not through the node that passed this on, whose ceiling is lower";
constexpr std::string_view kWriteCeiling =
    "may write that bucket, but not through the node that passed this on, whose ceiling is lower";

bool may_touch(const Permit& permit, std::string_view bucket) {
  return permit.may(Right::kRead, bucket) || permit.may(Right::kWrite, bucket);
}

// Whether an argument is anything but nil, or cannot be read.
bool says_something(const RequestView& request) {
  if (!request.is_packed()) {
    return !std::ranges::all_of(
        request.words, [](const auto& word) { return word.kind == ArgumentView::Kind::kNil; });
  }
  wire::Reader args{request.args};
  for (auto left = args.read_array(); left > 0; --left) {
    if (args.peek() != wire::Reader::Type::kNil) return true;
    args.read_nil();
  }
  return args.failed();
}

// What the request lacks; empty: nothing.
std::string_view lacking(const Permit& permit, const RequestView& request, Needs needs) {
  if (!permit.is_known()) return "is not known to this node, or not by whom the request came";
  const bool of_bucket = request.target.kind == Target::Kind::kBucket;
  const auto& bucket = request.target.name;
  if (needs == Needs::kChange) needs = says_something(request) ? Needs::kWrite : Needs::kRead;
  switch (needs) {
    case Needs::kRead:
      if (permit.may(Right::kRead, bucket)) return "";
      return permit.own().may(Right::kRead, bucket) ? kReadCeiling : "may not read that bucket";
    case Needs::kWrite:
      if (permit.may(Right::kWrite, bucket)) return "";
      return permit.own().may(Right::kWrite, bucket) ? kWriteCeiling : "may not write that bucket";
    case Needs::kAdmin:
      if (permit.may_administer()) return "";
      return permit.ceiling() != nullptr && permit.own().may_administer()
                 ? "may administer a node only when connected to it"
                 : "may not administer";
    case Needs::kSomeCall:
      if (!permit.may_call_something()) return "may call no function, so it has no mailbox";
      break;
    case Needs::kChange:  // is one of the first two by now
    case Needs::kName:
    case Needs::kFunction:
      break;
  }
  if (of_bucket) return may_touch(permit, bucket) ? "" : "may neither read nor write that bucket";
  return permit.is_anonymous() ? "may not ask that" : "";
}

}  // namespace

Status check_permit(const RequestView& request, const functions::Function* known) {
  if (request.permit == nullptr) return {};
  const auto& permit = *request.permit;
  // Of an unknown one nothing is executed.
  const auto missing = lacking(permit, request, known == nullptr ? Needs::kName : known->needs);
  if (missing.empty()) return {};
  const auto who = permit.is_anonymous() ? std::string{"a client that has not said who it is"}
                                         : std::string{permit.asker()};
  return {StatusCode::kDenied,
          who + " " + std::string{missing} + " (" + std::string{request.function} + ")"};
}

}  // namespace kvmesh::core
