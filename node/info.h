#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/config/settings.h"
#include "common/wire/buffer.h"
#include "node/mesh/inbox.h"
#include "node/reactor.h"
#include "node/store/engine.h"
#include "node/store_opening.h"
#include "node/tasks/host.h"

namespace kvmesh {

/// What `node.info` tells; the parts are those of the running node.
struct InfoSources {
  const Settings& settings;  // those of the start
  const std::string& version;
  std::uint64_t incarnation = 0;  // of this start
  std::chrono::steady_clock::time_point started;
  std::uint64_t table_epoch = 0;
  const OpenedStore& store;
  const std::vector<std::unique_ptr<Reactor>>& reactors;
  const Reactor& here;  // the one that answers: its table and its links are told
  const mesh::Inbox::Counters& inbox;
  std::size_t tcp_connections = 0;
  tasks::Host::Counts tasks;
  std::uint64_t refused_keys = 0;  // connections whose key, or want of one, was refused
};

/// How many buckets a node stores that `table` does not give to it (`self`), so that no request
/// finds them there.
std::uint64_t count_strays(const store::Engine& engine, const RoutingTable& table,
                           const NodeName& self);

/// Packs one msgpack map (common/PROTOCOL.md, `node.info`). Call on the thread of `here`.
void pack_info(wire::Buffer& out, const InfoSources& sources);

}  // namespace kvmesh
