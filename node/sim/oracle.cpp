#include "node/sim/oracle.h"

#include <algorithm>

#include "common/text.h"

namespace kvmesh::sim {
namespace {

// What a hop may take from a request's time beside the time that passes: a millisecond for the way,
// and what is rounded down to one.
constexpr std::chrono::milliseconds kHopCost{2};
// A tick of the node, and two of its deadlines' timing wheel.
constexpr std::chrono::milliseconds kAnswerSlack{20 + 16};
// Shorter deadlines may well be missed when nothing is wrong.
constexpr std::uint32_t kPatientMs = 2000;

bool promises_nothing_done(StatusCode code) {
  return code != StatusCode::kOk && code != StatusCode::kOutcomeUnknown &&
         code != StatusCode::kInternal && code != StatusCode::kTaskFailed &&
         code != StatusCode::kCancelled;
}

// What nodes on the way answer when they cannot pass a request on.
bool is_of_the_way(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kOverloaded ||
         code == StatusCode::kDeadlineExceeded || code == StatusCode::kOutcomeUnknown;
}

std::string name_of(StatusCode code) { return std::string{to_string(code)}; }

}  // namespace

std::uint64_t Oracle::hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

Oracle::Oracle(const Plan& plan, const Tables& tables, Violations& violations)
    : plan_(plan),
      tables_(tables),
      violations_(violations),
      calm_(plan.calm()),
      records_(plan.requests.size()),
      told_(plan.nodes.size()),
      scans_(plan),
      follows_(plan) {
  shadows_.reserve(plan.nodes.size());
  for (NodeIndex i = 0; i < plan.nodes.size(); ++i) {
    shadows_.emplace_back(plan, i);
    if (plan.nodes[i].is_durable) promised_.try_emplace(i, plan, i);
  }
  if (std::ranges::find(plan.requests, Operation::kChanges, &Request::operation) ==
      plan.requests.end()) {
    return;
  }
  for (auto& shadow : shadows_) shadow.keep_history();
  for (auto& [node, promised] : promised_) promised.keep_history();
}

std::string Oracle::describe(std::uint32_t number) const {
  const auto& request = plan_.requests[number];
  return "request " + std::to_string(number) + " (" + std::string{function_of(request.operation)} +
         " of bucket " + in_quotes(plan_.buckets[request.bucket]) + ", asked at " +
         plan_.nodes[request.node].name.str() + ")";
}

void Oracle::violate(std::string_view check, std::uint32_t number, const std::string& what) {
  violations_.add(check, describe(number) + " " + what);
}

void Oracle::asked(std::uint32_t number, Micros now) {
  auto& record = records_[number];
  const auto& request = plan_.requests[number];
  record.is_asked = true;
  record.asked = now;
  record.order = ++order_;
  const auto key = Tables::key_of(plan_.buckets[request.bucket]);
  if (key) record.end = tables_.walk(request.node, *key);
  if (key) record.tables = tables_.version(*key);
  ++figures_.asked;
}

void Oracle::not_asked(std::uint32_t number) {
  records_[number].is_abandoned = true;
  ++figures_.abandoned;
}

void Oracle::check_begin(std::uint32_t number, std::uint64_t timeout_ms, Micros now) {
  auto& record = records_[number];
  if (!record.is_asked) return violate("invented", number, "was executed but never asked");
  if (record.is_executed) violate("executed_twice", number, "was executed again");
  check_time(number, timeout_ms, now);
  if (record.is_answered && promises_nothing_done(record.answered_code)) {
    violate("not_executed", number,
            "was answered " + name_of(record.answered_code) + " and is executed now");
  }
}

void Oracle::check_time(std::uint32_t number, std::uint64_t timeout_ms, Micros now) {
  if (timeout_ms == 0) violate("executed_late", number, "was executed though no time was left");
  const auto& record = records_[number];
  const auto late = now - due(number);
  if (late <= Micros{0}) return;
  ++figures_.late;
  figures_.late_most = std::max(figures_.late_most, late);
  const auto allowed = record.late_allowed + drift(number);
  figures_.late_allowed = std::max(figures_.late_allowed, allowed);
  if (late <= allowed) return;
  violate("executed_late", number,
          "was executed " + std::to_string(late.count()) +
              " us after its asker's deadline, of which " + std::to_string(allowed.count()) +
              " us can be explained");
}

bool Oracle::has_one_way(std::uint32_t number) const {
  const auto key = Tables::key_of(plan_.buckets[plan_.requests[number].bucket]);
  return !key || records_[number].tables == tables_.version(*key);
}

bool Oracle::has_failed(std::uint32_t number, StatusCode code) const {
  return (records_[number].failures >> static_cast<unsigned>(code) & 1U) != 0;
}

void Oracle::failed(std::uint32_t number, StatusCode code, std::uint32_t hops, Micros now,
                    bool is_over) {
  records_[number].failures |= 1U << static_cast<unsigned>(code);
  const auto left = due(number) - now;
  if (!is_over || left <= (hops + 1) * kHopCost + drift(number)) return;
  violate("gave_up_early", number,
          "was answered " + name_of(code) + " with " + std::to_string(left.count()) + " us left");
}

void Oracle::check_place(std::uint32_t number, NodeIndex node) {
  const auto& record = records_[number];
  if (!has_one_way(number)) return;  // it may go by the old ones or the new ones
  if (record.end.code == StatusCode::kOk && record.end.node == node) return;
  violate("wrong_node", number,
          "was executed by " + plan_.nodes[node].name.str() + ", to which the tables do not lead");
}

// Requests of one asker for one bucket go the same way, so they must be executed in order. One that
// was given up on the way may be late, and a new table may have made a shorter way.
void Oracle::check_order(std::uint32_t number, NodeIndex node) {
  const auto& record = records_[number];
  if (record.is_answered || record.is_abandoned) return;
  if (has_failed(number, StatusCode::kOutcomeUnknown)) return;
  const auto& request = plan_.requests[number];
  // What an engine executes later is overtaken by what is no affair of its own.
  if (request.operation == Operation::kName && plan_.nodes[node].has_slow_engine) return;
  if (request.operation == Operation::kChanges) return;  // it waits
  auto& youngest = youngest_[std::uint64_t{request.node} << 32 | request.bucket];
  if (record.order < youngest && has_one_way(number)) {
    violate("order", number, "was executed after a later one of the same asker");
  }
  youngest = std::max(youngest, record.order);
}

void Oracle::answered(std::uint32_t number, StatusCode code, std::string_view result, Micros now,
                      Micros excused_until) {
  auto& record = records_[number];
  if (record.is_abandoned) return;
  if (!record.is_asked) return violate("invented", number, "was answered but never asked");
  if (record.is_answered) return violate("answered_twice", number, "was answered again");
  record.is_answered = true;
  if (now > std::max(due(number), excused_until) + kAnswerSlack + drift(number)) {
    violate(
        "late_answer", number,
        "was answered " + std::to_string((now - due(number)).count()) + " us after its deadline");
  }
  check_answer(number, code, result);
  check_code(number, code, now);
  if (lists(plan_.requests[number].operation)) check_scan(number, code);
  if (plan_.requests[number].operation == Operation::kChanges) {
    follows_.answered(number, code == StatusCode::kOk);
    figures_.changes = follows_.judged();
  }
  record.answered_code = code;
  ++figures_.by_status[static_cast<std::size_t>(code)];
  if (code == StatusCode::kOk) {
    figures_.latencies_us.push_back(static_cast<std::uint32_t>((now - record.asked).count()));
  }
}

void Oracle::check_answer(std::uint32_t number, StatusCode code, std::string_view result) {
  const auto& record = records_[number];
  if (!record.is_executed || code == StatusCode::kOutcomeUnknown) {
    if (!has_failed(number, code)) {
      violate("invented", number,
              "was answered " + name_of(code) + ", which neither a function nor a node has said");
    }
    return;
  }
  if (code == record.executed_code && hash_of(result) == record.result) return;
  if (is_of_the_way(code)) {
    return violate("not_executed", number, "was answered " + name_of(code) + " but executed");
  }
  violate("wrong_reply", number,
          "was answered " + name_of(code) + " " + in_quotes(result) +
              ", which is not what its execution answered");
}

// Errors that the tables explain, and errors that nothing explains.
void Oracle::check_code(std::uint32_t number, StatusCode code, Micros now) {
  const auto& record = records_[number];
  if (record.is_executed) {
    if (!is_of_the_way(code)) return;
  } else if (has_one_way(number) && !is_of_the_way(code)) {
    const bool stores = plan_.nodes[record.end.node].stores;
    const auto must = record.end.code == StatusCode::kOk && !stores ? StatusCode::kUndefinedFunction
                                                                    : record.end.code;
    if (code != must) {
      violate("wrong_error", number,
              "was answered " + name_of(code) + " where the tables lead to " + name_of(must));
    }
    return;
  }
  const bool calm = now < calm_.until || record.asked > calm_.from;
  const bool wide = plan_.network.window_requests >= limits::kInFlightPerLinkMax &&
                    plan_.network.window_bytes >= limits::kInFlightBytesPerLinkMax;
  if (is_of_the_way(code) && calm && (wide || code != StatusCode::kOverloaded) &&
      plan_.requests[number].timeout_ms >= kPatientMs) {
    violate("needless", number, "was answered " + name_of(code) + " though nothing is wrong");
  }
}

void Oracle::check_scan(std::uint32_t number, StatusCode code) {
  const auto store = scans_.store_of(number);
  const auto wrong =
      scans_.answered(number, code == StatusCode::kOk, store ? &shadows_[*store] : nullptr);
  figures_.scans = scans_.judged();
  if (!wrong.empty()) violate("scan", number, wrong);
}

void Oracle::killed(NodeIndex node) {
  if (!plan_.nodes[node].is_durable) shadows_[node].clear();
  scans_.killed(node);
  follows_.killed(node);
  for (std::size_t i = 0; i < records_.size(); ++i) {
    auto& record = records_[i];
    if (plan_.requests[i].node != node || !record.is_asked) continue;
    if (record.is_answered || record.is_abandoned) continue;
    record.is_abandoned = true;
    ++figures_.abandoned;
  }
}

void Oracle::finish() {
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const auto& record = records_[i];
    if (record.is_asked && !record.is_answered && !record.is_abandoned) {
      violate("unanswered", static_cast<std::uint32_t>(i), "was never answered");
    }
  }
}

}  // namespace kvmesh::sim
