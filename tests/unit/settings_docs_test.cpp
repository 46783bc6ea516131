// config/ says what the code does: every key with its default, every limit with its value, and
// files that load.

#include <kvmesh/limits.h>

#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "common/config/layers.h"
#include "common/config/schema.h"
#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = KVMESH_SOURCE_DIR;

std::string number(std::uint64_t value) { return std::to_string(value); }
std::string number(std::chrono::milliseconds value) { return std::to_string(value.count()); }

std::map<std::string, std::string> limit_values() {
  using namespace limits;  // NOLINT(google-build-using-namespace): a list of all of them
  return {
      {"kBucketNameBytesMax", number(kBucketNameBytesMax)},
      {"kKeyBytesMax", number(kKeyBytesMax)},
      {"kValueBytesMax", number(kValueBytesMax)},
      {"kFrameBytesMax", number(kFrameBytesMax)},
      {"kRecordBytesMax", number(kRecordBytesMax)},
      {"kBodyBytesMax", number(kBodyBytesMax)},
      {"kTraceBytesMax", number(kTraceBytesMax)},
      {"kPingBytesMax", number(kPingBytesMax)},
      {"kRequestBatchBytes", number(kRequestBatchBytes)},
      {"kReplyBatchBytes", number(kReplyBatchBytes)},
      {"kBufferBytesKept", number(kBufferBytesKept)},
      {"kNodeNameBytesMax", number(kNodeNameBytesMax)},
      {"kFunctionNameBytesMax", number(kFunctionNameBytesMax)},
      {"kUserNameBytesMax", number(kUserNameBytesMax)},
      {"kErrorTextBytesMax", number(kErrorTextBytesMax)},
      {"kHopsMax", number(kHopsMax)},
      {"kNestingMax", number(kNestingMax)},
      {"kValueItemsMax", number(kValueItemsMax)},
      {"kPageItemsMax", number(kPageItemsMax)},
      {"kPageItemsDefault", number(kPageItemsDefault)},
      {"kPageBytesMax", number(kPageBytesMax)},
      {"kReadKeysMax", number(kReadKeysMax)},
      {"kReadBytesMax", number(kReadBytesMax)},
      {"kApplyChangesMax", number(kApplyChangesMax)},
      {"kApplyChecksMax", number(kApplyChecksMax)},
      {"kApplyBytesMax", number(kApplyBytesMax)},
      {"kOnceIdBytes", number(kOnceIdBytes)},
      {"kRevisionMax", number(kRevisionMax)},
      {"kEventRingsBytesMax", number(kEventRingsBytesMax)},
      {"kFollowersMax", number(kFollowersMax)},
      {"kChangesWaitMax", number(kChangesWaitMax)},
      {"kTtlMax", number(kTtlMax)},
      {"kPagesWaitingMax", number(kPagesWaitingMax)},
      {"kTimeoutDefault", number(kTimeoutDefault)},
      {"kTimeoutMax", number(kTimeoutMax)},
      {"kInFlightMax", number(kInFlightMax)},
      {"kInFlightPerLinkMax", number(kInFlightPerLinkMax)},
      {"kInFlightBytesPerLinkMax", number(kInFlightBytesPerLinkMax)},
      {"kPeersMax", number(kPeersMax)},
      {"kRoutingEntriesMax", number(kRoutingEntriesMax)},
      {"kPrincipalsMax", number(kPrincipalsMax)},
      {"kGrantsMax", number(kGrantsMax)},
      {"kMeshClientsMax", number(kMeshClientsMax)},
      {"kMeshClientReplyBytesMax", number(kMeshClientReplyBytesMax)},
      {"kMeshReplyBytesMax", number(kMeshReplyBytesMax)},
      {"kLineBytesMax", number(kLineBytesMax)},
      {"kTcpConnectionsDefault", number(kTcpConnectionsDefault)},
      {"kTcpPipelineMax", number(kTcpPipelineMax)},
      {"kTcpPipelineBytes", number(kTcpPipelineBytes)},
      {"kTcpUnreadBytesMax", number(kTcpUnreadBytesMax)},
      {"kTcpBufferedBytesMax", number(kTcpBufferedBytesMax)},
      {"kTaskSlice", number(kTaskSlice)},
      {"kTaskLease", number(kTaskLease)},
      {"kProcessesMax", number(kProcessesMax)},
      {"kMailboxMessagesMax", number(kMailboxMessagesMax)},
      {"kMailboxBytesMax", number(kMailboxBytesMax)},
      {"kMailboxesBytesMax", number(kMailboxesBytesMax)},
      {"kTaskOutputBytesMax", number(kTaskOutputBytesMax)},
      {"kTaskResultBytesMax", number(kTaskResultBytesMax)},
      {"kEndedReasonsMax", number(kEndedReasonsMax)},
  };
}

std::string readme() { return read_text(kSource / "config/README.md"); }

// The text between "```LANGUAGE\n" and "\n```".
std::string block(const std::string& text, const std::string& language) {
  const std::string opening = "```" + language + "\n";
  const auto start = text.find(opening);
  EXPECT_NE(start, std::string::npos) << language;
  if (start == std::string::npos) return {};
  const auto first = start + opening.size();
  return text.substr(first, text.find("\n```", first) - first);
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

bool is_limit(const std::string& name) {
  return name.size() > 1 && name[0] == 'k' && name[1] >= 'A' && name[1] <= 'Z';
}

// The names in backquotes that begin the rows of the README's tables: limits, or else keys.
std::set<std::string> row_names(const std::string& text, bool limits) {
  std::set<std::string> out;
  for (const std::string& line : lines(text)) {
    if (!line.starts_with("| `")) continue;
    const std::string name = line.substr(3, line.find('`', 3) - 3);
    if (is_limit(name) == limits) out.insert(name);
  }
  return out;
}

// The names that a header defines as `inline constexpr TYPE kName`.
std::set<std::string> constant_names(const std::string& header) {
  std::set<std::string> out;
  for (const std::string& line : lines(header)) {
    std::istringstream words{line};
    std::string inline_word, constexpr_word, type, name;
    words >> inline_word >> constexpr_word >> type >> name;
    if (inline_word == "inline" && constexpr_word == "constexpr")
      out.insert(name.substr(0, name.find('{')));
  }
  return out;
}

// What stands after `start` in the indented lines of the README that begin with it, without the
// quotes for the shell.
std::vector<std::string> examples(const std::string& text, const std::string& start) {
  std::vector<std::string> out;
  for (std::string line : lines(text)) {
    if (!line.starts_with("    " + start)) continue;
    line.erase(0, 4 + start.size());
    std::erase(line, '\'');
    out.push_back(line);
  }
  return out;
}

class SettingsDocs : public SettingsTest {};

TEST_F(SettingsDocs, TheReadmeSaysOfEveryKeyWhatTheSchemaSays) {
  const std::string text = readme();
  std::set<std::string> keys;
  for (const auto& spec : config::schema()) {
    keys.insert(spec.key);
    std::string standard = config::default_text(spec);
    if (!spec.required && !spec.optional) standard = "`" + standard + "`";
    std::string row = "\n";
    for (const std::string& cell :
         {"`" + spec.key + "`", spec.meaning, spec.type, standard, spec.unit, spec.range}) {
      row.append("| ").append(cell).append(" ");
    }
    row += "|\n";
    EXPECT_NE(text.find(row), std::string::npos) << "config/README.md lacks the row" << row;
  }
  EXPECT_EQ(row_names(text, false), keys) << "a key that does not exist";
}

TEST_F(SettingsDocs, TheReadmeHasEveryLimitWithItsValue) {
  const std::string text = readme();
  std::set<std::string> names;
  for (const auto& [name, value] : limit_values()) {
    names.insert(name);
    std::string row = "\n| `";
    row.append(name).append("` | ").append(value).append(" | ");
    EXPECT_NE(text.find(row), std::string::npos) << name << " is " << value;
  }
  const std::string header = read_text(kSource / "common/kvmesh/limits.h");
  EXPECT_EQ(constant_names(header), names) << "limits.h has other limits than this test's list";
  EXPECT_EQ(row_names(text, true), names) << "the README has other limits";
}

TEST_F(SettingsDocs, TheReadmesFaultyFileGivesTheReportThatItShows) {
  const std::string text = readme();
  add_file("wrong.toml", block(text, "toml"));
  EXPECT_EQ(faults(), block(text, "text"));
}

TEST_F(SettingsDocs, TheReadmesAssignmentsAndVariablesAreGood) {
  const std::string text = readme();
  sources_.assignments = examples(text, "--set ");
  EXPECT_EQ(sources_.assignments.size(), 5U);
  for (const std::string& variable : examples(text, "KVMESH_")) {
    const auto equals = variable.find('=');
    sources_.environment.emplace_back("KVMESH_" + variable.substr(0, equals),
                                      variable.substr(equals + 1));
  }
  EXPECT_EQ(sources_.environment.size(), 2U);
  sources_.assignments.emplace_back("name=foo@localhost");
  EXPECT_EQ(faults(), "");
}

TEST_F(SettingsDocs, TheSampleShowsEveryKeyAndItsDefault) {
  sources_.files = {(kSource / "config/sample.toml").string()};
  const auto loaded = load();
  EXPECT_TRUE(loaded.warnings.empty()) << loaded.warnings.front();
  config::Faults none;
  const auto text = read_text(kSource / "config/sample.toml");
  const config::Value sample = config::read_layers(sources_, none).merged;
  for (const auto& spec : config::schema()) {
    const auto dot = spec.key.find('.');
    const config::Value* table =
        dot == std::string::npos ? &sample : sample.find(spec.key.substr(0, dot));
    ASSERT_NE(table, nullptr) << spec.key;
    // These name files that must exist.
    if (spec.key == "mesh.key" || spec.key == "mesh.security" ||
        spec.key.starts_with("kv_server.tls.")) {
      EXPECT_NE(text.find("\n# " + spec.key.substr(spec.key.rfind('.') + 1) + " = "),
                std::string::npos)
          << spec.key;
      continue;
    }
    EXPECT_NE(table->find(spec.key.substr(dot + 1)), nullptr)
        << spec.key << " is not in the sample";
    if (spec.required || spec.optional) continue;
    if (spec.key == "mesh.peers") continue;  // two that show what may stand there
    EXPECT_EQ(spec.show(loaded.settings), config::default_text(spec)) << spec.key;
  }
}

TEST_F(SettingsDocs, EveryDefaultInTheSchemaCanBeWritten) {
  for (const auto& spec : config::schema()) {
    if (spec.required || spec.optional) continue;
    sources_.assignments = {"name=foo@localhost", "apps=[]",
                            spec.key + "=" + config::default_text(spec)};
    EXPECT_EQ(faults(), "");
  }
}

Settings demo(const std::string& node) {
  SettingsSources sources;
  sources.files = {(kSource / "config/demo" / (node + ".toml")).string()};
  auto loaded = load_settings(sources);
  EXPECT_TRUE(loaded.ok()) << loaded.status().text();
  if (!loaded.ok()) return {};
  EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings.front();
  return std::move(loaded->settings);
}

TEST_F(SettingsDocs, TheDemoIsThreeDeploymentsThatKnowEachOthersAddresses) {
  std::map<std::string, Settings> nodes;
  for (const char* name : {"foo", "bar", "gate"})
    nodes[std::string{name} + "@localhost"] = demo(name);
  EXPECT_TRUE(nodes["foo@localhost"].apps.kv && nodes["foo@localhost"].apps.kv_server);
  EXPECT_TRUE(nodes["bar@localhost"].apps.kv && !nodes["bar@localhost"].apps.kv_server);
  EXPECT_TRUE(!nodes["gate@localhost"].apps.kv && nodes["gate@localhost"].apps.kv_server);
  for (const auto& [name, settings] : nodes) {
    EXPECT_EQ(settings.name.str(), name);
    for (const auto& peer : settings.mesh.peers)
      EXPECT_EQ(nodes[peer.name.str()].mesh.listen, peer.address);
    for (int byte = 0; byte < 256;
         ++byte) {  // wherever a bucket enters, every table agrees on its node
      const auto& table = settings.kv.routing_table;
      const auto entry = table.find(static_cast<std::uint8_t>(byte));
      ASSERT_TRUE(entry) << name << ' ' << byte;
      EXPECT_EQ(table.entries()[*entry].node.str(),
                byte >= 'a' && byte <= 'm' ? "foo@localhost" : "bar@localhost");
    }
  }
}

}  // namespace
}  // namespace kvmesh
