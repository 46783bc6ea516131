#include "common/config/security_keys.h"

#include <string>
#include <utility>

#include "common/config/key_kinds.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

Status check_file_path(const std::string& text) {
  if (text.empty()) {
    return {StatusCode::kInvalidArgument, "is empty; name a file, or leave the key out"};
  }
  if (text.find('\0') == std::string::npos) return {};
  return {StatusCode::kInvalidArgument, in_quotes(text) + " holds a zero byte; name a file"};
}

// A file that is named relative to the one that names it. `member` gives the path that the key
// sets.
KeySpec file_key(const std::string& key, std::string meaning, std::string_view example,
                 StringAccess access, std::string& (*member)(Settings&)) {
  KeySpec spec = plain(key, "",
                       std::move(meaning) +
                           " A relative path starts at the folder of the file that names it; one "
                           "of the environment or `--set`, at the working directory.");
  spec.range = "a path";
  spec = string_key(std::move(spec), example, access);
  spec.optional = true;
  spec.show = [show = std::move(spec.show), member](const Settings& settings) {
    auto copy = settings;
    return member(copy).empty() ? "not set" : show(settings);
  };
  spec.store = [store = std::move(spec.store), key, member](const Value& value, Draft& draft,
                                                            Faults& faults) {
    store(value, draft, faults);
    if (!draft.sound(key)) return;
    auto& path = member(draft.settings);
    path = path_from(path, value.place);
  };
  return spec;
}

}  // namespace

std::vector<KeySpec> security_keys() {
  std::vector<KeySpec> out;
  out.push_back(
      file_key("mesh.key",
               "The key file of this node, as `kvmesh keygen` writes it. With it all connections "
               "of the mesh "
               "are encrypted, and both sides of each prove who they are; needs mesh.security.",
               "key = \"foo.key\"",
               {[](Settings& settings, const std::string& text) {
                  settings.mesh.key = text;
                  return check_file_path(text);
                },
                [](const Settings& settings) { return settings.mesh.key; }},
               [](Settings& settings) -> std::string& { return settings.mesh.key; }));
  out.push_back(
      file_key("mesh.security",
               "The file that says who may connect, and do what (security.toml); needs mesh.key.",
               "security = \"security.toml\"",
               {[](Settings& settings, const std::string& text) {
                  settings.mesh.security = text;
                  return check_file_path(text);
                },
                [](const Settings& settings) { return settings.mesh.security; }},
               [](Settings& settings) -> std::string& { return settings.mesh.security; }));
  return out;
}

}  // namespace kvmesh::config
