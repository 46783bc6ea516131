#include "client/command/buckets/mesh_buckets.h"

#include <algorithm>
#include <utility>

#include "client/command/nodes/info_text.h"
#include "client/command/verify/live_mesh.h"
#include "client/verify/findings.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

std::string missing_text(const std::string& node, const Status& why) {
  return "the buckets of " + node + " are missing: " + why.to_string();
}

std::uint64_t strays_of(const Value& info) {
  const Value* store = info.find("store");
  return store == nullptr ? 0 : number_at(*store, "strays");
}

}  // namespace

Result<MeshBuckets> MeshBuckets::open(Session& session, const NameBounds& bounds) {
  const auto mesh = live_mesh({session.endpoints()}, session.options.timeout);
  if (!mesh) return mesh.status();
  MeshBuckets out{session};
  for (const auto& node : mesh->model.nodes) {
    if (!node.stores) continue;
    const auto& name = node.name.str();
    if (const auto strays = strays_of(*mesh->infos.at(name)); strays > 0) {
      out.strays_.push_back(name + " also holds " + verify::counted(strays, "bucket", "buckets") +
                            " that its table gives to others; kvmesh buckets --on " + name +
                            " lists all that it holds");
    }
    BucketList list{**session.client(), name, bounds, session.timeout()};
    out.sources_.push_back({node, mesh->ways.at(name), std::move(list)});
  }
  for (const auto& [name, why] : mesh->model.silent) {
    out.missing_.push_back(
        missing_text(name + ", if it stores any,", mesh->infos.at(name).status()));
  }
  return out;
}

// For a page. What is opened for it stays so until room is made for another.
Status MeshBuckets::connect(Source& source) {
  if (source.at) return {};
  if (open_.size() == kOpenMax) {
    sources_[open_.front()].at.reset();
    open_.pop_front();
  }
  auto at = access(*session_, source.way, source.node.name.str());
  if (!at) return at.status();
  source.list.go_on_over(*at->client, at->target);
  source.at = *std::move(at);
  if (source.at->opened == nullptr) return {};
  open_.push_back(static_cast<std::size_t>(&source - sources_.data()));
  return {};
}

bool MeshBuckets::fill(Source& source, std::uint32_t limit) {
  while (source.place == source.names.size() && !source.is_over) {
    const auto connected = connect(source);
    auto names =
        connected.ok() ? source.list.next(limit) : Result<std::vector<std::string>>{connected};
    source.place = 0;
    source.names.clear();
    if (!names) missing_.push_back(missing_text(source.node.name.str(), names.status()));
    if (!names || names->empty()) {
      source.is_over = true;
    } else {
      source.names = *std::move(names);
      std::erase_if(source.names, [&](const std::string& name) {
        return !verify::is_its_own(source.node, static_cast<std::uint8_t>(name.front()));
      });
    }
  }
  return source.place < source.names.size();
}

Names MeshBuckets::next(std::uint32_t limit) {
  Names out;
  while (true) {
    Source* first = nullptr;
    for (auto& source : sources_) {
      if (!fill(source, limit)) continue;
      if (first == nullptr || source.names[source.place] < first->names[first->place]) {
        first = &source;
      }
    }
    if (first == nullptr) return out;
    if (out.names.size() >= limit) {
      out.more = true;
      return out;
    }
    out.names.push_back(first->names[first->place]);
    for (auto& source : sources_) {
      if (source.place < source.names.size() && source.names[source.place] == out.names.back()) {
        ++source.place;
      }
    }
  }
}

}  // namespace kvmesh::command
