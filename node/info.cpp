#include "node/info.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include "common/wire/pack.h"

namespace kvmesh {
namespace {

using wire::Buffer;
using wire::pack_array;
using wire::pack_map;
using wire::pack_str;
using wire::pack_uint;

// A field of a map whose size was packed before.
void field(Buffer& out, std::string_view key, std::uint64_t value) {
  pack_str(out, key);
  pack_uint(out, value);
}
void field(Buffer& out, std::string_view key, std::string_view value) {
  pack_str(out, key);
  pack_str(out, value);
}

std::uint64_t resident_bytes() {
  std::uint64_t pages_all = 0;
  std::uint64_t pages_resident = 0;
  std::ifstream{"/proc/self/statm"} >> pages_all >> pages_resident;
  return pages_resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string_view state_name(transport::Link::State state) {
  using State = transport::Link::State;
  switch (state) {
    case State::kWaiting:
      return "down";
    case State::kConnecting:
      return "connecting";
    case State::kGreeting:
      return "greeting";
    case State::kUp:
      return "up";
    case State::kDraining:
      return "draining";
  }
  return "down";
}

void pack_table(Buffer& out, const RoutingTable& table, std::uint64_t epoch) {
  pack_str(out, "table");
  pack_map(out, 2);
  field(out, "epoch", epoch);
  pack_str(out, "entries");
  pack_array(out, table.entries().size());
  for (const auto& entry : table.entries()) {
    pack_map(out, 2);
    field(out, "range", entry.range.to_string());
    field(out, "node", entry.node.str());
  }
}

void pack_peers(Buffer& out, const InfoSources& s) {
  const auto& core = s.here.core();
  const auto& peers = core.peer_names();
  const auto free = static_cast<std::size_t>(std::ranges::count(peers, NodeName{}));
  pack_str(out, "peers");
  pack_array(out, peers.size() - free);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (peers[i].empty()) continue;
    const PeerIndex index{static_cast<std::uint16_t>(i)};
    pack_map(out, 5);
    field(out, "name", peers[i].str());
    field(out, "address", s.here.links().endpoint(index));
    field(out, "state", state_name(s.here.links().state(index)));
    field(out, "why", core.why_down(index));
    field(out, "in_flight", core.in_flight_over(index));
  }
}

void pack_vias(Buffer& out, const core::Core& core) {
  pack_str(out, "vias");
  pack_array(out, core.vias().size());
  for (const auto& via : core.vias()) {
    pack_map(out, 2);
    field(out, "name", via.node.str());
    field(out, "via", core.peer_names()[via.peer.value].str());
  }
}

using Counters = core::Counters;

std::uint64_t sum(const InfoSources& s, const core::Counter Counters::*counter) {
  std::uint64_t total = 0;
  for (const auto& reactor : s.reactors) total += (reactor->core().counters().*counter).value();
  return total;
}

std::uint64_t sum_replies(const InfoSources& s, int code) {
  std::uint64_t total = 0;
  for (const auto& reactor : s.reactors) {
    total += reactor->core().counters().replies[static_cast<std::size_t>(code)].value();
  }
  return total;
}

void pack_counters(Buffer& out, const InfoSources& s) {
  pack_str(out, "counters");
  pack_map(out, 11);
  field(out, "requests", sum(s, &Counters::requests));
  field(out, "executed", sum(s, &Counters::executed));
  field(out, "forwarded", sum(s, &Counters::forwarded));
  field(out, "late_replies", sum(s, &Counters::late_replies));
  field(out, "forged_replies", sum(s, &Counters::forged_replies));
  field(out, "dropped_replies", s.inbox.dropped_replies.value());
  field(out, "tcp_connections", s.tcp_connections);
  field(out, "mesh_clients", s.inbox.clients.load(std::memory_order_relaxed));
  field(out, "mesh_ended", s.inbox.ended.value());
  pack_str(out, "replies");
  pack_map(out, kStatusCodeCount);
  for (int code = 0; code < kStatusCodeCount; ++code) {
    field(out, to_string(static_cast<StatusCode>(code)), sum_replies(s, code));
  }
  pack_str(out, "refused");
  pack_map(out, wire::kRefusalCount);
  for (int reason = 0; reason < wire::kRefusalCount; ++reason) {
    const bool is_key = reason == static_cast<int>(wire::Refusal::kKey);
    field(
        out, wire::to_string(static_cast<wire::Refusal>(reason)),
        s.inbox.refused[static_cast<std::size_t>(reason)].value() + (is_key ? s.refused_keys : 0));
  }
}

std::uint64_t count(auto duration) { return static_cast<std::uint64_t>(duration.count()); }

void pack_journal(Buffer& out, const Settings& settings, const journal::Journal& journal) {
  const auto s = journal.statistics();
  pack_str(out, "journal");
  pack_map(out, 11);
  field(out, "state_dir", settings.state_dir);
  field(out, "durability", to_string(settings.kv.durability));
  field(out, "failure", journal.failure().value_or(""));
  field(out, "groups", s.groups);
  field(out, "last_group_operations", s.last_group_operations);
  field(out, "last_group_bytes", s.last_group_bytes);
  field(out, "last_sync_us", count(s.last_sync));
  field(out, "longest_sync_us", count(s.longest_sync));
  field(out, "queued_bytes", s.queued_bytes);
  field(out, "oldest_unsynced_ms", count(s.oldest_unsynced));
  field(out, "bytes_on_disk", s.bytes_on_disk);
}

void pack_store(Buffer& out, const InfoSources& s) {
  const auto usage = s.store.engine->usage();
  const auto strays =
      count_strays(*s.store.engine, s.here.core().routes().table(), s.settings.name);
  pack_str(out, "store");
  pack_map(out, s.store.journal != nullptr ? 10 : 9);
  field(out, "engine", s.store.journal != nullptr ? "durable" : "memory");
  if (s.store.journal != nullptr) pack_journal(out, s.settings, *s.store.journal);
  field(out, "buckets", usage.buckets);
  field(out, "keys", usage.keys);
  field(out, "expiring_keys", usage.expiring);
  field(out, "bytes", usage.bytes);
  field(out, "bytes_max", usage.bytes_max);
  field(out, "strays", strays);
  field(out, "followed_bytes", usage.followed);
  field(out, "followers", usage.followers);
}

void pack_tasks(Buffer& out, const tasks::Host::Counts& counts) {
  pack_str(out, "tasks");
  pack_map(out, 4);
  field(out, "processes", counts.processes);
  field(out, "running", counts.running);
  field(out, "queued", counts.queued);
  field(out, "waiting", counts.waiting);
}

void pack_apps(Buffer& out, const Settings::Apps& apps) {
  pack_str(out, "apps");
  pack_array(out, (apps.kv ? 1U : 0U) + (apps.kv_server ? 1U : 0U));
  if (apps.kv) pack_str(out, "kv");
  if (apps.kv_server) pack_str(out, "kv_server");
}

}  // namespace

void pack_info(Buffer& out, const InfoSources& s) {
  const auto uptime = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - s.started);
  pack_map(out, s.store.engine != nullptr ? 14 : 13);
  field(out, "name", s.settings.name.str());
  field(out, "version", s.version);
  field(out, "pid", static_cast<std::uint64_t>(getpid()));
  field(out, "incarnation", s.incarnation);
  field(out, "uptime_ms", static_cast<std::uint64_t>(uptime.count()));
  field(out, "threads", s.reactors.size());
  field(out, "memory_bytes", resident_bytes());
  pack_apps(out, s.settings.apps);
  pack_table(out, s.here.core().routes().table(), s.table_epoch);
  pack_peers(out, s);
  pack_vias(out, s.here.core());
  pack_counters(out, s);
  pack_tasks(out, s.tasks);
  if (s.store.engine != nullptr) pack_store(out, s);
}

std::uint64_t count_strays(const store::Engine& engine, const RoutingTable& table,
                           const NodeName& self) {
  std::uint64_t strays = 0;
  const auto is_own = [&](const std::optional<std::size_t>& entry) {
    return entry && table.entries()[*entry].node == self;
  };
  bool hashes_known = false;
  RouteKeys own_hashes;
  const auto buckets = engine.buckets_by_byte();
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<std::uint8_t>(value);
    if (buckets[byte] == 0 || is_own(table.find(byte))) continue;
    if (table.find(byte) || !table.has_hashes()) {
      strays += buckets[byte];
      continue;
    }
    if (!hashes_known) {  // the same of all bytes that are left to hashes
      hashes_known = true;
      for (unsigned hash = 0; hash < 256; ++hash) {
        own_hashes.set(hash, is_own(table.find(byte, static_cast<std::uint8_t>(hash))));
      }
    }
    const auto by_hash = engine.buckets_by_hash(byte);
    for (std::size_t hash = 0; hash < by_hash.size(); ++hash) {
      if (!own_hashes.test(hash)) strays += by_hash[hash];
    }
  }
  return strays;
}

}  // namespace kvmesh
