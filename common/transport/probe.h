#pragma once

#include <chrono>
#include <string>
#include <string_view>

/// Why there is no connection: libzmq keeps what it has learnt for itself, so it is tried once
/// more, past it. On the thread of all links, so neither waits long. Each opens a connection and
/// ends it.
namespace kvmesh::transport {

/// What the system says to an attempt to connect: an errno; 0: nothing, in this short time.
int probe_connect(std::string_view endpoint);

/// How whoever listens there wants to be spoken to: "NULL", "CURVE"; empty: it is not known, in a
/// short time, or no ZeroMQ. `patience`: for another host.
std::string probe_mechanism(std::string_view endpoint, std::chrono::milliseconds patience);

}  // namespace kvmesh::transport
