#include "common/config/load.h"

#include <string>
#include <utility>

#include "common/config/check.h"
#include "common/config/draft.h"
#include "common/config/faults.h"
#include "common/config/layers.h"
#include "common/config/scan.h"
#include "common/text.h"

namespace kvmesh {
namespace {

config::Place whole_place(const SettingsSources& sources) {
  const std::string source = sources.files.empty() ? "command line" : joined(sources.files, ", ");
  return {config::Place::Origin::kFile, source, 0};
}

Settings finished(const config::Draft& draft) {
  Settings out = draft.settings;
  for (const auto& peer : draft.peers) {
    if (peer.via) {
      out.mesh.vias.push_back({peer.name, *peer.via});
    } else {
      out.mesh.peers.push_back({peer.name, peer.address.value()});
    }
  }
  return out;
}

Result<LoadedSettings> load(const SettingsSources& sources, const Settings* running) {
  config::Faults faults;
  const config::Layers layers = config::read_layers(sources, faults);
  config::Draft draft;
  draft.whole = whole_place(sources);
  config::scan(layers.merged, draft, faults);
  // Half a configuration would be full of faults that are none.
  if (layers.complete) config::check(draft, faults);
  if (layers.complete && running != nullptr) config::check_running(draft, *running, faults);
  if (!faults.empty()) return Status{StatusCode::kInvalidArgument, joined(faults.lines(), "\n")};

  std::vector<RouteEntry> entries;
  for (const auto& entry : draft.entries) entries.push_back(entry.route);
  draft.settings.kv.routing_table = RoutingTable{std::move(entries)};
  config::Faults warnings;
  config::check_oddities(draft, warnings);
  return LoadedSettings{finished(draft), warnings.lines(),
                        draft.place_of("tasks.allow").to_string()};
}

}  // namespace

Result<LoadedSettings> load_settings(const SettingsSources& sources) {
  return load(sources, nullptr);
}

Result<LoadedSettings> reload_settings(const SettingsSources& sources, const Settings& running) {
  return load(sources, &running);
}

}  // namespace kvmesh
