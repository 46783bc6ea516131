// The line protocol: whatever the reads that the bytes come in, and whatever order the replies come
// in, the client gets what a plain implementation (line_reference.h) says of the whole text.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "common/functions.h"
#include "common/wire/buffer.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "node/core/core.h"
#include "node/line/line_codec.h"
#include "node/modules/kv_module.h"
#include "node/modules/node_module.h"
#include "node/store/memory_engine.h"
#include "node/stream/input_buffer.h"
#include "node/stream/reply_queue.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/line_reference.h"

namespace kvmesh::fuzz {
namespace {

constexpr TimePoint kNow = TimePoint{} + std::chrono::hours{1};

const LineReference::Buckets& buckets_at_start() {
  static const LineReference::Buckets kBuckets = {
      {"b", {{"k", "v"}, {"line", "a\nb"}, {"", "empty"}, {"\xff", "\xfe"}}},
      {"c", {{"a\rb", "1"}, {"d", ""}}},
      {"z", {}},  // there, but no route leads to it
  };
  return kBuckets;
}

// A reply that came, and waits until the input says that it reaches its connection.
struct Reply {
  std::uint64_t place = 0;
  StatusCode code = StatusCode::kOk;
  std::string text, result, trace;
  std::uint32_t trace_hops = 0;

  ReplyView view() const {
    ReplyView out;
    out.code = code;
    out.text = text;
    out.result = result;
    out.trace = trace;
    out.trace_hops = trace_hops;
    return out;
  }
};

class Replies final : public core::Effects {
 public:
  void forward(PeerIndex /*peer*/, const RequestView& /*request*/, RequestId /*id*/,
               TimePoint /*deadline*/, const wire::PathStep& /*step*/) override {
    check(false, "a node without peers forwards nothing");
  }
  void reply(const core::Origin& origin, const ReplyView& reply) override {
    wire::Buffer packed;
    come.push_back({origin.request.value, reply.code, std::string{reply.text},
                    std::string{wire::packed_result(packed, reply)}, std::string{reply.trace},
                    reply.trace_hops});
  }
  TimePoint clock() override { return kNow; }

  std::vector<Reply> come;
};

// What stream::Connection does, without a socket.
class Connection {
 public:
  Connection(std::size_t line_bytes_max, bool is_locked)
      : codec_(line_bytes_max), is_locked_(is_locked) {
    if (is_locked) codec_.set_locked(true);
    kv_.define(modules_);
    modules::define_node(modules_, *NodeName::parse("foo@h"), [](wire::Buffer&) {});
    const auto now = engine_.moment(kNow);
    for (const auto& [bucket, keys] : buckets_at_start()) {
      check(engine_.create(bucket, now).ok(), "a bucket can be made");
      for (const auto& [key, value] : keys) {
        check(engine_.put(bucket, key, value, now).ok(), "a value can be stored");
      }
    }
    const auto range = ByteRange::parse("a..y");
    check(core_.set_table(RoutingTable{{{*range, *NodeName::parse("foo@h")}}}).ok(), "a table");
  }

  // At most `count` bytes of `text`, as one read brings them; removes them.
  void read(std::string_view& text, std::size_t count) {
    const auto room = in_.room(codec_.input_max());
    check(!room.empty(), "there is room to read into");
    count = std::min({count, room.size(), text.size()});
    std::copy_n(text.begin(), count, room.begin());
    text.remove_prefix(count);
    in_.filled(count);
    while (!quit_) {
      RequestView request;
      const auto message = codec_.next(in_.bytes(), request, scratch_);
      in_.take(message.taken);
      if (message.kind == stream::Message::Kind::kNone) break;
      check(!is_locked_ || message.kind != stream::Message::Kind::kRequest,
            "nobody asks for anything before AUTH");
      take(message, request);
    }
  }
  void be_silent() { in_.give_back(); }
  bool quit() const { return quit_; }
  std::size_t waiting() const { return replies_.come.size(); }

  // The `index`-th of the replies that have come reaches the connection.
  void deliver(std::size_t index) {
    const auto reply = replies_.come[index];
    replies_.come.erase(replies_.come.begin() + static_cast<std::ptrdiff_t>(index));
    check(queue_.is_waiting(reply.place), "a place waits for its reply");
    codec_.append_reply(queue_.text_buffer(reply.place, out_), queue_.tag(reply.place),
                        reply.view());
    queue_.answered(reply.place, out_);
    check(!queue_.is_waiting(reply.place), "a place has one reply");
  }
  std::string_view output() const {
    check(queue_.size() == 0 && queue_.waiting_bytes() == 0, "nothing waits when all has come");
    return out_.view();
  }

 private:
  void take(const stream::Message& message, RequestView& request) {
    quit_ = message.ends_input;
    if (message.kind == stream::Message::Kind::kConstant) {
      return queue_.push_constant(message.tag, out_);
    }
    const auto place = queue_.push(message.tag);
    if (message.kind == stream::Message::Kind::kLogin) return log_in(message, place);
    if (message.kind == stream::Message::Kind::kWhoAmI) {
      codec_.append_identity(queue_.text_buffer(place, out_), user_);
      return queue_.answered(place, out_);
    }
    if (message.kind == stream::Message::Kind::kAnswered) {
      queue_.text_buffer(place, out_).append(message.reply);
      return queue_.answered(place, out_);
    }
    request.timeout_ms = 5000;
    // Time stands still, so a call that waits for changes would wait for ever. What it gets instead
    // is no list of changes, and is told as such.
    wire::Buffer instead;
    if (request.function == functions::kKvChanges.name) {
      request = wire::make_request(instead, request.target, functions::kKvCount.name,
                                   [](wire::Buffer& out) { wire::pack_array(out, 0); });
      request.timeout_ms = 5000;
    }
    core_.on_request({0, 0, RequestId{place}}, request, kNow);
  }

  void log_in(const stream::Message& message, std::uint64_t place) {
    const bool is_right =
        message.user == LineReference::kUser && message.secret == LineReference::kSecret;
    in_.wipe_taken(message.taken);
    codec_.wipe_secret();
    auto& text = queue_.text_buffer(place, out_);
    if (is_right) {
      text.append(codec_.constant(queue_.tag(place)));
      user_ = LineReference::kUser;
      is_locked_ = false;
      codec_.set_locked(false);
    } else {
      codec_.append_error(text, StatusCode::kDenied, "it is wrong");
    }
    queue_.answered(place, out_);
  }

  store::MemoryEngine engine_{std::uint64_t{1} << 30, store::MemoryEngine::Use::kOneThread};
  modules::KvModule kv_{engine_};
  core::FunctionRegistry modules_;
  Replies replies_;
  core::Core core_{*NodeName::parse("foo@h"), {}, modules_, replies_, kNow};
  line::LineCodec codec_;
  stream::InputBuffer in_;
  stream::ReplyQueue queue_{codec_};
  wire::Buffer out_;
  stream::RequestScratch scratch_;
  bool is_locked_;
  std::string user_;
  bool quit_ = false;
};

// Puts kRevision in place of the revisions that `expected` has, as far as the two agree.
std::string without_revisions(std::string_view output, std::string_view expected) {
  std::string out;
  for (const char c : expected) {
    if (c != kRevision) {
      if (!output.starts_with(c)) break;
      out += c;
      output.remove_prefix(1);
      continue;
    }
    const auto digits = std::min(output.find_first_not_of("0123456789"), output.size());
    if (digits == 0 || output.starts_with('0')) break;
    out += kRevision;
    output.remove_prefix(digits);
  }
  return out.append(output);
}

void check_output(std::string_view output, const std::vector<Expected>& expected, bool is_all) {
  const std::string all{output};
  std::string changed;
  for (const auto& reply : expected) {
    if (reply.has_revisions) {
      changed = without_revisions(output, reply.text);
      output = changed;
    }
    if (!output.starts_with(reply.text)) {
      check(false, "a reply is the expected one",
            reply.text + "\n--- at:\n" + std::string{output} + "\n--- in:\n" + all);
    }
    output.remove_prefix(reply.text.size());
    if (!reply.is_prefix) continue;
    // HELP is the one that has more lines than one.
    const std::string_view end = reply.text == "CREATE " ? "\r\nOK\r\n" : "\r\n";
    const auto at = output.find(end);
    check(at != std::string_view::npos, "a reply ends", all);
    output.remove_prefix(at + end.size());
  }
  check(output.empty() || !is_all, "every request has one reply", all);
}

}  // namespace
}  // namespace kvmesh::fuzz

// The input: which limit a line has and whether AUTH comes first, sizes of reads and choices of
// replies, then the text. NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  Input input{data, size};
  constexpr std::array<std::size_t, 4> kLimits = {40, 300, 1100, 3000};
  const auto choices = input.below(2 * kLimits.size());
  const auto limit = kLimits[choices % kLimits.size()];
  const bool is_locked = choices >= kLimits.size();
  const auto steps = input.bytes(input.below(32));
  const auto text = input.rest();

  Connection connection{limit, is_locked};
  auto unread = text;
  for (std::size_t step = 0; !unread.empty() && !connection.quit(); ++step) {
    const std::uint32_t choice =
        steps.empty() ? 0xff : static_cast<std::uint8_t>(steps[step % steps.size()]);
    if (choice == 0) connection.be_silent();
    connection.read(unread, choice < 128 ? choice + 1 : (choice - 127) * 32);
    if (connection.waiting() > 0 && choice % 3 != 0) {
      connection.deliver(choice % connection.waiting());
    }
  }
  while (connection.waiting() > 0) connection.deliver(size % connection.waiting());
  LineReference reference{buckets_at_start(), limit, is_locked};
  const auto expected = reference.run(text);
  check_output(connection.output(), expected, !reference.is_unknown());
  return 0;
}
