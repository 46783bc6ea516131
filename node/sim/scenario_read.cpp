#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <utility>

#include "common/config/load.h"
#include "common/text.h"
#include "node/sim/scenario.h"

namespace kvmesh::sim {
namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view line, char separator) {
  Words words;
  while (!line.empty()) {
    const auto end = std::min(line.find(separator), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// A comment begins with a # that stands alone: one may also be the first byte of a range.
std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = i == 0 || line[i - 1] == ' ';
    const bool ends = i == 0 || i + 1 == line.size() || line[i + 1] == ' ';
    if (line[i] == '#' && begins && ends) return line.substr(0, i);
  }
  return line;
}

// Stops at the first fault: status() holds it, and what is read afterwards is of no account.
class ScenarioReader {
 public:
  explicit ScenarioReader(Plan& plan) : plan_(plan) {
    for (std::uint32_t i = 0; i < plan.buckets.size(); ++i) buckets_.emplace(plan.buckets[i], i);
  }

  const Status& status() const { return status_; }

  void line(std::string_view text) {
    const auto words = split(without_comment(text), ' ');
    if (words.empty()) return;
    if (words[0] == "seed" && words.size() == 2) {
      plan_.seed = number(words[1], ~std::uint64_t{0});
    } else if (words[0] == "network") {
      network({words.begin() + 1, words.end()});
    } else if (words[0] == "node" && words.size() > 1) {
      node({words.begin() + 1, words.end()});
    } else if (words[0] == "table" && words.size() > 1) {
      const auto place = find(words[1]);
      if (!status_.ok()) return;
      plan_.nodes[place].table = table(place, {words.begin() + 2, words.end()});
    } else if (words[0] == "at" && words.size() > 2) {
      const auto at = time(words[1]);
      words[2] == "ask" ? ask(at, {words.begin() + 3, words.end()})
                        : fault(at, words[2], {words.begin() + 3, words.end()});
    } else {
      wrong("a line begins with seed, network, node, table or at TIME, and goes on");
    }
  }

  // Peers may be named before their own line.
  void finish() {
    for (auto& [place, words] : peers_) add_peers(place, words);
    for (const auto& [place, entries] : tables_) check_table(place, entries);
    for (const auto& fault : plan_.faults) {
      if (fault.kind == FaultKind::kPeers) check_peers(plan_.nodes[fault.first[0]], fault.second);
    }
  }

 private:
  void wrong(std::string text) {
    if (status_.ok()) status_ = {StatusCode::kInvalidArgument, std::move(text)};
  }

  std::uint64_t number(std::string_view text, std::uint64_t most) {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || out > most) {
      wrong(in_quotes(text) + " is no number from 0 to " + std::to_string(most));
    }
    return out;
  }
  Micros time(std::string_view text) {
    const auto time = parse_time(text);
    if (!time) wrong(time.status().text());
    return time ? *time : Micros{};
  }
  NodeIndex find(std::string_view name) {
    const auto place = plan_.find(name);
    if (!place) wrong("there is no node " + in_quotes(name));
    return place.value_or(0);
  }
  std::vector<NodeIndex> nodes(std::string_view text) {
    std::vector<NodeIndex> out;
    if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
    if (text == "*") {
      for (NodeIndex i = 0; i < plan_.nodes.size(); ++i) out.push_back(i);
      return out;
    }
    for (const auto name : split(text, ',')) out.push_back(find(name));
    if (out.empty()) wrong("write nodes as a@h or {a@h,b@h}, without spaces");
    return out;
  }

  void network(const Words& words) {
    auto& network = plan_.network;
    for (const auto word : words) {
      const auto equals = std::min(word.find('='), word.size());
      const auto name = word.substr(0, equals);
      const auto value = word.substr(std::min(equals + 1, word.size()));
      if (name == "delay") {
        network.delay = time(value);
      } else if (name == "jitter") {
        network.jitter = time(value);
      } else if (name == "requests") {
        network.window_requests = number(value, limits::kInFlightPerLinkMax);
      } else if (name == "bytes") {
        network.window_bytes = number(value, limits::kInFlightBytesPerLinkMax);
      } else if (name == "pipe") {
        network.pipe_frames = static_cast<std::uint32_t>(number(value, UINT32_MAX));
      } else if (name == "buffer") {
        network.buffer_bytes = number(value, UINT64_MAX);
      } else if (name == "rate") {
        network.rate = number(value, UINT64_MAX);
      } else {
        wrong("the network has delay=, jitter=, requests=, bytes=, pipe=, buffer= and rate=");
      }
    }
  }

  void node(const Words& words) {
    const auto name = NodeName::parse(words[0]);
    if (!name) return wrong(name.status().text());
    if (plan_.find(words[0])) return wrong("node " + name->str() + " is there already");
    const auto place = static_cast<NodeIndex>(plan_.nodes.size());
    auto& node = plan_.nodes.emplace_back();
    node.name = *name;
    node.stores = std::ranges::find(words, "stores") != words.end();
    node.has_slow_engine = std::ranges::find(words, "slow_engine") != words.end();
    node.is_durable = std::ranges::find(words, "durable") != words.end();
    if (node.has_slow_engine && node.is_durable) {
      return wrong("node " + name->str() + " cannot be both slow_engine and durable");
    }
    auto& peers = peers_[place];
    for (const auto word : Words{words.begin() + 1, words.end()}) {
      if (word.starts_with("memory=")) {
        node.memory_max = number(word.substr(7), SIZE_MAX);
      } else if (word != "stores" && word != "slow_engine" && word != "durable") {
        peers.emplace_back(word);
      }
    }
    if (node.is_durable && node.memory_max != NodePlan{}.memory_max) {
      wrong("node " + name->str() + " is durable, and then the simulation knows no memory=");
    }
  }

  void add_peers(NodeIndex place, const std::vector<std::string>& words) {
    auto& node = plan_.nodes[place];
    for (const std::string_view word : words) {
      const auto equals = word.find('=');
      if (equals == std::string_view::npos) {
        node.peers.push_back(find(word));
        continue;
      }
      const auto name = NodeName::parse(word.substr(0, equals));
      const auto peer = std::ranges::find(node.peers, find(word.substr(equals + 1)));
      if (!name || peer == node.peers.end()) {
        return wrong("node " + node.name.str() + ": " + in_quotes(word) + " is not NODE=PEER");
      }
      node.vias.push_back({*name, static_cast<std::uint16_t>(peer - node.peers.begin())});
    }
  }

  RoutingTable table(NodeIndex place, const Words& words) {
    std::vector<RouteEntry> entries;
    if (words.size() == 1 && words[0].find('=') == std::string_view::npos) {
      const auto loaded = load_settings({{std::string{words[0]}}, {}, {}});
      if (!loaded) wrong(loaded.status().text());
      if (loaded) entries = loaded->settings.kv.routing_table.entries();
    } else {
      for (const auto word : words) {
        const auto equals = word.find('=', 1);
        const auto range = RouteRange::parse(word.substr(0, equals));
        const auto name = equals == std::string_view::npos
                              ? Result<NodeName>{Status{StatusCode::kInvalidArgument, ""}}
                              : NodeName::parse(word.substr(equals + 1));
        if (!range || !name) {
          wrong(in_quotes(word) + " is no entry; write RANGE=NODE, such as a..m=foo@h");
          return {};
        }
        entries.push_back({*range, *name});
      }
    }
    if (!RoutingTable::are_in_order(entries)) {
      wrong("an entry by first byte stands behind one by hash; move it before these");
      return {};
    }
    tables_.emplace_back(place, entries);
    return RoutingTable{std::move(entries)};
  }

  void check_table(NodeIndex place, const std::vector<RouteEntry>& entries) {
    const auto& node = plan_.nodes[place];
    for (const auto& entry : entries) {
      bool known = entry.node == node.name;
      for (const auto peer : node.peers) known = known || plan_.nodes[peer].name == entry.node;
      for (const auto& via : node.vias) known = known || via.node == entry.node;
      if (!known) {
        return wrong("a table of " + node.name.str() + " names " + entry.node.str() +
                     ", which is neither that node nor a peer of it");
      }
    }
  }

  void check_peers(const NodePlan& node, const std::vector<NodeIndex>& peers) {
    for (const auto peer : peers) {
      if (std::ranges::find(node.peers, peer) != node.peers.end()) continue;
      wrong("node " + node.name.str() + " never has the peer " + plan_.nodes[peer].name.str() +
            "; name it in the line of the node");
    }
  }

  void fault(Micros at, std::string_view word, const Words& words) {
    struct Known {
      FaultKind kind;
      std::size_t words_min;
      std::size_t words_max;
      const char* usage;
    };
    static const std::map<std::string_view, Known> kKnown = {
        {"kill", {FaultKind::kKill, 1, 1, "kill NODES"}},
        {"start", {FaultKind::kStart, 1, 1, "start NODES"}},
        {"fail_sync", {FaultKind::kFailSync, 1, 1, "fail_sync NODES"}},
        {"stop", {FaultKind::kStop, 1, 1, "stop NODES"}},
        {"pause", {FaultKind::kPause, 1, 1, "pause NODES"}},
        {"resume", {FaultKind::kResume, 1, 1, "resume NODES"}},
        {"slow", {FaultKind::kSlow, 2, 2, "slow NODES TIME"}},
        {"cut", {FaultKind::kCut, 2, 2, "cut NODES NODES"}},
        {"partition", {FaultKind::kPartition, 2, 2, "partition NODES NODES"}},
        {"throttle", {FaultKind::kThrottle, 3, 3, "throttle NODES NODES BYTES"}},
        {"heal", {FaultKind::kHeal, 0, 0, "heal"}},
        {"reload",
         {FaultKind::kReload, 1, SIZE_MAX, "reload NODE FILE, or reload NODE RANGE=NODE..."}},
        {"peers", {FaultKind::kPeers, 2, SIZE_MAX, "peers NODE PEERS RANGE=NODE..."}}};
    const auto found = kKnown.find(word);
    if (found == kKnown.end()) {
      return wrong(
          "at a time one can ask, kill, start, fail_sync, stop, pause, resume, slow, cut, "
          "partition, "
          "throttle, heal, reload or peers, not " +
          in_quotes(word));
    }
    const auto& known = found->second;
    if (words.size() < known.words_min || words.size() > known.words_max) {
      return wrong(std::string{"write "} + known.usage);
    }
    Fault out;
    out.at = at;
    out.kind = known.kind;
    if (!words.empty()) out.first = nodes(words[0]);
    if (!status_.ok()) return;
    if (out.kind == FaultKind::kThrottle) out.rate = number(words[2], UINT64_MAX);
    if (is_two_sided(out.kind)) {
      out.second = nodes(words[1]);
      // A set may be written as "the others": {*} leaves out those that the first names.
      std::erase_if(out.second, [&](NodeIndex node) {
        return std::ranges::find(out.first, node) != out.first.end();
      });
    }
    if (out.kind == FaultKind::kSlow) out.amount = time(words[1]);
    if (out.kind == FaultKind::kReload)
      out.table = table(out.first[0], {words.begin() + 1, words.end()});
    if (out.kind == FaultKind::kPeers) {
      out.first.resize(1);
      if (words[1] != "{}") out.second = nodes(words[1]);
      out.table = table(out.first[0], {words.begin() + 2, words.end()});
    }
    plan_.faults.push_back(std::move(out));
  }

  void ask(Micros at, const Words& words) {
    constexpr const char* kUsage =
        "write ask NODE BUCKET FUNCTION [kN] [vN[:BYTES]] [timeout=TIME], and more for kv.read and "
        "for kv.apply, such as ask foo@h milk kv.put k1 v7";
    if (words.size() < 3) return wrong(kUsage);
    Request request;
    request.at = at;
    request.node = find(words[0]);
    const auto operation = operation_of(words[2]);
    if (!operation) return wrong(kUsage);
    request.operation = *operation;
    if (lists(*operation)) request.key = kNextPage;
    const auto bucket = unescape_word(words[1]);
    const auto [place, is_new] =
        buckets_.emplace(bucket, static_cast<std::uint32_t>(plan_.buckets.size()));
    if (is_new) plan_.buckets.push_back(bucket);
    request.bucket = place->second;
    const bool has_batch = *operation == Operation::kRead || *operation == Operation::kApply;
    if (has_batch) {
      request.batch = static_cast<std::uint32_t>(plan_.batches.size());
      plan_.batches.emplace_back();
    }
    for (std::size_t i = 3; i < words.size(); ++i) {
      const auto word = words[i];
      if (word.starts_with("timeout=")) {
        const auto most = std::uint64_t{UINT32_MAX};
        const auto left = static_cast<std::uint64_t>(time(word.substr(8)).count() / 1000);
        request.timeout_ms = static_cast<std::uint32_t>(std::min(left, most));
      } else if (word.starts_with("wait=") && *operation == Operation::kChanges) {
        request.wait_ms = static_cast<std::uint32_t>(
            std::min(time(word.substr(5)), Micros{limits::kChangesWaitMax}) /
            std::chrono::milliseconds{1});
      } else if (has_batch && !word.starts_with('v')) {
        const auto status = read_batch_word(word, plan_.batches.back());
        if (!status.ok()) return wrong(status.text());
      } else if (word.starts_with('k')) {
        request.key = static_cast<std::uint16_t>(number(word.substr(1), UINT16_MAX));
      } else if (word.starts_with('v')) {
        const auto colon = std::min(word.find(':'), word.size());
        request.value = static_cast<std::uint32_t>(number(word.substr(1, colon - 1), UINT32_MAX));
        if (colon < word.size()) {
          request.value_bytes =
              static_cast<std::uint32_t>(number(word.substr(colon + 1), limits::kValueBytesMax));
        }
      } else {
        return wrong(kUsage);
      }
    }
    if (has_batch) {
      const auto status = check_batch(plan_.batches.back(), request.value_bytes);
      if (!status.ok()) return wrong(status.text());
    }
    plan_.requests.push_back(request);
  }

  Plan& plan_;
  Status status_;
  std::map<std::string, std::uint32_t> buckets_;
  std::map<NodeIndex, std::vector<std::string>> peers_;
  std::vector<std::pair<NodeIndex, std::vector<RouteEntry>>> tables_;
};

}  // namespace

Status read_scenario(std::string_view text, const std::string& where, Plan& plan) {
  ScenarioReader reader{plan};
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = std::min(text.find('\n'), text.size());
    reader.line(text.substr(0, end));
    if (!reader.status().ok()) {
      return {StatusCode::kInvalidArgument,
              where + ":" + std::to_string(number) + ": " + reader.status().text()};
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  reader.finish();
  if (!reader.status().ok()) {
    return {StatusCode::kInvalidArgument, where + ": " + reader.status().text()};
  }
  std::ranges::stable_sort(plan.faults, {}, &Fault::at);
  std::ranges::stable_sort(plan.requests, {}, &Request::at);
  return {};
}

}  // namespace kvmesh::sim
