#include "common/security/own_key.h"

#include <string>
#include <string_view>

#include "common/text.h"

namespace kvmesh::security {
namespace {

Status unfit(std::string_view setting, const std::string& text) {
  return {StatusCode::kInvalidArgument, std::string{setting} + ": " + text};
}

}  // namespace

Status check_own_key(const KeyFile& file, const Principals& principals, const Settings& settings) {
  const auto& name = settings.name.str();
  const auto& path = settings.mesh.security;
  const auto& own = file.keys.public_key;
  if (!file.is_node || file.principal != name) {
    return unfit("mesh.key", "the key file " + in_quotes(settings.mesh.key, 4096) +
                                 " is that of the " + (file.is_node ? "node " : "user ") +
                                 file.principal + ", and this node is " + name +
                                 "; name the file of this node's key, or make one: kvmesh keygen " +
                                 name);
  }
  if (principals.is_revoked(own)) {
    return unfit("mesh.key", "the key " + own.fingerprint() + "... of " +
                                 in_quotes(settings.mesh.key, 4096) + " is revoked in " + path +
                                 "; make another one: kvmesh keygen " + name);
  }
  const auto* const me = principals.by_key(own);
  if (me != nullptr && me->name == name) return {};
  return unfit("mesh.security", path + " does not hold this node with its key; add \"" + own.str() +
                                    "\" to the keys of [node.\"" + name + "\"]");
}

}  // namespace kvmesh::security
