#include "common/config/check.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "common/config/address.h"
#include "common/config/schema.h"
#include "common/config/tls_keys.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

std::string entry_key(std::size_t index) {
  return "kv.routing_table[" + std::to_string(index) + "]";
}

std::string ms(std::chrono::milliseconds duration) { return std::to_string(duration.count()); }

void check_required(const Draft& draft, Faults& faults) {
  if (!draft.given("name")) {
    faults.add(
        draft.whole, "name",
        R"(is missing; add name = "foo@localhost", the name that other nodes know this one by)");
  }
  if (!draft.given("apps")) {
    faults.add(draft.whole, "apps",
               R"(is missing; add apps = ["kv", "kv_server"], or just one of them)");
  }
}

// Each is of no use without the other.
void check_security(const Draft& draft, Faults& faults) {
  const auto& mesh = draft.settings.mesh;
  if (mesh.key.empty() == mesh.security.empty() || !draft.sound("mesh.key") ||
      !draft.sound("mesh.security")) {
    return;
  }
  const bool has_key = !mesh.key.empty();
  const std::string given = has_key ? "mesh.key" : "mesh.security";
  faults.add(draft.place_of(given), given,
             has_key ? "needs mesh.security, the file that says whose keys are let in; add "
                       "security = \"security.toml\""
                     : "needs mesh.key, the key file of this node; type kvmesh keygen --help, and "
                       "add key = \"FILE\"");
}

void check_loopback(const Draft& draft, std::string_view key, const std::string& address,
                    std::string_view advice, Faults& faults) {
  if (!draft.sound(key) || !draft.sound("mesh.insecure") || draft.settings.mesh.insecure ||
      is_loopback(address))
    return;
  faults.add(draft.place_of(key), key,
             in_quotes(address) +
                 " is not a loopback address, and everyone who can reach it could read and write "
                 "everything, unencrypted; "
                 "listen on 127.0.0.1, " +
                 std::string{advice} + "or set mesh.insecure = true where the network is trusted");
}

void check_listen(const Draft& draft, Faults& faults) {
  const Settings& s = draft.settings;
  if (s.mesh.key.empty() && draft.sound("mesh.key")) {
    check_loopback(draft, "mesh.listen", s.mesh.listen, "give the node a key (mesh.key), ", faults);
  }
  if (!s.apps.kv_server) return;
  if (!s.kv_server.tls.is_on() || s.mesh.security.empty()) {
    check_loopback(draft, "kv_server.listen", s.kv_server.listen,
                   "give it TLS (kv_server.tls) and users (mesh.security), ", faults);
  }
  if (draft.sound("mesh.listen") && draft.sound("kv_server.listen") &&
      collide(socket_address(s.mesh.listen), socket_address(s.kv_server.listen))) {
    faults.add(draft.place_of("kv_server.listen"), "kv_server.listen",
               in_quotes(s.kv_server.listen) +
                   " is the port of mesh.listen too; choose another port for one of them");
  }
}

void check_times(const Draft& draft, Faults& faults) {
  const auto& mesh = draft.settings.mesh;
  // Complain where a value was given: a default is not the user's fault.
  const auto place = [&](std::string_view key, std::string_view other) {
    return draft.place_of(draft.given(key) ? key : other);
  };
  if (draft.sound("mesh.ping_interval_ms") && draft.sound("mesh.peer_timeout_ms") &&
      mesh.ping_interval >= mesh.peer_timeout) {
    faults.add(
        place("mesh.ping_interval_ms", "mesh.peer_timeout_ms"), "mesh.ping_interval_ms",
        ms(mesh.ping_interval) + " is not below mesh.peer_timeout_ms (" + ms(mesh.peer_timeout) +
            "), so a healthy peer would count as dead; write at most " + ms(mesh.peer_timeout / 2));
  }
  if (draft.sound("mesh.reconnect_min_ms") && draft.sound("mesh.reconnect_max_ms") &&
      mesh.reconnect_min > mesh.reconnect_max) {
    faults.add(place("mesh.reconnect_min_ms", "mesh.reconnect_max_ms"), "mesh.reconnect_min_ms",
               ms(mesh.reconnect_min) + " is over mesh.reconnect_max_ms (" +
                   ms(mesh.reconnect_max) + "); lower the one or raise the other");
  }
}

void check_peers(const Draft& draft, Faults& faults) {
  std::map<SocketAddress, const Draft::Peer*> by_address;
  for (const Draft::Peer& peer : draft.peers) {
    const std::string key = join_key("mesh.peers", peer.name.str());
    if (peer.name == draft.settings.name) {
      faults.add(
          peer.place, key,
          "is this node's own name; a node is not its own peer, so remove it or correct name");
    }
    if (!peer.address) continue;
    if (draft.sound("mesh.listen") &&
        socket_address(*peer.address) == socket_address(draft.settings.mesh.listen)) {
      faults.add(
          peer.place, key,
          in_quotes(*peer.address) + " is this node's own mesh.listen; write the peer's address");
    }
    const auto [first, is_new] = by_address.emplace(socket_address(*peer.address), &peer);
    if (!is_new) {
      const Draft::Peer& other = *first->second;
      faults.add(peer.place, key,
                 in_quotes(*peer.address) + " is the address of " + other.name.str() + " too (" +
                     other.place.to_string() + "); each node has an address of its own");
    }
  }
}

// A via leads over one peer; that one knows the rest of the way.
void check_via(const Draft& draft, const Draft::Peer& peer, Faults& faults) {
  const NodeName& via = *peer.via;
  const std::string key = join_key("mesh.peers", peer.name.str()) + ".via";
  const auto refuse = [&](const std::string& text) { faults.add(peer.place, key, text); };
  if (peer.name == draft.settings.name) return;  // told already
  if (via == peer.name) return refuse("names the node itself; name the peer that leads to it");
  if (via == draft.settings.name) {
    return refuse(via.str() + " is this node; name the peer that leads to " + peer.name.str());
  }
  const auto found = std::ranges::find(draft.peers, via, &Draft::Peer::name);
  if (found == draft.peers.end()) {
    refuse(via.str() + " is not a peer of this node; add " + join_key("mesh.peers", via.str()) +
           " = \"tcp://host:port\" or correct the name");
  } else if (found->via) {
    refuse(via.str() + " is reached via " + found->via->str() + " itself (" +
           found->place.to_string() + "); name a peer that has an address");
  }
}

void check_vias(const Draft& draft, Faults& faults) {
  for (const Draft::Peer& peer : draft.peers) {
    if (peer.via) check_via(draft, peer, faults);
  }
}

void check_entries(const Draft& draft, Faults& faults) {
  const Settings& s = draft.settings;
  if (s.name.empty())
    return;  // missing or refused, so nobody knows which entries are for this node
  for (const Draft::Entry& entry : draft.entries) {
    const NodeName& node = entry.route.node;
    const std::string key = entry_key(entry.index) + ".node";
    if (node == s.name) {
      if (s.apps.kv || !draft.given("apps") || !draft.sound("apps")) continue;
      faults.add(
          entry.place, key,
          node.str() +
              R"( is this node, but it stores nothing; add "kv" to apps, or name the node that stores )" +
              entry.route.range.to_string());
    } else if (std::ranges::find(draft.peers, node, &Draft::Peer::name) == draft.peers.end()) {
      faults.add(entry.place, key,
                 node.str() + " is neither this node (" + s.name.str() + ") nor a peer; add " +
                     join_key("mesh.peers", node.str()) +
                     " = \"tcp://host:port\" or correct the name");
    }
  }
}

// What speaks of how something is kept, though nothing is. The defaults do no harm, but to who
// relies on them.
void check_store(const Draft& draft, Faults& faults, bool defaults) {
  if (!draft.settings.state_dir.empty() || !draft.sound("state_dir")) return;
  const auto& kv = draft.settings.kv;
  const auto complain = [&](std::string_view key, bool is_default) {
    if (!draft.given(key) || !draft.sound(key) || is_default != defaults) return;
    faults.add(draft.place_of(key), std::string{key},
               "needs a state_dir, as nothing outlives a node without one; add state_dir = "
               "\"FOLDER\", or leave this key out");
  };
  if (kv.durability != Durability::kNone) {
    complain("kv.durability", kv.durability == Settings::Kv{}.durability);
  }
  complain("kv.reads", !kv.undurable_reads);
}

}  // namespace

void check(const Draft& draft, Faults& faults) {
  check_required(draft, faults);
  check_security(draft, faults);
  check_listen(draft, faults);
  check_times(draft, faults);
  check_peers(draft, faults);
  check_vias(draft, faults);
  check_entries(draft, faults);
  check_store(draft, faults, false);
  check_tls(draft, faults);
}

void check_running(const Draft& draft, const Settings& running, Faults& faults) {
  const NodeName& name = draft.settings.name;
  if (!name.empty() && name != running.name) {
    faults.add(draft.place_of("name"), "name",
               in_quotes(name.str()) + " is not the name of this node while it runs, " +
                   running.name.str() + "; write that name, or restart the node");
  }
  if (running.apps.kv || !draft.settings.apps.kv) return;
  for (const Draft::Entry& entry : draft.entries) {
    if (entry.route.node != running.name) continue;
    faults.add(entry.place, entry_key(entry.index) + ".node",
               running.name.str() +
                   " is this node, which stores nothing until a restart (apps); "
                   "name another node, or restart this one");
  }
}

void check_oddities(const Draft& draft, Faults& warnings) {
  check_store(draft, warnings, true);
  for (const std::size_t i : draft.settings.kv.routing_table.shadowed()) {
    const Draft::Entry& entry = draft.entries[i];
    warnings.add(entry.place, entry_key(entry.index),
                 entry.route.range.to_string() + " -> " + entry.route.node.str() +
                     " can never match, because earlier entries cover all of it; move it up or "
                     "remove it");
  }
  for (const Draft::Peer& peer : draft.peers) {
    const auto names_it = [&](const Draft::Entry& entry) { return entry.route.node == peer.name; };
    const auto leads_over_it = [&](const Draft::Peer& other) { return other.via == peer.name; };
    // Who writes a via wants to reach that node by its name.
    if (peer.via || std::ranges::any_of(draft.entries, names_it) ||
        std::ranges::any_of(draft.peers, leads_over_it))
      continue;
    warnings.add(peer.place, join_key("mesh.peers", peer.name.str()),
                 "no entry of kv.routing_table names this peer, so it gets only requests that name "
                 "it; add an entry or remove it");
  }
  if (!draft.settings.state_dir.empty() && !draft.settings.apps.kv) {
    warnings.add(draft.place_of("state_dir"), "state_dir",
                 "is of no use to a node that stores no buckets; add \"kv\" to apps, or remove it");
  }
  if (draft.entries.empty()) {
    warnings.add(draft.place_of("kv.routing_table"), "kv.routing_table",
                 "has no entries, so every bucket ends as no_route; add { range = \"*\", node = " +
                     in_quotes(draft.settings.name.str()) + " } or entries for other nodes");
  }
}

}  // namespace kvmesh::config
