#include "node/tasks/answers.h"

#include <algorithm>

#include <kvmesh/limits.h>
#include <kvmesh/pid.h>

#include "common/utf8.h"
#include "common/wire/pack.h"
#include "node/tasks/nesting.h"

namespace kvmesh::tasks {
namespace {

// More than the code and text of a good reply, the head of progress and the heads of arrays take.
constexpr std::size_t kHeadBytes = limits::kNodeNameBytesMax + 64;
constexpr std::size_t kWhyBytesMax = 1024;     // of a failure, in a list of all processes
constexpr std::size_t kElementsOfMessage = 4;  // itself, kind, from, body

void pack_text_or_nil(wire::Buffer& out, std::string_view text) {
  text.empty() ? wire::pack_nil(out) : wire::pack_str(out, text);
}

void pack_value_or_nil(wire::Buffer& out, std::string_view packed) {
  packed.empty() ? wire::pack_nil(out) : out.append(packed);
}

void pack_head(wire::Buffer& out, const NodeName& self, const Process& process) {
  wire::pack_array(out, 6);
  wire::pack_str(out, self.str());
  wire::pack_uint(out, process.id);
  wire::pack_uint(out, process.key);
}

void pack_state(wire::Buffer& out, bool done, std::string_view result) {
  wire::pack_uint(out, done ? 1 : 0);
  pack_value_or_nil(out, result);
}

// What only servers and permanent tasks have; null: it is neither.
std::uint32_t pairs_of(const Supervised* supervised) {
  if (supervised == nullptr) return 0;
  return supervised->last_failure.empty() ? 4 : 5;
}

void pack_supervised(wire::Buffer& out, const Supervised* supervised, TimePoint now) {
  if (supervised == nullptr) return;
  wire::pack_str(out, "restarts");
  wire::pack_uint(out, supervised->restarted());
  wire::pack_str(out, "restarts_counted");
  wire::pack_uint(out, supervised->counted(now));
  wire::pack_str(out, "restarts_max");
  wire::pack_uint(out, supervised->policy.max_restarts);
  wire::pack_str(out, "restarts_period_ms");
  wire::pack_uint(out, static_cast<std::uint64_t>(supervised->policy.period.count()));
  if (supervised->last_failure.empty()) return;
  wire::pack_str(out, "why");
  wire::pack_str(out, utf8_beginning(supervised->last_failure, kWhyBytesMax));
}

}  // namespace

void pack_nothing_yet(wire::Buffer& out, const NodeName& self, const Process& process) {
  pack_head(out, self, process);
  wire::pack_array(out, 0);
  pack_state(out, false, {});
}

std::size_t pack_running(wire::Buffer& out, const NodeName& self, Process& process) {
  pack_head(out, self, process);
  const auto credit = process.output.take(out);
  pack_state(out, false, {});
  return credit;
}

std::size_t pack_done(wire::Buffer& out, const NodeName& self, Process& process) {
  pack_head(out, self, process);
  const auto credit = process.output.take(out);
  pack_state(out, true, process.outcome->result);
  return credit;
}

bool done_fits(const Process& process) {
  const auto bytes = kHeadBytes + process.output.packed_bytes() + process.outcome->result.size();
  if (bytes > limits::kBodyBytesMax) return false;
  // Each was checked alone. Together they may have too many elements for one record, of which each
  // takes a byte or more.
  return process.output.empty() || !is_container(process.outcome->result) ||
         bytes <= limits::kValueItemsMax;
}

void pack_messages(wire::Buffer& out, Mailbox& mailbox, std::uint64_t most) {
  const auto begin = out.size();
  const auto count_at = wire::pack_open_array(out);
  std::uint32_t count = 0;
  std::size_t elements = 0;  // at most
  while (!mailbox.empty() && count < most) {
    const auto& next = mailbox.front();
    const auto more = next.bytes() + 16;
    elements += kElementsOfMessage + (is_container(next.body) ? next.body.size() : 0);
    const bool fits = out.size() - begin + more + kHeadBytes <= limits::kBodyBytesMax &&
                      elements <= limits::kValueItemsMax;
    if (count > 0 && !fits) break;
    const auto message = mailbox.pop();
    wire::pack_array(out, 3);
    wire::pack_uint(out, static_cast<std::uint64_t>(message.kind));
    pack_text_or_nil(out, message.from);
    pack_value_or_nil(out, message.body);
    ++count;
  }
  out.put_u32(count_at, count);
}

void pack_no_messages(wire::Buffer& out) { wire::pack_array(out, 0); }

void pack_monitor(wire::Buffer& out, bool alive, std::string_view reason) {
  wire::pack_array(out, 2);
  wire::pack_bool(out, alive);
  wire::pack_str(out, reason);
}

void pack_row(wire::Buffer& out, const NodeName& self, const Process& process,
              const Supervised* supervised, std::string_view state, TimePoint now) {
  wire::pack_map(out, 7 + pairs_of(supervised));
  wire::pack_str(out, "pid");
  wire::pack_str(out, Pid{self.str(), process.id}.to_string());
  wire::pack_str(out, "function");
  wire::pack_str(out, process.function);
  wire::pack_str(out, "from");
  pack_text_or_nil(out, process.from);
  wire::pack_str(out, "age_ms");
  wire::pack_uint(out, remaining_ms(now, process.started));
  wire::pack_str(out, "state");
  wire::pack_str(out, state);
  wire::pack_str(out, "mailbox");
  wire::pack_uint(out, process.mailbox.size());
  wire::pack_str(out, "output");
  wire::pack_uint(out, process.output.bytes());
  pack_supervised(out, supervised, now);
}

void pack_stopped_row(wire::Buffer& out, const Supervised& supervised, TimePoint now) {
  wire::pack_map(out, 7 + pairs_of(&supervised));
  wire::pack_str(out, "pid");
  wire::pack_nil(out);
  wire::pack_str(out, "function");
  wire::pack_str(out, supervised.title());
  wire::pack_str(out, "from");
  wire::pack_nil(out);
  wire::pack_str(out, "age_ms");
  wire::pack_uint(out, remaining_ms(now, supervised.since));
  wire::pack_str(out, "state");
  wire::pack_str(out, supervised.state_name());
  wire::pack_str(out, "mailbox");
  wire::pack_uint(out, 0);
  wire::pack_str(out, "output");
  wire::pack_uint(out, 0);
  pack_supervised(out, &supervised, now);
}

}  // namespace kvmesh::tasks
