#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tests/unit/processes_fixture.h"

namespace kvmesh::tasks {

using Kind = RestartPolicy::Kind;

/// Processes with one server, `counter`.
class Servers : public ProcessesTest {
 protected:
  // Server `counter` with the policy, started; its id.
  ProcessId start(RestartPolicy policy = {Kind::kPermanent, 2, milliseconds{1000}}) {
    EXPECT_TRUE(processes_.add_server("counter", {9}, policy).ok());
    processes_.start_supervised(now_);
    return current();
  }
  ProcessId current() const { return runtime_.servers.back().first; }
  void serve(ProcessId id, const Status& status = {}, std::string_view result = {}) {
    processes_.on_server_answer(id, status, result, now_);
  }
  Status cast(std::string function) {
    return processes_.server_cast("counter", {std::move(function), text("args"), {}}, now_);
  }
  std::string state() {
    const auto rows = list();
    const auto at = rows.find("\"state\":\"");
    return at == std::string::npos ? rows : rows.substr(at + 9, rows.find('"', at + 9) - at - 9);
  }
};

}  // namespace kvmesh::tasks
