// Tables that a plan proposes: where they lead, over which peers, and what stays.
#include "client/plan/proposal.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/verify_fixture.h"

namespace kvmesh::plan {
namespace {

using verify::TestMesh;

After split_at(std::size_t slot) {
  After out{};
  for (std::size_t i = slot; i < out.size(); ++i) out[i] = 1;
  return out;
}

RouteKeys all() { return ~RouteKeys{}; }
RouteKeys without_a_to_c() { return ~RouteRange{ByteRange{'a', 'c'}}.keys(); }

const std::vector<Candidate> kTwo{{"bar@h", 1}, {"foo@h", 1}};

TestMesh by_hash() {
  TestMesh mesh;
  const TestMesh::Table table{{"a..c", "foo"}, {"hash:0x00..0x7f", "bar"}, {"hash:*", "foo"}};
  mesh.add("gate", table).stores = false;
  mesh.add("foo", table);
  mesh.add("bar", table);
  return mesh;
}

TEST(PlannedBytes, AreThoseThatNoTableDecides) {
  auto mesh = by_hash();
  // Who passes all on, or has just begun, does not decide.
  mesh.add("new", {{"*", "foo"}});
  EXPECT_EQ(planned_bytes(mesh.model(), *verify::verify(mesh.model())).count(), 253U);
  TestMesh bytes;
  bytes.add("foo", {{"*", "foo"}});
  EXPECT_TRUE(planned_bytes(bytes.model(), *verify::verify(bytes.model())).all())
      << "hashes take the place of first bytes";
}

TEST(OwnersNow, AreThoseOfAllNamesOfAHash) {
  auto mesh = by_hash();
  const auto report = *verify::verify(mesh.model());
  const auto planned = planned_bytes(mesh.model(), report);
  const auto owners = owners_now(report, planned, kTwo);
  EXPECT_EQ(owners[0x00], 0U);
  EXPECT_EQ(owners[0x7f], 0U);
  EXPECT_EQ(owners[0x80], 1U);
  EXPECT_EQ(owners_now(report, planned, {{"foo@h", 1}})[0x00], std::nullopt)
      << "bar is no candidate";
  TestMesh bytes;
  bytes.add("foo", {{"a..m", "foo"}, {"*", "bar"}});
  bytes.add("bar", {{"a..m", "foo"}, {"*", "bar"}});
  EXPECT_EQ(owners_now(*verify::verify(bytes.model()), all(), kTwo), Before{})
      << "each hash has names at both";
}

TEST(Propose, LeadsEachHashToItsOwnerAndLeavesOtherBytes) {
  const auto proposed = propose(by_hash().model(), without_a_to_c(), kTwo, split_at(0x40));
  ASSERT_TRUE(proposed.ok()) << proposed.status().text();
  EXPECT_TRUE(proposed->report.sound());
  for (const auto& node : proposed->mesh.nodes) {
    EXPECT_EQ(node.table.to_string(),
              "[a..c -> foo@h, hash:0x00..0x3f -> bar@h, hash:0x40..0xff -> foo@h]");
  }
}

// gate knows foo only, and foo knows bar.
TEST(Propose, GoesOverPeersWhereNoLinkIsDirect) {
  TestMesh mesh;
  mesh.add("gate", {{"*", "foo"}}).stores = false;
  auto& foo = mesh.add("foo", {{"*", "foo"}});
  TestMesh::add_peer(foo, "bar");
  auto& bar = mesh.add("bar", {{"*", "foo"}});
  const auto proposed = propose(mesh.model(), all(), kTwo, split_at(0x40));
  ASSERT_TRUE(proposed.ok()) << proposed.status().text();
  EXPECT_EQ(proposed->mesh.nodes[0].table.to_string(), "[hash:* -> foo@h]");
  EXPECT_TRUE(proposed->report.sound());
  bar.peers.clear();
  const auto cut_off = propose(mesh.model(), all(), kTwo, split_at(0x40));
  EXPECT_EQ(
      cut_off.status().text(),
      "no way leads from bar@h to foo@h over peers; add foo@h to its mesh.peers, and reload it");
}

TEST(Propose, NamesWhoCannotStore) {
  auto mesh = by_hash();
  EXPECT_NE(
      propose(mesh.model(), all(), {{"gate@h", 1}}, After{}).status().text().find("stores nothing"),
      std::string::npos);
  EXPECT_NE(
      propose(mesh.model(), all(), {{"new@h", 1}}, After{}).status().text().find("has no node"),
      std::string::npos);
}

// Else all its names would go on to foo, its own hashes included.
TEST(Propose, LeavesNoEntryBeforeWhatIsPlanned) {
  auto mesh = by_hash();
  auto& added = mesh.add("new", {{"#", "foo"}, {"*", "foo"}});
  TestMesh::add_peer(added, "bar");
  for (auto& node : mesh.model().nodes) {
    if (node.name.str() != "new@h") TestMesh::add_peer(node, "new");
  }
  const auto report = *verify::verify(mesh.model());
  const std::vector<Candidate> both{{"foo@h", 1}, {"new@h", 1}};
  const auto proposed =
      propose(mesh.model(), planned_bytes(mesh.model(), report), both, split_at(0x80));
  ASSERT_TRUE(proposed.ok()) << proposed.status().text();
  EXPECT_EQ(proposed->mesh.nodes.back().table.to_string(),
            "[a..c -> foo@h, hash:0x00..0x7f -> foo@h, hash:0x80..0xff -> new@h]");
  EXPECT_TRUE(proposed->report.sound());
}

TEST(Propose, RefusesATableOfTooManyEntries) {
  auto mesh = by_hash();
  std::vector<RouteEntry> many(limits::kRoutingEntriesMax,
                               RouteEntry{ByteRange{'a', 'a'}, verify::name_of("foo")});
  mesh.model().nodes[0].table = RoutingTable{many};
  EXPECT_NE(propose(mesh.model(), without_a_to_c(), kTwo, split_at(1))
                .status()
                .text()
                .find("the table of gate@h would have 1026 entries, more than 1024"),
            std::string::npos);
}

}  // namespace
}  // namespace kvmesh::plan
