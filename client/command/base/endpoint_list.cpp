#include "client/command/base/endpoint_list.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <ranges>
#include <utility>

namespace kvmesh::command {

EndpointList endpoint_list(std::string_view text) {
  EndpointList out;
  for (const auto part : std::views::split(text, ',')) {
    const std::string_view piece{part.begin(), part.end()};
    const auto first = std::min(piece.find_first_not_of(' '), piece.size());
    out.emplace_back(piece.substr(first, piece.find_last_not_of(' ') + 1 - first));
  }
  if (out.empty()) out.emplace_back();
  return out;
}

Result<std::unique_ptr<Client>> open_client(const EndpointList& endpoints,
                                            std::chrono::milliseconds timeout) {
  Client::Options options;
  options.endpoints = endpoints;
  // What one that is silent may take of the time.
  const auto share = timeout / std::max<std::int64_t>(1, std::ssize(endpoints));
  if (endpoints.size() > 1) options.connect_timeout = std::min(options.connect_timeout, share);
  return Client::open(std::move(options));
}

}  // namespace kvmesh::command
