#include "common/remote/node_watches.h"

#include <cstdint>
#include <utility>

#include "common/remote/poll.h"

namespace kvmesh::remote {

class NodeWatches::Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(std::shared_ptr<Connection> connection, std::string asked, const NodesTold& told)
      : connection_(std::move(connection)), asked_(std::move(asked)), node_(told.node) {
    tell(told);
  }

  void ask() {
    poll(connection_, watch_request(asked_, seen_),
         [self = shared_from_this()](Outcome outcome) { self->take(std::move(outcome)); });
  }

  void end() {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }

 private:
  void take(Outcome outcome) {
    {
      const std::lock_guard lock{mutex_};
      if (ended_) return;
      if (outcome.status.ok()) {
        const auto told = nodes_told_of(outcome.result);
        if (told && told->node != node_) {
          outcome.status = {StatusCode::kUnavailable,
                            "another node is connected now, " + told->node};
        } else {
          if (told) tell(*told);
          outcome.status = told.status();
        }
      }
      ended_ = !outcome.status.ok();
      if (ended_) {
        connection_->push({MessageKind::kNodeDown, {node_, 0}, outcome.status.to_string(), {}});
        return;
      }
    }
    ask();
  }

  void tell(const NodesTold& told) {
    seen_ = told.seen;
    for (const auto& change : told.changes) {
      connection_->push({change.up ? MessageKind::kNodeUp : MessageKind::kNodeDown,
                         {change.node, 0},
                         change.why,
                         told.node});
    }
  }

  const std::shared_ptr<Connection> connection_;
  const std::string asked_;
  const std::string node_;
  std::mutex mutex_;  // held while the mailbox is told, so that end() ends it
  bool ended_ = false;
  std::uint64_t seen_ = 0;  // changes only while no request is under way
};

void NodeWatches::begin(const std::string& node, const NodesTold& told) {
  std::shared_ptr<Watch> watch;
  {
    const std::lock_guard lock{mutex_};
    auto& place = watches_[node];
    if (place != nullptr) place->end();
    watch = place = std::make_shared<Watch>(connection_, node, told);
  }
  watch->ask();
}

void NodeWatches::end(const std::string& node) {
  const std::lock_guard lock{mutex_};
  const auto found = watches_.find(node);
  if (found == watches_.end()) return;
  found->second->end();
  watches_.erase(found);
}

}  // namespace kvmesh::remote
