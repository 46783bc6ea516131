#include "node/modules/kv_module.h"

#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "node/modules/arguments.h"
#include "node/modules/kv_here.h"

namespace kvmesh::modules {
namespace {

using core::Call;
using store::Engine;

void finish(Call& call, const Status& status) {
  if (status.ok()) return call.succeed();
  call.fail(with_bucket(status, call.bucket()));
}

// The functions on one bucket demand one: routing has refused an empty name and one over its limit,
// but a call for a node has none.
bool refuse_without_bucket(Call& call) {
  if (!call.bucket().empty()) return false;
  call.fail({StatusCode::kInvalidArgument, std::string{call.request().function} +
                                               " is for a bucket; send it to one, not to a node"});
  return true;
}

void create(Engine& engine, Call& call) {
  const Arguments args{call.request().args, "kv.create []"};
  if (refuse_without_bucket(call) || refuse(call, args.check())) return;
  finish(call, engine.create(call.bucket()));
}

void drop(Engine& engine, Call& call) {
  const Arguments args{call.request().args, "kv.drop []"};
  if (refuse_without_bucket(call) || refuse(call, args.check())) return;
  finish(call, engine.drop(call.bucket()));
}

void put(Engine& engine, Call& call) {
  Arguments args{call.request().args, "kv.put [key, value]"};
  const auto key = args.bytes("key", limits::kKeyBytesMax);
  const auto value = args.bytes("value", limits::kValueBytesMax);
  if (refuse_without_bucket(call) || refuse(call, args.check())) return;
  finish(call, engine.put(call.bucket(), key, {value}));
}

void get(Engine& engine, Call& call) {
  Arguments args{call.request().args, "kv.get [key]"};
  const auto key = args.bytes("key", limits::kKeyBytesMax);
  if (refuse_without_bucket(call) || refuse(call, args.check())) return;
  auto& out = call.result();  // stays empty, which is nil, when there is no such key
  const auto found = engine.get(
      call.bucket(), key, [&out](store::ValueView value) { wire::pack_bin(out, value.bytes); });
  finish(call, found.status());
}

void erase(Engine& engine, Call& call) {
  Arguments args{call.request().args, "kv.delete [key]"};
  const auto key = args.bytes("key", limits::kKeyBytesMax);
  if (refuse_without_bucket(call) || refuse(call, args.check())) return;
  finish(call, engine.erase(call.bucket(), key));
}

void count(Engine& engine, Call& call) {
  const Arguments args{call.request().args, "kv.count []"};
  if (refuse_without_bucket(call) || refuse(call, args.check())) return;
  const auto keys = engine.count(call.bucket());
  if (keys) wire::pack_uint(call.result(), *keys);
  finish(call, keys.status());
}

std::optional<KvWork::Wanted> read_page_arguments(Call& call, std::string_view usage,
                                                  std::size_t name_max) {
  Arguments args{call.request().args, usage};
  KvWork::Wanted page;
  page.after = args.optional_bytes("name to go on after", name_max);
  const auto limit = args.optional_uint(0);
  if (refuse(call, args.check())) return std::nullopt;
  if (limit > limits::kPageItemsMax) {
    call.fail({StatusCode::kInvalidArgument, "a page of " + std::to_string(limit) +
                                                 " names is over the limit of " +
                                                 std::to_string(limits::kPageItemsMax)});
    return std::nullopt;
  }
  page.items_max = limit == 0 ? limits::kPageItemsDefault : limit;
  return page;
}

std::optional<KvWork::Wanted> wanted_keys(Call& call) {
  if (refuse_without_bucket(call)) return std::nullopt;
  return read_page_arguments(call, "kv.keys [after, limit]", limits::kKeyBytesMax);
}

std::optional<KvWork::Wanted> wanted_buckets(Call& call) {
  if (!call.bucket().empty()) {
    call.fail({StatusCode::kInvalidArgument,
               "kv.buckets is for a node; send it to one, not to a bucket"});
    return std::nullopt;
  }
  return read_page_arguments(call, "kv.buckets [after, limit]", limits::kBucketNameBytesMax);
}

// Of calls whose first argument is a key.
void expect_key(Engine& engine, const RequestView& request, core::HintStage stage) {
  Arguments args{request.args, ""};
  const auto key = args.bytes("key", limits::kKeyBytesMax);
  if (key.empty()) return;
  if (stage == core::HintStage::kPlace) {
    engine.prefetch_place(request.target.name, key);
  } else {
    engine.prefetch_record(request.target.name, key);
  }
}

}  // namespace

void define_kv(core::Modules& modules, store::Engine& engine, KvWork* work) {
  const auto define = [&](const char* function, void (*handler)(Engine&, Call&),
                          core::Cost cost = core::Cost::kLittle) {
    modules.define(
        function, [&engine, handler](Call& call) { handler(engine, call); }, {}, cost);
  };
  const auto define_with_key = [&](const char* function, void (*handler)(Engine&, Call&)) {
    modules.define(
        function, [&engine, handler](Call& call) { handler(engine, call); },
        [&engine](const RequestView& request, core::HintStage stage) {
          expect_key(engine, request, stage);
        });
  };
  const auto define_page = [&](const char* function, auto read) {
    const auto list = [&engine, work, read](Call& call) {
      const auto wanted = read(call);
      if (!wanted) return;
      work != nullptr ? work->list(call, *wanted) : list_now(engine, call, *wanted);
    };
    modules.define(function, list, {}, core::Cost::kMuch);
  };
  define_with_key("kv.put", put);
  define_with_key("kv.get", get);
  define_with_key("kv.delete", erase);
  define("kv.create", create);
  define("kv.drop", drop, core::Cost::kMuch);
  define("kv.count", count);
  define_page("kv.keys", wanted_keys);
  define_page("kv.buckets", wanted_buckets);
  define_kv_here(modules);
}

}  // namespace kvmesh::modules
