#include "client/command/verify/live_mesh.h"

#include <kvmesh/limits.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "client/command/base/completions.h"
#include "client/command/base/escape.h"
#include "client/command/base/interrupts.h"
#include "client/command/nodes/info_text.h"
#include "common/functions.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

// As Client::info().
Result<Value> info_of(Client& client, const std::string& node, std::chrono::milliseconds timeout) {
  const auto target = node.empty() ? Operation::For::kHere : Operation::For::kNode;
  auto outcome =
      call_until_broken_off(client, {target, node, functions::kNodeInfo.str(), {}}, timeout);
  if (!outcome.status.ok()) return std::move(outcome.status);
  return std::move(outcome.result);
}

Status wrong(const std::string& source, const std::string& what) {
  return {StatusCode::kProtocolError,
          "what the node at " + escape(source) + " tells of itself cannot be used: " + what};
}

Status read_peers(const Value& info, verify::MeshNode& out) {
  for (const auto& peer : list_at(info, "peers")) {
    auto name = NodeName::parse(text_at(peer, "name"));
    if (!name) return name.status();
    out.peers.push_back({*std::move(name), text_at(peer, "address")});
  }
  for (const auto& via : list_at(info, "vias")) {
    auto name = NodeName::parse(text_at(via, "name"));
    auto peer = NodeName::parse(text_at(via, "via"));
    if (!name) return name.status();
    if (!peer) return peer.status();
    out.vias.push_back({*std::move(name), *std::move(peer)});
  }
  return {};
}

Status read_table(const Value& info, verify::MeshNode& out) {
  const Value* table = info.find("table");
  if (table == nullptr) return {StatusCode::kProtocolError, "it has no table"};
  std::vector<RouteEntry> entries;
  for (const auto& entry : list_at(*table, "entries")) {
    const auto range = RouteRange::parse(text_at(entry, "range"));
    auto node = NodeName::parse(text_at(entry, "node"));
    if (!range) return range.status();
    if (!node) return node.status();
    entries.push_back({*range, *std::move(node)});
  }
  if (entries.size() > limits::kRoutingEntriesMax) {
    return {StatusCode::kProtocolError, "its table has " + std::to_string(entries.size()) +
                                            " entries, more than " +
                                            std::to_string(limits::kRoutingEntriesMax)};
  }
  if (!RoutingTable::are_in_order(entries)) {
    return {StatusCode::kProtocolError, "its table has entries by first byte behind some by hash"};
  }
  out.table = RoutingTable{std::move(entries)};
  return {};
}

}  // namespace

Result<verify::MeshNode> told_node(const Value& info, const std::string& source) {
  verify::MeshNode out;
  auto name = NodeName::parse(text_at(info, "name"));
  if (!name) return wrong(source, name.status().text());
  out.name = *std::move(name);
  out.source = source;
  out.stores = stores_buckets(info);
  out.serves_lines = has_app(info, "kv_server");
  if (const auto status = read_peers(info, out); !status.ok()) return wrong(source, status.text());
  if (const auto status = read_table(info, out); !status.ok()) return wrong(source, status.text());
  return out;
}

namespace {

// What a node answered, and what of that is looked at here.
struct Told {
  verify::MeshNode node;
  Value info;
};

Result<Told> told(Result<Value> info, const std::string& source) {
  if (!info) return info.status();
  auto node = told_node(*info, source);
  if (!node) return node.status();
  return Told{*std::move(node), *std::move(info)};
}

// A node that others are asked for, connected when it is needed first.
class Knower {
 public:
  Knower(std::string endpoint, std::string name, Access access)
      : endpoint_(std::move(endpoint)), name_(std::move(name)), access_(std::move(access)) {}

  const std::string& endpoint() const { return endpoint_; }
  const std::string& name() const { return name_; }

  // What the node called `name` answers to a request that this one passes on.
  Result<Told> ask_for(const std::string& name) {
    if (!tried_) connect();
    if (!status_.ok()) return status_;
    return told(info_of(*client_, name, access_.timeout), name + " (asked over " + name_ + ")");
  }

 private:
  void connect() {
    tried_ = true;
    if (endpoint_.empty()) {
      status_ = {StatusCode::kUnavailable, name_ + " is only reached over others"};
      return;
    }
    auto client = connected_client({endpoint_}, access_);
    if (!client) {
      status_ = client.status();
      return;
    }
    client_ = *std::move(client);
    // Its peers find it at this address, but here that may be another node's.
    const auto own = info_of(*client_, {}, access_.timeout);
    if (!own) {
      status_ = own.status();
    } else if (text_at(*own, "name") != name_) {
      status_ = {StatusCode::kUnavailable, endpoint_ + " is not the address of " + name_};
    }
  }

  std::string endpoint_;
  std::string name_;
  Access access_;
  bool tried_ = false;
  Status status_;
  std::unique_ptr<Client> client_;
};

class Walk {
 public:
  Walk(Access access, std::optional<std::chrono::steady_clock::time_point> until)
      : access_(std::move(access)), until_(until) {}

  Status begin_at(const EndpointList& endpoints) {
    auto asked = ask(endpoints, access_);
    if (!asked) return asked.status();
    const auto endpoint = asked->node.source;
    keep(*std::move(asked), {endpoint, {}, {}});
    return {};
  }

  // Looks at what each node knows, those that are found meanwhile included. Connections are made
  // one at a time, as a process may have fewer descriptors than a mesh has nodes.
  void go_on() {
    auto& nodes = mesh_.model.nodes;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto peers = nodes[i].peers;
      const auto vias = nodes[i].vias;
      const std::string name = nodes[i].name.str();  // `nodes` grows
      Knower knower{mesh_.ways.at(name).address, name, access_};
      for (const auto& peer : peers) {
        if (!is_left_out(name, peer.name.str())) find(peer, knower);
      }
      for (const auto& via : vias) {
        if (!is_left_out(name, via.peer.str())) find_behind(via.node.str(), knower);
      }
    }
  }

  LiveMesh take() { return std::move(mesh_); }

 private:
  bool is_left_out(const std::string& knower, const std::string& peer) const {
    if (broken_off()) return true;
    if (!until_) return false;
    if (std::chrono::steady_clock::now() >= *until_) return true;
    const auto& peers = list_at(*mesh_.infos.at(knower), "peers");
    const auto told =
        std::ranges::find_if(peers, [&](const Value& one) { return text_at(one, "name") == peer; });
    return told == peers.end() || text_at(*told, "state") != "up";
  }

  // The node's `source` is the endpoint that was asked.
  Result<Told> ask(const EndpointList& endpoints, const Access& to_connect) const {
    const auto client = connected_client(endpoints, to_connect);
    if (!client) return client.status();
    Status why;
    // The next one is asked when the connection ends under the question.
    for (std::size_t tried = 0; tried < endpoints.size(); ++tried) {
      const auto endpoint = (*client)->connected_endpoint();
      auto info = info_of(**client, {}, access_.timeout);
      const bool is_same = endpoints.size() == 1 || endpoint == (*client)->connected_endpoint();
      if (info && is_same) return told(std::move(info), endpoint.empty() ? endpoints[0] : endpoint);
      why = info ? Status{StatusCode::kUnavailable, "the connection to " + endpoint + " ended"}
                 : info.status();
      if (!is_transient(why.code())) break;
    }
    return why;
  }

  // Asks over the node that knows the peer, as its address is meant for that one; then directly, as
  // the link between the two may be down.
  void find(const PeerSettings& peer, Knower& knower) {
    const std::string& name = peer.name.str();
    if (const auto known = mesh_.ways.find(name); known != mesh_.ways.end()) {
      // It was found as one behind a peer, of which the address is not known: this one knows it.
      if (known->second.address.empty()) {
        known->second.address = peer.address;
      } else if (known->second.address != peer.address) {
        look_for_twin(peer, knower);
      }
      return;
    }
    auto asked = knower.ask_for(name);
    Status why = asked.status();
    std::string text = why.to_string();
    Way way{peer.address, knower.name(), knower.endpoint()};
    if (!asked) {
      way = {peer.address, {}, {}};
      asked = ask({peer.address}, access_.within(kConnectMax));
      if (asked.ok() && asked->node.name != peer.name) {
        text = peer.address + " is the address of " + asked->node.name.str();
        why = {StatusCode::kUnavailable, text};
      }
    }
    if (asked.ok() && asked->node.name == peer.name) {
      asked->node.source = peer.address;
      keep(*std::move(asked), std::move(way));
    } else {
      if (why.ok()) why = answered_as_another(name, knower);
      keep_silent(name, why, text == to_string(StatusCode::kOk) ? why.to_string() : text);
    }
  }

  // A peer that is found elsewhere than before: another spelling of its address, or another node.
  void look_for_twin(const PeerSettings& peer, Knower& knower) {
    if (!looked_for_.emplace(peer.name.str(), peer.address).second) return;
    const auto asked = knower.ask_for(peer.name.str());
    if (asked.ok() && asked->node.name == peer.name) {
      compare_with_first(*asked, peer.address + ", where " + knower.name() + " looks for it");
    }
  }

  // Another incarnation is another node, unless it began while this walk goes on: then it may be
  // the first, started again.
  void compare_with_first(const Told& asked, std::string where) {
    const std::string& name = asked.node.name.str();
    const auto& first = mesh_.infos.at(name);
    const auto incarnation = number_at(asked.info, "incarnation");
    if (!first || incarnation == 0 || number_at(*first, "incarnation") == incarnation) return;
    const auto walked = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began_);
    if (number_at(asked.info, "uptime_ms") <= static_cast<std::uint64_t>(walked.count())) return;
    const auto& nodes = mesh_.model.nodes;
    const auto is_first = [&](const verify::MeshNode& node) { return node.name.str() == name; };
    mesh_.model.twins.push_back(
        {name, std::ranges::find_if(nodes, is_first)->source, std::move(where)});
  }

  static Status answered_as_another(const std::string& name, const Knower& knower) {
    return {StatusCode::kProtocolError,
            "the answer that " + knower.name() + " passed on from " + name + " is another node's"};
  }

  void find_behind(const std::string& name, Knower& knower) {
    if (mesh_.ways.contains(name)) return;
    auto asked = knower.ask_for(name);
    if (asked.ok() && asked->node.name.str() == name) {
      keep(*std::move(asked), {{}, knower.name(), knower.endpoint()});
    } else {
      const auto why = asked.ok() ? answered_as_another(name, knower) : asked.status();
      keep_silent(name, why, why.to_string());
    }
  }

  void keep(Told asked, Way way) {
    const std::string name = asked.node.name.str();
    if (!mesh_.ways.emplace(name, std::move(way)).second) {
      return compare_with_first(asked, asked.node.source);
    }
    mesh_.model.silent.erase(name);
    mesh_.infos.insert_or_assign(name, std::move(asked.info));
    mesh_.model.nodes.push_back(std::move(asked.node));
  }

  // The first reason stays.
  void keep_silent(const std::string& name, Status why, std::string text) {
    mesh_.model.silent.emplace(name, std::move(text));
    mesh_.infos.emplace(name, std::move(why));
  }

  Access access_;
  std::optional<std::chrono::steady_clock::time_point> until_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::set<std::pair<std::string, std::string>> looked_for_;  // names, with addresses
  LiveMesh mesh_;
};

}  // namespace

Result<std::unique_ptr<Client>> connected_client(const EndpointList& endpoints,
                                                 const Access& access) {
  auto client = open_client(endpoints, access);
  if (!client) return client.status();
  auto up = wait_connected_until_broken_off(**client, connect_patience(endpoints, access.timeout));
  if (!up.ok()) return up;
  return client;
}

Result<LiveMesh> live_mesh(const std::vector<EndpointList>& starts, const Access& access,
                           std::optional<std::chrono::steady_clock::time_point> until) {
  Walk walk{access, until};
  for (const auto& endpoints : starts) {
    if (auto status = walk.begin_at(endpoints); !status.ok()) return status;
  }
  walk.go_on();
  if (broken_off()) return interrupted_status();
  return walk.take();
}

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Result<Reached> reach_at(const std::string& endpoint, const std::string& name,
                         const CallTime& time) {
  auto client = connected_client({endpoint}, time.of_a_connection());
  if (!client) return client.status();
  auto info = info_of(**client, {}, time.of_a_call());
  if (!info) return info.status();
  if (text_at(*info, "name") != name) {
    return Status{StatusCode::kUnavailable, endpoint + " is not the address of " + name};
  }
  return Reached{*std::move(client), {}, *std::move(info)};
}

Result<Reached> reach_over(const std::string& endpoint, const std::string& name,
                           const CallTime& time) {
  auto client = connected_client({endpoint}, time.of_a_connection());
  if (!client) return client.status();
  auto info = info_of(**client, name, time.of_a_call());
  if (!info) return info.status();
  return Reached{*std::move(client), name, *std::move(info)};
}

}  // namespace

CallTime::CallTime(Access access)
    : access_(std::move(access)), end_(steady_clock::now() + kCountTimeouts * access_.timeout) {}

bool CallTime::is_over() const { return broken_off() || steady_clock::now() >= end_; }

milliseconds CallTime::of_a_call() const {
  const auto left = std::chrono::ceil<milliseconds>(end_ - steady_clock::now());
  return std::clamp(left, milliseconds{1}, std::max(access_.timeout, milliseconds{1}));
}

Access CallTime::of_a_connection() const {
  return {std::min(of_a_call(), kConnectMax), access_.key_file};
}

Status CallTime::over() const {
  if (broken_off()) return interrupted_status();
  return {StatusCode::kDeadlineExceeded,
          "counting takes at most " + std::to_string(kCountTimeouts) + " times --timeout, " +
              std::to_string((kCountTimeouts * access_.timeout).count()) + " ms, which are over"};
}

Result<Reached> reach(const Way& way, const std::string& name, const CallTime& time) {
  Status why{StatusCode::kUnavailable, "no way to " + name + " is known"};
  if (!way.address.empty()) {
    auto reached = reach_at(way.address, name, time);
    if (reached) return reached;
    why = reached.status();
  }
  if (way.knower_address.empty() || time.is_over()) return why;
  return reach_over(way.knower_address, name, time);
}

}  // namespace kvmesh::command
