// Names and addresses that stand in two files and do not go together.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "common/config/address.h"
#include "common/verify/checks.h"

namespace kvmesh::verify {
namespace {

constexpr std::string_view kTcp = "tcp://";

std::optional<HostPort> tcp_of(std::string_view address) {
  if (address.starts_with(kTcp)) address.remove_prefix(kTcp.size());
  const auto parsed = parse_host_port(address, AddressUse::kListen);
  if (!parsed.ok()) return std::nullopt;
  return *parsed;
}

bool is_everywhere(const std::string& host) {
  return host == "*" || host == "0.0.0.0" || host == "::";
}

// An address, not a name that only its own network can look up.
bool is_number(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

/// Can whoever connects to `address` reach what listens at `listen`? Where only the network knows
/// (host names, all interfaces, a port that the system chooses), yes.
bool may_reach(const std::string& address, const std::string& listen) {
  if (address == listen) return true;
  const auto to = tcp_of(address);
  const auto at = tcp_of(listen);
  if (!to || !at) return false;  // ipc, and another path
  if (at->port != 0 && to->port != at->port) return false;
  if (is_everywhere(at->host) || to->host == at->host) return true;
  if (is_loopback(listen) || is_loopback(address))
    return is_loopback(listen) == is_loopback(address);
  return !is_number(to->host) || !is_number(at->host);
}

// Which of the described nodes certainly listens there; empty: none.
std::string listener_at(const Atlas& atlas, const std::string& address) {
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    if (atlas.node(place).listen == address) return atlas.name(place);
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
    finding.kind = Kind::kSameName;
    finding.nodes = {name};
    finding.what = counted(where.size(), "file describes", "files describe") + " " + name + ": " +
                   some_of(where);
    finding.advice = "give each node a name of its own; here only the first was looked at";
    out.push_back(std::move(finding));
  }
}

void find_wrong_addresses(const Atlas& atlas, std::vector<Finding>& out) {
  // By the peer's place and the address.
  std::map<std::pair<std::uint32_t, std::string>, Mismatch> mismatches;
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    const auto& node = atlas.node(place);
    for (const auto& peer : node.peers) {
      const auto known = atlas.find(peer.name.str());
      if (!known || peer.address.empty()) continue;
      const auto& listen = atlas.node(*known).listen;
      if (listen.empty() || may_reach(peer.address, listen)) continue;
      auto& mismatch = mismatches[{*known, peer.address}];
      mismatch.nodes.push_back(node.name.str());
      mismatch.sources.push_back(node.source);
    }
  }
  for (const auto& [key, mismatch] : mismatches) {
    const auto& peer = atlas.node(key.first);
    const auto other = listener_at(atlas, key.second);
    Finding finding;
    finding.kind = Kind::kAddress;
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

// Several nodes at one address. Those that listen on all interfaces, or on a port that the system
// chooses, may be on machines of their own; and so may those on loopback that serve only lines
// there.
void find_shared_listeners(const Atlas& atlas, bool lines, std::vector<Finding>& out) {
  std::map<std::string, std::vector<std::uint32_t>> by_address;
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    const auto& node = atlas.node(place);
    const std::string& address = lines ? node.line_listen : node.listen;
    const auto tcp = tcp_of(address);
    if (address.empty() || (tcp && (tcp->port == 0 || is_everywhere(tcp->host)))) continue;
    if (lines && is_loopback(address) && !is_loopback(node.listen)) continue;
    by_address[address].push_back(place);
  }
  for (const auto& [address, places] : by_address) {
    if (places.size() < 2) continue;
    Finding finding;
    finding.kind = Kind::kAddress;
    std::vector<std::string> sources;
    for (const auto place : places) {
      finding.nodes.push_back(atlas.name(place));
      sources.push_back(atlas.node(place).source);
    }
    finding.what = some_of(finding.nodes) + " all listen at " + address;
    if (places.size() == 2) finding.what = some_of(finding.nodes) + " both listen at " + address;
    finding.advice = std::string{"give each a "} + (lines ? "kv_server.listen" : "mesh.listen") +
                     " of its own; they stand in " + some_of(sources);
    out.push_back(std::move(finding));
  }
}

}  // namespace

void find_address_faults(const Subject& subject, std::vector<Finding>& out) {
  find_same_names(subject.model, out);
  find_wrong_addresses(subject.atlas, out);
  find_shared_listeners(subject.atlas, false, out);
  find_shared_listeners(subject.atlas, true, out);
}

}  // namespace kvmesh::verify
