// Configurations: any text is loaded or refused with reasons, the same twice; and what is loaded is
// valid as a whole: a node could run with it.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/config/address.h"
#include "common/config/load.h"
#include "node/core/routes.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"

namespace kvmesh::fuzz {
namespace {

// A file in memory, which is read by its path as any other.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : descriptor_(memfd_create("settings", MFD_CLOEXEC)) {
    check(descriptor_ >= 0, "there is memory for a file");
    while (!text.empty()) {
      const auto count = write(descriptor_, text.data(), text.size());
      check(count > 0, "a file in memory can be written");
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

// A part that begins with '=' assigns, one with '$' is a variable, all else is a file.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find('\0');
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool same(const Settings& a, const Settings& b) {
  return a.name == b.name && a.threads == b.threads && a.modules == b.modules &&
         a.apps.kv == b.apps.kv && a.apps.kv_server == b.apps.kv_server &&
         a.mesh.listen == b.mesh.listen && a.mesh.peers.size() == b.mesh.peers.size() &&
         a.mesh.vias.size() == b.mesh.vias.size() && a.kv.routing_table == b.kv.routing_table &&
         a.kv.memory_max == b.kv.memory_max && a.kv_server.listen == b.kv_server.listen &&
         a.tasks.allow == b.tasks.allow && a.log.level == b.log.level;
}

// Everything that the parts of a node require of their settings.
void check_valid(const Settings& settings) {
  check(!settings.name.empty(), "a node has a name");
  check(settings.threads >= 1, "a node has a reactor");
  const auto& mesh = settings.mesh;
  check(check_endpoint(mesh.listen, AddressUse::kListen).ok(), "mesh.listen is an endpoint");
  check(mesh.insecure || is_loopback(mesh.listen), "mesh.listen is safe");
  check(mesh.ping_interval < mesh.peer_timeout, "a healthy peer is not silent for too long");
  check(mesh.reconnect_min <= mesh.reconnect_max && mesh.reconnect_min.count() > 0, "pauses");
  check(mesh.request_timeout.count() > 0 && mesh.request_timeout <= limits::kTimeoutMax,
        "requests have some time");
  check(parse_host_port(settings.kv_server.listen, AddressUse::kListen).ok(),
        "kv_server.listen is an address");
  check(settings.tasks.workers >= 1 && settings.tasks.processes_max >= 1, "tasks can run");

  std::vector<NodeName> peers;
  for (const auto& peer : mesh.peers) {
    check(check_endpoint(peer.address, AddressUse::kConnect).ok(), "a peer can be reached");
    check(peer.name != settings.name, "a node is not its own peer");
    check(std::ranges::find(peers, peer.name) == peers.end(), "a peer has one address");
    peers.push_back(peer.name);
  }
  check(peers.size() <= limits::kPeersMax, "peers are bounded");
  std::vector<core::Via> vias;
  for (const auto& via : mesh.vias) {
    const auto found = std::ranges::find(peers, via.peer);
    check(found != peers.end(), "a via leads over a peer");
    check(via.node != settings.name && std::ranges::find(peers, via.node) == peers.end(),
          "a via leads to another node");
    vias.push_back({via.node, PeerIndex{static_cast<std::uint16_t>(found - peers.begin())}});
  }
  const auto& entries = settings.kv.routing_table.entries();
  check(entries.size() <= limits::kRoutingEntriesMax, "entries are bounded");
  for (const auto& entry : entries) {
    check(settings.apps.kv || entry.node != settings.name, "a node that is routed to stores");
  }
  const auto routes = core::Routes::make(settings.name, peers, settings.kv.routing_table, vias);
  check(routes.ok(), "a table can be routed by", routes.status().text());
}

}  // namespace
}  // namespace kvmesh::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  kvmesh::SettingsSources sources;
  std::vector<std::unique_ptr<MemoryFile>> files;
  for (const auto part : parts_of(as_bytes(data, size))) {
    if (part.starts_with('=')) {
      sources.assignments.emplace_back(part.substr(1));
    } else if (part.starts_with('$')) {
      const auto equals = std::min(part.find('='), part.size());
      sources.environment.emplace_back(
          "KVMESH_" + std::string{part.substr(1, std::max<std::size_t>(equals, 1) - 1)},
          part.substr(std::min(equals + 1, part.size())));
    } else if (files.size() < 8) {
      files.push_back(std::make_unique<MemoryFile>(part));
      sources.files.push_back(files.back()->path());
    }
  }
  const auto loaded = kvmesh::load_settings(sources);
  const auto again = kvmesh::load_settings(sources);
  check(loaded.ok() == again.ok() && loaded.status() == again.status(), "twice the same");
  if (!loaded) {
    check_faults(loaded.status().text());
    return 0;
  }
  check(loaded->warnings == again->warnings && same(loaded->settings, again->settings),
        "twice the same settings");
  check_valid(loaded->settings);
  return 0;
}
