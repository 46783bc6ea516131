#include "node/modules/kv_module.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "node/modules/arguments.h"
#include "node/modules/kv_here.h"

namespace kvmesh::modules {
namespace {

using core::Call;
using store::Op;

// The functions on one bucket demand one: routing has refused an empty name and one over its limit,
// but a call for a node has none.
bool refuse_without_bucket(Call& call) {
  if (!call.bucket().empty()) return false;
  call.fail({StatusCode::kInvalidArgument, std::string{call.request().function} +
                                               " is for a bucket; send it to one, not to a node"});
  return true;
}

// What follows reads a call's arguments into its operation. False: they were wrong, and the call is
// answered.

bool read_nothing(Call& call, std::string_view usage) {
  const Arguments args{call.request(), usage};
  return !refuse_without_bucket(call) && !refuse(call, args.check());
}
bool read_create(Call& call, Op&) { return read_nothing(call, "kv.create []"); }
bool read_drop(Call& call, Op&) { return read_nothing(call, "kv.drop []"); }
bool read_count(Call& call, Op&) { return read_nothing(call, "kv.count []"); }

bool read_put(Call& call, Op& op) {
  Arguments args{call.request(), "kv.put [key, value]"};
  op.key = args.bytes("key", limits::kKeyBytesMax);
  op.value = args.bytes("value", limits::kValueBytesMax);
  return !refuse_without_bucket(call) && !refuse(call, args.check());
}

bool read_key(Call& call, Op& op, std::string_view usage) {
  Arguments args{call.request(), usage};
  op.key = args.bytes("key", limits::kKeyBytesMax);
  return !refuse_without_bucket(call) && !refuse(call, args.check());
}
bool read_get(Call& call, Op& op) { return read_key(call, op, "kv.get [key]"); }
bool read_erase(Call& call, Op& op) { return read_key(call, op, "kv.delete [key]"); }

bool read_page(Call& call, Op& op, std::string_view usage, std::size_t name_max) {
  Arguments args{call.request(), usage};
  op.page.after = args.optional_bytes("name to go on after", name_max);
  const auto limit = args.optional_uint(0);
  if (refuse(call, args.check())) return false;
  if (limit > limits::kPageItemsMax) {
    call.fail({StatusCode::kInvalidArgument, "a page of " + std::to_string(limit) +
                                                 " names is over the limit of " +
                                                 std::to_string(limits::kPageItemsMax)});
    return false;
  }
  op.page.items_max = limit == 0 ? limits::kPageItemsDefault : limit;
  op.page.bytes_max = limits::kPageBytesMax;
  return true;
}

bool read_keys(Call& call, Op& op) {
  return !refuse_without_bucket(call) &&
         read_page(call, op, "kv.keys [after, limit]", limits::kKeyBytesMax);
}

bool read_buckets(Call& call, Op& op) {
  if (!call.bucket().empty()) {
    call.fail({StatusCode::kInvalidArgument,
               "kv.buckets is for a node; send it to one, not to a bucket"});
    return false;
  }
  return read_page(call, op, "kv.buckets [after, limit]", limits::kBucketNameBytesMax);
}

struct Entry {
  std::string_view function;
  Op::Kind kind;
  bool (*read)(Call& call, Op& op);
  core::Cost cost = core::Cost::kLittle;
};
constexpr std::array kEntries = {
    Entry{"kv.create", Op::Kind::kCreate, read_create},
    Entry{"kv.drop", Op::Kind::kDrop, read_drop, core::Cost::kMuch},
    Entry{"kv.put", Op::Kind::kPut, read_put},
    Entry{"kv.get", Op::Kind::kGet, read_get},
    Entry{"kv.delete", Op::Kind::kErase, read_erase},
    Entry{"kv.count", Op::Kind::kCount, read_count},
    Entry{"kv.keys", Op::Kind::kKeys, read_keys, core::Cost::kMuch},
    Entry{"kv.buckets", Op::Kind::kBuckets, read_buckets, core::Cost::kMuch},
};

}  // namespace

void pack_result(wire::Buffer& out, const store::OpResult& result) {
  if (result.value) return wire::pack_bin(out, *result.value);
  if (result.count) return wire::pack_uint(out, *result.count);
  if (result.page == nullptr) return;
  wire::pack_array(out, 2);
  wire::pack_bool(out, result.page->more);
  wire::pack_array(out, result.page->names.size());
  for (const auto& name : result.page->names) wire::pack_bin(out, name);
}

KvModule::KvModule(store::Engine& engine, std::function<void()> wake)
    : session_(engine.open(*this, std::move(wake))) {}

void KvModule::define(core::Modules& modules) {
  for (std::size_t i = 0; i < kEntries.size(); ++i) {
    modules.define(std::string{kEntries[i].function}, *this, static_cast<std::uint8_t>(i),
                   kEntries[i].cost);
  }
  define_kv_here(modules);
}

void KvModule::run(std::span<Call* const> calls) {
  ops_.clear();
  calls_.clear();
  for (auto* call : calls) {
    const auto& entry = kEntries[call->number()];
    Op op;
    op.kind = entry.kind;
    op.bucket = call->bucket();
    op.deadline = call->deadline();
    if (!entry.read(*call, op)) continue;
    ops_.push_back(op);
    calls_.push_back(call);
  }
  session_->execute(ops_);
}

void KvModule::ended(std::size_t place, const store::OpResult& result) {
  auto& call = *calls_[place];
  if (!result.status.ok()) return call.fail(result.status);
  if (result.value) return call.succeed_with(*result.value);
  pack_result(call.result(), result);
  call.succeed();
}

std::optional<store::SessionOwner::Ticket> KvModule::defer(std::size_t place) {
  const auto ticket = calls_[place]->defer_queued();
  if (!ticket) return std::nullopt;
  return *ticket;
}

bool KvModule::pass(core::Core& core, TimePoint now) {
  core_ = &core;
  now_ = now;
  return session_->pass(now);
}

void KvModule::began(Ticket ticket) { core_->on_begun(ticket); }

void KvModule::ended_later(Ticket ticket, const store::OpResult& result) {
  wire::Buffer packed;
  if (result.status.ok()) pack_result(packed, result);
  core_->complete(ticket, result.status, packed.view(), now_);
}

}  // namespace kvmesh::modules
