#include "client/command/buckets/bucket_list.h"

#include <kvmesh/limits.h>

#include <algorithm>
#include <utility>

#include "client/command/base/completions.h"
#include "client/command/nodes/info_text.h"
#include "client/command/verify/live_mesh.h"
#include "client/command/verify/moves.h"
#include "client/outcome.h"
#include "client/verify/findings.h"
#include "common/functions.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

// The greatest name that is smaller than all that begin with `prefix`. REQUIRES: that is not empty.
std::string last_name_before(std::string_view prefix) {
  std::string out{prefix};
  const auto last = static_cast<unsigned char>(out.back());
  out.pop_back();
  if (last == 0) return out;
  out += static_cast<char>(last - 1);
  if (out.size() < limits::kBucketNameBytesMax) out.resize(limits::kBucketNameBytesMax, '\xff');
  return out;
}

// The smallest name that is greater than all that begin with `prefix`.
std::optional<std::string> first_name_beyond(std::string_view prefix) {
  std::string out{prefix};
  while (!out.empty() && out.back() == '\xff') out.pop_back();
  if (out.empty()) return std::nullopt;
  out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

}  // namespace

NameBounds names_in(const RouteRange& range) {
  if (range.is_by_hash()) return {{}, std::nullopt, range};
  const auto bytes = runs_of(range.keys()).front();
  const char first = static_cast<char>(bytes.first);
  const char last = static_cast<char>(bytes.last);
  return {last_name_before({&first, 1}), first_name_beyond({&last, 1}), std::nullopt};
}

verify::NameSet names_beyond(const RouteRange& range, const RoutingTable& table) {
  verify::NameSet out;
  if (range.is_by_hash()) out.insert(table.decided_bytes(), range.keys());
  return out;
}

NameBounds names_with(std::string_view prefix) {
  if (prefix.empty()) return {};
  return {last_name_before(prefix), first_name_beyond(prefix), std::nullopt};
}

Result<NodeAccess> access(Session& session, const Way& way, const std::string& node) {
  const auto connected = session.where();
  // An address that another node has told may be another node's from here.
  const bool is_connected = way.knower.empty() && way.address == connected;
  if (is_connected || way.knower_address == connected) {
    const auto client = session.client();
    if (!client) return client.status();
    // By its name where the client may go on at another node, whose own buckets are others.
    const bool is_sure = is_connected && session.endpoints().size() == 1;
    return NodeAccess{*client, is_sure ? "" : node, nullptr};
  }
  auto reached = reach(way, node, CallTime{session.access()});
  if (!reached) return reached.status();
  auto* client = reached->client.get();
  return NodeAccess{client, std::move(reached->target), std::move(reached->client)};
}

Result<std::vector<std::string>> BucketList::next(std::uint32_t limit) {
  while (more_) {
    auto page = client::names_of(
        call_until_broken_off(*client_, ops::buckets(target_, bounds_.after, limit), timeout_),
        functions::kKvBuckets.name);
    if (!page) return page.status();
    if (!is_page_behind(*page, bounds_.after)) {
      return Status{StatusCode::kProtocolError, "its pages of buckets go back"};
    }
    more_ = page->more;
    while (!page->names.empty() && !bounds_.is_before_end(page->names.back())) {
      page->names.pop_back();
      more_ = false;
    }
    if (page->names.empty()) continue;
    bounds_.after = page->names.back();
    if (bounds_.only) {
      std::erase_if(page->names, [&](const auto& name) { return !bounds_.only->holds(name); });
    }
    if (!page->names.empty()) return std::move(page->names);
  }
  return std::vector<std::string>{};
}

namespace {

std::string missing_text(const std::string& node, const Status& why) {
  return "the buckets of " + node + " are missing: " + why.to_string();
}

}  // namespace

Result<MeshBuckets> MeshBuckets::open(Session& session, const NameBounds& bounds,
                                      std::optional<std::chrono::steady_clock::time_point> until) {
  const auto mesh = live_mesh({session.endpoints()}, session.access(), until);
  if (!mesh) return mesh.status();
  auto out = of(session, *mesh, bounds);
  out.until_ = until;
  return out;
}

MeshBuckets MeshBuckets::of(Session& session, const LiveMesh& mesh, const NameBounds& bounds) {
  MeshBuckets out{session};
  for (const auto& node : mesh.model.nodes) {
    if (!node.stores) continue;
    const auto& name = node.name.str();
    if (const auto strays = strays_of(*mesh.infos.at(name)).value_or(0); strays > 0) {
      out.strays_.push_back(name + " also holds " + verify::counted(strays, "bucket", "buckets") +
                            " that its table gives to others; kvmesh buckets --on " + name +
                            " lists all that it holds");
    }
    BucketList list{**session.client(), name, bounds, session.timeout()};
    out.sources_.push_back({node, mesh.ways.at(name), std::move(list)});
  }
  for (const auto& [name, why] : mesh.model.silent) {
    out.missing_.push_back(
        missing_text(name + ", if it stores any,", mesh.infos.at(name).status()));
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
    if (until_ && std::chrono::steady_clock::now() >= *until_) return false;
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
        return !verify::is_its_own(source.node, name);
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
