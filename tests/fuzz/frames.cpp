// REQUESTS and REPLIES: each record is read or refused as msgpack-cxx's view of the same bytes says
// (with the limits that common/PROTOCOL.md adds), and comes out of its own encoding again.

#include <kvmesh/limits.h>

#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/theirs.h"

namespace kvmesh::fuzz {
namespace {

bool is_target(const msgpack::object& value) {
  return value.type == msgpack::type::NIL || is_str(value) || is_bin(value);
}

bool is_path(const msgpack::object& value) {
  if (!is_array(value)) return false;
  const auto steps = elements(value);
  return steps.size() % 2 == 0 && steps.size() <= std::size_t{2} * limits::kHopsMax &&
         std::ranges::all_of(steps, [](const msgpack::object& step) {
           return is_str(step) && step.via.str.size <= limits::kNodeNameBytesMax;
         });
}

// Of eight fields the fifth says who asks.
bool says_who(const Theirs& theirs) { return elements(theirs.value.get()).size() == 8; }

bool is_who(const msgpack::object& value) {
  return is_str(value) && value.via.str.size > 0 && value.via.str.size <= limits::kNodeNameBytesMax;
}

bool is_request(const std::optional<Theirs>& theirs) {
  if (!theirs) return false;
  const auto fields = elements(theirs->value.get());
  const std::size_t at = says_who(*theirs) ? 5 : 4;  // the target
  return fields.size() == at + 3 && is_uint(fields[0]) && is_uint(fields[1]) &&
         is_uint(fields[2]) && is_path(fields[3]) && (at == 4 || is_who(fields[4])) &&
         is_target(fields[at]) && is_str(fields[at + 1]) && is_array(fields[at + 2]) &&
         within(fields[at + 2]);
}

bool is_reply(const std::optional<Theirs>& theirs) {
  if (!theirs) return false;
  const auto fields = elements(theirs->value.get());
  return fields.size() == 5 && is_uint(fields[0]) && is_array(fields[1]) &&
         elements(fields[1]).size() <= limits::kHopsMax + 1 &&
         std::ranges::all_of(elements(fields[1]), within) && is_uint(fields[2]) &&
         is_str(fields[3]) && within(fields[4]);
}

// The one record in what was just appended, without its prefix.
std::string_view only_record(const wire::Buffer& out) {
  auto run = out.view();
  std::optional<wire::Refusal> refusal;
  const auto record = wire::next_record(run, refusal);
  check(record && run.empty() && !refusal, "what was appended is one record");
  return *record;
}

bool same(const RequestView& a, const RequestView& b) {
  return a.id == b.id && a.timeout_ms == b.timeout_ms && a.flags == b.flags && a.hops == b.hops &&
         a.path == b.path && a.who == b.who && a.target.kind == b.target.kind &&
         a.target.name == b.target.name && a.function == b.function && a.args == b.args &&
         a.body == b.body;
}

void check_path(const RequestView& request) {
  auto path = request.path;
  std::uint32_t steps = 0;
  while (const auto step = wire::take_path_step(path)) ++steps;
  check(path.empty() && steps == request.hops, "a path holds its steps and nothing else");
  if (request.hops == limits::kHopsMax) return;  // the core passes on no path that is full
  const wire::PathStep step{"foo@localhost", "a..m"};
  wire::Buffer out;
  append_request(out, request, RequestId{7}, 5, &step);
  const auto next = wire::decode_request(only_record(out));
  check(next && next->hops == request.hops + 1 && next->path.starts_with(request.path) &&
            next->who == request.who && next->body == request.body && next->timeout_ms == 5 &&
            next->id == RequestId{7},
        "a hop adds its step and changes nothing else");
  auto added = next->path.substr(request.path.size());
  const auto last = wire::take_path_step(added);
  check(last && last->node == step.node && last->entry == step.entry && added.empty(),
        "the last step of a path is the one that was added");
}

void check_request(std::string_view record) {
  const auto request = wire::decode_request(record);
  const auto theirs = unpack_fields(record);
  check(request.has_value() == is_request(theirs), "a request is judged as by msgpack-cxx");
  if (!request) return;
  const auto fields = elements(theirs->value.get());
  const std::size_t at = says_who(*theirs) ? 5 : 4;
  check(request->id.value == fields[0].via.u64 && request->timeout_ms == fields[1].via.u64 &&
            request->flags == fields[2].via.u64 && request->function == str_of(fields[at + 1]) &&
            request->who == (at == 5 ? str_of(fields[4]) : std::string_view{}),
        "a request has msgpack-cxx's values");
  const auto& target = fields[at];
  check(request->target.kind == Target::Kind::kHere
            ? target.type == msgpack::type::NIL
            : request->target.name == (is_str(target) ? str_of(target) : bin_of(target)),
        "a request has msgpack-cxx's target");
  wire::Buffer out;
  append_request(out, *request, request->id, request->timeout_ms, nullptr);
  const auto again = wire::decode_request(only_record(out));
  check(again && same(*again, *request), "a request comes out of its encoding");

  wire::Buffer body;
  const auto built = wire::make_request(body, request->target, request->function,
                                        [&](wire::Buffer& args) { args.append(request->args); });
  wire::Buffer other;
  append_request(other, built, request->id, request->timeout_ms, nullptr);
  const auto from_parts = wire::decode_request(only_record(other));
  check(from_parts && from_parts->args == request->args &&
            from_parts->function == request->function &&
            from_parts->target.name == request->target.name,
        "a request can be built of its parts");
  check_path(*request);
}

void check_trace(const ReplyView& reply) {
  auto trace = reply.trace;
  while (const auto hop = wire::take_trace_hop(trace)) {
    wire::Buffer out;
    append_trace_hop(out, *hop);
    auto written = out.view();
    const auto again = wire::take_trace_hop(written);
    check(again && written.empty() && again->node == hop->node && again->entry == hop->entry &&
              again->next == hop->next && again->elapsed_us == hop->elapsed_us &&
              again->executed_us == hop->executed_us,
          "a hop of a trace comes out of its encoding");
  }
}

void check_reply(std::string_view record) {
  const auto reply = wire::decode_reply(record);
  const auto theirs = unpack_fields(record);
  check(reply.has_value() == is_reply(theirs), "a reply is judged as by msgpack-cxx");
  if (!reply) return;
  const auto fields = elements(theirs->value.get());
  const auto code = status_code_from_number(fields[2].via.u64).value_or(StatusCode::kInternal);
  check(reply->id.value == fields[0].via.u64 && reply->code == code &&
            reply->text == str_of(fields[3]) && reply->trace_hops == elements(fields[1]).size(),
        "a reply has msgpack-cxx's values");
  wire::Buffer out;
  append_reply(out, *reply, reply->id);
  const auto again = wire::decode_reply(only_record(out));
  check(again && again->id == reply->id && again->code == code && again->text == reply->text &&
            again->result == reply->result && again->trace == reply->trace &&
            again->body == reply->body,
        "a reply comes out of its encoding");

  auto parts = *reply;
  parts.body = {};
  wire::Buffer other;
  append_reply(other, parts, reply->id);
  const auto from_parts = wire::decode_reply(only_record(other));
  check(from_parts && from_parts->code == code && from_parts->result == reply->result &&
            from_parts->text == reply->text.substr(0, limits::kErrorTextBytesMax),
        "a reply can be built of its parts");
  check_trace(*reply);
}

void check_run(std::string_view run) {
  std::optional<wire::Refusal> refusal;
  std::size_t taken = 0;
  const auto whole = run.size();
  while (const auto record = wire::next_record(run, refusal)) {
    taken += wire::kRecordPrefixBytes + record->size();
    check_request(*record);
    check_reply(*record);
  }
  check(taken + run.size() == whole, "records and rest are the run");
  check(refusal.has_value() == !run.empty(), "a run ends, or is refused");
}

}  // namespace
}  // namespace kvmesh::fuzz

// The input is a frame. Records are tried as requests and as replies, whatever its header says; and
// so is all of it as one record, so that inputs need no right length.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  const auto bytes = as_bytes(data, size);
  check_run(bytes.substr(std::min<std::size_t>(size, kvmesh::wire::kFrameHeaderBytes)));
  check_request(bytes);
  check_reply(bytes);
  return 0;
}
