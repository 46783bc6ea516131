#include "client/command/transfer/patient_reads.h"

#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include "client/command/base/completions.h"

namespace kvmesh::command {

std::vector<Outcome> read_patiently(Client& client, std::vector<Operation> operations,
                                    Timeout timeout) {
  constexpr int kTries = 4;
  constexpr std::chrono::milliseconds kPause{250};
  const std::vector<Operation> again = operations;
  auto outcomes = call_until_broken_off(client, std::move(operations), timeout);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    for (int tried = 1; tried < kTries && is_transient(outcomes[i].status.code()); ++tried) {
      std::this_thread::sleep_for(kPause);
      outcomes[i] = call_until_broken_off(client, again[i], timeout);
    }
    // Where the same node stays away, the others of the batch need not wait for it as well.
    if (is_transient(outcomes[i].status.code())) break;
  }
  return outcomes;
}

}  // namespace kvmesh::command
