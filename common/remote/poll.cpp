#include "common/remote/poll.h"

#include <utility>

namespace kvmesh::remote {
namespace {

class Poll : public std::enable_shared_from_this<Poll> {
 public:
  Poll(std::shared_ptr<Connection> connection, Operation operation,
       std::function<void(Outcome)> done)
      : connection_(std::move(connection)),
        operation_(std::move(operation)),
        done_(std::move(done)) {}

  void ask() { connection_->request(operation_, on_answer(), poll_timeout()); }

 private:
  std::function<void(Outcome)> on_answer() {
    return [self = shared_from_this()](Outcome outcome) { self->take(std::move(outcome)); };
  }

  void take(Outcome outcome) {
    if (outcome.status.code() != StatusCode::kOverloaded) return done_(std::move(outcome));
    connection_->request_after(kBusyPause, operation_, on_answer(), poll_timeout());
  }

  const std::shared_ptr<Connection> connection_;
  const Operation operation_;
  const std::function<void(Outcome)> done_;
};

}  // namespace

void poll(const std::shared_ptr<Connection>& connection, Operation operation,
          std::function<void(Outcome)> done) {
  std::make_shared<Poll>(connection, std::move(operation), std::move(done))->ask();
}

}  // namespace kvmesh::remote
