#include "common/command_line/completion.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace kvmesh::command_line {
namespace {

constexpr auto kPlaceholders = std::to_array<std::pair<std::string_view, Names>>({
    {"COMMAND", Names::kCommands},
    {"BUCKET", Names::kBuckets},
    {"KEY", Names::kKeys},
    {"NODE", Names::kNodes},
    {"FUNCTION", Names::kFunctions},
    {"SERVER", Names::kServers},
    {"SERVER_FUNCTION", Names::kServerFunctions},
    {"PID", Names::kPids},
    {"RECEIVER", Names::kReceivers},
    {"SERVER_OR_VALUE", Names::kServersOrValue},
    {"VALUE", Names::kValue},
    {"ARGS", Names::kValue},
    {"FILE", Names::kFiles},
    {"DIR", Names::kFiles},
    {"CONFIG", Names::kFiles},
    {"OLD", Names::kFiles},
    {"SIZE", Names::kNothing},
    {"DURATION", Names::kDurations},
    {"TIME", Names::kDurations},
    {"ENDPOINT", Names::kNothing},
    {"HOST:PORT", Names::kNothing},
    {"RANGE", Names::kNothing},
    {"NAME", Names::kNothing},
    {"USER", Names::kNothing},
    {"NODE[=WEIGHT],...", Names::kNodes},
    {"PERCENT", Names::kNothing},
    {"PREFIX", Names::kNothing},
    {"N", Names::kNothing},
    {"ID", Names::kNothing},
    {"DELTA", Names::kNothing},
    {"UINT", Names::kNothing},
    {"FLOAT", Names::kNothing},
    {"EXPONENT", Names::kNothing},
});

constexpr std::array<const char*, 6> kDurationExamples = {"500ms", "1s", "5s", "10s", "30s", "1m"};

bool is_printable(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
}

std::vector<const CLI::Option*> positionals_of(const Line& line) {
  auto out =
      line.command->get_options([](const CLI::Option* option) { return option->get_positional(); });
  // The node that a bucket belongs to takes the place of one that is named: call --bucket.
  const bool by_bucket = std::ranges::any_of(line.given, [](const auto& one) {
    return one.first->nonpositional() && word_kind(*one.first) == Names::kBuckets;
  });
  if (by_bucket && !out.empty() && word_kind(*out.front()) == Names::kNodes) {
    out.erase(out.begin());
  }
  return out;
}

void note(Wanted& wanted, const CLI::Option& option, const std::string& value) {
  switch (word_kind(option)) {
    case Names::kNodes:
      wanted.node = value;
      break;
    case Names::kBuckets:
      wanted.bucket = value;
      break;
    case Names::kServers:
      wanted.server = value;
      break;
    case Names::kReceivers:
      wanted.receiver = value;
      break;
    default:
      break;
  }
}

Wanted wanted_at(const Line& line, Names what, std::string_view begin) {
  Wanted wanted;
  wanted.what = what;
  wanted.begin = begin;
  for (const auto& [option, value] : line.given) note(wanted, *option, value);
  for (std::size_t i = 0; i < line.arguments.size(); ++i) {
    if (const auto* option = line.positional(i)) note(wanted, *option, line.arguments[i]);
  }
  return wanted;
}

std::vector<std::string> commands_of(const CLI::App& program) {
  std::vector<std::string> out;
  for (const auto* command : program.get_subcommands({})) {
    if (!command->get_group().empty()) out.push_back(command->get_name());
  }
  return out;
}

std::vector<std::string> options_of(const CLI::App& program, const CLI::App& command) {
  std::vector<std::string> out;
  for (const auto* app : {&command, &program}) {
    for (const auto* option : app->get_options()) {
      if (option->get_group().empty()) continue;
      for (const auto& name : option->get_lnames()) out.push_back("--" + name);
    }
  }
  return out;
}

std::vector<std::string> values_of(const CLI::App& program, const Line& line,
                                   const CLI::Option& option, std::string_view begin,
                                   NameSource& source) {
  if (auto choices = choices_of(option); !choices.empty()) return choices;
  const auto kind = word_kind(option);
  if (kind == Names::kCommands) return commands_of(program);
  if (kind == Names::kDurations) return {kDurationExamples.begin(), kDurationExamples.end()};
  if (kind == Names::kNothing || kind == Names::kUnknown || kind == Names::kValue) return {};
  return source.names(wanted_at(line, kind, begin));
}

Candidates fitting(std::vector<std::string> all, std::string_view typed) {
  std::erase_if(all, [&](const std::string& name) {
    return !name.starts_with(typed) || !is_printable(name);
  });
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return {false, {}, std::move(all)};
}

// `before`: what stands in the word before the value.
Candidates values(const CLI::App& program, const Line& line, const CLI::Option& option,
                  const std::string& before, std::string_view typed, NameSource& source) {
  if (word_kind(option) == Names::kFiles) return {true, before, {}};
  const auto begin = typed.substr(before.size());
  auto all = values_of(program, line, option, begin, source);
  const bool bracketed = begin.starts_with('<');
  for (auto& value : all) {
    if (bracketed && value.find('/') != std::string::npos) value = "<" + value + ">";
    value.insert(0, before);
  }
  return fitting(std::move(all), typed);
}

}  // namespace

Names word_kind(const CLI::Option& option) {
  if (!choices_of(option).empty()) return Names::kNothing;
  std::string word = option.get_type_name();
  if (option.get_positional() && (word.empty() || word == "TEXT")) word = option.get_name(true);
  const auto at = std::ranges::find(kPlaceholders, word, [](const auto& one) { return one.first; });
  return at == kPlaceholders.end() ? Names::kUnknown : at->second;
}

bool is_option_word(std::string_view word) {
  if (word.size() < 2 || word[0] != '-') return false;
  return word[1] < '0' || word[1] > '9';  // a negative number is none
}

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto open = type.find(":{");
  if (open == std::string::npos || type.back() != '}') return {};
  return CLI::detail::split(type.substr(open + 2, type.size() - open - 3), ',');
}

const CLI::Option* find_option(const CLI::App& program, const CLI::App& command,
                               std::string_view name) {
  for (const auto* app : {&command, &program}) {
    for (const auto* option : app->get_options()) {
      if (option->nonpositional() && option->check_name(std::string{name})) return option;
    }
  }
  return nullptr;
}

const CLI::Option* Line::positional(std::size_t number) const {
  for (const auto* option : positionals_of(*this)) {
    const auto takes = static_cast<std::size_t>(std::max(option->get_items_expected_max(), 1));
    if (number < takes) return option;
    number -= takes;
  }
  return nullptr;
}

std::string Line::value_of(std::string_view name) const {
  for (const auto& [option, value] : given) {
    if (option->check_name(std::string{name})) return value;
  }
  return {};
}

Line read_line(const CLI::App& program, std::span<const std::string> words) {
  Line line;
  line.command = &program;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (line.pending != nullptr) {
      line.given[std::exchange(line.pending, nullptr)] = word;
    } else if (!line.only_arguments && word == "--") {
      line.only_arguments = true;
    } else if (!line.only_arguments && is_option_word(word)) {
      const auto equals = word.starts_with("--") ? word.find('=') : std::string::npos;
      const auto* option = find_option(program, *line.command, word.substr(0, equals));
      if (option == nullptr) continue;
      if (is_flag(*option)) {
        line.given[option] = "";
      } else if (equals != std::string::npos) {
        line.given[option] = word.substr(equals + 1);
      } else {
        line.pending = option;
      }
    } else if (line.command == &program && !program.get_subcommands({}).empty()) {
      const auto named = program.get_subcommands(
          [&](const CLI::App* command) { return command->get_name() == word; });
      if (named.empty()) return {};  // nothing is known about its words
      line.command = named.front();
      line.after_command = i + 1;
      if (line.command->get_prefix_command()) return line;
    } else {
      line.arguments.push_back(word);
    }
  }
  return line;
}

Candidates complete(const CLI::App& program, std::span<const std::string> words,
                    NameSource& source) {
  const std::string typed = words.empty() ? "" : words.back();
  if (!words.empty()) words = words.first(words.size() - 1);
  const auto line = read_line(program, words);
  if (line.command == nullptr) return {};
  if (line.pending != nullptr) return values(program, line, *line.pending, "", typed, source);
  if (typed.starts_with('-') && !line.only_arguments) {
    const auto equals = typed.find('=');
    if (equals == std::string::npos) return fitting(options_of(program, *line.command), typed);
    const auto* option = find_option(program, *line.command, typed.substr(0, equals));
    if (option == nullptr || is_flag(*option)) return {};
    return values(program, line, *option, typed.substr(0, equals + 1), typed, source);
  }
  if (line.command == &program && !program.get_subcommands({}).empty()) {
    return fitting(commands_of(program), typed);
  }
  const auto* option = line.positional(line.arguments.size());
  if (option == nullptr) return {};
  return values(program, line, *option, "", typed, source);
}

Candidates complete(const CLI::App& program, std::span<const std::string> words) {
  struct NoNames final : NameSource {
    std::vector<std::string> names(const Wanted& /*wanted*/) override { return {}; }
  } none;
  return complete(program, words, none);
}

std::string candidates_text(const Candidates& candidates) {
  if (candidates.files) return "files\n" + candidates.begin + "\n";
  std::string out = "words\n";
  for (const auto& word : candidates.words) out += word + "\n";
  return out;
}

}  // namespace kvmesh::command_line
