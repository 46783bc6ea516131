#include "client/command/nodes/nodes_text.h"

#include <kvmesh/limits.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/base/numbers.h"
#include "client/command/base/table.h"
#include "client/command/nodes/info_text.h"
#include "common/remote/requests.h"

namespace kvmesh::command {
namespace {

struct KnownNode {
  std::string name;
  std::string address;  // of a peer
  std::string via;      // of any other: the peer that leads to it
  std::string state;
  std::string why;
  std::optional<std::uint64_t> in_flight;  // of a peer
};

std::vector<KnownNode> known_nodes(const Value& info) {
  std::vector<KnownNode> out;
  const auto& peers = list_at(info, "peers");
  for (const auto& peer : peers) {
    out.push_back({text_at(peer, "name"),
                   text_at(peer, "address"),
                   {},
                   text_at(peer, "state"),
                   text_at(peer, "why"),
                   number_at(peer, "in_flight")});
  }
  for (const auto& via : list_at(info, "vias")) {
    KnownNode node;
    node.name = text_at(via, "name");
    node.via = text_at(via, "via");
    for (const auto& peer : peers) {
      if (text_at(peer, "name") != node.via) continue;
      node.state = text_at(peer, "state");
      node.why = text_at(peer, "why");
    }
    out.push_back(std::move(node));
  }
  return out;
}

constexpr const char* kDateAndTime = "%Y-%m-%d %H:%M:%S";
constexpr const char* kIsoTime = "%Y-%m-%dT%H:%M:%S";

std::string formatted(const char* format, const std::tm& time) {
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &time)};
}

// ".007"
std::string milliseconds_of(std::chrono::system_clock::time_point time) {
  const auto part = time - std::chrono::floor<std::chrono::seconds>(time);
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(part).count();
  return "." + std::to_string(1000 + count).substr(1);
}

std::string state_text(const NodeChange& change) {
  if (change.up) return change.is_change ? "came up" : "is up";
  return (change.is_change ? "went down: " : "is down: ") + escape(change.why);
}

}  // namespace

std::string change_text(const NodeChange& change, std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  localtime_r(&seconds, &local);
  return formatted(kDateAndTime, local) + milliseconds_of(time) + "  " + escape(change.node) +
         "  " + state_text(change);
}

Value change_json(const NodeChange& change, std::chrono::system_clock::time_point time) {
  const auto whole =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm utc{};
  gmtime_r(&whole, &utc);
  return Value::Map{{"time", formatted(kIsoTime, utc) + milliseconds_of(time) + "Z"},
                    {"node", Bytes{change.node}},
                    {"state", change.up ? "up" : "down"},
                    {"change", change.is_change},
                    {"why", Bytes{change.why}},
                    {"seen_by", Bytes{change.seen_by}}};
}

std::string nodes_table(const Value& info, bool color) {
  Table rows({{"node"}, {"address"}, {"state"}, {"in flight", Table::Align::kRight}, {"why"}});
  for (const auto& node : known_nodes(info)) {
    rows.add(
        {escape(node.name), node.via.empty() ? escape(node.address) : "via " + escape(node.via),
         escape(node.state), node.in_flight ? grouped(*node.in_flight) : "", escape(node.why)});
  }
  return rows.to_string(color);
}

Value nodes_json(const Value& info) {
  Value::List out;
  for (const auto& node : known_nodes(info)) {
    Value::Map row{{"node", Bytes{node.name}}};
    if (node.in_flight) {
      row.emplace_back("address", Bytes{node.address});
    } else {
      row.emplace_back("via", Bytes{node.via});
    }
    row.emplace_back("state", Bytes{node.state});
    if (node.in_flight) row.emplace_back("in_flight", *node.in_flight);
    row.emplace_back("why", Bytes{node.why});
    out.emplace_back(std::move(row));
  }
  return out;
}

namespace {

constexpr std::chrono::milliseconds kWatchPause{
    500};  // between attempts at a node that is away or busy

void print_change(const Session& session, const NodeChange& change) {
  const auto now = std::chrono::system_clock::now();
  session.print_line(session.json() ? change_json(change, now).to_json()
                                    : change_text(change, now));
}

// What became of the question, which only reads, is nobody's concern; why no more can be asked is.
// With several endpoints it is the end of the connection, for the next one may be fine.
Status why_away(const Session& session, Client& client, const Status& failed) {
  if (failed.code() != StatusCode::kOutcomeUnknown) return failed;
  if (session.endpoints().size() > 1) return {StatusCode::kUnavailable, failed.text()};
  auto connection = client.wait_connected(std::chrono::milliseconds{0});
  return connection.ok() ? failed : connection;
}

}  // namespace

int watch_nodes(Session& session, Client& client, const std::string& node) {
  WatchedNodes watched;
  while (true) {
    const auto slice = watched.seen() == 0 ? std::chrono::milliseconds{0} : limits::kTaskSlice;
    const auto outcome =
        client.call(remote::watch_request(node, watched.seen()), slice + session.options.timeout);
    const auto told = outcome.status.ok() ? remote::nodes_told_of(outcome.result)
                                          : Result<remote::NodesTold>{outcome.status};
    const auto changes = watched.take(told.ok() ? told : why_away(session, client, told.status()));
    if (!changes) return session.fail(changes.status());
    for (const auto& change : *changes) print_change(session, change);
    if (!told) std::this_thread::sleep_for(kWatchPause);
  }
}

Result<std::vector<NodeChange>> WatchedNodes::take(const Result<remote::NodesTold>& answer) {
  std::vector<NodeChange> out;
  if (!answer) {
    if (name_.empty()) return answer.status();
    if (answer.status().code() == StatusCode::kOverloaded) return out;
    if (!std::exchange(away_, true)) out.push_back({name_, false, answer.status().to_string(), {}});
    seen_ = 0;
    return out;
  }
  const bool is_another = !name_.empty() && name_ != answer->node;
  if (is_another && !away_) {
    out.push_back({name_, false, "another node is connected now, " + answer->node, {}});
  }
  const bool is_state = seen_ == 0 || is_another;
  name_ = answer->node;
  seen_ = answer->seen;
  if (std::exchange(away_, false) || is_another) out.push_back({name_, true, {}, {}, !is_another});
  for (const auto& change : answer->changes) {
    out.push_back({change.node, change.up, change.why, name_, !is_state});
  }
  return out;
}

}  // namespace kvmesh::command
