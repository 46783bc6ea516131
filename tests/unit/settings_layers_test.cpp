// Where settings come from, and which of several values wins.

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "common/config/changes.h"
#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kFoo = R"(name = "foo@localhost"
apps = ["kv", "kv_server"]
[mesh]
listen = "tcp://127.0.0.1:6550"
[mesh.peers]
"zed@localhost" = "tcp://127.0.0.1:6552"
"bar@localhost" = "ipc:///tmp/bar"
[kv]
memory_max = "512MiB"
routing_table = [
  { range = "a..m", node = "foo@localhost" },
  { range = "n..z", node = "bar@localhost" },
  { range = "0x00..0x1f", node = "zed@localhost" },
]
[kv_server]
listen = "127.0.0.1:6040"
idle_timeout_ms = 250
)";

class SettingsLayers : public SettingsTest {};

TEST_F(SettingsLayers, AFileSetsEveryKindOfValue) {
  add_file("foo.toml", kFoo);
  const auto loaded = load();
  EXPECT_TRUE(loaded.warnings.empty());
  const Settings& s = loaded.settings;
  EXPECT_EQ(s.name.str(), "foo@localhost");
  EXPECT_TRUE(s.apps.kv);
  EXPECT_TRUE(s.apps.kv_server);
  EXPECT_EQ(s.mesh.listen, "tcp://127.0.0.1:6550");
  ASSERT_EQ(s.mesh.peers.size(), 2U);
  EXPECT_EQ(s.mesh.peers[0].name.str(), "zed@localhost");  // in the order of the file
  EXPECT_EQ(s.mesh.peers[1].address, "ipc:///tmp/bar");
  EXPECT_EQ(s.kv.memory_max, std::size_t{512} << 20);
  EXPECT_EQ(s.kv.routing_table.to_string(),
            "[a..m -> foo@localhost, n..z -> bar@localhost, 0x00..0x1f -> zed@localhost]");
  EXPECT_EQ(s.kv_server.listen, "127.0.0.1:6040");
  EXPECT_EQ(s.kv_server.idle_timeout, milliseconds{250});
}

TEST_F(SettingsLayers, DefaultsAreThoseOfTheStructAndLoopback) {
  add_file("foo.toml", "name = \"foo@localhost\"\napps = []\n");
  const Settings s = load().settings;
  const Settings defaults;
  EXPECT_FALSE(s.apps.kv);
  EXPECT_FALSE(s.apps.kv_server);
  EXPECT_EQ(s.threads, 1U);
  EXPECT_EQ(s.mesh.listen, "tcp://127.0.0.1:5550");
  EXPECT_FALSE(s.mesh.insecure);
  EXPECT_EQ(s.mesh.request_timeout, milliseconds{5000});
  EXPECT_EQ(s.mesh.ping_interval, defaults.mesh.ping_interval);
  EXPECT_EQ(s.mesh.peer_timeout, defaults.mesh.peer_timeout);
  EXPECT_EQ(s.mesh.reconnect_min, defaults.mesh.reconnect_min);
  EXPECT_EQ(s.mesh.reconnect_max, defaults.mesh.reconnect_max);
  EXPECT_EQ(s.kv.memory_max, std::size_t{1} << 30);
  EXPECT_EQ(s.kv_server.listen, "127.0.0.1:4040");
  EXPECT_EQ(s.kv_server.connections_max, 10000U);
  EXPECT_EQ(s.kv_server.idle_timeout, milliseconds{0});
  EXPECT_EQ(s.log.level, "info");
}

TEST_F(SettingsLayers, LaterFilesThenEnvironmentThenAssignmentsWin) {
  add_file("base.toml", std::string{kFoo} + "[log]\nlevel = \"trace\"\n");
  add_file("more.toml",
           "threads = 2\n[log]\nlevel = \"debug\"\n[kv_server]\nlisten = \"127.0.0.1:6041\"\n");
  sources_.environment = {{"KVMESH_KV_SERVER__LISTEN", "127.0.0.1:6042"}, {"KVMESH_THREADS", "3"}};
  sources_.assignments = {"kv_server.listen=127.0.0.1:6043", "kv_server.listen=127.0.0.1:6044"};
  const Settings s = load().settings;
  EXPECT_EQ(s.log.level, "debug");
  EXPECT_EQ(s.threads, 3U);
  EXPECT_EQ(s.kv_server.listen, "127.0.0.1:6044");
  EXPECT_EQ(s.kv_server.idle_timeout, milliseconds{250})
      << "tables are merged, so the first file's value stays";
}

TEST_F(SettingsLayers, PeersAreMergedByNameAndTheTableIsReplacedWhole) {
  add_file("foo.toml", kFoo);
  add_file("more.toml", R"([mesh.peers]
"bar@localhost" = "tcp://127.0.0.1:6551"
"new@localhost" = "tcp://127.0.0.1:6553"
[kv]
routing_table = [{ range = "*", node = "new@localhost" }]
)");
  const auto loaded = load();
  const auto& peers = loaded.settings.mesh.peers;
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peers[1].address, "tcp://127.0.0.1:6551") << "across files the later wins";
  EXPECT_EQ(peers[2].name.str(), "new@localhost");
  EXPECT_EQ(loaded.settings.kv.routing_table.to_string(), "[* -> new@localhost]");
}

TEST_F(SettingsLayers, EverythingCanComeFromTheEnvironment) {
  sources_.environment = {
      {"KVMESH_NAME", "foo@localhost"},
      {"KVMESH_APPS", R"(["kv"])"},
      {"KVMESH_MESH__PEERS", R"({ "bar@localhost" = "tcp://127.0.0.1:6551" })"},
      {"KVMESH_KV__ROUTING_TABLE", R"([{ range = "*", node = "bar@localhost" }])"},
      {"KVMESH_KV__MEMORY_MAX", "4KiB"},
  };
  const auto loaded = load();
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.settings.kv.memory_max, 4096U);
  EXPECT_EQ(loaded.settings.mesh.peers.at(0).address, "tcp://127.0.0.1:6551");
}

TEST_F(SettingsLayers, AssignmentsTakeTomlOrPlainTextAndQuotedKeys) {
  sources_.assignments = {
      "name=foo@localhost",
      R"(apps=["kv"])",
      R"(mesh.peers."a@host.example"=tcp://127.0.0.1:6551)",
      "mesh.peers.b@host.example=tcp://127.0.0.1:6552",  // as it arrives once a shell has removed
                                                         // the quotes
      R"(mesh.peers.'c@localhost'="tcp://127.0.0.1:6553")",
      R"(kv.routing_table=[{range="=",node="a@host.example"}])",
      "kv.memory_max=1_000_000",
      "tasks.stack_bytes=8MiB",
      "mesh.insecure=true",
  };
  const Settings s = load().settings;
  ASSERT_EQ(s.mesh.peers.size(), 3U);
  EXPECT_EQ(s.mesh.peers[0].name.str(), "a@host.example");
  EXPECT_EQ(s.mesh.peers[1].name.str(), "b@host.example");
  EXPECT_EQ(s.mesh.peers[2].address, "tcp://127.0.0.1:6553");
  EXPECT_EQ(s.kv.routing_table.to_string(), "[= -> a@host.example]");
  EXPECT_EQ(s.kv.memory_max, 1'000'000U);
  EXPECT_EQ(s.tasks.stack_bytes, std::size_t{8} << 20);
  EXPECT_TRUE(s.mesh.insecure);
}

TEST_F(SettingsLayers, WhatIsNoAssignmentIsRefused) {
  for (const std::string text : {"threads", "=4", "kv..listen=4", R"("name=foo@localhost)", ""}) {
    sources_.assignments = {"name=foo@localhost", "apps=[]", text};
    EXPECT_NE(faults().find("is not an assignment; write key=value"), std::string::npos) << text;
  }
}

TEST_F(SettingsLayers, ALineBreakInAValueCannotSetOtherKeys) {
  sources_.assignments = {"name=foo@localhost", "apps=[]", "threads=2\nmesh.insecure = true"};
  EXPECT_EQ(faults(),
            "--set: threads: is the string \"2\\nmesh.insecure = true\", expected an integer; "
            "write for example "
            "threads = 1");
}

TEST_F(SettingsLayers, ALineBreakInANameMakesNoSecondFault) {
  sources_.environment = {{"KVMESH_A\nb: c: d", "1"}};
  sources_.assignments = {"name=foo@localhost", "apps=[]"};
  EXPECT_EQ(faults(),
            "environment \"KVMESH_A\\nb: c: d\": \"a\\nb: c: d\": is not a known key; see "
            "config/README.md for all of them");
  sources_.environment.clear();
  sources_.files = {"/none\nb: c: d.toml"};
  EXPECT_EQ(faults(),
            "\"/none\\nb: c: d.toml\": file: cannot be read: No such file or directory; check the "
            "path and its permissions");
}

TEST_F(SettingsLayers, FilesThatCannotBeReadAreAllReported) {
  add_file("good.toml", kFoo);
  std::filesystem::create_directory(path("folder"));
  sources_.files.push_back(path("missing.toml"));
  sources_.files.push_back(path("folder"));
  EXPECT_EQ(faults(),
            "folder: file: cannot be read: Is a directory; name a TOML file\n"
            "missing.toml: file: cannot be read: No such file or directory; check the path and its "
            "permissions");
}

TEST_F(SettingsLayers, AFileThatNeverEndsIsRefused) {
  sources_.files.emplace_back("/dev/zero");
  EXPECT_EQ(
      faults(),
      "/dev/zero: file: cannot be read: it is over the limit of 4194304 bytes; name a TOML file");
}

TEST_F(SettingsLayers, ASyntaxErrorIsReportedBesideTheFaultsOfOtherSources) {
  add_file("broken.toml", "name = \"foo@localhost\"\n[mesh\nlisten = 4\n");
  sources_.assignments = {"threads=0"};
  const std::string text = faults();
  EXPECT_TRUE(text.starts_with("broken.toml:2: TOML: syntax error: ")) << text;
  EXPECT_TRUE(text.ends_with("\n--set: threads: 0 is out of range; write 1 to 64 (reactors)"))
      << text;
  EXPECT_EQ(text.find("is missing"), std::string::npos)
      << "what the broken file would have set is not missing";
}

// toml++ has an assertion that these break.
TEST_F(SettingsLayers, ATableWithoutANameIsASyntaxError) {
  for (const std::string text : {"[=x]", "[[=x]]", "[ .a]", "[#]", "[\n]"}) {
    sources_.files.clear();
    add_file("broken.toml", text + "\n");
    EXPECT_TRUE(faults().starts_with("broken.toml:1: TOML: syntax error: ")) << faults();
    sources_.files.clear();
    sources_.assignments = {"name=foo@localhost", "apps=[]", "log.level=1\n" + text};
    EXPECT_NE(faults().find("--set: log.level: "), std::string::npos) << faults();
    sources_.assignments.clear();
  }
}

// toml++ takes these letters for unreachable places; UndefinedBehaviorSanitizer sees it.
TEST_F(SettingsLayers, LettersWhereNoneBelongAreASyntaxError) {
  for (const std::string text :
       {"caf\xc3\xa9 = 1", "\xc3\xa9 = 1", "\xef\xbb\xaf = 1", "a \xc3\xa9 = 1"}) {
    sources_.files.clear();
    add_file("letters.toml", text + "\n");
    EXPECT_TRUE(faults().starts_with("letters.toml:1: TOML: syntax error: ")) << faults();
  }
  sources_.files.clear();
  add_file("good.toml",
           "name = \"foo@localhost\"\napps = []\nmodules = [\"\"\"\\\n\xc2\xa7.so\"\"\"]\n");
  EXPECT_TRUE(load().settings.modules.at(0).path.ends_with("\xc2\xa7.so"));
}

TEST_F(SettingsLayers, TheEnvironmentOfTheProcessIsItsKvmeshVariablesButTheClients) {
  const auto holds = [](const std::string& name) {
    for (const auto& variable : settings_environment()) {
      if (variable.first == name) return variable.second == "x=y";
    }
    return false;
  };
  // Under ctest each test is a process of its own, so nobody else sees these.
  for (const char* name : {"KVMESH_NODE", "KVMESH_TEST_SEED", "KVMESH_DEV_X",
                           "KVMESH_KVSERVER__LISTEN", "XKVMESH_A"}) {
    ASSERT_EQ(::setenv(name, "x=y", 1), 0);  // NOLINT(concurrency-mt-unsafe)
  }
  EXPECT_FALSE(holds("KVMESH_NODE"));
  EXPECT_FALSE(holds("KVMESH_TEST_SEED"));
  EXPECT_FALSE(holds("KVMESH_DEV_X"));
  EXPECT_FALSE(holds("XKVMESH_A"));
  EXPECT_TRUE(holds("KVMESH_KVSERVER__LISTEN"))
      << "misspelt settings are kept, so that they are reported";
  ::unsetenv("KVMESH_KVSERVER__LISTEN");  // NOLINT(concurrency-mt-unsafe)
}

TEST_F(SettingsTest, WhatARunningNodeDoesNotTakeOverIsNamed) {
  add_file("a.toml", R"(name = "foo@localhost"
apps = ["kv"]
[mesh.peers]
"bar@localhost" = "tcp://127.0.0.1:5551"
[kv]
routing_table = [{ range = "*", node = "foo@localhost" }])");
  const auto before = load().settings;
  EXPECT_TRUE(restart_needed(before, before).empty());

  sources_.assignments = {R"(kv.routing_table=[{ range = "*", node = "bar@localhost" }])"};
  EXPECT_TRUE(restart_needed(before, load().settings).empty()) << "it is taken over";

  sources_.assignments = {"threads=2", R"(mesh.peers.qux@localhost={ via = "bar@localhost" })",
                          "tasks.allow=[]", "kv.memory_max=\"2GiB\""};
  const auto after = load().settings;
  EXPECT_EQ(restart_needed(before, after),
            (std::vector<std::string>{
                "threads: 1 stays until a restart; the configuration says 2",
                R"(kv.memory_max: "1GiB" stays until a restart; the configuration says "2GiB")",
                "tasks.allow: not set stays until a restart; the configuration says []"}));
  EXPECT_EQ(restart_needed(after, before).size(), 3U);
}

TEST_F(SettingsTest, WhatAReloadTakesOverIsToldPeerByPeer) {
  const auto with = [this](std::string_view peers, std::string_view table) {
    sources_.files.clear();
    add_file("foo.toml", "name = \"foo@localhost\"\napps = [\"kv\"]\n[mesh.peers]\n" +
                             std::string{peers} + "[kv]\nrouting_table = [" + std::string{table} +
                             "]\n");
    return load().settings;
  };
  const auto before = with(R"("bar@localhost" = "tcp://h:1"
"old@localhost" = "tcp://h:2"
"far@localhost" = { via = "bar@localhost" }
)",
                           "");
  EXPECT_TRUE(taken_over(before, before).empty());
  const auto after = with(R"("bar@localhost" = "tcp://h:7"
"new@localhost" = "tcp://h:3"
"far@localhost" = { via = "new@localhost" }
)",
                          R"({ range = "*", node = "new@localhost" })");
  EXPECT_TRUE(restart_needed(before, after).empty());
  EXPECT_EQ(taken_over(before, after),
            (std::vector<std::string>{
                "peer bar@localhost changed, tcp://h:1 is now tcp://h:7",
                "peer new@localhost added, tcp://h:3",
                "peer far@localhost changed, via bar@localhost is now via new@localhost",
                "peer old@localhost removed", "the routing table is now [* -> new@localhost]"}));
}

TEST_F(SettingsTest, ARunningNodeKeepsItsNameAndWhetherItStores) {
  add_file("foo.toml", "name = \"foo@localhost\"\napps = []\n");
  const auto running = load().settings;
  sources_.files.clear();
  add_file("foo.toml", R"(name = "oof@localhost"
apps = ["kv"]
[kv]
routing_table = [{ range = "*", node = "oof@localhost" }])");
  EXPECT_THAT(
      reload_settings(sources_, running).status().text(),
      testing::EndsWith("foo.toml:1: name: \"oof@localhost\" is not the name of this node "
                        "while it runs, foo@localhost; write that name, or restart the node"));
  add_file("foo.toml", R"(name = "foo@localhost"
apps = ["kv"]
[kv]
routing_table = [{ range = "*", node = "foo@localhost" }])");
  EXPECT_THAT(
      reload_settings(sources_, running).status().text(),
      testing::HasSubstr("foo.toml:4: kv.routing_table[0].node: foo@localhost is this node, "
                         "which stores nothing until a restart"));
  add_file("foo.toml", "name = \"foo@localhost\"\napps = [\"kv\"]\n");
  EXPECT_TRUE(reload_settings(sources_, running).ok());
}

TEST_F(SettingsTest, APeerWhoseNameOrAddressDiffersInItsLastByteHasChanged) {
  const auto with_peer = [this](char name_ends, char port_ends) {
    sources_.assignments = {"name=foo@localhost", "apps=[]",
                            "mesh.peers.\"bar@" + std::string(200, 'b') + name_ends + "\"=tcp://" +
                                std::string(200, 'h') + ":555" + port_ends};
    return load().settings;
  };
  const auto before = with_peer('1', '1');
  EXPECT_TRUE(restart_needed(before, with_peer('1', '1')).empty());
  for (const auto& after : {with_peer('1', '2'), with_peer('2', '1')}) {
    const auto told = taken_over(before, after);
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told[0].find("peer bar@"), 0U) << told[0];
  }
}

}  // namespace
}  // namespace kvmesh
