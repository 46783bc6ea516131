#include "common/config/security_keys.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/config/key_kinds.h"

namespace kvmesh::config {
namespace {

constexpr std::string_view kWhereItStarts =
    " A relative path starts at the folder of the file that names it; one of the environment or "
    "`--set`, at the working directory.";

KeySpec file_key(std::string key, std::string meaning, std::string_view example,
                 std::string& (*member)(Settings&)) {
  meaning += kWhereItStarts;
  return path_key(plain(std::move(key), "", std::move(meaning)), example, "file", member);
}

}  // namespace

std::vector<KeySpec> security_keys() {
  std::vector<KeySpec> out;
  out.push_back(file_key(
      "mesh.key",
      "The key file of this node, as `kvmesh keygen` writes it. With it all connections "
      "of the mesh are encrypted, and both sides of each prove who they are; needs "
      "mesh.security.",
      "key = \"foo.key\"", [](Settings& settings) -> std::string& { return settings.mesh.key; }));
  out.push_back(
      file_key("mesh.security",
               "The file that says who may connect, and do what (security.toml); needs mesh.key.",
               "security = \"security.toml\"",
               [](Settings& settings) -> std::string& { return settings.mesh.security; }));
  return out;
}

}  // namespace kvmesh::config
