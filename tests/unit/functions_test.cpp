// The table of functions, against what PROTOCOL.md tells and what nodes have.

#include "common/functions.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "node/line/command.h"

namespace kvmesh::functions {
namespace {

std::string protocol() {
  std::ifstream in{std::string{KVMESH_SOURCE_DIR} + "/common/PROTOCOL.md"};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Functions, AreFoundByName) {
  for (const auto* function : all()) EXPECT_EQ(find(function->name), function);
  EXPECT_EQ(find("kv.increment"), nullptr);
  EXPECT_EQ(find(""), nullptr);
  EXPECT_EQ(find("zzz"), nullptr);
  EXPECT_EQ(usage(kKvPut), "kv.put [key, value]");
}

TEST(Functions, AreThoseOfTheProtocol) {
  const auto text = protocol();
  for (const auto* function : all()) {
    EXPECT_NE(text.find("| `" + function->str() + "` |"), std::string::npos)
        << function->name << " is not in PROTOCOL.md";
  }
  std::istringstream lines{text};
  std::set<std::string> told;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const auto name = line.substr(3, line.find('`', 3) - 3);
    for (const auto* module : {"kv.", "node.", "task.", "process.", "server."}) {
      if (name.starts_with(module) && name.find(' ') == std::string::npos) told.insert(name);
    }
  }
  ASSERT_GT(told.size(), 10U);
  for (const auto& name : told) {
    EXPECT_NE(find(name), nullptr) << name << " is in PROTOCOL.md only";
  }
}

TEST(Functions, LineFormsStandInTheOrderOfTheirVerbs) {
  const auto forms = line_forms();
  ASSERT_EQ(forms.size(), static_cast<std::size_t>(LineVerb::kUnknown));
  for (std::size_t i = 0; i < forms.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(forms[i].verb), i) << forms[i].word;
    EXPECT_TRUE(forms[i].help.starts_with(forms[i].word));
    EXPECT_TRUE(forms[i].help.ends_with("\r\n"));
    EXPECT_EQ(line::function_of(forms[i].verb), forms[i].function);
  }
  EXPECT_EQ(line::function_of(LineVerb::kUnknown), nullptr);
}

}  // namespace
}  // namespace kvmesh::functions
