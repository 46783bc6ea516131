#include "node/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include <kvmesh/limits.h>
#include <spdlog/spdlog.h>

#include "node/stream/door.h"

namespace kvmesh {
namespace {

constexpr std::uint64_t kPerLink = 8;      // four, and four more while a new connection takes over
constexpr std::uint64_t kPerReactor = 8;   // its loop, the inbox, the listening sockets
constexpr std::uint64_t kPerProcess = 64;  // standard streams, files, libzmq's own
constexpr std::uint64_t kManyClients = 1000;

// Whether the limit is enough now; `files`: what it is.
bool raise_to(std::uint64_t needed, rlim_t& files) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return true;
  limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
  files = limit.rlim_cur;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed;
}

}  // namespace

std::uint64_t descriptors_needed(const Settings& settings) {
  const std::uint64_t links = settings.mesh.peers.size() * settings.threads;
  const std::uint64_t tcp = settings.apps.kv_server ? settings.kv_server.connections_max : 0;
  const bool has_door = settings.apps.kv_server && settings.kv_server.tls.is_on();
  const std::uint64_t half_open = has_door ? stream::Door::kHalfOpenMax : 0;
  return tcp + half_open + limits::kMeshClientsMax + kPerLink * links +
         kPerReactor * settings.threads + kPerProcess;
}

void raise_descriptor_limit(const Settings& settings, bool& told) {
  const auto needed = descriptors_needed(settings);
  rlim_t files = 0;
  const bool enough = raise_to(needed, files);
  if (std::exchange(told, !enough) || enough) return;
  const auto lines_max = settings.kv_server.connections_max;
  const auto others = needed - lines_max;
  if (settings.apps.kv_server && lines_max == Settings{}.kv_server.connections_max &&
      files >= others + kManyClients) {
    // A few less than the default are no news: nobody has asked for that many.
    const auto most = files - others;
    const bool is_near = most >= lines_max - lines_max / 10;
    spdlog::log(
        is_near ? spdlog::level::debug : spdlog::level::info,
        "this process may open {} files: at most {} TCP clients at once, not {} "
        "(kv_server.connections_max); for more, raise the limit (ulimit -Hn {}, as root, or "
        "LimitNOFILE={})",
        files, most, lines_max, needed, needed);
    return;
  }
  spdlog::warn(
      "this process may open {} files, but with all the connections that it allows it needs {}: "
      "near its limit it turns new ones away; raise it (ulimit -Hn {}, as root, or LimitNOFILE={})",
      files, needed, needed, needed);
}

}  // namespace kvmesh
