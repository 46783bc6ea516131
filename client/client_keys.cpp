#include "client/client_keys.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/security/key_file.h"
#include "common/text.h"

namespace kvmesh::client {
namespace {

// Of a mesh of one node, or one behind several addresses, any endpoint is that node's.
std::optional<std::vector<security::PublicKey>> only_keys(const security::KeyFile& file) {
  if (file.nodes.empty()) return std::nullopt;
  const auto& first = file.nodes.begin()->second;
  const bool same =
      std::ranges::all_of(file.nodes, [&](const auto& entry) { return entry.second == first; });
  return same ? std::optional{first} : std::nullopt;
}

}  // namespace

Result<std::optional<ClientKeys>> load_client_keys(const std::string& path,
                                                   const std::vector<std::string>& endpoints) {
  if (path.empty()) return std::optional<ClientKeys>{};
  auto file = security::read_key_file(path);
  if (!file) return file.status();
  const auto shown = in_quotes(path, 4096);
  if (file->is_node) {
    return Status{StatusCode::kInvalidArgument,
                  "the key file " + shown + " is that of the node " + file->principal +
                      ", as which a client cannot connect; make a key for a user: kvmesh keygen "
                      "NAME"};
  }
  ClientKeys out{std::move(file->keys), {}};
  const auto usual = only_keys(*file);
  for (const auto& endpoint : endpoints) {
    if (const auto found = file->nodes.find(endpoint); found != file->nodes.end()) {
      out.nodes.push_back(found->second);
    } else if (usual) {
      out.nodes.push_back(*usual);
    } else {
      return Status{StatusCode::kInvalidArgument,
                    "the key file " + shown + " does not say which key the node at " + endpoint +
                        " has, so anybody could pass for it; add this line under [nodes], with "
                        "the public key of that node: \"" +
                        endpoint + "\" = \"pub_...\""};
    }
  }
  return std::optional{std::move(out)};
}

std::vector<transport::Link::Options> link_options(const transport::Link::Options& common,
                                                   const std::vector<std::string>& endpoints,
                                                   const std::optional<ClientKeys>& keys) {
  std::vector<transport::Link::Options> out;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    auto& own = out.emplace_back(common);
    own.endpoint = endpoints[i];
    if (!keys) continue;
    own.key = keys->own;
    own.peer_keys = keys->nodes[i];
  }
  return out;
}

}  // namespace kvmesh::client
