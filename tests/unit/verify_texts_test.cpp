// What `kvmesh verify` prints, and how it understands what running nodes tell.
#include <gtest/gtest.h>

#include <string>

#include "client/command/verify/live_mesh.h"
#include "client/command/verify/picture.h"
#include "client/command/verify/texts.h"
#include "tests/unit/verify_fixture.h"

namespace kvmesh::command {
namespace {

using verify::TestMesh;

TestMesh broken() {
  TestMesh mesh;
  mesh.add("foo", {{"a..m", "foo"}, {"n..z", "bar"}, {"\"", "bar"}});
  mesh.add("bar", {{"a..m", "foo"}, {"x..z", "foo"}, {"*", "bar"}});
  auto& gate = mesh.add_gate("gate", {{"a..m", "foo"}, {"0", "old"}, {"*", "bar"}});
  TestMesh::add_peer(gate, "unused");
  return mesh;
}

TEST(VerifyTexts, FaultsThenWarningsThenOwnersThenTheVerdict) {
  EXPECT_EQ(report_text(broken().report({{"gate@h", "bar@h"}}), false),
            R"(fault: loop: x..z go in a loop: bar@h (x..z) -> foo@h (n..z) -> bar@h
    bucket "x": bar@h (x..z) -> foo@h (n..z) -> bar@h: bar@h had it before
    From all 2 nodes. To do: change one of these entries; they stand in bar.toml and foo.toml
fault: dead end: 0 leads to old@h, which no configuration describes
    bucket "0": gate@h (0) -> old@h: nothing is known of old@h
    From 1 of 2 nodes. To do: name its configuration too, or correct the entries that lead there
warning: unused peer: gate@h has no entry for its peer unused@h, so only requests that name it go there
    To do: add an entry, or remove the peer in gate.toml

first byte                                stored at  from          hops
0x00..0x2f, 0x31..0x60, n..w, 0x7b..0xff  bar@h      all 2 nodes   up to 1
0                                         bar@h      1 of 2 nodes  none
a..m                                      foo@h      all 2 nodes   up to 1

not sound: 2 faults and 1 warning in a mesh of 3 nodes
)");
}

TEST(VerifyTexts, ASoundMeshIsShort) {
  TestMesh mesh;
  mesh.add("foo", {{"*", "foo"}});
  EXPECT_EQ(report_text(mesh.report(), true),
            "\x1b[1mfirst byte  stored at  from           hops\x1b[0m\n"
            "*           foo@h      the only node  none\n\n"
            "sound: a request for any bucket that enters at foo@h ends where it is stored\n");
}

TEST(VerifyTexts, ManyOfAKindAreCounted) {
  TestMesh mesh;
  for (int i = 0; i < 25; ++i) mesh.add("n" + std::to_string(i), {{"a", "n" + std::to_string(i)}});
  const auto text = report_text(mesh.report(), false);
  EXPECT_NE(text.find("fault: hole: n19@h"), std::string::npos) << text;
  EXPECT_EQ(text.find("fault: hole: n20@h"), std::string::npos) << text;
  EXPECT_NE(text.find("... and 5 more of \"hole\"; --json has them all\n"), std::string::npos);
}

TEST(VerifyTexts, JsonHasEverything) {
  TestMesh mesh;
  mesh.add("foo", {{"0x01..0xff", "foo"}});
  EXPECT_EQ(
      report_json(mesh.report()).to_json(),
      R"({"sound":false,"faults":1,"nodes":["foo@h"],"entries":["foo@h"],"owners":[{"ranges":["0x01..0xff"],)"
      R"("node":"foo@h","from":1,"hops_max":0}],"findings":[{"severity":"fault","kind":"hole",)"
      R"("what":"foo@h has no entry for 0x00","nodes":["foo@h"],"ranges":["0x00"],"from":1,)"
      R"("examples":[{"bucket":"\u0000","way":"foo@h: foo@h has no entry for it"}],)"
      R"("advice":"add one in foo.toml, or lead them to another node"}]})");
}

TEST(VerifyTexts, ADifferenceSaysWhoseBytesTheyWere) {
  verify::Difference difference;
  EXPECT_EQ(difference_text(difference, nullptr, false), "no bucket changes its owner\n");
  difference.joined = {"baz@h"};
  difference.left = {"qux@h"};
  verify::NameSet bytes;
  bytes.insert(ByteRange{'n', 'z'});
  difference.changes = {{bytes, {"bar@h"}, {"baz@h"}}};
  EXPECT_EQ(
      difference_text(difference, nullptr, false),
      "joins: baz@h\nleaves: qux@h\n"
      "first byte  before  after\n"
      "n..z        bar@h   baz@h\n"
      "How many buckets that are, files do not say: --diff tcp://HOST:PORT asks the nodes that "
      "run.\n"
      "Buckets do not move by themselves, and what is written between an export and its import "
      "would be lost. For each range, in this order: BEFORE gives it away (kvmesh reload), which "
      "closes it; kvmesh export --on BEFORE --range RANGE > FILE; kvmesh import --on AFTER FILE; "
      "AFTER takes it (kvmesh reload), which opens it. config/README.md has it step by step: "
      "Give a range to another node.\n");
  difference.changes = {{bytes, {}, {"baz@h"}}};
  EXPECT_EQ(difference_text(difference, nullptr, false),
            "joins: baz@h\nleaves: qux@h\n"
            "first byte  before    after\n"
            "n..z        (nobody)  baz@h\n");
}

TEST(VerifyTexts, ThePictureHasArrowsWithRangesAndWhatIsWrongIsRed) {
  auto mesh = broken();
  EXPECT_EQ(picture(mesh.model(), mesh.report()),
            R"(digraph kvmesh {
  graph [rankdir=LR, nodesep=0.5, ranksep=1.2]
  node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"]
  edge [fontname="sans-serif", fontsize=10]
  "foo@h" [label="foo@h\nstores a..m\nrefuses 0x00..0x21, 0x23..0x60, 0x7b..0xff", fillcolor="#e3f1e5", penwidth=2, color="#c0392b"]
  "bar@h" [label="bar@h\nstores 0x00..0x60, n..w, 0x7b..0xff", fillcolor="#e3f1e5", penwidth=2]
  "gate@h" [label="gate@h", penwidth=2]
  "old@h" [label="old@h\nnot described", style="rounded,dashed", color="#c0392b", fontcolor="#c0392b"]
  "foo@h" -> "bar@h" [label="x..z", color="#c0392b", fontcolor="#c0392b"]
  "foo@h" -> "bar@h" [label="\", n..w"]
  "bar@h" -> "foo@h" [label="x..z", color="#c0392b", fontcolor="#c0392b"]
  "bar@h" -> "foo@h" [label="a..m"]
  "gate@h" -> "foo@h" [label="a..m"]
  "gate@h" -> "bar@h" [label="0x00..0x2f, 0x31..0x60, n..0xff"]
  "gate@h" -> "old@h" [label="0", color="#c0392b", fontcolor="#c0392b"]
}
)");
}

TEST(VerifyTexts, ASplitBrainIsRedInThePicture) {
  TestMesh mesh;
  mesh.add("foo", {{"a..m", "foo"}, {"*", "bar"}});
  mesh.add("bar", {{"a..f", "foo"}, {"*", "bar"}});
  mesh.add_gate("gate", {{"a..m", "foo"}, {"*", "bar"}});
  const auto text = picture(mesh.model(), mesh.report());
  const std::string red = R"(, penwidth=2, color="#c0392b")";
  const std::string red_arrow = R"(, color="#c0392b", fontcolor="#c0392b"])";
  for (
      const auto& line : {
          R"("foo@h" [label="foo@h\nstores a..f\nstores, as another node does, g..m", fillcolor="#e3f1e5")" +
              red,
          R"("bar@h" [label="bar@h\nstores 0x00..0x60, n..0xff\nstores, as another node does, g..m", fillcolor="#e3f1e5")" +
              red,
          R"("gate@h" -> "foo@h" [label="g..m")" + red_arrow,
          std::string{R"("gate@h" -> "foo@h" [label="a..f"])"},
          std::string{R"("bar@h" -> "foo@h" [label="a..f"])"},
      }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

Value map_of(Value::Map entries) { return Value{std::move(entries)}; }

TEST(ToldNode, IsWhatItsConfigurationSays) {
  const Value::List entries{map_of({{"range", "a..m"}, {"node", "foo@h"}}),
                            map_of({{"range", "*"}, {"node", "qux@h"}})};
  const auto info =
      map_of({{"name", "foo@h"},
              {"apps", Value::List{"kv", "kv_server"}},
              {"table", map_of({{"epoch", std::int64_t{3}}, {"entries", entries}})},
              {"peers", Value::List{map_of({{"name", "bar@h"}, {"address", "tcp://127.0.0.1:1"}})}},
              {"vias", Value::List{map_of({{"name", "qux@h"}, {"via", "bar@h"}})}}});
  const auto node = told_node(info, "tcp://here");
  ASSERT_TRUE(node.ok()) << node.status().text();
  EXPECT_EQ(node->name.str(), "foo@h");
  EXPECT_EQ(node->source, "tcp://here");
  EXPECT_TRUE(node->stores);
  EXPECT_TRUE(node->serves_lines);
  EXPECT_EQ(node->table.to_string(), "[a..m -> foo@h, * -> qux@h]");
  ASSERT_EQ(node->peers.size(), 1U);
  EXPECT_EQ(node->peers[0].address, "tcp://127.0.0.1:1");
  ASSERT_EQ(node->vias.size(), 1U);
  EXPECT_EQ(node->vias[0].peer.str(), "bar@h");
}

TEST(ToldNode, WhatCannotBeIsRefused) {
  const auto table_of = [](Value entry) {
    return map_of({{"entries", Value::List{std::move(entry)}}});
  };
  const Value many =
      map_of({{"entries", Value::List(1025, map_of({{"range", "a"}, {"node", "foo@h"}}))}});
  const Value cases[] = {
      Value{},
      map_of({{"name", "foo"}}),
      map_of({{"name", "foo@h"}}),
      map_of(
          {{"name", "foo@h"}, {"table", table_of(map_of({{"range", "z..a"}, {"node", "foo@h"}}))}}),
      map_of({{"name", "foo@h"}, {"table", table_of(map_of({{"range", "a"}, {"node", "foo"}}))}}),
      map_of({{"name", "foo@h"}, {"table", many}}),
      map_of({{"name", "foo@h"},
              {"table", map_of({})},
              {"peers", Value::List{map_of({{"name", "\x1b"}})}}}),
      map_of({{"name", "foo@h"},
              {"table", map_of({})},
              {"vias", Value::List{map_of({{"name", "bar@h"}})}}}),
  };
  for (const auto& info : cases) {
    const auto node = told_node(info, "tcp://here");
    EXPECT_EQ(node.status().code(), StatusCode::kProtocolError) << info.to_json();
  }
}

}  // namespace
}  // namespace kvmesh::command
