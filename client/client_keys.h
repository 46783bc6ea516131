#pragma once

#include <optional>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "common/transport/link.h"

namespace kvmesh::client {

/// By what a client proves who it is, and knows the nodes at its endpoints.
struct ClientKeys {
  security::KeyPair own;
  std::vector<std::vector<security::PublicKey>> nodes;  // by endpoint, in their order
};

/// What the key file at `path` holds for these endpoints; empty when `path` is: nobody is asked for
/// a key. kInvalidArgument, with what to do, when the file cannot be used, is a node's, or does not
/// say whose key is that of the node at one of the endpoints. Does I/O.
Result<std::optional<ClientKeys>> load_client_keys(const std::string& path,
                                                   const std::vector<std::string>& endpoints);

/// The options of the links to those endpoints: `common` and each one's own.
std::vector<transport::Link::Options> link_options(const transport::Link::Options& common,
                                                   const std::vector<std::string>& endpoints,
                                                   const std::optional<ClientKeys>& keys);

}  // namespace kvmesh::client
