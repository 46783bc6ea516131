// What `verify` says of a mesh: each sort of fault with its sentences.

#include "client/verify/verify.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/verify/difference.h"
#include "tests/unit/verify_fixture.h"

namespace kvmesh::verify {
namespace {

TEST(Verify, ASoundMeshHasOneOwnerForEachByteFromEverywhere) {
  const auto report = three().report();
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(text_of(report.owners),
            "0x00..0x60, n..0xff bar@h from 3 hops 1\na..m foo@h from 3 hops 1\n");
  EXPECT_EQ(text_of(report.findings), "");
  EXPECT_EQ(report.nodes, (std::vector<std::string>{"bar@h", "foo@h", "gate@h"}));
  EXPECT_EQ(report.entries, report.nodes);
}

TEST(Verify, ARangeMayBeHandedOnWithoutAnyoneElseKnowing) {
  auto mesh = three();
  mesh.model().nodes[1].table = RoutingTable{{{*ByteRange::parse("a..m"), name_of("foo")},
                                              {*ByteRange::parse("x..z"), name_of("baz")},
                                              {*ByteRange::parse("*"), name_of("bar")}}};
  TestMesh::add_peer(mesh.model().nodes[1], "baz");
  mesh.add("baz", {{"*", "baz"}}).serves_lines = false;
  // Enters at baz, which stores whatever it is asked for: not where the mesh's users ask.
  const auto report = mesh.report({{"gate@h", "foo@h"}});
  EXPECT_TRUE(report.sound()) << text_of(report.findings);
  EXPECT_EQ(text_of(report.owners),
            "0x00..0x60, n..w, 0x7b..0xff bar@h from 2 hops 1\na..m foo@h from 2 hops 1\n"
            "x..z baz@h from 2 hops 2\n");
}

TEST(Verify, AHole) {
  auto mesh = three();
  mesh.add_gate("edge", {{"*", "inner"}});
  mesh.add("inner", {{"n..z", "bar"}, {"a..m", "inner"}});
  EXPECT_EQ(text_of(mesh.report({{"edge@h"}}).findings),
            "hole: inner@h has no entry for 0x00..0x60, 0x7b..0xff\n"
            "  0: edge@h (*) -> inner@h: inner@h has no entry for it\n"
            "  from 1\n"
            "  add one in inner.toml, or lead them to another node\n"
            "idle store: foo@h stores buckets, but no request ends there\n"
            "  lead a range to it, or take \"kv\" from apps in foo.toml\n");
}

TEST(Verify, AStoreThatKnowsOnlyItsOwnRangeMayBeMeant) {
  TestMesh mesh;
  mesh.add("foo", {{"n..z", "bar"}, {"*", "foo"}});
  mesh.add("bar", {{"n..z", "bar"}}).serves_lines = false;
  EXPECT_EQ(text_of(mesh.report().findings),
            "hole: bar@h has no entry for 0x00..m, 0x7b..0xff\n"
            "  a: bar@h: bar@h has no entry for it\n"
            "  from 1\n"
            "  add one in bar.toml, or lead them to another node; if no client asks bar@h itself, "
            "verify --from the others\n");
  EXPECT_TRUE(mesh.report({{"foo@h"}}).sound());
}

TEST(Verify, ALoopIsToldWithItsEntries) {
  TestMesh mesh;
  mesh.add("foo", {{"a..m", "foo"}, {"n..z", "bar"}, {"*", "foo"}});
  mesh.add("bar", {{"*", "foo"}});
  mesh.add_gate("gate", {{"*", "foo"}});
  EXPECT_EQ(text_of(mesh.report().findings),
            "loop: n..z go in a loop: foo@h (n..z) -> bar@h (*) -> foo@h\n"
            "  n: foo@h (n..z) -> bar@h (*) -> foo@h: foo@h had it before\n"
            "  from 3\n"
            "  change one of these entries; they stand in foo.toml and bar.toml\n"
            "idle store: bar@h stores buckets, but no request ends there\n"
            "  lead a range to it, or take \"kv\" from apps in bar.toml\n");
}

TEST(Verify, CirclesThatShareANodeAreToldOneByOne) {
  TestMesh mesh;
  mesh.add("foo", {{"a", "bar"}, {"b", "baz"}, {"*", "foo"}});
  mesh.add("bar", {{"*", "foo"}});
  mesh.add("baz", {{"*", "foo"}});
  const auto findings = mesh.report().findings;
  ASSERT_GE(findings.size(), 2U);
  EXPECT_EQ(findings[0].what, "a goes in a loop: foo@h (a) -> bar@h (*) -> foo@h");
  EXPECT_EQ(findings[1].what, "b goes in a loop: foo@h (b) -> baz@h (*) -> foo@h");
}

TEST(Verify, DeadEnds) {
  TestMesh mesh;
  mesh.add_gate("foo", {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"*", "qux"}});
  auto& node = mesh.model().nodes.front();
  std::erase_if(node.peers, [](const auto& peer) { return peer.name == name_of("bar"); });
  node.peers.front().address.clear();  // of baz
  EXPECT_EQ(text_of(mesh.report().findings),
            "dead end: foo@h names itself for a, but it stores nothing\n"
            "  a: foo@h: foo@h stores nothing\n"
            "  from 1\n"
            "  add \"kv\" to apps in foo.toml, or name the node that stores them\n"
            "dead end: foo@h names bar@h for b, but has no address of it\n"
            "  b: foo@h: foo@h knows no way on\n"
            "  from 1\n"
            "  add bar@h to mesh.peers in foo.toml, or correct the entry\n"
            "dead end: foo@h names baz@h for c, but has no address of it\n"
            "  c: foo@h: foo@h knows no way on\n"
            "  from 1\n"
            "  add baz@h to mesh.peers in foo.toml, or correct the entry\n"
            "dead end: 0x00..0x60, d..0xff lead to qux@h, which no configuration describes\n"
            "  d: foo@h (*) -> qux@h: nothing is known of qux@h\n"
            "  from 1\n"
            "  name its configuration too, or correct the entries that lead there\n");
}

TEST(Verify, ANodeThatDoesNotAnswerIsADeadEndWithItsReason) {
  TestMesh mesh;
  mesh.add("foo", {{"a", "bar"}, {"*", "foo"}});
  mesh.model().silent["bar@h"] = "unavailable: nobody there";
  EXPECT_EQ(text_of(mesh.report().findings),
            "dead end: a leads to bar@h, which does not answer: unavailable: nobody there\n"
            "  a: foo@h (a) -> bar@h: nothing is known of bar@h\n"
            "  from 1\n"
            "  start it, or change the entries that lead there\n");
}

TEST(Verify, ASplitBrainIsToldWithAWayToEachOwner) {
  TestMesh mesh;
  mesh.add("foo", {{"a..m", "foo"}, {"*", "bar"}});
  mesh.add("bar", {{"a..f", "foo"}, {"*", "bar"}});
  mesh.add_gate("gate", {{"a..m", "foo"}, {"*", "bar"}});
  EXPECT_EQ(
      text_of(mesh.report().findings),
      "split brain: g..m end at different nodes: foo@h (from 2 nodes) and bar@h (from 1 node)\n"
      "  g: gate@h (a..m) -> foo@h: foo@h stores it\n"
      "  g: bar@h: bar@h stores it\n"
      "  from 3\n"
      "  let all tables lead to the same one; what is stored at the others is not found\n");
}

TEST(Verify, SixteenHopsAreAllowedAndOneMoreIsNot) {
  for (const int nodes : {17, 18}) {
    TestMesh mesh;
    for (int i = 0; i + 1 < nodes; ++i) {
      mesh.add_gate("n" + std::to_string(i), {{"*", "n" + std::to_string(i + 1)}});
    }
    mesh.add("n" + std::to_string(nodes - 1), {{"*", "n" + std::to_string(nodes - 1)}});
    const auto report = mesh.report();
    EXPECT_EQ(report.sound(), nodes == 17);
    if (report.sound()) continue;
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_EQ(report.findings[0].what,
              "* would be passed on more than 16 times on the way to n17@h");
    EXPECT_EQ(report.findings[0].from, 1U);
    EXPECT_TRUE(report.findings[0].examples[0].way.ends_with(
        "n15@h (*) -> n16@h: n16@h may not pass it on, after 16 hops"))
        << report.findings[0].examples[0].way;
  }
}

TEST(Verify, OneNameInTwoFiles) {
  auto mesh = three();
  mesh.add("foo", {{"*", "foo"}}).source = "copy.toml";
  EXPECT_EQ(text_of(mesh.report().findings),
            "same name: 2 files describe foo@h: foo.toml and copy.toml\n"
            "  give each node a name of its own; here only the first was looked at\n");
}

TEST(Verify, APeerThatListensElsewhere) {
  auto mesh = three();
  auto& nodes = mesh.model().nodes;
  nodes[2].peers[1].address = "ipc:///foo";  // gate's bar
  nodes[2].peers[0].address = "ipc:///old";  // gate's foo
  nodes[1].peers[0].address = "ipc:///old";  // bar's foo
  EXPECT_EQ(text_of(mesh.report().findings),
            "address: bar@h and gate@h expect foo@h at ipc:///old, but foo@h listens at "
            "ipc:///foo\n"
            "  correct mesh.peers in bar.toml and gate.toml, or mesh.listen in foo.toml\n"
            "address: gate@h expects bar@h at ipc:///foo, but foo@h listens there, and bar@h at "
            "ipc:///bar\n"
            "  correct mesh.peers in gate.toml, or mesh.listen in bar.toml\n");
}

TEST(Verify, RequestsForANodeBehindAPeer) {
  TestMesh mesh;
  mesh.add("foo", {{"*", "foo"}});
  mesh.add("bar", {{"*", "foo"}}).stores = false;
  mesh.add("baz", {{"*", "foo"}}).stores = false;
  auto& nodes = mesh.model().nodes;
  TestMesh::set_via(nodes[0], "qux", "bar");  // bar does not know it
  TestMesh::set_via(nodes[1], "zed", "baz");
  TestMesh::set_via(nodes[2], "zed", "bar");  // and back
  TestMesh::set_via(nodes[0], "one", "baz");
  TestMesh::add_peer(nodes[2], "one");  // baz knows it
  EXPECT_EQ(text_of(mesh.report().findings),
            "via: requests that name qux@h end at bar@h, which does not know it\n"
            "  foo@h -> bar@h: bar@h knows no way to qux@h\n"
            "  from 1\n"
            "  give bar@h (bar.toml) qux@h as a peer or by a via, or correct its via in foo.toml\n"
            "via: requests that name zed@h go in a loop\n"
            "  bar@h -> baz@h -> bar@h: bar@h had it before\n"
            "  from 2\n"
            "  correct the via of zed@h in bar.toml\n"
            "unused peer: baz@h has no entry for its peer one@h, so only requests that name it go "
            "there\n"
            "  add an entry, or remove the peer in baz.toml\n");
}

TEST(Verify, AnEntryWhoseNodeIsPassedBy) {
  TestMesh mesh;
  auto& gate = mesh.add_gate("gate", {{"x..z", "baz"}, {"*", "bar"}});
  TestMesh::set_via(gate, "baz", "bar");
  mesh.add("bar", {{"z", "baz"}, {"*", "bar"}});
  mesh.add("baz", {{"z", "baz"}, {"*", "bar"}});
  EXPECT_EQ(text_of(mesh.report().findings),
            "passed by: gate@h names baz@h for x..y, but bar@h, which leads there, sends them "
            "elsewhere\n"
            "  x: gate@h (x..z) -> bar@h: bar@h stores it\n"
            "  from 1\n"
            "  let the table of bar@h name baz@h, or correct the entry in gate.toml\n");
  EXPECT_TRUE(mesh.report().sound());
}

TEST(Verify, EntriesThatNeverMatchAndPeersThatNobodyNames) {
  auto mesh = three();
  auto& gate = mesh.model().nodes[2];
  auto entries = gate.table.entries();
  entries.push_back({*ByteRange::parse("x"), name_of("foo")});
  gate.table = RoutingTable{entries};
  TestMesh::add_peer(gate, "old");
  TestMesh::add_peer(gate, "older");
  const auto report = mesh.report();
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(text_of(report.findings),
            "shadowed: gate@h never uses x -> foo@h, because earlier entries cover all of it\n"
            "  move it up or remove it in gate.toml\n"
            "unused peer: gate@h has no entry for its 2 peers old@h and older@h, so only requests "
            "that name it go there\n"
            "  add an entry, or remove the peer in gate.toml\n");
}

TEST(Verify, RequestsEnterWhereTheOptionsSay) {
  TestMesh mesh;
  mesh.add("foo", {{"a..m", "foo"}});
  mesh.add_gate("gate", {{"*", "foo"}});
  EXPECT_EQ(mesh.report({{"gate@h"}}).findings.at(0).from, 1U);
  const auto wrong = verify(mesh.model(), {{"old@h"}});
  EXPECT_EQ(wrong.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(wrong.status().text(),
            "requests cannot enter at \"old@h\", as there is no node of that name; name one of "
            "those described");
  EXPECT_EQ(verify(MeshModel{}).status().code(), StatusCode::kInvalidArgument);
}

// Sixteen nodes that all others lead to, each of which stores a part.
TEST(Verify, AThousandNodes) {
  TestMesh mesh;
  TestMesh::Table table;
  for (int i = 0; i < 16; ++i) {
    const std::string digit(1, "0123456789abcdef"[i]);
    table.emplace_back("0x" + digit + "0..0x" + digit + "f", "n" + std::to_string(i));
  }
  for (int i = 0; i < 1000; ++i) mesh.add("n" + std::to_string(i), table).stores = i < 16;
  mesh.model().nodes[3].table = RoutingTable{{{*ByteRange::parse("*"), name_of("n4")}}};
  mesh.model().nodes[3].peers = {{name_of("n4"), TestMesh::address_of("n4")}};
  const auto report = mesh.report();
  ASSERT_EQ(report.faults(), 1U);
  EXPECT_EQ(report.findings[0].what, "0x30..0x3f go in a loop: n3@h (*) -> n4@h (0..?) -> n3@h");
  EXPECT_EQ(report.findings[0].from, 1000U);
  EXPECT_EQ(report.owners.size(), 15U);
  for (const auto& owner : report.owners) EXPECT_EQ(owner.from, 1000U);
}

TEST(Verify, NamesAndBytesAreToldBriefly) {
  EXPECT_EQ(some_of({"a"}), "a");
  EXPECT_EQ(some_of({"a", "b", "c", "d"}), "a, b, c and d");
  EXPECT_EQ(some_of({"a", "b", "c", "d", "e"}), "a, b, c and 2 more");
  NameSet bytes;
  EXPECT_TRUE(bytes.empty());
  for (const int byte : {0x00, 0x2a, 0x2d, 0x2e, 0x31, 0x32, 0x61, 0x62, 0x7a, 0xff}) {
    bytes.insert(static_cast<std::uint8_t>(byte));
  }
  EXPECT_EQ(bytes.to_string(), "0x00, 0x2a, 0x2d..0x2e, 1..2, a..b, z, 0xff");
}

NameSet names_of(std::initializer_list<const char*> ranges) {
  NameSet out;
  for (const auto* range : ranges) out.insert(*RouteRange::parse(range));
  return out;
}

TEST(NameSet, KnowsBytesAndHashes) {
  const auto low = names_of({"hash:0x00..0x7f"});
  EXPECT_EQ(low.to_string(), "hash:0x00..0x7f");
  EXPECT_FALSE(low.is_by_bytes());
  EXPECT_FALSE(low.holds("a")) << "its hash is 0xe6";
  EXPECT_TRUE(low.holds("shopping")) << "0x49";
  auto rest = low;
  rest.remove(names_of({"a..m"}));
  EXPECT_EQ(rest.to_string(), "hash:0x00..0x7f (of 0x00..0x60, n..0xff)");
  rest.insert(names_of({"a..m", "hash:0x80..0xff"}));
  EXPECT_EQ(rest.to_string(), "*");
  EXPECT_TRUE(common_to(names_of({"a..m"}), names_of({"n..z"})).empty());
  EXPECT_EQ(common_to(names_of({"a..m"}), names_of({"hash:0x10,0x12"})).to_string(),
            "hash:0x10,0x12 (of a..m)");
  EXPECT_EQ(names_of({"b", "hash:0x07"}).first(), (NameSet::First{0, 7}));
  for (unsigned value = 0; value < 256; ++value) {
    RouteKeys hashes;
    hashes.set(value);
    const auto name = example_name('q', hashes);
    EXPECT_EQ(name.front(), 'q');
    EXPECT_EQ(route_hash(name), value);
  }
}

TEST(Verify, FollowsHashesExactly) {
  TestMesh mesh;
  mesh.add("gate", {{"a..m", "foo"}, {"hash:0x00..0x7f", "foo"}, {"hash:0x80..0xff", "bar"}})
      .stores = false;
  mesh.add("foo", {{"a..m", "foo"}, {"hash:0x00..0x6f", "foo"}, {"hash:*", "bar"}});
  mesh.add("bar", {{"a..m", "foo"}, {"hash:0x00..0x7f", "foo"}, {"hash:*", "bar"}});
  const auto report = *verify(mesh.model());
  ASSERT_EQ(report.faults(), 1U);
  const auto& loop = report.findings.front();
  EXPECT_EQ(loop.kind, FindingKind::kLoop);
  EXPECT_EQ(loop.names.to_string(), "hash:0x70..0x7f (of 0x00..0x60, n..0xff)");
  EXPECT_EQ(loop.from, 3U);
  ASSERT_FALSE(loop.examples.empty());
  EXPECT_TRUE(loop.names.holds(loop.examples.front().bucket)) << loop.examples.front().bucket;
  EXPECT_EQ(loop.examples.front().way,
            "gate@h (hash:0x00..0x7f) -> foo@h (hash:*) -> bar@h (hash:0x00..0x7f) -> foo@h: foo@h "
            "had it before");
  ASSERT_EQ(report.owners.size(), 2U);
  EXPECT_EQ(report.owners[0].names.to_string(), "hash:0x00..0x6f (of 0x00..0x60, n..0xff), a..m");
  EXPECT_EQ(report.owners[1].names.to_string(), "hash:0x80..0xff (of 0x00..0x60, n..0xff)");
}

TEST(Difference, TellsHashesThatMove) {
  TestMesh before;
  before.add("foo", {{"*", "foo"}});
  TestMesh after;
  after.add("foo", {{"a", "foo"}, {"hash:0x00..0xbf", "foo"}, {"hash:*", "bar"}});
  after.add("bar", {{"a", "foo"}, {"hash:0x00..0xbf", "foo"}, {"hash:*", "bar"}});
  const auto changes = difference(*verify(before.model()), *verify(after.model())).changes;
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].names.to_string(), "hash:0xc0..0xff (of 0x00..0x60, b..0xff)");
  EXPECT_EQ(changes[0].before, std::vector<std::string>{"foo@h"});
  EXPECT_EQ(changes[0].after, std::vector<std::string>{"bar@h"});
}

std::string text_of(const Difference& difference) {
  std::string out;
  for (const auto& name : difference.joined) out += "+" + name + "\n";
  for (const auto& name : difference.left) out += "-" + name + "\n";
  for (const auto& change : difference.changes) {
    out += change.names.to_string() + ": " + some_of(change.before) + " -> " +
           some_of(change.after) + "\n";
  }
  return out;
}

TEST(Difference, SaysWhichBytesChangeTheirOwner) {
  TestMesh after;
  after.add("foo", {{"a..f", "foo"}, {"g..m", "baz"}, {"0", "foo"}, {"*", "bar"}});
  after.add("bar", {{"a..f", "foo"}, {"0", "bar"}, {"1", "foo"}, {"g..m", "baz"}, {"*", "bar"}});
  after.add("baz", {{"a..f", "foo"}, {"g..m", "baz"}, {"0", "foo"}, {"*", "bar"}});
  const auto before = three().report();
  EXPECT_EQ(text_of(difference(before, after.report())),
            "+baz@h\n-gate@h\n0: bar@h -> bar@h and foo@h\n1: bar@h -> \ng..m: foo@h -> baz@h\n");
}

TEST(Difference, AnotherWayToTheSameOwnerIsNone) {
  auto mesh = three();
  mesh.model().nodes[2].table = RoutingTable{{{*ByteRange::parse("*"), name_of("foo")}}};
  EXPECT_TRUE(difference(three().report(), mesh.report()).same());
}

}  // namespace
}  // namespace kvmesh::verify
