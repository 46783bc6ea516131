#include "node/modules/kv_module.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/rights.h"
#include "common/wire/pack.h"
#include "node/modules/arguments.h"
#include "node/modules/kv_here.h"

namespace kvmesh::modules {
namespace {

using core::Call;
using store::Op;
using store::PageLimits;

// What follows reads a call's arguments into its operation. The operation may point into `more`.

void read_nothing(Arguments& /*args*/, Op& /*op*/, KvMore& /*more*/) {}

void read_key(Arguments& args, Op& op, KvMore& /*more*/) {
  op.key = args.bytes(functions::kArgKey);
}

void read_pair(Arguments& args, Op& op, KvMore& /*more*/) {
  op.key = args.bytes(functions::kArgKey);
  op.value = args.bytes(functions::kArgValue);
}

void read_page(Arguments& args, Op& op, const functions::Argument& after) {
  op.page.after = args.optional_bytes(after);
  op.page.items_max = args.optional_uint(0);
  op.page.bytes_max = limits::kPageBytesMax;
}
void read_keys(Arguments& args, Op& op, KvMore& /*more*/) {
  read_page(args, op, functions::kArgAfterKey);
}
void read_buckets(Arguments& args, Op& op, KvMore& /*more*/) {
  read_page(args, op, functions::kArgAfterBucket);
}

Status check_page(PageLimits& page) {
  if (page.items_max > limits::kPageItemsMax) {
    return {StatusCode::kInvalidArgument, "a page of " + std::to_string(page.items_max) +
                                              " names is over the limit of " +
                                              std::to_string(limits::kPageItemsMax)};
  }
  if (page.items_max == 0) page.items_max = limits::kPageItemsDefault;
  return {};
}

struct KvFunction {
  const functions::Function& function;
  Op::Kind kind;
  void (*read)(Arguments& args, Op& op, KvMore& more);
};
constexpr std::array kKvFunctions = {
    KvFunction{functions::kKvCreate, Op::Kind::kCreate, read_options},
    KvFunction{functions::kKvDrop, Op::Kind::kDrop, read_nothing},
    KvFunction{functions::kKvPut, Op::Kind::kPut, read_pair},
    KvFunction{functions::kKvGet, Op::Kind::kGet, read_key},
    KvFunction{functions::kKvDelete, Op::Kind::kErase, read_key},
    KvFunction{functions::kKvCount, Op::Kind::kCount, read_nothing},
    KvFunction{functions::kKvKeys, Op::Kind::kKeys, read_keys},
    KvFunction{functions::kKvBuckets, Op::Kind::kBuckets, read_buckets},
    KvFunction{functions::kKvRead, Op::Kind::kRead, read_keys_to_read},
    KvFunction{functions::kKvApply, Op::Kind::kApply, read_changes},
    KvFunction{functions::kKvOptions, Op::Kind::kOptions, read_options},
    KvFunction{functions::kKvScan, Op::Kind::kScan, read_scan},
    KvFunction{functions::kKvChanges, Op::Kind::kChanges, read_follow},
};

// Names of buckets that one may not read are told to nobody. Keeps copies: a page may take a while,
// in which the principals may change.
store::NameFilter visible_to(const security::Permit& permit) {
  const auto own = std::make_shared<security::Rights>(permit.own());
  const auto ceiling =
      permit.ceiling() == nullptr ? nullptr : std::make_shared<security::Rights>(*permit.ceiling());
  return [own, ceiling](std::string_view name) {
    return own->may(security::Right::kRead, name) &&
           (ceiling == nullptr || ceiling->may(security::Right::kRead, name));
  };
}

// An empty page would say that there is nothing.
Status check_listing(const security::Permit* permit) {
  const auto* ceiling = permit == nullptr ? nullptr : permit->ceiling();
  if (ceiling == nullptr || ceiling->may_anywhere(security::Right::kRead)) return {};
  return {StatusCode::kDenied, "the node that passed this on may read nothing here (" +
                                   functions::kKvBuckets.str() + ")"};
}

// False: the call is wrong, and answered.
bool read(const KvFunction& kv_function, Call& call, Op& op, KvMore& more) {
  if (refuse_target(kv_function.function, call)) return false;
  if (kv_function.kind == Op::Kind::kBuckets &&
      refuse(call, check_listing(call.request().permit))) {
    return false;
  }
  Arguments args{call.request(), kv_function.function};
  kv_function.read(args, op, more);
  if (refuse(call, args.check())) return false;
  return !refuse(call, check_page(op.page));
}

}  // namespace

void pack(wire::Buffer& out, const store::Page& page) {
  wire::pack_array(out, 2);
  wire::pack_bool(out, page.more);
  wire::pack_array(out, page.names.size());
  for (const auto& name : page.names) wire::pack_bin(out, name);
}

void pack_result(wire::Buffer& out, const store::OpResult& result) {
  if (result.value) return wire::pack_bin(out, *result.value);
  if (result.count) return wire::pack_uint(out, *result.count);
  if (result.found == nullptr) return;
  std::visit([&](const auto& found) { pack(out, found); }, *result.found);
}

KvModule::KvModule(store::Engine& engine, std::function<void()> wake)
    : session_(engine.open(*this, std::move(wake))) {}

void KvModule::define(core::FunctionRegistry& modules) {
  for (std::size_t i = 0; i < kKvFunctions.size(); ++i) {
    modules.define(kKvFunctions[i].function, *this, static_cast<std::uint8_t>(i));
  }
  define_kv_here(modules);
}

void KvModule::run(std::span<Call* const> calls) {
  ops_.clear();
  calls_.clear();
  more_.clear();
  for (auto* call : calls) {
    const auto& kv_function = kKvFunctions[call->number()];
    Op op;
    op.kind = kv_function.kind;
    op.bucket = call->bucket();
    op.deadline = call->deadline();
    if (!read(kv_function, *call, op, more_)) continue;
    if (op.kind == Op::Kind::kBuckets && call->request().permit != nullptr) {
      op.more = &more_.emplace_back();
      more_.back().visible = visible_to(*call->request().permit);
    }
    ops_.push_back(op);
    calls_.push_back(call);
  }
  if (!ops_.empty()) session_->execute(ops_, calls_.front()->now());
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
  core_->complete(ticket, result.status, packed.view());
}

}  // namespace kvmesh::modules
