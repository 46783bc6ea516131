// Addresses of several nodes that do not go together, however they are spelt.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "client/verify/verify.h"
#include "tests/unit/verify_fixture.h"

namespace kvmesh::verify {
namespace {

TEST(VerifyAddresses, OnlyAddressesThatCannotMeetAreFaults) {
  struct Case {
    const char* peer;
    const char* listen;
    bool sound;
  };
  const Case cases[] = {
      {"tcp://127.0.0.1:5550", "tcp://127.0.0.1:5550", true},
      {"tcp://localhost:5550", "tcp://127.0.0.1:5550", true},
      {"tcp://[::1]:5550", "tcp://127.0.0.1:5550", false},
      {"tcp://127.0.0.2:5550", "tcp://127.0.0.1:5550", false},
      {"tcp://127.0.0.2:5550", "tcp://localhost:5550", false},
      {"tcp://127.0.0.2:5550", "tcp://0.0.0.0:5550", true},
      {"tcp://LOCALHOST:05550", "tcp://127.0.0.1:5550", true},
      {"tcp://[::1]:5550", "tcp://[0::1]:5550", true},
      {"tcp://[::1]:5550", "tcp://*:5550", false},
      {"tcp://[::1]:5550", "tcp://[::]:5550", true},
      {"tcp://127.0.0.1:5551", "tcp://127.0.0.1:5550", false},
      {"tcp://10.0.0.7:5550", "tcp://0.0.0.0:5550", true},
      {"tcp://10.0.0.7:5550", "tcp://*:5550", true},
      {"tcp://10.0.0.7:5551", "tcp://*:5550", false},
      {"tcp://10.0.0.7:5550", "tcp://127.0.0.1:5550", false},
      {"tcp://127.0.0.1:5550", "tcp://10.0.0.7:5550", false},
      {"tcp://10.0.0.7:5550", "tcp://10.0.0.8:5550", false},
      {"tcp://store.example:5550", "tcp://10.0.0.8:5550", true},
      {"tcp://store.example:5550", "tcp://127.0.0.1:5550", false},
      {"tcp://[fe80::1]:5550", "tcp://10.0.0.8:5550", false},
      {"tcp://10.0.0.7:5550", "tcp://10.0.0.7:0", true},
      {"ipc:///run/foo", "tcp://127.0.0.1:5550", false},
      {"ipc:///run/foo", "ipc:///run/bar", false},
  };
  for (const auto& [peer, listen, sound] : cases) {
    TestMesh mesh;
    mesh.add("foo", {{"*", "bar"}}).stores = false;
    mesh.add("bar", {{"*", "bar"}}).listen = listen;
    mesh.model().nodes[0].peers[0].address = peer;
    EXPECT_EQ(mesh.report().sound(), sound) << peer << " " << listen;
  }
}

TEST(VerifyAddresses, TwoNodesAtOneAddress) {
  auto mesh = three();
  auto& nodes = mesh.model().nodes;
  for (auto& node : nodes) node.line_listen = "127.0.0.1:4040";
  nodes[1].line_listen = "127.0.0.1:4041";
  EXPECT_EQ(text_of(mesh.report().findings),
            "address: foo@h and gate@h both listen at 127.0.0.1:4040\n"
            "  give each a kv_server.listen of its own; they stand in foo.toml and gate.toml\n");
  for (auto& node : nodes) node.line_listen = "0.0.0.0:4040";  // of machines of their own
  EXPECT_TRUE(mesh.report().sound());
}

TEST(VerifyAddresses, TwoListenersAtOneAddressHoweverItIsSpeltAndServed) {
  struct Case {
    const char* listen;  // of foo
    const char* lines;
    const char* listen_other;  // of bar
    const char* lines_other;
    const char* what;  // of the one finding; empty: none
  };
  const Case cases[] = {
      {"tcp://127.0.0.1:1", "127.0.0.1:2", "tcp://127.0.0.1:2", "127.0.0.1:3",
       "foo@h (kv_server.listen) and bar@h (mesh.listen) both listen at 127.0.0.1:2"},
      {"tcp://127.0.0.1:1", "", "tcp://localhost:01", "",
       "foo@h and bar@h both listen at tcp://127.0.0.1:1"},
      {"tcp://127.0.0.1:1", "localhost:020800", "tcp://127.0.0.1:2", "127.0.0.1:20800",
       "foo@h and bar@h both listen at localhost:020800"},
      {"ipc:///x/y", "", "ipc:///x/./y", "", "foo@h and bar@h both listen at ipc:///x/y"},
      {"tcp://*:1", "127.0.0.1:1", "tcp://127.0.0.1:2", "",
       "foo@h (mesh.listen) and foo@h (kv_server.listen) both listen at tcp://*:1"},
      {"tcp://127.0.0.1:1", "127.0.0.1:2", "tcp://127.0.0.2:1", "127.0.0.2:2", ""},
      {"tcp://127.0.0.1:1", "127.0.0.1:0", "tcp://127.0.0.1:2", "127.0.0.1:0", ""},
      {"tcp://10.0.0.1:1", "127.0.0.1:2", "tcp://10.0.0.2:1", "127.0.0.1:2", ""},
  };
  for (const auto& [listen, lines, listen_other, lines_other, what] : cases) {
    TestMesh mesh;
    auto& foo = mesh.add("foo", {{"*", "foo"}});
    foo.listen = listen;
    foo.line_listen = lines;
    auto& bar = mesh.add("bar", {{"*", "foo"}});
    bar.listen = listen_other;
    bar.line_listen = lines_other;
    bar.peers.front().address =
        std::string_view{listen} == "tcp://*:1" ? "tcp://127.0.0.1:1" : listen;
    std::string found;
    for (const auto& finding : mesh.report().findings) {
      if (finding.kind == FindingKind::kAddress) found += finding.what;
    }
    EXPECT_EQ(found, what) << listen << " " << lines << " " << listen_other << " " << lines_other;
  }
}

TEST(VerifyAddresses, APeerIsLookedForWhereALineProtocolListens) {
  auto mesh = three();
  auto& nodes = mesh.model().nodes;
  nodes[0].line_listen = "localhost:4040";
  nodes[1].listen = "tcp://127.0.0.1:5551";
  for (auto& node : nodes) {
    for (auto& peer : node.peers) {
      if (peer.name == name_of("bar")) peer.address = "tcp://127.0.0.1:4040";
    }
  }
  const auto report = mesh.report();
  ASSERT_FALSE(report.sound());
  EXPECT_NE(report.findings.front().what.find(
                "but the line protocol of foo@h listens there, and bar@h at tcp://127.0.0.1:5551"),
            std::string::npos)
      << report.findings.front().what;
}

}  // namespace
}  // namespace kvmesh::verify
