// Entries of mesh.peers that lead over a peer, and how each fault in one is told.

#include <string>
#include <string_view>

#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

class ViaSettingsTest : public SettingsTest {
 protected:
  /// What follows stands from line 4 on; bar is a peer.
  void write(std::string_view peers) {
    sources_.files.clear();
    add_file("foo.toml", "name = \"foo@h\"\napps = []\n[mesh.peers]\n" + std::string{peers} +
                             "\n\"bar@h\" = "
                             "\"tcp://127.0.0.1:6551\"\n");
  }
  std::string faults_of_peers(std::string_view peers) {
    write(peers);
    return faults();
  }
};

TEST_F(ViaSettingsTest, AreKeptApartFromPeers) {
  add_file("whole.toml", R"(name = "foo@h"
apps = []
[mesh.peers]
"qux@h" = { via = "bar@h" }
"bar@h" = "tcp://127.0.0.1:6551"
"baz@h" = { address = "tcp://127.0.0.1:6552" }
[mesh.peers."far@h"]
via = "baz@h"
)");
  const auto mesh = load().settings.mesh;
  ASSERT_EQ(mesh.peers.size(), 2U);
  EXPECT_EQ(mesh.peers[0].name.str(), "bar@h");
  EXPECT_EQ(mesh.peers[1].name.str(), "baz@h");
  EXPECT_EQ(mesh.peers[1].address, "tcp://127.0.0.1:6552");
  ASSERT_EQ(mesh.vias.size(), 2U);
  EXPECT_EQ(mesh.vias[0].node.str(), "qux@h");
  EXPECT_EQ(mesh.vias[0].peer.str(), "bar@h");
  EXPECT_EQ(mesh.vias[1].node.str(), "far@h");
  EXPECT_EQ(mesh.vias[1].peer.str(), "baz@h");
}

TEST_F(ViaSettingsTest, TablesMayNameThem) {
  write("\"qux@h\" = { via = \"bar@h\" }");
  sources_.assignments = {R"(kv.routing_table=[{ range = "*", node = "qux@h" }])"};
  const auto loaded = load();
  EXPECT_EQ(loaded.settings.kv.routing_table.to_string(), "[* -> qux@h]");
  EXPECT_TRUE(loaded.warnings.empty()) << loaded.warnings.front();
}

TEST_F(ViaSettingsTest, APeerThatAViaLeadsOverIsNotWarnedOf) {
  write("\"qux@h\" = { via = \"bar@h\" }\n\"zed@h\" = \"tcp://127.0.0.1:6559\"");
  sources_.assignments = {R"(kv.routing_table=[{ range = "*", node = "zed@h" }])"};
  EXPECT_TRUE(load().warnings.empty()) << load().warnings.front();
}

TEST_F(ViaSettingsTest, OtherLayersReplaceAndAdd) {
  write("\"qux@h\" = { via = \"bar@h\" }");
  sources_.assignments = {"mesh.peers.qux@h=tcp://127.0.0.1:6553",
                          "mesh.peers.far@h={ via = \"qux@h\" }"};
  const auto mesh = load().settings.mesh;
  EXPECT_EQ(mesh.peers.size(), 2U);
  ASSERT_EQ(mesh.vias.size(), 1U);
  EXPECT_EQ(mesh.vias[0].peer.str(), "qux@h");
  // Tables are merged member by member, so this one has both.
  sources_.assignments = {"mesh.peers.qux@h={ address = \"tcp://127.0.0.1:6553\" }"};
  EXPECT_EQ(faults(),
            "foo.toml:4: mesh.peers.\"qux@h\": has both an address and a via; keep the address of "
            "a peer that is connected to directly, the via of one reached through another");
}

TEST_F(ViaSettingsTest, AViaNamesAPeerWithAnAddress) {
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = \"nobody@h\" }"),
            "foo.toml:4: mesh.peers.\"qux@h\".via: nobody@h is not a peer of this node; add "
            "mesh.peers.\"nobody@h\" = \"tcp://host:port\" or correct the name");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = \"bar@h\" }\n\"far@h\" = { via = \"qux@h\" }"),
            "foo.toml:5: mesh.peers.\"far@h\".via: qux@h is reached via bar@h itself (foo.toml:4); "
            "name a peer that has an address");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = \"qux@h\" }"),
            "foo.toml:4: mesh.peers.\"qux@h\".via: names the node itself; name the peer that leads "
            "to it");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = \"foo@h\" }"),
            "foo.toml:4: mesh.peers.\"qux@h\".via: foo@h is this node; name the peer that leads to "
            "qux@h");
  EXPECT_EQ(faults_of_peers("\"foo@h\" = { via = \"bar@h\" }"),
            "foo.toml:4: mesh.peers.\"foo@h\": is this node's own name; a node is not its own "
            "peer, so remove it or correct name");
  EXPECT_EQ(faults_of_peers("\"a@h\" = { via = \"b@h\" }\n\"b@h\" = { via = \"a@h\" }"),
            "foo.toml:4: mesh.peers.\"a@h\".via: b@h is reached via a@h itself (foo.toml:5); name "
            "a peer that has an address\n"
            "foo.toml:5: mesh.peers.\"b@h\".via: a@h is reached via b@h itself (foo.toml:4); name "
            "a peer that has an address");
}

TEST_F(ViaSettingsTest, WhatIsNoWayIsRefusedWhereItStands) {
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = \"bar@h\", address = \"tcp://127.0.0.1:1\" }"),
            "foo.toml:4: mesh.peers.\"qux@h\": has both an address and a via; keep the address of "
            "a peer that is connected to directly, the via of one reached through another");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = {}"),
            "foo.toml:4: mesh.peers.\"qux@h\": has no via; write { via = \"bar@localhost\" } with "
            "a peer's name, or the address alone");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = \"bar@h\", weight = 1 }"),
            "foo.toml:4: mesh.peers.\"qux@h\".weight: is not a known key; write { via = "
            "\"bar@localhost\" } or the address alone");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = 5 }"),
            "foo.toml:4: mesh.peers.\"qux@h\".via: is the integer 5, expected a string; write via "
            "= \"bar@localhost\", the name of a peer");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { address = 5 }"),
            "foo.toml:4: mesh.peers.\"qux@h\".address: is the integer 5, expected a string; write "
            "address = \"tcp://host:port\"");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { via = \"bar\" }"),
            "foo.toml:4: mesh.peers.\"qux@h\".via: \"bar\" is not a node name; write name@host, "
            "both of letters, digits, '_', '-' and '.'");
  EXPECT_EQ(faults_of_peers("\"qux@h\" = { address = \"127.0.0.1:1\" }"),
            "foo.toml:4: mesh.peers.\"qux@h\".address: \"127.0.0.1:1\" is not an address of the "
            "mesh; write tcp://host:port or ipc://path");
  EXPECT_EQ(faults_of_peers("\"qux\" = { via = \"bar@h\" }"),
            "foo.toml:4: mesh.peers.qux: \"qux\" is not a node name; write name@host, both of "
            "letters, digits, '_', '-' and '.'");
}

TEST_F(ViaSettingsTest, AFaultyPeerIsNotJudgedAgainByItsVias) {
  EXPECT_EQ(faults_of_peers("\"baz@h\" = 5\n\"qux@h\" = { via = \"baz@h\" }"),
            "foo.toml:4: mesh.peers.\"baz@h\": is the integer 5, expected a string; write "
            "\"name@host\" = \"tcp://host:port\" with both in quotes");
}

}  // namespace
}  // namespace kvmesh
