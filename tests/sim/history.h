#pragma once

#include <string>
#include <utility>

#include "common/wire/pack.h"
#include "node/sim/oracle.h"

namespace kvmesh::sim {

/// A history told to an oracle by hand: one node `store@sim`, asked at `gate@sim`; every request is
/// for bucket "b" and key k0. Request 0 creates the bucket, 1 puts v1, 2 gets, 3 puts v3, 4 gets.
class History {
 public:
  static constexpr NodeIndex kGate = 0;
  static constexpr NodeIndex kStore = 1;

  explicit History(Plan plan = make_plan())
      : plan_(std::move(plan)), tables_(plan_), oracle_(plan_, tables_, violations_) {}

  static Plan make_plan() {
    Plan plan;
    plan.nodes.resize(2);
    plan.nodes[kGate].name = *NodeName::parse("gate@sim");
    plan.nodes[kStore].name = *NodeName::parse("store@sim");
    plan.nodes[kGate].stores = false;
    plan.nodes[kGate].peers = {kStore};
    for (auto& node : plan.nodes) {
      node.table = RoutingTable{{{ByteRange{}, plan.nodes[kStore].name}}};
    }
    plan.buckets = {"b"};
    for (const auto operation :
         {Operation::kCreate, Operation::kPut, Operation::kGet, Operation::kPut, Operation::kGet}) {
      Request request;
      request.operation = operation;
      request.value = static_cast<std::uint32_t>(plan.requests.size());
      request.timeout_ms = 1000;
      plan.requests.push_back(request);
    }
    return plan;
  }

  /// The gate's table without an entry for this byte.
  static RoutingTable lead_nowhere(char byte) {
    const auto hole = static_cast<std::uint8_t>(byte);
    const auto store = make_plan().nodes[kStore].name;
    return RoutingTable{{{ByteRange{0, static_cast<std::uint8_t>(hole - 1)}, store},
                         {ByteRange{static_cast<std::uint8_t>(hole + 1), 255}, store}}};
  }

  static std::string nil() { return "\xc0"; }
  static std::string value(std::uint32_t number) {
    wire::Buffer out;
    wire::pack_bin(out, value_text(number, 0));
    return std::string{out.view()};
  }

  void ask(std::uint32_t number, int at_ms) {
    oracle_.asked(number, std::chrono::milliseconds{at_ms});
  }
  void execute(std::uint32_t number, const std::string& result = nil(),
               StatusCode code = StatusCode::kOk, std::uint64_t timeout_ms = 100,
               NodeIndex node = kStore, int at_ms = 0) {
    oracle_.executed(number, node, timeout_ms, 1, code, result, std::chrono::milliseconds{at_ms});
  }
  /// The gate answers an error itself.
  void fail(std::uint32_t number, StatusCode code, int at_ms = 0, bool is_over = false) {
    oracle_.failed(number, code, 0, std::chrono::milliseconds{at_ms}, is_over);
  }
  void answer(std::uint32_t number, int at_ms, const std::string& result = nil(),
              StatusCode code = StatusCode::kOk) {
    oracle_.answered(number, code, result, std::chrono::milliseconds{at_ms}, Micros{0});
  }
  /// The bucket is there and holds v1; all is well so far.
  void begin() {
    ask(0, 0);
    execute(0);
    answer(0, 1);
    ask(1, 2);
    execute(1);
    answer(1, 3);
  }
  Oracle& oracle() { return oracle_; }
  Tables& tables() { return tables_; }

  /// The first promise that was broken; empty: none was.
  std::string broken() const {
    return violations_.any() ? std::string{violations_.found()[0].check} : std::string{};
  }

 private:
  Plan plan_;
  Tables tables_;
  Violations violations_;
  Oracle oracle_;
};

}  // namespace kvmesh::sim
