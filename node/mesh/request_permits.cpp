#include "node/mesh/request_permits.h"

#include "common/wire/record.h"

namespace kvmesh::mesh {
namespace {

// The node that signed the path last; empty: none has.
std::string_view last_on(std::string_view path) {
  std::string_view out;
  while (const auto step = wire::take_path_step(path)) out = step->node;
  return out;
}

}  // namespace

void RequestPermits::begin(std::string_view connection) {
  if (principals_ == nullptr) return;
  now_ = principals_->get();
  connection_ = now_->find(connection);
  name_ = connection;
  last_ = nullptr;
  count_ = 0;
}

bool RequestPermits::permit(RequestView& request) {
  if (principals_ == nullptr) return request.who.empty();
  const bool is_node = connection_ != nullptr && connection_->is_node;
  if (is_node ? last_on(request.path) != name_ && request.hops > 0
              : !request.who.empty() || request.hops > 0) {
    return false;
  }
  request.permit = &given_[count_++].emplace(judge(request));
  request.who = request.permit->asker();
  return true;
}

security::Permit RequestPermits::judge(const RequestView& request) {
  if (connection_ == nullptr) return security::Permit::none(name_, nullptr);
  if (request.who.empty() || request.who == name_) {
    return {connection_->name, connection_->rights};
  }
  if (request.who == security::kAnonymousName && connection_->may_vouch) {
    return {security::kAnonymousName, now_->anonymous().rights, &connection_->rights};
  }
  if (last_ == nullptr || last_->name != request.who) last_ = now_->find(request.who);
  if (last_ == nullptr || !connection_->may_vouch) {
    return security::Permit::none(request.who, &connection_->rights);
  }
  return {last_->name, last_->rights, &connection_->rights};
}

}  // namespace kvmesh::mesh
