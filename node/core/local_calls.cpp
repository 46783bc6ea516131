#include "node/core/local_calls.h"

#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include <kvmesh/limits.h>

#include "common/text.h"
#include "common/wire/record.h"

namespace kvmesh::core {
namespace {

constexpr std::size_t kCodeAndTextBytes = 2;  // of a good reply's body, before its result

// What `body` lets out ends every call of `calls` that has no answer yet.
template <typename Calls, typename Body>
void guarded(Calls&& each_call, Body&& body) {
  try {
    body();
  } catch (const std::exception& error) {
    each_call([&](auto& call) { call.threw(error.what()); });
  } catch (...) {
    each_call([](auto& call) { call.threw("something that is no std::exception"); });
  }
}

}  // namespace

Status check_result(std::size_t bytes) {
  const auto limit = limits::kBodyBytesMax - kCodeAndTextBytes;
  if (bytes <= limit) return {};
  return {StatusCode::kTooLarge, over_limit("result", bytes, limit) + "; ask for it in parts"};
}

Core::LocalCall::LocalCall(Core& core, const Asker& asker, const RequestView& request,
                           std::uint8_t number, CallTime time)
    : Call(request, number, time, core.result_), core_(core), asker_(asker) {
  core_.result_.clear();
}

void Core::LocalCall::begin() {
  if (asker_.traced) asker_.left_queue = core_.effects_.clock();
}

Core::LocalCall::~LocalCall() {
  if (!answered_) fail({StatusCode::kInternal, "the function returned without an answer"});
}

void Core::LocalCall::succeed() {
  ReplyView reply;
  reply.result = core_.result_.view();
  answer_checked(reply);
}

void Core::LocalCall::succeed_with(std::string_view bytes) {
  ReplyView reply;
  reply.bytes = bytes;
  answer_checked(reply);
}

void Core::LocalCall::answer_checked(const ReplyView& reply) {
  const auto status = check_result(wire::result_bytes(reply));
  status.ok() ? answer(reply) : fail(status);
}

void Core::LocalCall::fail(const Status& status) {
  if (status.code() == StatusCode::kDenied && request().permit != nullptr) {
    core_.effects_.denied(asker_.origin, request());
  }
  ReplyView reply;
  reply.code = status.code();
  reply.text = status.text();
  answer(reply);
}

Result<Call::Ticket> Core::LocalCall::defer_queued() {
  Asker waits = asker_;
  waits.left_queue = {};
  return defer(waits);
}

void Core::LocalCall::threw(std::string_view what) {
  if (answered_) return;
  fail({StatusCode::kInternal, std::string{request().function} + " threw: " + std::string{what}});
}

Result<Call::Ticket> Core::LocalCall::defer(const Asker& asker) {
  const auto id = core_.in_flight_.add(kLocalLink, 0, deadline(), asker);
  if (!id) {
    const auto status = core_.table_full();
    fail(status);
    return status;
  }
  answered_ = true;
  core_.result_.clear();
  return *id;
}

// Leaves the scratch result empty, for the next call.
void Core::LocalCall::answer(const ReplyView& reply) {
  if (answered_) std::abort();  // a function must answer once
  answered_ = true;
  core_.answer(asker_, reply, {core_.self_.str()});
  core_.result_.clear();
}

void Core::Batch::add(const Asker& asker, const RequestView& request, CallTime time,
                      const Function& function) {
  if (runner_ != function.runner) run();
  runner_ = function.runner;
  any_traced_ |= asker.traced;
  calls_[size_++].emplace(core_, asker, request, function.number, time);
}

void Core::Batch::run() {
  if (size_ == 0) return;
  std::array<Call*, kRunMax> calls{};
  for (std::size_t i = 0; i < size_; ++i) calls[i] = &*calls_[i];
  const auto each_call = [&](auto act) {
    for (std::size_t i = 0; i < size_; ++i) act(*calls_[i]);
  };
  guarded(each_call, [&] {
    if (!any_traced_) return runner_->run(std::span{calls.data(), size_});
    for (std::size_t i = 0; i < size_; ++i) {
      calls_[i]->begin();
      runner_->run(std::span{&calls[i], 1});
    }
  });
  for (std::size_t i = 0; i < size_; ++i) calls_[i].reset();
  size_ = 0;
  any_traced_ = false;
}

void Core::execute(const Asker& asker, const RequestView& request, const Function& function,
                   CallTime time, Batch& batch) {
  counters_.executed.add();
  if (function.runner != nullptr) return batch.add(asker, request, time, function);
  batch.run();  // it came before
  // A runner may read what is not packed; a handler need not know of it.
  const auto& packed = request.is_packed() ? request : wire::pack_request(packed_, request);
  LocalCall call{*this, asker, packed, function.number, time};
  call.begin();
  guarded([&](auto act) { act(call); }, [&] { function.handler(call); });
}

}  // namespace kvmesh::core
