#include "client/command/backup/restore_state.h"

#include <absl/strings/escaping.h>

#include <algorithm>

#include "client/command/backup/members.h"
#include "client/command/base/json.h"
#include "client/command/transfer/import_owners.h"

namespace kvmesh::command {

std::string to_text(const RestoreState& state) {
  Value::List nodes;
  for (const auto& node : state.nodes) {
    nodes.push_back(
        Value::Map{{"node", node.name}, {"incarnation", node.incarnation}, {"keeps", node.keeps}});
  }
  Value::List failed;
  for (const auto& bucket : state.failed) failed.emplace_back(absl::Base64Escape(bucket));
  const Value::Map all{{"backup_begun_ms", state.backup_begun_ms},
                       {"mode", state.mode},
                       {"file", state.place.file},
                       {"offset", state.place.offset},
                       {"records", state.records},
                       {"timeout_ms", state.timeout_ms},
                       {"nodes", std::move(nodes)},
                       {"failed", std::move(failed)}};
  return Value{all}.to_json() + "\n";
}

Result<RestoreState> parse_restore_state(std::string_view text) {
  const auto json = parse_strict_json(text);
  if (!json) return json.status();
  Members members{*json};
  RestoreState out;
  members.take("backup_begun_ms", out.backup_begun_ms);
  members.take("mode", out.mode);
  members.take("file", out.place.file);
  members.take("offset", out.place.offset);
  members.take("records", out.records);
  members.take("timeout_ms", out.timeout_ms);
  members.take_list("nodes", out.nodes, [](Members& node, RestoreState::Node& to) {
    node.take("node", to.name);
    node.take("incarnation", to.incarnation);
    node.take("keeps", to.keeps);
  });
  std::vector<std::string> failed;
  members.take("failed", failed);
  for (const auto& name : failed) {
    auto bucket = decode_base64(name);
    if (!bucket) return Status{StatusCode::kInvalidArgument, "\"failed\" has a name that is none"};
    out.failed.push_back(*std::move(bucket));
  }
  if (members.fault().empty()) return out;
  return Status{StatusCode::kInvalidArgument, members.fault()};
}

std::vector<RestoreState::Node> storing_nodes(const LiveMesh& mesh) {
  std::vector<RestoreState::Node> out;
  for (const auto& node : mesh.model.nodes) {
    if (!node.stores) continue;
    const auto told = ImportOwners::told_of(*mesh.infos.at(node.name.str()), {});
    if (told) out.push_back({told->node, told->incarnation, told->keeps});
  }
  std::ranges::sort(out, {}, &RestoreState::Node::name);
  return out;
}

std::vector<std::string> losses_since(const std::vector<RestoreState::Node>& before,
                                      const std::vector<RestoreState::Node>& now) {
  std::vector<std::string> out;
  for (const auto& node : before) {
    if (node.keeps) continue;
    const auto found = std::ranges::find(now, node.name, &RestoreState::Node::name);
    if (found == now.end()) {
      out.push_back(node.name +
                    " keeps nothing over a restart, and cannot be asked whether it was "
                    "restarted");
    } else if (found->incarnation != node.incarnation) {
      out.push_back(node.name +
                    " was restarted, and keeps nothing over that: what was "
                    "stored there is lost");
    }
  }
  return out;
}

bool have_same_names(const std::vector<RestoreState::Node>& one,
                     const std::vector<RestoreState::Node>& other) {
  return std::ranges::equal(one, other, {}, &RestoreState::Node::name, &RestoreState::Node::name);
}

}  // namespace kvmesh::command
