#pragma once

#include <kvmesh/client.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kvmesh::command {

/// Endpoints of the same mesh, of which one is used at a time (Client::Options::endpoints).
using EndpointList = std::vector<std::string>;

/// What stands between the commas, without spaces around it. An empty part stays, for
/// Client::open() to refuse.
EndpointList endpoint_list(std::string_view text);

/// A client of these endpoints, which tries as many of them in `timeout` as it can.
/// kInvalidArgument when there can be none.
Result<std::unique_ptr<Client>> open_client(const EndpointList& endpoints,
                                            std::chrono::milliseconds timeout);

}  // namespace kvmesh::command
