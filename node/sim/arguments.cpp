#include "node/sim/arguments.h"

#include <cstddef>

#include "common/wire/pack.h"

namespace kvmesh::sim {
namespace {

using Kind = store::Change::Kind;

void pack_keys(wire::Buffer& out, const Batch& batch) {
  wire::pack_array(out, 1);
  wire::pack_array(out, batch.keys.size());
  for (const auto key : batch.keys) wire::pack_bin(out, key_text(key));
}

void pack_change(wire::Buffer& out, const Request& request, const Batch::Change& change) {
  const bool says_more = change.kind == Kind::kPut || change.kind == Kind::kAdd;
  const bool has_ttl = change.kind != Kind::kDelete;
  wire::pack_array(out, 2U + (says_more ? 1U : 0U) + (has_ttl ? 1U : 0U));
  wire::pack_uint(out, static_cast<std::uint64_t>(change.kind));
  wire::pack_bin(out, key_text(change.key));
  if (change.kind == Kind::kPut) {
    wire::pack_bin(out, value_text(request.value, request.value_bytes));
  }
  if (change.kind == Kind::kAdd) wire::pack_int(out, change.delta);
  if (!has_ttl) return;
  change.ttl_ms == 0 ? wire::pack_nil(out) : wire::pack_uint(out, change.ttl_ms);
}

void pack_batch(wire::Buffer& out, const Request& request, const Batch& batch,
                const std::vector<store::Revision>& revisions) {
  wire::pack_array(out, 3);
  wire::pack_array(out, batch.checks.size());
  for (std::size_t i = 0; i < batch.checks.size(); ++i) {
    wire::pack_array(out, 2);
    wire::pack_bin(out, key_text(batch.checks[i].key));
    wire::pack_uint(out, revisions[i]);
  }
  wire::pack_array(out, batch.changes.size());
  for (const auto& change : batch.changes) pack_change(out, request, change);
  batch.once == 0 ? wire::pack_nil(out) : wire::pack_bin(out, once_text(batch.once));
}

}  // namespace

void pack_arguments(wire::Buffer& out, const Plan& plan, std::uint32_t number, Oracle& oracle) {
  const auto& ask = plan.requests[number];
  if (lists(ask.operation)) {
    const bool scans = ask.operation == Operation::kScan;
    const auto after = oracle.page_after(number);
    wire::pack_array(out, scans ? 4 : 2);
    if (scans) wire::pack_bin(out, "");
    after ? wire::pack_bin(out, key_text(*after)) : wire::pack_nil(out);
    wire::pack_uint(out, ask.value);
    if (scans) wire::pack_bool(out, true);
    return;
  }
  if (ask.operation == Operation::kChanges) {
    wire::pack_array(out, 4);
    wire::pack_bin(out, "");
    wire::pack_uint(out, oracle.changes_after(number));
    wire::pack_uint(out, ask.value);
    return wire::pack_uint(out, ask.wait_ms);
  }
  if (ask.operation == Operation::kRead) return pack_keys(out, plan.batches[ask.batch]);
  if (ask.operation == Operation::kApply) {
    return pack_batch(out, ask, plan.batches[ask.batch], oracle.checks(number));
  }
  const bool puts = ask.operation == Operation::kPut;
  wire::pack_array(out, puts ? 2U : (has_key(ask.operation) ? 1U : 0U));
  if (has_key(ask.operation)) wire::pack_bin(out, key_text(ask.key));
  if (puts) wire::pack_bin(out, value_text(ask.value, ask.value_bytes));
}

}  // namespace kvmesh::sim
