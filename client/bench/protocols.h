#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "client/bench/channel.h"
#include "client/bench/load_options.h"

namespace kvmesh::bench {

/// Those that `kvmesh bench` offers: kvmesh's own.
std::vector<std::string> own_protocols();
/// Those and the protocols of what kvmesh is compared with.
std::vector<std::string> all_protocols();

/// Whether a get answers what was put: not so for mere echoes.
bool stores_values(std::string_view protocol);

/// Whether its requests are calls of a function, and not operations on buckets.
bool makes_calls(std::string_view protocol);

/// As many channels as the options want, not open yet. `context` must outlive them.
/// kInvalidArgument: no such protocol, or no endpoint where the protocol has no usual one.
Result<std::vector<std::unique_ptr<Channel>>> make_channels(zmq::context_t& context,
                                                            const LoadOptions& options);

}  // namespace kvmesh::bench
