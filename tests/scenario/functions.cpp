#include "tests/scenario/functions.h"

#include <charconv>
#include <utility>
#include <vector>

#include "common/text.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"
#include "tests/scenario/show.h"

namespace kvmesh::scenario {
namespace {

// The arguments of a call; those that are missing are empty.
std::vector<std::string> read_args(const core::Call& call) {
  wire::Reader in{call.request().args};
  std::vector<std::string> args(in.read_array());
  for (auto& arg : args) arg = in.read_bytes();
  if (args.size() < 2) args.resize(2);
  return args;
}

}  // namespace

Functions::Functions(std::string node, Say say, Pass pass)
    : node_(std::move(node)), say_(std::move(say)), pass_(std::move(pass)) {
  define("node.name", [this](core::Call& call) {
    wire::pack_str(call.result(), node_);
    call.succeed();
  });
  define_kv();
  define_test();
}

void Functions::define(const std::string& name, core::Handler handler) {
  modules_.define(name, [this, name, handler = std::move(handler)](core::Call& call) {
    say_(node_ + " runs " + name);
    handler(call);
  });
}

void Functions::define_kv() {
  define("kv.create", [this](core::Call& call) {
    buckets_.try_emplace(std::string{call.bucket()});
    call.succeed();
  });
  const auto define_in_bucket = [this](const std::string& name, auto use) {
    define(name, [this, use](core::Call& call) {
      const auto bucket = buckets_.find(call.bucket());
      if (bucket == buckets_.end()) {
        return call.fail({StatusCode::kNotFound, "no bucket " + in_quotes(call.bucket())});
      }
      use(call, bucket->second, read_args(call));
      call.succeed();
    });
  };
  define_in_bucket("kv.put",
                   [](core::Call&, auto& bucket, const auto& args) { bucket[args[0]] = args[1]; });
  define_in_bucket("kv.get", [](core::Call& call, auto& bucket, const auto& args) {
    if (const auto found = bucket.find(args[0]); found != bucket.end()) {
      wire::pack_bin(call.result(), found->second);
    }
  });
  define_in_bucket("kv.delete",
                   [](core::Call&, auto& bucket, const auto& args) { bucket.erase(args[0]); });
}

void Functions::define_test() {
  define("test.later", [this](core::Call& call) {
    if (const auto ticket = call.defer()) say_(node_ + " defers it as " + show(*ticket));
  });
  define("test.queue", [this](core::Call& call) {
    if (const auto ticket = call.defer_queued()) say_(node_ + " queues it as " + show(*ticket));
  });
  define("test.work", [this](core::Call& call) {
    const auto text = read_args(call)[0];
    int micros = 0;
    std::from_chars(text.data(), text.data() + text.size(), micros);
    pass_(std::chrono::microseconds{micros});
    call.succeed();
  });
  define("test.forget", [](core::Call&) {});
}

}  // namespace kvmesh::scenario
