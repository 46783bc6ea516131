#include "client/command/nodes/info_text.h"

#include <algorithm>
#include <chrono>

#include "client/command/base/escape.h"
#include "client/command/base/numbers.h"
#include "client/command/base/table.h"
#include "client/command/nodes/nodes_text.h"

namespace kvmesh::command {
namespace {

std::string list_text(const Value::List& list) {
  std::string out;
  for (const auto& item : list) {
    const std::string* text = item.bytes_or_text();
    if (text != nullptr) out += (out.empty() ? "" : ", ") + escape(*text);
  }
  return out;
}

void add_line(std::string& out, std::string_view label, const std::string& text) {
  if (text.empty()) return;
  out += std::string{label} + std::string(12 - label.size(), ' ') + text + "\n";
}

std::string store_text(const Value& store) {
  const auto expiring = number_at(store, "expiring_keys");
  return grouped(number_at(store, "buckets")) + " buckets, " + grouped(number_at(store, "keys")) +
         " keys" + (expiring > 0 ? " (" + grouped(expiring) + " with a time to live)" : "") + ", " +
         byte_count(number_at(store, "bytes")) + " of " + byte_count(number_at(store, "bytes_max"));
}

// Empty when there are none.
std::string strays_text(const Value& store) {
  const auto strays = number_at(store, "strays");
  if (strays == 0) return "";
  return grouped(strays) + (strays == 1 ? " bucket" : " buckets") +
         " that its table gives to others, so that no request finds " +
         (strays == 1 ? "it" : "them") + " here";
}

std::chrono::microseconds time_at(const Value& map, std::string_view key, std::uint64_t unit_us) {
  constexpr std::uint64_t kMost = 1'000'000'000'000'000;
  return std::chrono::microseconds{
      static_cast<std::int64_t>(std::min(number_at(map, key), kMost / unit_us) * unit_us)};
}

// Empty: nothing outlives the node.
std::string journal_text(const Value& store) {
  const Value* journal = store.find("journal");
  if (journal == nullptr) return "";
  std::string out = text_at(*journal, "durability") + ", " +
                    byte_count(number_at(*journal, "bytes_on_disk")) + " in " +
                    escape(text_at(*journal, "state_dir"));
  if (const auto group = number_at(*journal, "last_group_operations"); group > 0) {
    out += "; last group " + grouped(group) + (group == 1 ? " change" : " changes");
    const auto sync = time_at(*journal, "last_sync_us", 1);
    if (sync.count() > 0) {
      out += " in " + duration_text(sync) + ", longest " +
             duration_text(time_at(*journal, "longest_sync_us", 1));
    }
  }
  if (!text_at(*journal, "failure").empty()) return out + "; FAILED, nothing is stored any more";
  const auto unsynced = time_at(*journal, "oldest_unsynced_ms", 1000);
  return out + (unsynced.count() == 0 ? "; all is on the disk"
                                      : "; not on the disk for " + duration_text(unsynced));
}

// Empty: nobody follows a bucket.
std::string followers_text(const Value& store) {
  const auto waiting = number_at(store, "followers");
  const auto bytes = number_at(store, "followed_bytes");
  if (waiting == 0 && bytes == 0) return "";
  return grouped(waiting) + (waiting == 1 ? " call waits" : " calls wait") + " for changes, " +
         byte_count(bytes) + " of changes remembered";
}

std::string indented(const std::string& lines) {
  std::string out = "  ";
  for (const char c : lines) {
    out += c;
    if (c == '\n') out += "  ";
  }
  out.resize(out.size() - 2);
  return out;
}

std::string entries_text(const Value& table, bool color) {
  Table rows({{"range"}, {"node"}});
  for (const auto& entry : list_at(table, "entries")) {
    rows.add({escape(text_at(entry, "range")), escape(text_at(entry, "node"))});
  }
  if (rows.empty()) return "";
  return "routing table (epoch " + std::to_string(number_at(table, "epoch")) + ")\n" +
         indented(rows.to_string(color));
}

std::string peers_text(const Value& info, bool color) {
  if (list_at(info, "peers").empty()) return "";
  return "peers\n" + indented(nodes_table(info, color));
}

// "no_route 3, unavailable 1": the entries that are not zero.
std::string counts_text(const Value* counts) {
  std::string out;
  const auto* map = counts == nullptr ? nullptr : counts->get_if<Value::Map>();
  if (map == nullptr) return out;
  for (const auto& [name, count] : *map) {
    const auto number = count.to_uint();
    if (number && *number > 0) {
      out += (out.empty() ? "" : ", ") + escape(name) + " " + grouped(*number);
    }
  }
  return out;
}

std::string counters_text(const Value& info) {
  const Value* counters = info.find("counters");
  if (counters == nullptr) return "";
  std::string out;
  add_line(out, "requests",
           grouped(number_at(*counters, "requests")) + ", of these executed " +
               grouped(number_at(*counters, "executed")) + ", forwarded " +
               grouped(number_at(*counters, "forwarded")));
  add_line(out, "replies", counts_text(counters->find("replies")));
  add_line(out, "refused", counts_text(counters->find("refused")));
  add_line(out, "connections",
           grouped(number_at(*counters, "tcp_connections")) + " of the line protocol, " +
               grouped(number_at(*counters, "mesh_clients")) + " of the mesh");
  return out;
}

}  // namespace

std::string text_at(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  const std::string* text = value == nullptr ? nullptr : value->bytes_or_text();
  return text == nullptr ? "" : *text;
}

std::uint64_t number_at(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value == nullptr ? 0 : value->to_uint().value_or(0);
}

const Value::List& list_at(const Value& map, std::string_view key) {
  static const Value::List kNothing;
  const Value* value = map.find(key);
  const auto* list = value == nullptr ? nullptr : value->get_if<Value::List>();
  return list == nullptr ? kNothing : *list;
}

bool has_app(const Value& info, std::string_view app) {
  return std::ranges::any_of(list_at(info, "apps"), [app](const Value& item) {
    const std::string* name = item.bytes_or_text();
    return name != nullptr && *name == app;
  });
}

bool stores_buckets(const Value& info) {
  const Value* store = info.find("store");
  return has_app(info, "kv") || (store != nullptr && !store->is_nil());
}

std::optional<std::uint64_t> strays_of(const Value& info) {
  const Value* store = info.find("store");
  if (store == nullptr || store->find("strays") == nullptr) return std::nullopt;
  return number_at(*store, "strays");
}

std::optional<std::string> journal_failure(const Value& info) {
  const Value* store = info.find("store");
  const Value* journal = store == nullptr ? nullptr : store->find("journal");
  auto failure = journal == nullptr ? std::string{} : text_at(*journal, "failure");
  if (failure.empty()) return std::nullopt;
  return failure;
}

std::string info_text(const Value& info, bool color) {
  std::string out;
  const auto uptime = std::min<std::uint64_t>(number_at(info, "uptime_ms"), 1'000'000'000'000);
  add_line(out, "node", escape(text_at(info, "name")));
  add_line(out, "version", escape(text_at(info, "version")));
  add_line(out, "uptime",
           duration_text(std::chrono::milliseconds{static_cast<std::int64_t>(uptime)}));
  add_line(out, "process",
           std::to_string(number_at(info, "pid")) + ", threads " +
               std::to_string(number_at(info, "threads")));
  add_line(out, "apps", list_text(list_at(info, "apps")));
  add_line(out, "memory", byte_count(number_at(info, "memory_bytes")));
  if (const Value* store = info.find("store"); store != nullptr && !store->is_nil()) {
    add_line(out, "store", store_text(*store));
    add_line(out, "durability", journal_text(*store));
    add_line(out, "followers", followers_text(*store));
    add_line(out, "strays", strays_text(*store));
  }
  out += counters_text(info);
  if (const Value* table = info.find("table"); table != nullptr) out += entries_text(*table, color);
  return out + peers_text(info, color);
}

std::string mesh_table(const std::vector<MeshNode>& nodes, bool color) {
  constexpr auto kRight = Table::Align::kRight;
  const auto told_strays = [](const MeshNode& node) {
    return node.info ? strays_of(*node.info).value_or(0) : 0;
  };
  const bool any_strays =
      std::ranges::any_of(nodes, [&](const MeshNode& node) { return told_strays(node) > 0; });
  std::vector<Table::Column> columns{{"node"},         {"state"},          {"buckets", kRight},
                                     {"keys", kRight}, {"memory", kRight}, {"requests", kRight}};
  if (any_strays) columns.push_back({"strays", kRight});
  Table table(std::move(columns));
  for (const auto& node : nodes) {
    std::vector<std::string> cells;
    if (!node.info) {
      const std::string code{to_string(node.info.status().code())};
      cells = {escape(node.name), escape(node.state) + " (" + code + ")", "-", "-", "-", "-"};
    } else {
      const Value* store = node.info->find("store");
      const Value* counters = node.info->find("counters");
      const bool stores = store != nullptr && !store->is_nil();
      cells = {escape(node.name),
               escape(node.state),
               stores ? grouped(number_at(*store, "buckets")) : "-",
               stores ? grouped(number_at(*store, "keys")) : "-",
               byte_count(number_at(*node.info, "memory_bytes")),
               counters == nullptr ? "-" : grouped(number_at(*counters, "requests"))};
    }
    if (any_strays) cells.push_back(told_strays(node) > 0 ? grouped(told_strays(node)) : "-");
    table.add(std::move(cells));
  }
  return table.to_string(color);
}

Value mesh_json(const std::vector<MeshNode>& nodes) {
  Value::List out;
  for (const auto& node : nodes) {
    Value::Map row{{"node", Bytes{node.name}},
                   {"state", Bytes{node.state}},
                   {"info", node.info ? *node.info : Value{}}};
    if (!node.info) row.emplace_back("error", Bytes{node.info.status().to_string()});
    out.emplace_back(std::move(row));
  }
  return out;
}

}  // namespace kvmesh::command
