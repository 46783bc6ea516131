#include "common/config/schema.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

#include "common/config/address.h"
#include "common/config/key_kinds.h"
#include "common/config/security_keys.h"
#include "common/config/store_keys.h"
#include "common/config/tables.h"
#include "common/config/task_keys.h"
#include "common/config/tls_keys.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 6> kLevels = {"trace",   "debug", "info",
                                                     "warning", "error", "off"};

KeySpec name_key() {
  return string_key(
      {.key = "name",
       .type = {},
       .unit = {},
       .range = "name@host, at most " + std::to_string(limits::kNodeNameBytesMax) +
                " bytes of letters, digits, _, - and .",
       .meaning =
           "The name by which other nodes and tables know this node. The host part is a name only.",
       .required = true,
       .store = {},
       .show = {}},
      "name = \"foo@localhost\"",
      {[](Settings& settings, const std::string& text) {
         auto name = NodeName::parse(text);
         if (!name.ok()) return name.status();
         settings.name = std::move(*name);
         return Status{};
       },
       [](const Settings& settings) { return settings.name.str(); }});
}

void store_apps(const KeySpec& self, const Value& value, Draft& draft, Faults& faults) {
  const std::string_view example = R"(apps = ["kv", "kv_server"])";
  if (value.kind != Value::Kind::kArray) return refuse_type(self, value, draft, faults, example);
  for (const Value& app : value.children) {
    if (app.kind == Value::Kind::kString && app.text == "kv") {
      draft.settings.apps.kv = true;
    } else if (app.kind == Value::Kind::kString && app.text == "kv_server") {
      draft.settings.apps.kv_server = true;
    } else {
      refuse(self, app, draft, faults,
             "holds " + describe(app) +
                 R"(, which is no app; the apps are "kv" (storage) and "kv_server" (TCP server))");
    }
  }
}

std::string show_apps(const Settings& settings) {
  std::string out = "[";
  if (settings.apps.kv) out += "\"kv\"";
  if (settings.apps.kv && settings.apps.kv_server) out += ", ";
  if (settings.apps.kv_server) out += "\"kv_server\"";
  return out + "]";
}

KeySpec apps_key() {
  return with_store(
      {.key = "apps",
       .type = "an array of strings",
       .unit = {},
       .range = R"("kv", "kv_server")",
       .meaning =
           "What this node does: `kv` stores buckets, `kv_server` serves the line protocol. `[]` "
           "only passes requests on.",
       .required = true,
       .store = {},
       .show = show_apps},
      store_apps);
}

KeySpec mesh_listen_key() {
  return string_key({.key = "mesh.listen",
                     .type = {},
                     .unit = {},
                     .range = "tcp://host:port (port 0: any free one) or ipc://path; loopback "
                              "unless mesh.key or mesh.insecure",
                     .meaning = "Where clients and peers connect to this node.",
                     .required = false,
                     .store = {},
                     .show = {}},
                    "listen = \"tcp://127.0.0.1:5550\"",
                    {[](Settings& settings, const std::string& text) {
                       settings.mesh.listen = text;
                       return check_endpoint(text, AddressUse::kListen);
                     },
                     [](const Settings& settings) { return settings.mesh.listen; }});
}

KeySpec server_listen_key() {
  return string_key(
      {.key = "kv_server.listen",
       .type = {},
       .unit = {},
       .range = "host:port (port 0: any free one); loopback unless kv_server.tls and "
                "mesh.security, or mesh.insecure",
       .meaning = "Where the line protocol is served, when apps holds kv_server.",
       .required = false,
       .store = {},
       .show = {}},
      "listen = \"127.0.0.1:4040\"",
      {[](Settings& settings, const std::string& text) {
         settings.kv_server.listen = text;
         const auto parsed = parse_host_port(text, AddressUse::kListen);
         if (parsed.ok() && parsed->host == "*") {
           return Status{
               StatusCode::kInvalidArgument,
               in_quotes(text) + " names no address; write 0.0.0.0 or [::] for every interface"};
         }
         return parsed.ok() ? Status{} : parsed.status();
       },
       [](const Settings& settings) { return settings.kv_server.listen; }});
}

KeySpec insecure_key() {
  return with_store({.key = "mesh.insecure",
                     .type = "a boolean",
                     .unit = {},
                     .range = "true, false",
                     .meaning = "Allows listen addresses that are not loopback, although nothing "
                                "is encrypted and nobody is asked for "
                                "a password. Takes secrets of AUTH in plain text from other "
                                "machines.",
                     .required = false,
                     .store = {},
                     .show = [](const Settings& settings) -> std::string {
                       return settings.mesh.insecure ? "true" : "false";
                     }},
                    [](const KeySpec& self, const Value& value, Draft& draft, Faults& faults) {
                      if (value.kind != Value::Kind::kBoolean)
                        return refuse_type(self, value, draft, faults, "insecure = true");
                      draft.settings.mesh.insecure = value.integer != 0;
                    });
}

KeySpec level_key() {
  return string_key(
      {.key = "log.level",
       .type = {},
       .unit = {},
       .range = "trace, debug, info, warning, error, off",
       .meaning = "The least important events that are logged.",
       .required = false,
       .store = {},
       .show = {}},
      "level = \"info\"",
      {[](Settings& settings, const std::string& text) {
         settings.log.level = text;
         if (std::ranges::find(kLevels, text) != kLevels.end()) return Status{};
         return Status{
             StatusCode::kInvalidArgument,
             in_quotes(text) + " is not a level; write trace, debug, info, warning, error or off"};
       },
       [](const Settings& settings) { return settings.log.level; }});
}

KeySpec audit_key() {
  return path_key(
      plain("log.audit", "",
            "The file to which the audit log is appended: who came in and who was refused, as "
            "what, and what was denied; one JSON object a line. SIGHUP opens it again. Relative "
            "paths start as those of `state_dir` do. Without this key its lines stand in the log."),
      "audit = \"/var/log/kvmesh/audit.jsonl\"", "file",
      [](Settings& settings) -> std::string& { return settings.log.audit; });
}

std::string show_peers(const Settings& settings) {
  std::string out;
  // Above what a name or an address may have: two that differ anywhere must not look alike.
  const auto whole = [](std::string_view text) { return in_quotes(text, 1024); };
  const auto add = [&](const NodeName& name, const std::string& value) {
    out += (out.empty() ? "" : ", ") + whole(name.str()) + " = " + value;
  };
  for (const auto& peer : settings.mesh.peers) add(peer.name, whole(peer.address));
  for (const auto& via : settings.mesh.vias) {
    add(via.node, "{ via = " + whole(via.peer.str()) + " }");
  }
  return out.empty() ? "{}" : "{ " + out + " }";
}

std::vector<KeySpec> mesh_keys() {
  const auto day = limits::kTimeoutMax.count();
  std::vector<KeySpec> out;
  out.push_back(mesh_listen_key());
  KeySpec peers =
      plain("mesh.peers", "",
            "The nodes that this node may pass requests to: a table, name = address, or "
            "name = { via = peer } for a node reached through that peer.");
  peers.type = "a table of name = address";
  peers.range = "at most " + std::to_string(limits::kPeersMax) +
                "; tcp://host:port or ipc://path, or { via = name of a peer }";
  peers.store = store_peers;
  peers.show = show_peers;
  out.push_back(std::move(peers));
  for (KeySpec& spec : security_keys()) out.push_back(std::move(spec));
  out.push_back(insecure_key());
  out.push_back(milliseconds_key(
      plain("mesh.request_timeout_ms", "",
            "How long a request of the line protocol may take on all its way."),
      1, day, [](Settings& s) -> milliseconds& { return s.mesh.request_timeout; }));
  out.push_back(milliseconds_key(
      plain("mesh.ping_interval_ms", "", "How often a silent peer is asked for a sign of life."),
      10, 60000, [](Settings& s) -> milliseconds& { return s.mesh.ping_interval; }));
  out.push_back(milliseconds_key(
      plain("mesh.peer_timeout_ms", "",
            "Silence after which a peer counts as dead; above mesh.ping_interval_ms."),
      20, 300000, [](Settings& s) -> milliseconds& { return s.mesh.peer_timeout; }));
  out.push_back(milliseconds_key(
      plain("mesh.reconnect_min_ms", "",
            "The first pause before connecting to a lost peer again; it doubles each time."),
      1, 60000, [](Settings& s) -> milliseconds& { return s.mesh.reconnect_min; }));
  out.push_back(milliseconds_key(
      plain("mesh.reconnect_max_ms", "", "The longest such pause; not below the first."), 1, 600000,
      [](Settings& s) -> milliseconds& { return s.mesh.reconnect_max; }));
  return out;
}

std::vector<KeySpec> server_keys() {
  std::vector<KeySpec> out;
  out.push_back(server_listen_key());
  out.push_back(integer_key(
      plain("kv_server.connections_max", "connections",
            "Connections at once; one more is refused with `overloaded`."),
      1, 1000000,
      {[](Settings& s, std::int64_t value) {
         s.kv_server.connections_max = static_cast<std::size_t>(value);
       },
       [](const Settings& s) { return static_cast<std::int64_t>(s.kv_server.connections_max); }}));
  out.push_back(
      milliseconds_key(plain("kv_server.idle_timeout_ms", "",
                             "A connection that is silent for so long is closed; 0: never."),
                       0, limits::kTimeoutMax.count(),
                       [](Settings& s) -> milliseconds& { return s.kv_server.idle_timeout; }));
  return out;
}

std::vector<KeySpec> make_schema() {
  std::vector<KeySpec> out;
  out.push_back(name_key());
  out.push_back(apps_key());
  out.push_back(integer_key(
      plain("threads", "reactors", "Threads that serve requests."), 1, 64,
      {[](Settings& s, std::int64_t value) { s.threads = static_cast<std::uint32_t>(value); },
       [](const Settings& s) { return std::int64_t{s.threads}; }}));
  out.push_back(integer_key(
      plain("busy_poll_us", "microseconds",
            "How long a reactor or a worker of tasks that had work looks for more before it "
            "sleeps; 0: not at all."),
      0, 10000,
      {[](Settings& s, std::int64_t value) { s.busy_poll = std::chrono::microseconds{value}; },
       [](const Settings& s) { return std::int64_t{s.busy_poll.count()}; }}));
  out.push_back(modules_key());
  out.push_back(state_dir_key());
  for (KeySpec& spec : mesh_keys()) out.push_back(std::move(spec));
  KeySpec table =
      plain("kv.routing_table", "",
            "Which node a bucket belongs to, by the first byte of its name or by a hash; the first "
            "entry that holds it wins. Nodes without `kv` need it too.");
  table.type = "an array of { range, node } tables";
  table.range = "at most " + std::to_string(limits::kRoutingEntriesMax) +
                " entries; node: this one or a peer";
  table.store = store_routing_table;
  table.show = [](const Settings&) { return std::string{"[]"}; };
  out.push_back(std::move(table));
  for (KeySpec& spec : store_keys()) out.push_back(std::move(spec));
  for (KeySpec& spec : server_keys()) out.push_back(std::move(spec));
  for (KeySpec& spec : tls_keys()) out.push_back(std::move(spec));
  for (KeySpec& spec : task_keys()) out.push_back(std::move(spec));
  out.push_back(level_key());
  out.push_back(milliseconds_key(
      plain("log.slow_request_ms", "",
            "A request that entered the mesh here and took so long is logged, with what each hop "
            "spent the time on; 0: none. Above 0, all such requests are traced."),
      0, limits::kTimeoutMax.count(),
      [](Settings& s) -> milliseconds& { return s.log.slow_request; }));
  out.push_back(audit_key());
  return out;
}

}  // namespace

const std::vector<KeySpec>& schema() {
  static const std::vector<KeySpec> kSchema = make_schema();
  return kSchema;
}

std::string default_text(const KeySpec& spec) {
  if (spec.required) return "required";
  return spec.optional ? "none" : spec.show(Settings{});
}

}  // namespace kvmesh::config
