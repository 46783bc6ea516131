#include "common/config/changes.h"

#include <utility>

#include "common/config/schema.h"

namespace kvmesh {

std::vector<std::string> restart_needed(const Settings& before, const Settings& after) {
  std::vector<std::string> out;
  for (const auto& key : config::schema()) {
    if (key.key == "kv.routing_table") continue;
    const auto old = key.show(before);
    const auto now = key.show(after);
    if (old == now) continue;
    out.push_back(key.key + ": " + old + " stays until a restart; the configuration says " + now);
  }
  return out;
}

}  // namespace kvmesh
