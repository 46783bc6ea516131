// What `verify` says of random meshes is what the nodes' own cores do.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "client/verify/atlas.h"
#include "client/verify/ends.h"
#include "common/route_hash.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"
#include "node/core/core.h"
#include "tests/unit/verify_fixture.h"

namespace kvmesh::verify {
namespace {

constexpr TimePoint kNow = TimePoint{} + std::chrono::hours{1};
constexpr core::Core::Window kWide{1000, 1000000};

class CoreMesh;

// A real core; what it sends waits in the mesh.
class CoreNode final : public core::Effects {
 public:
  CoreNode(CoreMesh& mesh, const MeshNode& node) : mesh_(mesh), node_(node) {
    modules_.define("node.name", [this](core::Call& call) {
      wire::pack_str(call.result(), node_.name.str());
      call.succeed();
    });
    if (node.stores) {
      modules_.define("kv.get", [this](core::Call& call) {
        wire::pack_str(call.result(), node_.name.str());
        call.succeed();
      });
    }
    std::vector<NodeName> peers;
    for (const auto& peer : node.peers) peers.push_back(peer.name);
    std::vector<core::Via> vias;
    for (const auto& via : node.vias) {
      const auto peer = std::ranges::find(peers, via.peer) - peers.begin();
      vias.push_back({via.node, PeerIndex{static_cast<std::uint16_t>(peer)}});
    }
    core_ = std::make_unique<core::Core>(node.name, peers, modules_, *this, kNow, vias);
    EXPECT_TRUE(core_->set_table(node.table).ok());
    for (std::size_t i = 0; i < peers.size(); ++i) {
      core_->on_peer_up(PeerIndex{static_cast<std::uint16_t>(i)}, kWide);
    }
  }

  void forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
               const wire::PathStep& step) override;
  void reply(const core::Origin& origin, const ReplyView& reply) override;
  TimePoint clock() override { return kNow; }

  const MeshNode& node() const { return node_; }
  core::Core& core() { return *core_; }

 private:
  CoreMesh& mesh_;
  const MeshNode& node_;
  core::FunctionRegistry modules_;
  std::unique_ptr<core::Core> core_;
};

// Cores with a wire between them that carries one request at a time.
class CoreMesh {
 public:
  explicit CoreMesh(const MeshModel& model) {
    for (const auto& node : model.nodes) nodes_.push_back(std::make_unique<CoreNode>(*this, node));
  }

  struct Answer {
    bool lost = false;  // it reached a node that nobody plays
    StatusCode code = StatusCode::kOk;
    std::string owner;  // of a good answer
    std::uint32_t hops = 0;
  };

  Answer ask(std::size_t entry, const std::string& bucket) {
    return ask(entry, {Target::Kind::kBucket, bucket}, "kv.get");
  }
  Answer ask_for_node(std::size_t entry, const std::string& name) {
    return ask(entry, {Target::Kind::kNode, name}, "node.name");
  }

  Answer ask(std::size_t entry, const Target& target, std::string_view function) {
    answer_ = {};
    path_.clear();
    wire::Buffer body;
    auto request = wire::make_request(body, target, function,
                                      [](wire::Buffer& to) { wire::pack_array(to, 0); });
    request.timeout_ms = 5000;
    nodes_[entry]->core().on_request({0, kClient, {1}}, request, kNow);
    while (waiting_ != nullptr) {
      auto* to = std::exchange(waiting_, nullptr);
      request.path = path_.view();
      request.hops = answer_.hops;
      request.id = id_;
      to->core().on_request({0, 0, id_}, request, kNow);
    }
    return answer_;
  }

  // For nodes only.
  void pass_on(const NodeName& to, RequestId id, const wire::PathStep& step) {
    wire::pack_str(path_, step.node);
    wire::pack_str(path_, step.entry);
    ++answer_.hops;
    id_ = id;
    for (const auto& node : nodes_) {
      if (node->node().name == to) waiting_ = node.get();
    }
    answer_.lost = waiting_ == nullptr;
  }
  // Whoever answers is the last node on the way; the nodes before it only carry it back.
  void answered(const ReplyView& reply) {
    answer_.code = reply.code;
    wire::Reader reader{reply.result};
    if (reply.code == StatusCode::kOk) answer_.owner = reader.read_str();
  }

 private:
  static constexpr std::uint64_t kClient = 1;
  std::vector<std::unique_ptr<CoreNode>> nodes_;
  CoreNode* waiting_ = nullptr;
  RequestId id_;
  wire::Buffer path_;
  Answer answer_;
};

void CoreNode::forward(PeerIndex peer, const RequestView& /*request*/, RequestId id,
                       TimePoint /*deadline*/, const wire::PathStep& step) {
  mesh_.pass_on(node_.peers[peer.value].name, id, step);
}

void CoreNode::reply(const core::Origin& /*origin*/, const ReplyView& reply) {
  mesh_.answered(reply);
}

// Tables of four ranges; most entries lead to the next node, so that ways grow long, some to the
// node itself, and some anywhere, over a peer or behind one, or to a node that nothing describes.
MeshModel random_mesh(std::mt19937& random) {
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random);
  };
  const auto count = 1 + below(24);
  const auto named = [](std::size_t i) { return "n" + std::to_string(i); };
  const auto chance = below(12);
  TestMesh mesh;
  for (std::size_t i = 0; i < count; ++i) {
    TestMesh::Table table;
    // Some leave bytes to hashes, of which the buckets that are asked for have different ones.
    for (const auto* range : {"0x00..0x40", "A..Z", "a..m", "n..0xff", "hash:0x00..0x4f,0xe0..0xff",
                              "hash:0x50..0xdf"}) {
      const auto choice = below(20);
      if (choice < chance) {
        table.emplace_back(range, named(below(count + 1)));
      } else if (choice == 19) {
        table.emplace_back(range, named(i));
      } else if (choice != 18) {
        table.emplace_back(range, named(i + 1));
      }
    }
    auto& node = mesh.add(named(i), table);
    node.stores = below(4) > 0;
    if (node.peers.size() < 2 || below(3) > 0) continue;
    const auto hidden = node.peers[0].name.str();
    const auto leads = node.peers[1].name.str();
    TestMesh::set_via(node, hidden.substr(0, hidden.find('@')), leads.substr(0, leads.find('@')));
  }
  return std::move(mesh.model());
}

void expect_same(const CoreMesh::Answer& answer, const Ending& outcome, const Atlas& atlas) {
  EXPECT_EQ(answer.hops, outcome.hops);
  EXPECT_EQ(answer.lost, outcome.end == End::kUndescribed);
  if (answer.lost) return;
  switch (outcome.end) {
    case End::kStored:
      EXPECT_EQ(answer.code, StatusCode::kOk);
      EXPECT_EQ(answer.owner, atlas.name(outcome.place));
      break;
    case End::kNoEntry:
      EXPECT_EQ(answer.code, StatusCode::kNoRoute);
      break;
    case End::kNotStored:
      EXPECT_EQ(answer.code, StatusCode::kUndefinedFunction);
      break;
    case End::kLoop:
      EXPECT_EQ(answer.code, StatusCode::kRouteLoop);
      break;
    case End::kTooManyHops:
      EXPECT_EQ(answer.code, StatusCode::kTooManyHops);
      break;
    case End::kNoWay:
      EXPECT_EQ(answer.code, StatusCode::kNoRoute);
      break;
    case End::kUndescribed:
      break;
  }
}

using Met = std::map<End, std::size_t>;

const Cell& cell_of(const Atlas& atlas, std::string_view bucket) {
  const auto holds_it = [&](const Cell& cell) {
    return cell.bytes.test(static_cast<std::uint8_t>(bucket.front())) &&
           cell.hashes.test(route_hash(bucket));
  };
  EXPECT_EQ(std::ranges::count_if(atlas.cells(), holds_it), 1);
  return *std::ranges::find_if(atlas.cells(), holds_it);
}

void compare_buckets(const Atlas& atlas, CoreMesh& cores, Met& met) {
  for (const char* bucket : {"\x01", "Apples", "apples", "shopping", "s", "~", "~1"}) {
    const auto steps = atlas.steps(cell_of(atlas, bucket));
    const auto ends = endings(steps);
    for (std::uint32_t entry = 0; entry < atlas.size(); ++entry) {
      SCOPED_TRACE(std::string{bucket} + " from " + atlas.name(entry) + ": " +
                   atlas.way_text(steps, way_from(steps, entry)));
      expect_same(cores.ask(entry, bucket), ends[entry], atlas);
      EXPECT_NE(ends[entry].end, End::kNoWay) << "a node refuses such a table";
      EXPECT_EQ(way_from(steps, entry).size(), ends[entry].hops + 1);
      ++met[ends[entry].end];
    }
  }
}

void compare_nodes(const Atlas& atlas, CoreMesh& cores, Met& met) {
  for (std::uint32_t target = 0; target <= atlas.size(); ++target) {
    const auto name = name_of("n" + std::to_string(target)).str();
    for (std::uint32_t entry = 0; entry < atlas.size(); ++entry) {
      SCOPED_TRACE(name + " from " + atlas.name(entry));
      const auto [way, end] = way_to(atlas, entry, name);
      expect_same(cores.ask_for_node(entry, name),
                  {end, way.back(), static_cast<std::uint32_t>(way.size() - 1)}, atlas);
      ++met[end];
    }
  }
}

void expect_met(const Met& met, const std::vector<End>& ends) {
  for (const auto end : ends) {
    EXPECT_TRUE(met.contains(end) && met.at(end) > 20) << static_cast<int>(end);
  }
}

TEST(VerifyRandom, SaysOfEveryRequestWhatTheCoresDo) {
  Met buckets;
  Met nodes;
  for (unsigned seed = 0; seed < 400 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    const auto model = random_mesh(random);
    const Atlas atlas{model};
    CoreMesh cores{model};
    compare_buckets(atlas, cores, buckets);
    compare_nodes(atlas, cores, nodes);
  }
  expect_met(buckets, {End::kStored, End::kNoEntry, End::kNotStored, End::kUndescribed, End::kLoop,
                       End::kTooManyHops});
  expect_met(nodes, {End::kStored, End::kNoWay, End::kUndescribed});
}

// Every node knows the last one by the next: ways as long as can be, and circles of any length.
TEST(VerifyRandom, WaysOfViasAreThoseOfTheCores) {
  Met met;
  for (std::size_t count = 2; count < 40; ++count) {
    for (const bool circle : {false, true}) {
      TestMesh mesh;
      const auto named = [](std::size_t i) { return "n" + std::to_string(i); };
      const auto target = circle ? "far" : named(count - 1);
      for (std::size_t i = 0; i < count; ++i) {
        const auto next = named(circle ? (i + 1) % count : i + 1);
        auto& node = mesh.add(named(i), {{"*", named(i)}});
        if (i + 1 == count && !circle) continue;
        TestMesh::add_peer(node, next);
        if (next != target) TestMesh::set_via(node, target, next);
      }
      const Atlas atlas{mesh.model()};
      CoreMesh cores{mesh.model()};
      for (std::uint32_t entry = 0; entry < atlas.size(); ++entry) {
        SCOPED_TRACE(std::to_string(count) + " nodes from " + std::to_string(entry));
        const auto [way, end] = way_to(atlas, entry, name_of(target).str());
        expect_same(cores.ask_for_node(entry, name_of(target).str()),
                    {end, way.back(), static_cast<std::uint32_t>(way.size() - 1)}, atlas);
        ++met[end];
      }
    }
  }
  expect_met(met, {End::kStored, End::kLoop, End::kTooManyHops});
}

}  // namespace
}  // namespace kvmesh::verify
