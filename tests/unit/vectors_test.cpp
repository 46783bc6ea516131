// The golden vectors in common/vectors, which common/PROTOCOL.md cites, against our codec: decoding
// gives what they mean, encoding gives their very bytes, and the hostile ones are refused for the
// reason named.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"
#include "common/wire/request_batch.h"
#include "tests/unit/vector_file.h"

namespace kvmesh::wire {
namespace {

using nlohmann::json;

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

json bin_json(std::string_view bytes) {
  const bool printable = std::ranges::all_of(
      bytes, [](char c) { return c >= 0x20 && static_cast<unsigned char>(c) < 0x7f; });
  return printable ? json{{"bin", bytes}} : json{{"hex", to_hex(bytes)}};
}

json value_json(Reader& in) {
  switch (in.peek()) {
    case Reader::Type::kNil:
      in.read_nil();
      return nullptr;
    case Reader::Type::kBool:
      return in.read_bool();
    case Reader::Type::kUnsigned:
      return in.read_uint();
    case Reader::Type::kSigned:
      return in.read_int();
    case Reader::Type::kFloat:
      return in.read_float();
    case Reader::Type::kStr:
      return in.read_str();
    case Reader::Type::kBin:
      return bin_json(in.read_bin());
    case Reader::Type::kArray: {
      auto out = json::array();
      for (auto left = in.read_array(); left > 0 && !in.failed(); --left)
        out.push_back(value_json(in));
      return out;
    }
    case Reader::Type::kMap: {
      auto pairs = json::array();
      for (auto left = in.read_map(); left > 0 && !in.failed(); --left) {
        auto key = value_json(in);
        pairs.push_back(json::array({std::move(key), value_json(in)}));
      }
      return {{"map", pairs}};
    }
    default:
      ADD_FAILURE() << "a value of no JSON form";
      return nullptr;
  }
}

json value_json(std::string_view msgpack) {
  Reader in{msgpack};
  auto out = value_json(in);
  EXPECT_TRUE(!in.failed() && in.at_end()) << to_hex(msgpack);
  return out;
}

std::string bytes_of(const json& bin) {
  return bin.contains("bin") ? bin["bin"].get<std::string>()
                             : from_hex(bin["hex"].get<std::string>());
}

void pack_json(Buffer& out, const json& value) {
  if (value.is_null()) return pack_nil(out);
  if (value.is_boolean()) return pack_bool(out, value);
  if (value.is_number_unsigned()) return pack_uint(out, value);
  if (value.is_number_integer()) return pack_int(out, value);
  if (value.is_number_float()) return pack_float(out, value);
  if (value.is_string()) return pack_str(out, value.get_ref<const std::string&>());
  if (value.is_array()) {
    pack_array(out, value.size());
    for (const auto& element : value) pack_json(out, element);
  } else if (value.contains("map")) {
    pack_map(out, value["map"].size());
    for (const auto& pair : value["map"]) {
      pack_json(out, pair[0]);
      pack_json(out, pair[1]);
    }
  } else {
    pack_bin(out, bytes_of(value));
  }
}

json target_json(Target target) {
  switch (target.kind) {
    case Target::Kind::kHere:
      return nullptr;
    case Target::Kind::kNode:
      return target.name;
    case Target::Kind::kBucket:
      return bin_json(target.name);
  }
  return {};
}

json request_json(const RequestView& request) {
  auto path = json::array();
  for (auto rest = request.path; !rest.empty();) {
    const auto step = take_path_step(rest);
    if (!step) break;
    path.push_back(step->node);
    path.push_back(step->entry);
  }
  json out = {{"id", request.id.value},
              {"timeout_ms", request.timeout_ms},
              {"flags", request.flags},
              {"path", path},
              {"target", target_json(request.target)},
              {"function", request.function},
              {"args", value_json(request.args)}};
  if (!request.who.empty()) out["who"] = request.who;
  return out;
}

json reply_json(const ReplyView& reply) {
  auto trace = json::array();
  for (auto rest = reply.trace; !rest.empty();) {
    const auto hop = take_trace_hop(rest);
    if (!hop) break;
    trace.push_back({hop->node, hop->entry, hop->next, hop->elapsed_us, hop->executed_us,
                     hop->queue_us, hop->link});
  }
  return {{"id", reply.id.value},
          {"trace", trace},
          {"code", to_string(reply.code)},
          {"text", reply.text},
          {"result", value_json(reply.result)}};
}

struct Decoded {
  json meaning;  // null when not even the frame was understood
  std::optional<Refusal> refusal;
};

template <typename Decode, typename ToJson>
Decoded decode_records(const char* kind, std::string_view run, Decode decode,
                       ToJson to_json_object) {
  Decoded out;
  out.meaning = {{"kind", kind}, {"records", json::array()}};
  while (const auto record = next_record(run, out.refusal)) {
    const auto view = decode(*record);
    if (!view) {
      out.refusal = Refusal::kMalformed;
      break;
    }
    out.meaning["records"].push_back(to_json_object(*view));
  }
  if (out.refusal && out.meaning["records"].empty()) out.meaning = nullptr;
  return out;
}

Decoded decode_message(std::string_view bytes) {
  const auto parsed = parse_frame(bytes);
  if (!parsed.frame) return {nullptr, parsed.refusal};
  const auto content = parsed.frame->content;
  Decoded malformed{nullptr, Refusal::kMalformed};
  switch (parsed.frame->kind) {
    case FrameKind::kHello: {
      const auto h = decode_hello(content);
      if (!h) return malformed;
      json out{{"kind", "HELLO"}, {"version_min", h->version_min}, {"version_max", h->version_max},
               {"name", h->name}, {"software", h->software},       {"table_epoch", h->table_epoch}};
      if (h->clock_us > 0) out["clock_us"] = h->clock_us;
      if (h->tells_read) out["flags"] = 1;
      if (h->incarnation > 0) out["incarnation"] = h->incarnation;
      return {out, {}};
    }
    case FrameKind::kWelcome: {
      const auto w = decode_welcome(content);
      if (!w) return malformed;
      json out{{"kind", "WELCOME"},
               {"version", w->version},
               {"name", w->name},
               {"software", w->software},
               {"table_epoch", w->table_epoch},
               {"in_flight_max", w->in_flight_max},
               {"in_flight_bytes_max", w->in_flight_bytes_max}};
      if (w->takes_timed) out["flags"] = 1;
      return {out, {}};
    }
    case FrameKind::kRefused: {
      const auto r = decode_refused(content);
      if (!r) return malformed;
      return {json{{"kind", "REFUSED"}, {"code", to_string(r->code)}, {"text", r->text}}, {}};
    }
    case FrameKind::kRequests:
      return decode_records("REQUESTS", content, decode_request, request_json);
    case FrameKind::kReplies:
      return decode_records("REPLIES", content, decode_reply, reply_json);
    case FrameKind::kPing:
      return {json{{"kind", "PING"}, {"content", bin_json(content)}}, {}};
    case FrameKind::kPong:
      return {json{{"kind", "PONG"}, {"content", bin_json(content)}}, {}};
    case FrameKind::kGoodbye:
      return {json{{"kind", "GOODBYE"}}, {}};
    case FrameKind::kTimedRequests: {
      auto run = content;
      const auto stamp = take_stamp(run);
      if (!stamp) return malformed;
      auto out = decode_records("TIMED_REQUESTS", run, decode_request, request_json);
      if (!out.meaning.is_null()) out.meaning["stamp_us"] = *stamp;
      return out;
    }
    case FrameKind::kRead: {
      const auto r = decode_read(content);
      if (!r) return malformed;
      return {json{{"kind", "READ"}, {"bytes", r->bytes}}, {}};
    }
  }
  return {};
}

// `append` writes the record.
template <typename Append>
void with_request(const json& request, Append&& append) {
  Buffer path;
  for (const auto& text : request["path"]) pack_json(path, text);
  const auto& to = request["target"];
  const auto name = to.is_null()     ? std::string{}
                    : to.is_string() ? to.get<std::string>()
                                     : bytes_of(to);
  const auto kind = to.is_null()     ? Target::Kind::kHere
                    : to.is_string() ? Target::Kind::kNode
                                     : Target::Kind::kBucket;
  const auto function = request["function"].get<std::string>();
  Buffer scratch;
  auto view = make_request(scratch, {kind, name}, function,
                           [&](Buffer& args) { pack_json(args, request["args"]); });
  view.flags = request["flags"];
  const auto who = request.value("who", std::string{});
  view.who = who;
  view.path = path.view();
  view.hops = static_cast<std::uint32_t>(request["path"].size() / 2);
  append(view, RequestId{request["id"]});
}

void encode_request(Buffer& out, const json& request) {
  with_request(request, [&](const RequestView& view, RequestId id) {
    append_request(out, view, id, request["timeout_ms"], nullptr);
  });
}

// As a node sends them: the time left is written when the frame leaves.
void encode_timed(Buffer& out, const json& meaning) {
  RequestBatch batch{true};
  const TimePoint now{};
  for (const auto& request : meaning["records"]) {
    with_request(request, [&](const RequestView& view, RequestId id) {
      batch.add(view, id, deadline_after(now, request["timeout_ms"]), nullptr);
    });
  }
  out.append(batch.frame(now, meaning["stamp_us"]).view());
}

void encode_reply(Buffer& out, const json& reply) {
  Buffer trace;
  for (const auto& hop : reply["trace"]) {
    const auto node = hop[0].get<std::string>();
    const auto entry = hop[1].get<std::string>();
    const auto next = hop[2].get<std::string>();
    append_trace_hop(trace, {node, entry, next, hop[3], hop[4], hop[5], hop[6]});
  }
  Buffer result;
  pack_json(result, reply["result"]);
  const auto text = reply["text"].get<std::string>();
  ReplyView view;
  view.trace_hops = static_cast<std::uint32_t>(reply["trace"].size());
  view.trace = trace.view();
  view.code = *status_code_from_name(reply["code"].get<std::string>());
  view.text = text;
  view.result = result.view();
  append_reply(out, view, RequestId{reply["id"]});
}

std::string encode_message(const json& meaning) {
  Buffer out;
  const auto text = [&](const char* key) { return meaning[key].get<std::string>(); };
  const auto kind = text("kind");
  if (kind == "HELLO") {
    const auto name = text("name");
    const auto software = text("software");
    encode(out,
           Hello{meaning["version_min"], meaning["version_max"], name, software,
                 meaning["table_epoch"], meaning.value("clock_us", std::uint64_t{0}),
                 meaning.value("flags", 0) == 1, meaning.value("incarnation", std::uint64_t{0})});
  } else if (kind == "WELCOME") {
    const auto name = text("name");
    const auto software = text("software");
    encode(out, Welcome{meaning["version"], name, software, meaning["table_epoch"],
                        meaning["in_flight_max"], meaning["in_flight_bytes_max"],
                        meaning.value("flags", 0) == 1});
  } else if (kind == "REFUSED") {
    const auto why = text("text");
    encode(out, Refused{*status_code_from_name(text("code")), why});
  } else if (kind == "REQUESTS") {
    begin_frame(out, FrameKind::kRequests);
    for (const auto& record : meaning["records"]) encode_request(out, record);
  } else if (kind == "TIMED_REQUESTS") {
    encode_timed(out, meaning);
  } else if (kind == "READ") {
    encode(out, Read{meaning["bytes"]});
  } else if (kind == "REPLIES") {
    begin_frame(out, FrameKind::kReplies);
    for (const auto& record : meaning["records"]) encode_reply(out, record);
  } else if (kind == "GOODBYE") {
    begin_frame(out, FrameKind::kGoodbye);
  } else {
    begin_frame(out, kind == "PING" ? FrameKind::kPing : FrameKind::kPong);
    out.append(bytes_of(meaning["content"]));
  }
  return std::string{out.view()};
}

void check(const Vector& vector) {
  SCOPED_TRACE(vector.file + ": " + vector.name);
  const auto decoded = decode_message(vector.bytes);
  if (vector.refused.empty()) {
    EXPECT_FALSE(decoded.refusal) << "refused as " << to_string(*decoded.refusal);
  } else {
    ASSERT_TRUE(decoded.refusal) << "accepted as " << decoded.meaning;
    EXPECT_EQ(to_string(*decoded.refusal), vector.refused);
  }
  const auto& text = vector.means.empty() ? vector.reads : vector.means;
  EXPECT_EQ(decoded.meaning, text.empty() ? json{} : json::parse(text));
  if (!vector.means.empty()) {
    EXPECT_EQ(to_hex(encode_message(json::parse(vector.means))), to_hex(vector.bytes));
  }
}

class VectorsTest : public testing::TestWithParam<const char*> {};

TEST_P(VectorsTest, AgreeWithTheCodec) {
  const auto vectors = read_vectors(GetParam());
  ASSERT_GE(vectors.size(), 4U) << "is " << GetParam() << " there?";
  for (const auto& vector : vectors) check(vector);
}

INSTANTIATE_TEST_SUITE_P(Files, VectorsTest,
                         testing::Values("frames.txt", "requests.txt", "replies.txt", "tasks.txt",
                                         "two_hops.txt", "hostile.txt"),
                         [](const auto& param) {
                           const std::string file = param.param;
                           return file.substr(0, file.find('.'));
                         });

// Every function and every code has its vector, so that the specification is whole.
TEST(Vectors, CoverEveryCode) {
  std::string all;
  for (const auto& vector : read_vectors("replies.txt")) all += vector.means;
  for (int i = 0; i < kStatusCodeCount; ++i) {
    const auto name = std::string{to_string(static_cast<StatusCode>(i))};
    EXPECT_NE(all.find("\"code\": \"" + name + "\""), std::string::npos) << name;
  }
}

// A peer may cut any frame anywhere: what is left is refused, or reads as fewer records; it is
// never read past its end (which AddressSanitizer watches).
TEST(Vectors, SurviveBeingCutAnywhere) {
  for (const auto* file :
       {"frames.txt", "requests.txt", "replies.txt", "tasks.txt", "two_hops.txt"}) {
    for (const auto& vector : read_vectors(file)) {
      for (std::size_t keep = 0; keep < vector.bytes.size(); ++keep) {
        const std::string cut{vector.bytes.data(),
                              keep};  // a copy, so that its end is the end of the allocation
        const auto decoded = decode_message(cut);
        EXPECT_TRUE(decoded.refusal || !decoded.meaning.is_null())
            << vector.name << " cut to " << keep;
        EXPECT_NE(decoded.meaning, decode_message(vector.bytes).meaning)
            << vector.name << " cut to " << keep;
      }
    }
  }
}

}  // namespace
}  // namespace kvmesh::wire
