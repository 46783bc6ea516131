// What a configuration may say, and how each fault in it is told: place, key, what is wrong, what
// to do.

#include <vector>

#include "common/config/size_text.h"
#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

constexpr std::string_view kNameAndApps =
    "name = \"foo@localhost\"\napps = [\"kv\", \"kv_server\"]\n";

class SettingsFaults : public SettingsTest {
 protected:
  /// The faults of a valid name and apps (lines 1 and 2), followed by `text` (from line 3).
  std::string faults_with(std::string_view text) {
    sources_.files.clear();
    add_file("foo.toml", std::string{kNameAndApps} + std::string{text});
    return faults();
  }
  std::string faults_of(std::string_view text) {
    sources_.files.clear();
    add_file("foo.toml", text);
    return faults();
  }
  std::string faults_of_table(std::string_view entries) {
    return faults_with(
        "[mesh.peers]\n\"bar@localhost\" = \"tcp://127.0.0.1:6551\"\n[kv]\nrouting_table = [\n" +
        std::string{entries} + "\n]\n");
  }
  std::string faults_of_peers(std::string_view peers) {
    return faults_with("[mesh.peers]\n" + std::string{peers});
  }
};

TEST_F(SettingsFaults, NameAndAppsAreRequired) {
  EXPECT_EQ(faults_of(""),
            "foo.toml: name: is missing; add name = \"foo@localhost\", the name that other nodes "
            "know this one by\n"
            "foo.toml: apps: is missing; add apps = [\"kv\", \"kv_server\"], or just one of them");
  sources_.files.clear();
  EXPECT_TRUE(faults().starts_with("command line: name: is missing; "));
}

TEST_F(SettingsFaults, UnknownKeysComeWithTheOneThatWasMeant) {
  EXPECT_EQ(faults_with("thread = 1"),
            "foo.toml:3: thread: is not a known key; did you mean threads?");
  EXPECT_EQ(faults_with("[kvserver]\nlisten = 1"),
            "foo.toml:3: kvserver: is not a known key; did you mean kv_server?");
  EXPECT_EQ(faults_with("[mesh]\n\nlisen = 1"),
            "foo.toml:5: mesh.lisen: is not a known key; did you mean mesh.listen?");
  EXPECT_EQ(
      faults_with("[mesh]\nping_interval = 1"),
      "foo.toml:4: mesh.ping_interval: is not a known key; did you mean mesh.ping_interval_ms?");
  EXPECT_EQ(faults_with("memory_max = 1"),
            "foo.toml:3: memory_max: is not a known key; did you mean kv.memory_max?");
  EXPECT_EQ(faults_with("colour = 1"),
            "foo.toml:3: colour: is not a known key; see config/README.md for all of them");
  EXPECT_EQ(faults_with("\"mesh.listen\" = 1"),
            "foo.toml:3: \"mesh.listen\": is not a known key; did you mean mesh.listen?");
}

TEST_F(SettingsFaults, UnknownVariablesAndAssignmentsAreNamed) {
  sources_.environment = {{"KVMESH_KVSERVER__LISTEN", "127.0.0.1:1"}, {"KVMESH_", "1"}};
  sources_.assignments = {"kv.memory=4096"};
  EXPECT_EQ(faults_with(""),
            "environment KVMESH_: \"\": is not a known key; see config/README.md for all of them\n"
            "environment KVMESH_KVSERVER__LISTEN: kvserver.listen: is not a known key; did you "
            "mean kv_server.listen "
            "(KVMESH_KV_SERVER__LISTEN)?\n"
            "--set: kv.memory: is not a known key; did you mean kv.memory_max?");
}

TEST_F(SettingsFaults, AWrongTypeIsToldWithTheRightOne) {
  EXPECT_EQ(faults_with("threads = \"four\""),
            "foo.toml:3: threads: is the string \"four\", expected an integer; write for example "
            "threads = 1");
  EXPECT_EQ(faults_with("threads = 1.5"),
            "foo.toml:3: threads: is a floating point number, expected an integer; write for "
            "example threads = 1");
  EXPECT_EQ(faults_with("[mesh]\ninsecure = 1"),
            "foo.toml:4: mesh.insecure: is the integer 1, expected a boolean; write for example "
            "insecure = true");
  EXPECT_EQ(
      faults_with("[mesh]\nlisten = 5550"),
      "foo.toml:4: mesh.listen: is the integer 5550, expected a string; write for example listen = "
      "\"tcp://127.0.0.1:5550\"");
  EXPECT_EQ(faults_with("[kv]\nmemory_max = true"),
            "foo.toml:4: kv.memory_max: is the boolean true, expected an integer or a string with "
            "a unit; write for "
            "example memory_max = \"1GiB\"");
  EXPECT_EQ(faults_with("log = \"info\""),
            "foo.toml:3: log: is the string \"info\", expected a table; write [log]");
  EXPECT_EQ(faults_with("[threads]\nx = 1"),
            "foo.toml:3: threads: is a table, expected an integer; write for example threads = 1");
  EXPECT_EQ(faults_of("name = 1979-05-27\napps = \"kv\""),
            "foo.toml:1: name: is a date or time, expected a string; write for example name = "
            "\"foo@localhost\"\n"
            "foo.toml:2: apps: is the string \"kv\", expected an array of strings; write for "
            "example apps = [\"kv\", "
            "\"kv_server\"]");
}

TEST_F(SettingsFaults, NumbersAreTakenUpToTheirLimitsAndNoFurther) {
  const struct {
    std::string table, key;
    std::int64_t min, max;
    std::string also;  // what else must be set for both ends to be valid
  } cases[] = {
      {"", "threads", 1, 64, ""},
      {"", "busy_poll_us", 0, 10000, ""},
      {"mesh", "request_timeout_ms", 1, 86400000, ""},
      {"mesh", "ping_interval_ms", 10, 60000, "peer_timeout_ms = 300000"},
      {"mesh", "peer_timeout_ms", 20, 300000, "ping_interval_ms = 10"},
      {"mesh", "reconnect_min_ms", 1, 60000, "reconnect_max_ms = 600000"},
      {"mesh", "reconnect_max_ms", 1, 600000, "reconnect_min_ms = 1"},
      {"kv", "memory_max", 4096, std::int64_t{1} << 50, ""},
      {"kv_server", "connections_max", 1, 1000000, ""},
      {"kv_server", "idle_timeout_ms", 0, 86400000, ""},
      {"tasks", "workers", 1, 256, ""},
      {"tasks", "queue_max", 1, 1000000, ""},
      {"tasks", "processes_max", 1, 1000000, ""},
      {"tasks", "time_limit_ms", 0, 86400000, ""},
      {"tasks", "stack_bytes", 16384, 8388608, ""},
  };
  for (const auto& c : cases) {
    const auto with = [&](std::int64_t value) {
      const std::string header = c.table.empty() ? "" : "[" + c.table + "]\n";
      return faults_with(header + c.also + "\n" + c.key + " = " + std::to_string(value));
    };
    EXPECT_EQ(with(c.min), "") << c.key;
    EXPECT_EQ(with(c.max), "") << c.key;
    EXPECT_NE(with(c.min - 1).find(" is out of range; write "), std::string::npos) << c.key;
    EXPECT_NE(with(c.max + 1).find(" is out of range; write "), std::string::npos) << c.key;
  }
  EXPECT_EQ(
      faults_with("[mesh]\nrequest_timeout_ms = 0"),
      "foo.toml:4: mesh.request_timeout_ms: 0 is out of range; write 1 to 86400000 (milliseconds)");
}

TEST_F(SettingsFaults, SizesHaveUnits) {
  using config::parse_size;
  EXPECT_EQ(parse_size("100"), 100);
  EXPECT_EQ(parse_size("100B"), 100);
  EXPECT_EQ(parse_size("64 KiB"), 65536);
  EXPECT_EQ(parse_size("2TiB"), std::int64_t{2} << 40);
  for (const char* text :
       {"", "MiB", "1.5GiB", "-1", "5 MB", "5mib", "1GiB ", "9223372036854775807KiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
  EXPECT_EQ(config::size_text(1536), "1536B");
  EXPECT_EQ(config::size_text(3 << 20), "3MiB");
  EXPECT_EQ(faults_with("[kv]\nmemory_max = \"5MB\""),
            "foo.toml:4: kv.memory_max: \"5MB\" is not a size; write bytes, or a whole number with "
            "B, KiB, MiB, GiB or "
            "TiB");
  EXPECT_EQ(faults_with("[kv]\nmemory_max = \"1KiB\""),
            "foo.toml:4: kv.memory_max: \"1KiB\" is out of range; write 4KiB to 1024TiB");
  EXPECT_EQ(faults_with("[tasks]\nstack_bytes = \"8MiB\""), "");
  EXPECT_EQ(faults_with("[tasks]\nstack_bytes = \"9MiB\""),
            "foo.toml:4: tasks.stack_bytes: \"9MiB\" is out of range; write 16KiB to 8MiB, a "
            "multiple of 4KiB");
  EXPECT_EQ(faults_with("[tasks]\nstack_bytes = 1.5"),
            "foo.toml:4: tasks.stack_bytes: is a floating point number, expected an integer or a "
            "string with a unit; write for example stack_bytes = \"1MiB\"");
}

TEST_F(SettingsFaults, AppsAndLevelsAreClosedSets) {
  EXPECT_EQ(faults_of("name = \"foo@localhost\"\napps = [\n  \"kv\",\n  \"kvs\"\n]"),
            "foo.toml:4: apps: holds the string \"kvs\", which is no app; the apps are \"kv\" "
            "(storage) and "
            "\"kv_server\" (TCP server)");
  EXPECT_EQ(faults_with("[log]\nlevel = \"warn\""),
            "foo.toml:4: log.level: \"warn\" is not a level; write trace, debug, info, warning, "
            "error or off");
}

TEST_F(SettingsFaults, RangesAndEntriesOfTheTable) {
  EXPECT_EQ(faults_of_table(R"({ range = "m..a", node = "foo@localhost" })"),
            "foo.toml:7: kv.routing_table[0].range: \"m..a\" is reversed; write a..m");
  EXPECT_EQ(faults_of_table("{ range = \"*\", node = \"foo@localhost\" },\n{ range = \"am\", node "
                            "= \"foo@localhost\" }"),
            "foo.toml:8: kv.routing_table[1].range: \"am\" is not a range; write a byte (a, 0x61), "
            "two of them (a..m, "
            "0x00..0x1f) or * for all");
  EXPECT_EQ(faults_of_table(R"({ range = "a", node = "foo" })"),
            "foo.toml:7: kv.routing_table[0].node: \"foo\" is not a node name; write name@host, "
            "both of letters, digits, "
            "'_', '-' and '.'");
  EXPECT_EQ(faults_of_table(R"({ range = 1 })"),
            "foo.toml:7: kv.routing_table[0].range: is the integer 1, expected a string; write { "
            "range = \"a..m\", node "
            "= \"foo@localhost\" }\n"
            "foo.toml:7: kv.routing_table[0].node: is missing; write { range = \"a..m\", node = "
            "\"foo@localhost\" }");
  EXPECT_EQ(faults_of_table(R"({ range = "a", node = "foo@localhost", weight = 1 })"),
            "foo.toml:7: kv.routing_table[0].weight: is not a known key; an entry has range and "
            "node only");
  EXPECT_EQ(faults_of_table(R"("a..m")"),
            "foo.toml:7: kv.routing_table[0]: is the string \"a..m\", expected a table; write { "
            "range = \"a..m\", node = "
            "\"foo@localhost\" }");
  EXPECT_EQ(faults_with("[kv.routing_table]\na = 1"),
            "foo.toml:3: kv.routing_table: is a table, expected an array of { range, node } "
            "tables; write [{ range = "
            "\"a..m\", node = \"foo@localhost\" }]");
}

TEST_F(SettingsFaults, AnEntryNamesThisNodeWhichStoresOrAPeer) {
  EXPECT_EQ(faults_of_table(R"({ range = "a..m", node = "baz@localhost" })"),
            "foo.toml:7: kv.routing_table[0].node: baz@localhost is neither this node "
            "(foo@localhost) nor a peer; add "
            "mesh.peers.\"baz@localhost\" = \"tcp://host:port\" or correct the name");
  EXPECT_EQ(faults_of("name = \"foo@localhost\"\napps = [\"kv_server\"]\n[kv]\nrouting_table = [{ "
                      "range = \"a..m\", node "
                      "= \"foo@localhost\" }]"),
            "foo.toml:4: kv.routing_table[0].node: foo@localhost is this node, but it stores "
            "nothing; add \"kv\" to "
            "apps, or name the node that stores a..m");
}

TEST_F(SettingsFaults, NamesAreNotJudgedTwice) {
  const std::string text = faults_of(
      "name = \"foo\"\napps = [\"kv\"]\n[kv]\nrouting_table = [{ range = \"*\", node = "
      "\"foo@localhost\" }]");
  EXPECT_EQ(text,
            "foo.toml:1: name: \"foo\" is not a node name; write name@host, both of letters, "
            "digits, '_', '-' and '.'");
}

TEST_F(SettingsFaults, PeersHaveNamesAndAddressesOfTheirOwn) {
  EXPECT_EQ(faults_of_peers("\"bar@localhost\" = \"tcp://127.0.0.1:6551\"\n\"bar@localhost\" = "
                            "\"tcp://127.0.0.1:1\""),
            "foo.toml:5: mesh.peers.\"bar@localhost\": is the second peer of this name in this "
            "file; names are unique, "
            "so keep one of the two");
  EXPECT_EQ(
      faults_of_peers(
          "\"a@localhost\" = \"tcp://127.0.0.1:6551\"\n\"b@localhost\" = \"tcp://127.0.0.1:6551\""),
      "foo.toml:5: mesh.peers.\"b@localhost\": \"tcp://127.0.0.1:6551\" is the address of "
      "a@localhost too "
      "(foo.toml:4); each node has an address of its own");
  EXPECT_EQ(faults_of_peers("\"foo@localhost\" = \"tcp://127.0.0.1:6551\""),
            "foo.toml:4: mesh.peers.\"foo@localhost\": is this node's own name; a node is not its "
            "own peer, so remove it "
            "or correct name");
  EXPECT_EQ(faults_of_peers("\"bar@localhost\" = \"tcp://127.0.0.1:5550\""),
            "foo.toml:4: mesh.peers.\"bar@localhost\": \"tcp://127.0.0.1:5550\" is this node's own "
            "mesh.listen; write the "
            "peer's address");
  EXPECT_EQ(faults_of_peers("bar = \"tcp://127.0.0.1:6551\""),
            "foo.toml:4: mesh.peers.bar: \"bar\" is not a node name; write name@host, both of "
            "letters, digits, '_', '-' "
            "and '.'");
  EXPECT_EQ(faults_of_peers("bar@localhost = \"tcp://127.0.0.1:6551\"")
                .find("foo.toml:4: TOML: syntax error: "),
            0U);
  EXPECT_EQ(faults_of_peers("\"bar@localhost\" = 6551"),
            "foo.toml:4: mesh.peers.\"bar@localhost\": is the integer 6551, expected a string; "
            "write \"name@host\" = "
            "\"tcp://host:port\" with both in quotes");
  EXPECT_EQ(faults_with("[mesh]\npeers = [\"bar@localhost\"]"),
            "foo.toml:4: mesh.peers: is an array, expected a table of name = address; write "
            "[mesh.peers] and "
            "\"bar@localhost\" = \"tcp://127.0.0.1:5551\"");
  EXPECT_EQ(faults_with("[log]\nlevel = \"info\"\n[log]\n"),
            "foo.toml:5: log: is defined a second time in this file; keep one of the two");
}

TEST_F(SettingsFaults, PeersAndEntriesAreLimited) {
  const auto peers = [](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      out += "\"n" + std::to_string(i) +
             "@localhost\" = \"tcp://127.0.0.1:" + std::to_string(10000 + i) + "\"\n";
    }
    return out;
  };
  EXPECT_EQ(faults_of_peers(peers(1024)), "");
  EXPECT_EQ(faults_of_peers(peers(1025)),
            "foo.toml:3: mesh.peers: holds 1025 peers, which is over the limit of 1024; reach some "
            "of them through "
            "others");
  std::string entries;
  for (int i = 0; i < 1024; ++i) entries += "{ range = \"a\", node = \"foo@localhost\" },\n";
  EXPECT_EQ(faults_of_table(entries), "");
  EXPECT_EQ(faults_of_table(entries + R"({ range = "a", node = "foo@localhost" })"),
            "foo.toml:6: kv.routing_table: holds 1025 entries, which is over the limit of 1024; "
            "join neighbouring ranges "
            "of one node");
}

TEST_F(SettingsFaults, OnlyLoopbackIsListenedAtUnlessSaidOtherwise) {
  const auto told = [](const std::string& or_key) {
    return " is not a loopback address, and everyone who can reach it could read and write "
           "everything, unencrypted; listen on 127.0.0.1, " +
           or_key + "or set mesh.insecure = true where the network is trusted";
  };
  const std::string mesh = "[mesh]\nlisten = \"tcp://*:6550\"\n";
  const std::string server = "[kv_server]\nlisten = \"0.0.0.0:6040\"\n";
  EXPECT_EQ(faults_with(mesh + server),
            "foo.toml:4: mesh.listen: \"tcp://*:6550\"" + told("give the node a key (mesh.key), ") +
                "\nfoo.toml:6: kv_server.listen: \"0.0.0.0:6040\"" +
                told("give it TLS (kv_server.tls) and users (mesh.security), "));
  EXPECT_EQ(faults_with(mesh + "insecure = true\n" + server), "");
  EXPECT_EQ(faults_with("[mesh]\nlisten = \"ipc:///tmp/x\"\n[kv_server]\nlisten = \"[::1]:6040\""),
            "");
  EXPECT_EQ(faults_of("name = \"foo@localhost\"\napps = [\"kv\"]\n" + server), "")
      << "it is not listened at";
}

TEST_F(SettingsFaults, AKeyMakesTheMeshPortFitForAnyAddressAndNeedsToKnowWhoMayConnect) {
  const std::string mesh = "[mesh]\nlisten = \"tcp://*:6550\"\n";
  EXPECT_EQ(faults_with(mesh + "key = \"a.key\"\nsecurity = \"security.toml\""), "");
  EXPECT_EQ(faults_with(mesh + "key = \"a.key\""),
            "foo.toml:5: mesh.key: needs mesh.security, the file that says whose keys are let in; "
            "add security = \"security.toml\"");
  EXPECT_EQ(faults_with("[mesh]\nsecurity = \"security.toml\""),
            "foo.toml:4: mesh.security: needs mesh.key, the key file of this node; type kvmesh "
            "keygen --help, and add key = \"FILE\"");
  EXPECT_EQ(faults_with("[mesh]\nkey = \"\"\nsecurity = \"s\""),
            "foo.toml:4: mesh.key: is empty; name a file, or leave the key out");
  EXPECT_EQ(faults_with("[log]\naudit = \"\""),
            "foo.toml:4: log.audit: is empty; name a file, or leave the key out");
}

TEST_F(SettingsFaults, OneAddressServesOneProtocol) {
  EXPECT_EQ(faults_with("[kv_server]\nlisten = \"127.0.0.1:5550\""),
            "foo.toml:4: kv_server.listen: \"127.0.0.1:5550\" is the port of mesh.listen too; "
            "choose another port for one "
            "of them");
  EXPECT_EQ(
      faults_with("[mesh]\nlisten = \"tcp://127.0.0.1:0\"\n[kv_server]\nlisten = \"127.0.0.1:0\""),
      "");
}

TEST_F(SettingsFaults, TimesFitTogether) {
  EXPECT_EQ(faults_with("[mesh]\npeer_timeout_ms = 250"),
            "foo.toml:4: mesh.ping_interval_ms: 250 is not below mesh.peer_timeout_ms (250), so a "
            "healthy peer would "
            "count as dead; write at most 125");
  EXPECT_EQ(faults_with("[mesh]\npeer_timeout_ms = 251"), "");
  EXPECT_EQ(faults_with("[mesh]\nreconnect_min_ms = 1001"),
            "foo.toml:4: mesh.reconnect_min_ms: 1001 is over mesh.reconnect_max_ms (1000); lower "
            "the one or raise the "
            "other");
  EXPECT_EQ(faults_with("[mesh]\nreconnect_min_ms = 1000"), "");
}

TEST_F(SettingsFaults, OddTablesAreWarnedOf) {
  add_file("foo.toml", std::string{kNameAndApps} + R"([mesh.peers]
"bar@localhost" = "tcp://127.0.0.1:6551"
"zed@localhost" = "tcp://127.0.0.1:40000"
[kv]
routing_table = [
  { range = "a..m", node = "foo@localhost" },
  { range = "n..z", node = "foo@localhost" },
  { range = "k..p", node = "bar@localhost" },
]
)");
  const std::vector<std::string> expected = {
      "foo.toml:5: mesh.peers.\"zed@localhost\": no entry of kv.routing_table names this peer, so "
      "it gets only requests that name it; add an entry or remove it",
      "foo.toml:10: kv.routing_table[2]: k..p -> bar@localhost can never match, because earlier "
      "entries cover all of it; move it up or remove it"};
  EXPECT_EQ(load().warnings, expected);
}

TEST_F(SettingsFaults, AnEmptyTableIsWarnedOf) {
  add_file("foo.toml", kNameAndApps);
  const std::vector<std::string> expected = {
      "foo.toml: kv.routing_table: has no entries, so every bucket ends as no_route; add { range = "
      "\"*\", node = "
      "\"foo@localhost\" } or entries for other nodes"};
  EXPECT_EQ(load().warnings, expected);
}

}  // namespace
}  // namespace kvmesh
