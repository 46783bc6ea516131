#include "common/config/tables.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <kvmesh/limits.h>

#include "common/config/address.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

constexpr std::string_view kPeers = "mesh.peers";
constexpr std::string_view kTable = "kv.routing_table";
constexpr std::string_view kEntryExample = R"({ range = "a..m", node = "foo@localhost" })";

void refuse_peer(const Value& at, const std::string& key, Draft& draft, Faults& faults,
                 std::string_view text) {
  draft.faulty.emplace(kPeers);
  faults.add(at.place, key, text);
}

// The way to a peer written as a table: { via = "bar@localhost" }, or { address = "tcp://..." }.
void store_way(const Value& table, const std::string& key, Draft::Peer& peer, Draft& draft,
               Faults& faults) {
  const auto refuse = [&](const Value& at, const std::string& at_key, std::string_view text) {
    refuse_peer(at, at_key, draft, faults, text);
  };
  for (const Value& member : table.children) {
    if (member.key == "address" || member.key == "via") continue;
    refuse(member, join_key(key, member.key),
           "is not a known key; write { via = \"bar@localhost\" } or the address alone");
  }
  const Value* address = table.find("address");
  const Value* via = table.find("via");
  if ((address == nullptr) == (via == nullptr)) {
    return refuse(
        via == nullptr ? table : *via, key,
        via == nullptr
            ? R"(has no via; write { via = "bar@localhost" } with a peer's name, or the address alone)"
            : "has both an address and a via; keep the address of a peer that is connected to "
              "directly, the via of one reached through another");
  }
  const Value& way = via == nullptr ? *address : *via;
  const std::string way_key = join_key(key, way.key);
  if (way.kind != Value::Kind::kString) {
    return refuse(way, way_key,
                  "is " + describe(way) + ", expected a string; write " +
                      (via == nullptr ? R"(address = "tcp://host:port")"
                                      : R"(via = "bar@localhost", the name of a peer)"));
  }
  peer.place = way.place;
  if (via == nullptr) {
    const Status status = check_endpoint(way.text, AddressUse::kConnect);
    if (!status.ok()) return refuse(way, way_key, status.text());
    peer.address = way.text;
  } else {
    auto name = NodeName::parse(way.text);
    if (!name.ok()) return refuse(way, way_key, name.status().text());
    peer.via = std::move(*name);
  }
}

void store_peer(const Value& value, Draft& draft, Faults& faults) {
  const std::string key = join_key(kPeers, value.key);
  const auto refuse = [&](std::string_view text) { refuse_peer(value, key, draft, faults, text); };
  auto name = NodeName::parse(value.key);
  if (!name.ok()) refuse(name.status().text());
  Draft::Peer peer{.name = {}, .address = {}, .via = {}, .place = value.place};
  if (value.is_table()) {
    store_way(value, key, peer, draft, faults);
  } else if (value.kind != Value::Kind::kString) {
    refuse("is " + describe(value) +
           R"(, expected a string; write "name@host" = "tcp://host:port" with both in quotes)");
  } else if (const Status status = check_endpoint(value.text, AddressUse::kConnect); !status.ok()) {
    refuse(status.text());
  } else {
    peer.address = value.text;
  }
  if (!name.ok()) return;
  peer.name = std::move(*name);
  draft.peers.push_back(std::move(peer));
}

// Reads one entry member by member, so that every fault in it is told.
class EntryReader {
 public:
  EntryReader(const Value& entry, std::string key, Faults& faults)
      : entry_(entry), key_(std::move(key)), faults_(faults) {}

  /// Empty when there was a fault.
  std::optional<RouteEntry> read() {
    if (!entry_.is_table()) {
      refuse(entry_, key_,
             "is " + describe(entry_) + ", expected a table; write " + std::string{kEntryExample});
      return std::nullopt;
    }
    for (const Value& member : entry_.children) {
      if (member.key == "range" || member.key == "node") continue;
      refuse(member, join_key(key_, member.key),
             "is not a known key; an entry has range and node only");
    }
    RouteEntry out;
    if (const Value* range = text_of("range"))
      take(RouteRange::parse(range->text), *range, out.range);
    if (const Value* node = text_of("node")) take(NodeName::parse(node->text), *node, out.node);
    if (!good_) return std::nullopt;
    return out;
  }

 private:
  void refuse(const Value& at, std::string_view key, std::string_view text) {
    good_ = false;
    faults_.add(at.place, key, text);
  }

  const Value* text_of(std::string_view member) {
    const Value* value = entry_.find(member);
    const std::string key = join_key(key_, member);
    if (value == nullptr) {
      refuse(entry_, key, "is missing; write " + std::string{kEntryExample});
    } else if (value->kind != Value::Kind::kString) {
      refuse(*value, key,
             "is " + describe(*value) + ", expected a string; write " + std::string{kEntryExample});
      return nullptr;
    }
    return value;
  }

  template <typename T>
  void take(Result<T> parsed, const Value& value, T& out) {
    if (parsed.ok()) {
      out = std::move(*parsed);
    } else {
      refuse(value, join_key(key_, value.key), parsed.status().text());
    }
  }

  const Value& entry_;
  std::string key_;
  Faults& faults_;
  bool good_ = true;
};

}  // namespace

void store_peers(const Value& value, Draft& draft, Faults& faults) {
  const auto refuse = [&](const std::string& text) {
    draft.faulty.emplace(kPeers);
    faults.add(value.place, kPeers, text);
  };
  if (!value.is_table()) {
    return refuse(
        "is " + describe(value) +
        R"(, expected a table of name = address; write [mesh.peers] and "bar@localhost" = "tcp://127.0.0.1:5551")");
  }
  if (value.children.size() > limits::kPeersMax) {
    return refuse("holds " + std::to_string(value.children.size()) +
                  " peers, which is over the limit of " + std::to_string(limits::kPeersMax) +
                  "; reach some of them through others");
  }
  for (const Value& peer : value.children) store_peer(peer, draft, faults);
}

void store_routing_table(const Value& value, Draft& draft, Faults& faults) {
  const auto refuse = [&](const std::string& text) {
    draft.faulty.emplace(kTable);
    faults.add(value.place, kTable, text);
  };
  if (value.kind != Value::Kind::kArray) {
    return refuse("is " + describe(value) +
                  ", expected an array of { range, node } tables; write [" +
                  std::string{kEntryExample} + "]");
  }
  if (value.children.size() > limits::kRoutingEntriesMax) {
    return refuse(
        "holds " + std::to_string(value.children.size()) + " entries, which is over the limit of " +
        std::to_string(limits::kRoutingEntriesMax) + "; join neighbouring ranges of one node");
  }
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    const Value& child = value.children[i];
    const std::string key = std::string{kTable} + "[" + std::to_string(i) + "]";
    EntryReader reader{child, key, faults};
    if (auto entry = reader.read()) {
      if (!entry->range.is_by_hash() && !draft.entries.empty() &&
          draft.entries.back().route.range.is_by_hash()) {
        faults.add(child.place, join_key(key, "range"),
                   entry->range.to_string() + " is by first byte and stands behind " +
                       draft.entries.back().route.range.to_string() +
                       ", which is by hash; move it before all entries by hash");
        draft.faulty.emplace(kTable);
        continue;
      }
      draft.entries.push_back({std::move(*entry), i, child.place});
    } else {
      draft.faulty.emplace(kTable);
    }
  }
}

}  // namespace kvmesh::config
