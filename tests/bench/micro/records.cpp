// Requests and replies as bytes and back.
#include <string_view>

#include <msgpack.hpp>

#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "tests/bench/micro/measure.h"

namespace kvmesh::bench {
namespace {

constexpr wire::PathStep kStep{"gate@localhost", "n..z"};

RequestView make_put(wire::Buffer& scratch) {
  const Target target{Target::Kind::kBucket, "shopping"};
  return wire::make_request(scratch, target, "kv.put", [](wire::Buffer& out) {
    wire::pack_array(out, 2);
    wire::pack_bin(out, "key of 16 bytes.");
    wire::pack_bin(out, "16 bytes of text");
  });
}

void append_put(wire::Buffer& out, wire::Buffer& scratch) {
  out.clear();
  wire::append_request(out, make_put(scratch), RequestId{0x100001001}, 4999, &kStep);
}

void append_value(wire::Buffer& out, wire::Buffer& scratch) {
  scratch.clear();
  wire::pack_bin(scratch, "16 bytes of text");
  ReplyView reply;
  reply.result = scratch.view();
  out.clear();
  wire::append_reply(out, reply, RequestId{0x100001001});
}

std::string_view record_of(const wire::Buffer& out) { return out.view(wire::kRecordPrefixBytes); }

void request_encode(benchmark::State& state) {
  wire::Buffer scratch;
  wire::Buffer out;
  measure(state, [&] {
    append_put(out, scratch);
    benchmark::DoNotOptimize(out.data());
  });
}
BENCHMARK(request_encode);

void request_decode(benchmark::State& state) {
  wire::Buffer scratch;
  wire::Buffer out;
  append_put(out, scratch);
  measure(state, [&] {
    auto record = record_of(out);
    benchmark::DoNotOptimize(record);
    benchmark::DoNotOptimize(wire::decode_request(record));
  });
}
BENCHMARK(request_decode);

// What a decoder on msgpack-cxx's own parser would start from: it visits every value and keeps the
// views that a request consists of, without any of the checks.
struct Visitor : msgpack::null_visitor {
  std::uint64_t number = 0;
  std::string_view text;
  bool visit_positive_integer(std::uint64_t value) {
    number = value;
    return true;
  }
  bool visit_str(const char* bytes, std::uint32_t size) {
    text = {bytes, size};
    return true;
  }
  bool visit_bin(const char* bytes, std::uint32_t size) { return visit_str(bytes, size); }
};

void request_decode_msgpack_cxx(benchmark::State& state) {
  wire::Buffer scratch;
  wire::Buffer out;
  append_put(out, scratch);
  measure(state, [&] {
    auto record = record_of(out);
    benchmark::DoNotOptimize(record);
    Visitor visitor;
    std::size_t offset = 0;
    if (!msgpack::parse(record.data(), record.size(), offset, visitor)) state.SkipWithError("bad");
    benchmark::DoNotOptimize(visitor);
  });
}
BENCHMARK(request_decode_msgpack_cxx);

void reply_encode(benchmark::State& state) {
  wire::Buffer scratch;
  wire::Buffer out;
  measure(state, [&] {
    append_value(out, scratch);
    benchmark::DoNotOptimize(out.data());
  });
}
BENCHMARK(reply_encode);

void reply_decode(benchmark::State& state) {
  wire::Buffer scratch;
  wire::Buffer out;
  append_value(out, scratch);
  measure(state, [&] {
    auto record = record_of(out);
    benchmark::DoNotOptimize(record);
    benchmark::DoNotOptimize(wire::decode_reply(record));
  });
}
BENCHMARK(reply_decode);

}  // namespace
}  // namespace kvmesh::bench
