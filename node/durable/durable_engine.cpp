#include "node/durable/durable_engine.h"

#include "node/durable/durable_session.h"

namespace kvmesh::durable {

DurableEngine::DurableEngine(const Options& options, std::unique_ptr<store::ChangeLog> log)
    : reads_(options.reads),
      log_(std::move(log)),
      memory_(options.bytes_max, options.use, options.clock, log_.get()) {}

std::unique_ptr<store::Session> DurableEngine::open(store::SessionOwner& owner,
                                                    std::function<void()> wake) {
  auto session = std::make_unique<DurableSession>(*this, owner, wake);
  const std::lock_guard lock(mutex_);
  sessions_.emplace_back(session.get(), std::move(wake));
  return session;
}

void DurableEngine::on_log_change() {
  const std::lock_guard lock(mutex_);
  for (const auto& [session, wake] : sessions_) wake();
}

void DurableEngine::forget(const store::Session& session) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& one) { return one.first == &session; });
}

}  // namespace kvmesh::durable
