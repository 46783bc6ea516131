#include "client/command/buckets/bucket_list.h"

#include <utility>

#include "client/command/verify/moves.h"
#include "client/command/verify/reach.h"

namespace kvmesh::command {

Result<NodeAccess> access(Session& session, const Way& way, const std::string& node) {
  const auto connected = session.where();
  // An address that another node has told may be another node's from here.
  const bool is_connected = way.knower.empty() && way.address == connected;
  if (is_connected || way.knower_address == connected) {
    const auto client = session.client();
    if (!client) return client.status();
    return NodeAccess{*client, is_connected ? "" : node, nullptr};
  }
  auto reached = reach(way, node, CallTime{session.options.timeout});
  if (!reached) return reached.status();
  auto* client = reached->client.get();
  return NodeAccess{client, std::move(reached->target), std::move(reached->client)};
}

Result<std::vector<std::string>> BucketList::next(std::uint32_t limit) {
  while (more_) {
    auto page = client_->buckets(target_, bounds_.after, limit, timeout_);
    if (!page) return page.status();
    if (!is_page_behind(*page, bounds_.after)) {
      return Status{StatusCode::kProtocolError, "its pages of buckets go back"};
    }
    more_ = page->more;
    while (!page->names.empty() && !bounds_.is_before_end(page->names.back())) {
      page->names.pop_back();
      more_ = false;
    }
    if (page->names.empty()) continue;
    bounds_.after = page->names.back();
    return std::move(page->names);
  }
  return std::vector<std::string>{};
}

}  // namespace kvmesh::command
