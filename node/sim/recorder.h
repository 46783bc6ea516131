#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/sim/plan.h"

namespace kvmesh::sim {

/// Hears what happens to the cores of a run, one call for each input, in order. For writing a run
/// down; a run without one is the same.
class Recorder {
 public:
  Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  virtual ~Recorder() = default;

  virtual void asked(std::uint32_t number, Micros now) = 0;
  /// A record leaves the core of `sender` for the connection from `dialer` to `server`; returns its
  /// serial number.
  virtual std::uint64_t sent(NodeIndex dialer, NodeIndex server, bool is_reply) = 0;
  /// It reaches the core at the other end.
  virtual void delivered(std::uint64_t record, Micros now) = 0;
  virtual void up(NodeIndex dialer, NodeIndex server, Micros now) = 0;
  virtual void draining(NodeIndex dialer, NodeIndex server, Micros now) = 0;
  /// These records never left.
  virtual void unsent(NodeIndex dialer, NodeIndex server, const std::vector<std::uint64_t>& records,
                      Micros now) = 0;
  /// Its time was over before it left.
  virtual void expired_unsent(std::uint64_t record) = 0;
  virtual void down(NodeIndex dialer, NodeIndex server, const std::string& why, Micros now) = 0;
  /// Deadlines were looked at, and some were over.
  virtual void expired(NodeIndex node, Micros now) = 0;
  virtual void reloaded(NodeIndex node, const RoutingTable& table, Micros now) = 0;
  /// From now on it has these of its peers; down() was told of the others.
  virtual void peers_changed(NodeIndex node, const std::vector<NodeIndex>& peers,
                             const RoutingTable& table, Micros now) = 0;
  virtual void started(NodeIndex node, Micros now) = 0;
  virtual void killed(NodeIndex node, Micros now) = 0;
  virtual void stopped(NodeIndex node, Micros now) = 0;
};

}  // namespace kvmesh::sim
