// Names and addresses that stand in two files and do not go together.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/verify/checks.h"
#include "common/config/address.h"
#include "common/text.h"

namespace kvmesh::verify {
namespace {

// Can whoever connects to `to` reach what listens at `at`? Where only the network knows (names, a
// port that the system chooses), yes.
bool may_reach(const SocketAddress& to, const SocketAddress& at) {
  if (to.host.empty() || at.host.empty()) return to == at;  // ipc
  if (at.port != 0 && to.port != at.port) return false;
  if (at.host == "0.0.0.0") return to.host.find(':') == std::string::npos;  // of IPv4 alone
  if (at.is_everywhere() || to.host == at.host) return true;
  if (to.is_loopback() != at.is_loopback()) return false;
  return to.is_named() || at.is_named();
}

// One address that a described node listens at.
struct Listener {
  std::uint32_t node = 0;
  bool lines = false;  // of the line protocol
  std::string text;    // as it is written
  SocketAddress place;
};

std::vector<Listener> listeners_of(const Atlas& atlas) {
  std::vector<Listener> out;
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    const auto& node = atlas.node(place);
    if (!node.listen.empty())
      out.push_back({place, false, node.listen, socket_address(node.listen)});
    if (!node.line_listen.empty()) {
      out.push_back({place, true, node.line_listen, socket_address(node.line_listen)});
    }
  }
  return out;
}

// Which of the described nodes certainly listens there, as "foo@h" or "the line protocol of foo@h";
// empty: none.
std::string listener_at(const Atlas& atlas, const std::vector<Listener>& listeners,
                        const std::string& address) {
  const auto place = socket_address(address);
  for (const auto& listener : listeners) {
    if (listener.place != place) continue;
    return (listener.lines ? "the line protocol of " : "") + atlas.name(listener.node);
  }
  return {};
}

struct Mismatch {
  std::vector<std::string> nodes;  // that look for the peer there
  std::vector<std::string> sources;
};

void find_same_names(const MeshModel& model, std::vector<Finding>& out) {
  std::map<std::string, std::vector<std::string>> sources;
  for (const auto& node : model.nodes) sources[node.name.str()].push_back(node.source);
  for (const auto& [name, where] : sources) {
    if (where.size() < 2) continue;
    Finding finding;
    finding.kind = FindingKind::kSameName;
    finding.nodes = {name};
    finding.what = counted(where.size(), "file describes", "files describe") + " " + name + ": " +
                   some_of(where);
    finding.advice = "give each node a name of its own; here only the first was looked at";
    out.push_back(std::move(finding));
  }
  for (const auto& twins : model.twins) {
    Finding finding;
    finding.kind = FindingKind::kSameName;
    finding.nodes = {twins.name};
    finding.what = "two nodes run as " + twins.name + ": one at " + twins.first + ", another at " +
                   twins.second;
    finding.advice =
        "stop one of them and give it a name of its own: each holds buckets that requests which go "
        "to the other do not find; here only the first was looked at";
    out.push_back(std::move(finding));
  }
}

void find_wrong_addresses(const Atlas& atlas, const std::vector<Listener>& listeners,
                          std::vector<Finding>& out) {
  // By the peer's place and the address.
  std::map<std::pair<std::uint32_t, std::string>, Mismatch> mismatches;
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    const auto& node = atlas.node(place);
    for (const auto& peer : node.peers) {
      const auto known = atlas.find(peer.name.str());
      if (!known || peer.address.empty()) continue;
      const auto& listen = atlas.node(*known).listen;
      if (listen.empty() || may_reach(socket_address(peer.address), socket_address(listen)))
        continue;
      auto& mismatch = mismatches[{*known, peer.address}];
      mismatch.nodes.push_back(node.name.str());
      mismatch.sources.push_back(node.source);
    }
  }
  for (const auto& [key, mismatch] : mismatches) {
    const auto& peer = atlas.node(key.first);
    const auto other = listener_at(atlas, listeners, key.second);
    Finding finding;
    finding.kind = FindingKind::kAddress;
    finding.nodes = mismatch.nodes;
    finding.nodes.push_back(peer.name.str());
    finding.what = some_of(mismatch.nodes) +
                   (mismatch.nodes.size() == 1 ? " expects " : " expect ") + peer.name.str() +
                   " at " + key.second + ", but " +
                   (other.empty() ? std::string{} : other + " listens there, and ") +
                   peer.name.str() + (other.empty() ? " listens at " : " at ") + peer.listen;
    finding.advice =
        "correct mesh.peers in " + some_of(mismatch.sources) + ", or mesh.listen in " + peer.source;
    out.push_back(std::move(finding));
  }
}

// Those that listen on all interfaces, or on a port that the system chooses, may be on machines of
// their own; and so may those on loopback that serve only lines there.
bool may_be_anywhere(const Atlas& atlas, const Listener& listener) {
  if (listener.place.host.empty()) return false;  // ipc
  if (listener.place.port == 0 || listener.place.is_everywhere()) return true;
  return listener.lines && listener.place.is_loopback() &&
         !socket_address(atlas.node(listener.node).listen).is_loopback();
}

std::string key_of(const Listener& listener) {
  return listener.lines ? "kv_server.listen" : "mesh.listen";
}

// Of listeners at one place.
Finding shared_place(const Atlas& atlas, const std::vector<Listener>& there) {
  Finding finding;
  finding.kind = FindingKind::kAddress;
  std::set<std::string> keys;
  for (const auto& listener : there) keys.insert(key_of(listener));
  std::vector<std::string> who;
  std::vector<std::string> sources;
  for (const auto& listener : there) {
    const auto& name = atlas.name(listener.node);
    who.push_back(keys.size() == 1 ? name : name + " (" + key_of(listener) + ")");
    if (std::ranges::find(finding.nodes, name) != finding.nodes.end()) continue;
    finding.nodes.push_back(name);
    sources.push_back(atlas.node(listener.node).source);
  }
  finding.what =
      some_of(who) + (there.size() == 2 ? " both" : " all") + " listen at " + there.front().text;
  finding.advice = "give each a " + joined({keys.begin(), keys.end()}, " and ") +
                   " of its own; they stand in " + some_of(sources);
  return finding;
}

// Several at one place, whatever serves there and however it is spelt.
void find_shared_listeners(const Atlas& atlas, const std::vector<Listener>& listeners,
                           std::vector<Finding>& out) {
  std::map<SocketAddress, std::vector<Listener>> by_place;
  for (const auto& listener : listeners) {
    if (!may_be_anywhere(atlas, listener)) by_place[listener.place].push_back(listener);
  }
  for (const auto& [place, there] : by_place) {
    if (there.size() > 1) out.push_back(shared_place(atlas, there));
  }
  // A node's own two are on one machine, whatever they are.
  for (std::size_t i = 1; i < listeners.size(); ++i) {
    const auto& a = listeners[i - 1];
    const auto& b = listeners[i];
    if (a.node != b.node || !collide(a.place, b.place)) continue;
    const bool told = a.place == b.place && by_place.contains(a.place) &&
                      by_place.at(a.place).size() > 1 && !may_be_anywhere(atlas, b);
    if (!told) out.push_back(shared_place(atlas, {a, b}));
  }
}

}  // namespace

void find_address_faults(const Subject& subject, std::vector<Finding>& out) {
  find_same_names(subject.model, out);
  const auto listeners = listeners_of(subject.atlas);
  find_wrong_addresses(subject.atlas, listeners, out);
  find_shared_listeners(subject.atlas, listeners, out);
}

}  // namespace kvmesh::verify
