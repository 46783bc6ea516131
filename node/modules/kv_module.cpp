#include "node/modules/kv_module.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/limits.h>

#include "common/text.h"
#include "common/wire/pack.h"
#include "node/modules/arguments.h"

namespace kvmesh::modules {
namespace {

using core::Call;
using store::Engine;

Status with_bucket(const Status& status, std::string_view bucket) {
  if (status.code() != StatusCode::kNotFound) return status;
  return {StatusCode::kNotFound, "there is no bucket " + in_quotes(bucket)};
}

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

struct PageArguments {
  std::optional<std::string_view> after;
  std::uint64_t limit = 0;
};

std::optional<PageArguments> read_page_arguments(Call& call, std::string_view usage,
                                                 std::size_t name_max) {
  Arguments args{call.request().args, usage};
  PageArguments page;
  page.after = args.optional_bytes("name to go on after", name_max);
  page.limit = args.optional_uint(0);
  if (refuse(call, args.check())) return std::nullopt;
  if (page.limit > limits::kPageItemsMax) {
    call.fail({StatusCode::kInvalidArgument, "a page of " + std::to_string(page.limit) +
                                                 " names is over the limit of " +
                                                 std::to_string(limits::kPageItemsMax)});
    return std::nullopt;
  }
  if (page.limit == 0) page.limit = limits::kPageItemsDefault;
  return page;
}

void finish_page(Call& call, const Result<store::Page>& page) {
  if (page) {
    auto& out = call.result();
    wire::pack_array(out, 2);
    wire::pack_bool(out, page->more);
    wire::pack_array(out, page->names.size());
    for (const auto& name : page->names) wire::pack_bin(out, name);
  }
  finish(call, page.status());
}

void keys(Engine& engine, Call& call) {
  if (refuse_without_bucket(call)) return;
  const auto page = read_page_arguments(call, "kv.keys [after, limit]", limits::kKeyBytesMax);
  if (!page) return;
  finish_page(call,
              engine.list_keys(call.bucket(), page->after, page->limit, limits::kPageBytesMax));
}

void buckets(Engine& engine, Call& call) {
  if (!call.bucket().empty()) {
    return call.fail({StatusCode::kInvalidArgument,
                      "kv.buckets is for a node; send it to one, not to a bucket"});
  }
  const auto page =
      read_page_arguments(call, "kv.buckets [after, limit]", limits::kBucketNameBytesMax);
  if (!page) return;
  finish_page(call, engine.list_buckets(page->after, page->limit, limits::kPageBytesMax));
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

void define_kv(core::Modules& modules, store::Engine& engine) {
  const auto define = [&](const char* function, void (*handler)(Engine&, Call&)) {
    modules.define(function, [&engine, handler](Call& call) { handler(engine, call); });
  };
  const auto define_with_key = [&](const char* function, void (*handler)(Engine&, Call&)) {
    modules.define(
        function, [&engine, handler](Call& call) { handler(engine, call); },
        [&engine](const RequestView& request, core::HintStage stage) {
          expect_key(engine, request, stage);
        });
  };
  define_with_key("kv.put", put);
  define_with_key("kv.get", get);
  define_with_key("kv.delete", erase);
  define("kv.create", create);
  define("kv.drop", drop);
  define("kv.count", count);
  define("kv.keys", keys);
  define("kv.buckets", buckets);
}

}  // namespace kvmesh::modules
