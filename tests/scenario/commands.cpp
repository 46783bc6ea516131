#include "tests/scenario/commands.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "tests/scenario/show.h"

namespace kvmesh::scenario {
namespace {

// Words end at a space; double quotes hold one together.
std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> words;
  bool quoted = false;
  bool inside = false;
  for (const char c : line) {
    if (c == ' ' && !quoted) {
      inside = false;
      continue;
    }
    if (!std::exchange(inside, true)) words.emplace_back();
    if (c == '"') {
      quoted = !quoted;
    } else {
      words.back() += c;
    }
  }
  return words;
}

// The value of the first word "key=value" at or after `from`.
std::optional<std::string> option(const std::vector<std::string>& words, std::size_t from,
                                  std::string_view key) {
  for (std::size_t i = from; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=') {
      return std::string{word.substr(key.size() + 1)};
    }
  }
  return std::nullopt;
}

Target parse_target(std::string_view text) {
  if (text.starts_with("bucket=")) return {Target::Kind::kBucket, text.substr(7)};
  if (text.starts_with("node=")) return {Target::Kind::kNode, text.substr(5)};
  return {};
}

bool is_option(std::string_view word) { return word.starts_with("timeout=") || word == "trace"; }

}  // namespace

const Commands::Command Commands::kCommands[] = {
    {"node", 1, &Commands::node},         {"chain", 1, &Commands::chain},
    {"table", 1, &Commands::table},       {"connect", 1, &Commands::connect},
    {"ask", 4, &Commands::ask},           {"run", 0, &Commands::run_all},
    {"step", 0, &Commands::step},         {"wait", 1, &Commands::wait},
    {"slow", 2, &Commands::slow},         {"down", 3, &Commands::down},
    {"drain", 3, &Commands::drain},       {"hold", 1, &Commands::hold},
    {"flush", 1, &Commands::flush},       {"unsent", 2, &Commands::unsent},
    {"kill", 1, &Commands::kill},         {"duplicate", 2, &Commands::duplicate},
    {"forge", 4, &Commands::forge},       {"begin", 2, &Commands::begin},
    {"complete", 3, &Commands::complete}, {"stop", 1, &Commands::stop},
    {"counters", 1, &Commands::counters}, {"peers", 1, &Commands::peers},
};

std::string Commands::run(std::string_view line) {
  auto words = split(line);
  const auto* command =
      std::ranges::find(kCommands, words.empty() ? std::string{} : words[0], &Command::name);
  if (command == std::end(kCommands)) {
    mesh_.say("?? no such command");
  } else if (words.size() <= command->words_min) {
    mesh_.say("?? the command needs more words");
  } else {
    words.erase(words.begin());
    (this->*command->run)(words);
    mesh_.check();
  }
  return mesh_.take_lines();
}

void Commands::node(const Words& w) {
  std::vector<NodeName> peers;
  std::vector<core::Via> vias;
  for (std::size_t i = 1; i < w.size(); ++i) {
    const auto equals = w[i].find('=');
    const auto name = parse_name(w[i].substr(0, equals));
    if (equals == std::string::npos) {
      peers.push_back(name);
      continue;
    }
    const auto peer = std::ranges::find(peers, w[i].substr(equals + 1), &NodeName::str);
    if (peer == peers.end()) return mesh_.say("?? not NODE=PEER: " + w[i]);
    vias.push_back({name, PeerIndex{static_cast<std::uint16_t>(peer - peers.begin())}});
  }
  mesh_.add(parse_name(w[0]), std::move(peers), std::move(vias));
}

void Commands::chain(const Words& w) {
  const auto count = parse_number(w[0]);
  const auto name = [](std::uint64_t i) { return "n" + std::to_string(i) + "@h"; };
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto next = name(std::min(i + 1, count - 1));
    mesh_.add(parse_name(name(i)),
              i + 1 < count ? std::vector{parse_name(next)} : std::vector<NodeName>{});
    table({name(i), "*=" + next});
  }
}

void Commands::table(const Words& w) {
  Node* node = known(w[0]);
  if (node == nullptr) return;
  std::vector<RouteEntry> entries;
  for (std::size_t i = 1; i < w.size(); ++i) {
    const auto equals = w[i].find('=', 1);
    const auto range = RouteRange::parse(w[i].substr(0, equals));
    if (!range || equals == std::string::npos) return mesh_.say("?? not RANGE=NODE: " + w[i]);
    entries.push_back({*range, parse_name(w[i].substr(equals + 1))});
  }
  const auto status = node->core().set_table(RoutingTable{std::move(entries)});
  if (!status.ok()) mesh_.say(w[0] + " keeps its table: " + status.to_string());
}

void Commands::peers(const Words& w) {
  Node* node = known(w[0]);
  if (node == nullptr) return;
  std::vector<NodeName> names;
  std::vector<std::pair<NodeName, NodeName>> vias;
  std::vector<RouteEntry> entries;
  for (std::size_t i = 1; i < w.size(); ++i) {
    const auto equals = w[i].find('=', 1);
    const auto left = NodeName::parse(w[i].substr(0, equals));
    const auto range = RouteRange::parse(w[i].substr(0, equals));
    if (equals == std::string::npos) {
      names.push_back(parse_name(w[i]));
    } else if (left) {
      vias.emplace_back(*left, parse_name(w[i].substr(equals + 1)));
    } else if (range) {
      entries.push_back({*range, parse_name(w[i].substr(equals + 1))});
    } else {
      return mesh_.say("?? not PEER, NODE=PEER or RANGE=NODE: " + w[i]);
    }
  }
  core::Topology next{core::placed(node->peers(), names), {}, RoutingTable{std::move(entries)}};
  for (const auto& [far, over] : vias) {
    const auto place = std::ranges::find(next.peers, over);
    if (place == next.peers.end()) return mesh_.say("?? no peer " + over.str());
    const auto index = static_cast<std::uint16_t>(place - next.peers.begin());
    next.vias.push_back({far, PeerIndex{index}});
  }
  const auto status = node->core().set_topology(std::move(next));
  if (!status.ok()) mesh_.say(w[0] + " keeps its peers and its table: " + status.to_string());
}

void Commands::connect(const Words& w) {
  if (w[0] == "all") return mesh_.connect_all();
  if (w.size() < 2) return mesh_.say("?? connect all, or connect FROM TO");
  mesh_.connect(w[0], w[1],
                {parse_number(option(w, 2, "requests").value_or("1000")),
                 parse_number(option(w, 2, "bytes").value_or("1000000"))});
}

void Commands::ask(const Words& w) {
  Node* node = known(w[0]);
  if (node == nullptr) return;
  Words args;
  std::ranges::remove_copy_if(w.begin() + 4, w.end(), std::back_inserter(args), is_option);
  wire::Buffer body;
  auto request = wire::make_request(body, parse_target(w[2]), w[3], [&](wire::Buffer& out) {
    wire::pack_array(out, args.size());
    for (const auto& arg : args) wire::pack_bin(out, arg);
  });
  if (std::ranges::find(w, "trace") != w.end()) request.flags = RequestView::kFlagTrace;
  wire::Buffer record;
  wire::append_request(record, request, {parse_number(w[1])},
                       parse_number(option(w, 4, "timeout").value_or("5000")), nullptr);
  const auto decoded = wire::decode_request(record.view(sizeof(std::uint32_t)));
  if (!decoded) return mesh_.say("?? the request cannot be decoded");
  node->ask({0, Mesh::kClient, decoded->id}, *decoded);
}

void Commands::run_all(const Words& /*w*/) {
  while (mesh_.step()) {
  }
}

void Commands::step(const Words& w) {
  const bool done = w.size() < 2 ? mesh_.step() : mesh_.step(w[0], w[1]);
  if (!done) mesh_.say("?? nothing is under way");
}

void Commands::wait(const Words& w) {
  if (!w[0].ends_with("ms")) return mesh_.say("?? wait for ...ms");
  mesh_.pass(std::chrono::milliseconds{parse_number(w[0].substr(0, w[0].size() - 2))});
  mesh_.tick();
}

void Commands::slow(const Words& w) {
  if (Node* node = known(w[0])) {
    node->core().watch_slow_requests(std::chrono::milliseconds{parse_number(w[1])});
  }
}

void Commands::down(const Words& w) { mesh_.down(w[0], w[1], w[2]); }

void Commands::drain(const Words& w) {
  if (Node* node = known(w[0])) {
    node->core().on_peer_draining(mesh_.index_of(*node, w[1]), w[2]);
  }
}

void Commands::unsent(const Words& w) { mesh_.unsent(w[0], w[1]); }
void Commands::kill(const Words& w) { mesh_.kill(w[0]); }
void Commands::duplicate(const Words& w) { mesh_.duplicate_reply(w[0], w[1]); }

void Commands::forge(const Words& w) {
  ReplyView reply;
  reply.id = read_id(w[2]);
  reply.code = parse_code(w[3]);
  mesh_.forge_reply(w[0], w[1], reply);
}

void Commands::hold(const Words& w) {
  if (Node* node = known(w[0])) node->hold();
}

void Commands::flush(const Words& w) {
  if (Node* node = known(w[0])) node->flush();
}

void Commands::begin(const Words& w) {
  if (Node* node = known(w[0])) node->core().on_begun(read_id(w[1]), mesh_.now());
}

void Commands::complete(const Words& w) {
  Node* node = known(w[0]);
  if (node == nullptr) return;
  const auto code = parse_code(w[2]);
  const auto text = w.size() > 3 ? w[3] : std::string{};
  wire::Buffer result;
  wire::pack_str(result, text);
  const Status status = code == StatusCode::kOk ? Status{} : Status{code, text};
  const auto late = node->core().counters().late_replies.value();
  node->core().complete(read_id(w[1]), status, result.view());
  if (node->core().counters().late_replies.value() > late) {
    mesh_.say(w[0] + " drops the late answer " + w[1]);
  }
}

void Commands::stop(const Words& w) {
  if (Node* node = known(w[0])) node->core().fail_all();
}

void Commands::counters(const Words& w) {
  Node* node = known(w[0]);
  if (node == nullptr) return;
  const auto& c = node->core().counters();
  std::string out = w[0] + ":";
  const auto add = [&](std::string_view name, std::uint64_t value) {
    if (value > 0) out.append(" ").append(name).append("=").append(std::to_string(value));
  };
  add("requests", c.requests.value());
  add("executed", c.executed.value());
  add("forwarded", c.forwarded.value());
  add("late_replies", c.late_replies.value());
  add("forged_replies", c.forged_replies.value());
  for (std::size_t i = 0; i < c.replies.size(); ++i) {
    add(to_string(static_cast<StatusCode>(i)), c.replies[i].value());
  }
  add("in_flight", node->core().in_flight());
  mesh_.say(out);
}

Node* Commands::known(std::string_view name) {
  Node* node = mesh_.find(name);
  if (node == nullptr) mesh_.say("?? no node " + std::string{name});
  return node;
}

NodeName Commands::parse_name(std::string_view text) {
  const auto name = NodeName::parse(text);
  if (!name) mesh_.say("?? " + name.status().text());
  return name ? *name : NodeName{};
}

std::uint64_t Commands::parse_number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) {
    mesh_.say("?? not a number: " + std::string{text});
  }
  return out;
}

StatusCode Commands::parse_code(std::string_view text) {
  const auto code = status_code_from_name(text);
  if (!code) mesh_.say("?? no such status: " + std::string{text});
  return code.value_or(StatusCode::kInternal);
}

}  // namespace kvmesh::scenario
