#include "node/line/transaction.h"

#include <kvmesh/limits.h>

#include "common/text.h"
#include "common/wire/pack.h"

namespace kvmesh::line {
namespace {

Status too_many(std::string_view what, std::size_t most) {
  return {StatusCode::kTooLarge, "a transaction has at most " + std::to_string(most) + " " +
                                     std::string{what} + "; this is one more"};
}

}  // namespace

Status Transaction::add(const DataCommand& command) {
  if (!fault_.ok()) {
    return {fault_.code(), "this transaction has failed before; ABORT or COMMIT ends it"};
  }
  const auto refused = [&](Status fault) {
    fail(fault);
    return fault;
  };
  const bool is_change = command.is_change();
  const auto bytes = is_change ? command.key.size() + command.value.size() : 0;
  if (!is_change && checks_count_ == limits::kApplyChecksMax) {
    return refused(too_many("checks", limits::kApplyChecksMax));
  }
  if (is_change && changes_count_ == limits::kApplyChangesMax) {
    return refused(too_many("changes", limits::kApplyChangesMax));
  }
  if (changed_bytes_ + bytes > limits::kApplyBytesMax) {
    return refused({StatusCode::kTooLarge,
                    over_limit("transaction", changed_bytes_ + bytes, limits::kApplyBytesMax)});
  }
  // The key of a check is not among the bytes that are counted.
  if (command.key.size() > limits::kKeyBytesMax) {
    return refused(
        {StatusCode::kTooLarge, over_limit("key", command.key.size(), limits::kKeyBytesMax)});
  }
  ++lines_;
  changed_bytes_ += bytes;
  if (is_change) {
    ++changes_count_;
    pack_change(changes_, command);
  } else {
    ++checks_count_;
    pack_check(checks_, command.key, command.rev);
  }
  return {};
}

void Transaction::fail(const Status& fault) {
  if (!fault_.ok()) return;
  fault_ = {fault.code(), "nothing was changed: line " + std::to_string(lines_ + 1) +
                              " of the transaction: " + fault.text()};
  checks_ = wire::Buffer{};
  changes_ = wire::Buffer{};
}

Result<RequestView> Transaction::commit(std::optional<std::string_view> once,
                                        wire::Buffer& scratch) const {
  if (!fault_.ok()) return fault_;
  return make_bucket_request(scratch, bucket_, functions::kKvApply, [&](wire::Buffer& out) {
    wire::pack_array(out, 3);
    wire::pack_array(out, checks_count_);
    out.append(checks_.view());
    wire::pack_array(out, changes_count_);
    out.append(changes_.view());
    pack_once(out, once);
  });
}

}  // namespace kvmesh::line
