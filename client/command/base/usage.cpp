#include "client/command/base/usage.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "client/command/base/session.h"
#include "common/command_line/completion.h"
#include "common/text.h"

namespace kvmesh::command {

namespace {

// Two letters that stand the wrong way round, "gte": the commonest slip.
bool has_two_swapped(std::string_view word, std::string_view right) {
  const auto [at, of_right] = std::ranges::mismatch(word, right);
  if (word.size() != right.size() || word.end() - at < 2) return false;
  return at[0] == of_right[1] && at[1] == of_right[0] &&
         std::equal(at + 2, word.end(), of_right + 2);
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& right) {
  const auto dashes = std::min(word.find_first_not_of('-'), word.size());
  std::size_t best_distance = 2 + (word.size() - dashes) / 4;
  std::string best;
  for (const auto& name : right) {
    const auto distance = has_two_swapped(word, name) ? 1 : edit_distance(word, name);
    if (distance >= best_distance) continue;
    best = name;
    best_distance = distance;
  }
  return best;
}

namespace {

// What other programs call our commands. What a tree does not have it does not name.
constexpr auto kOtherNames = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"set", "put"},
    {"store", "put"},
    {"insert", "put"},
    {"cat", "get"},
    {"del", "delete"},
    {"rm", "delete"},
    {"remove", "delete"},
    {"ls", "buckets"},
    {"list", "buckets"},
    {"ps", "tasks"},
    {"cancel", "tasks --cancel PID"},
    {"status", "info"},
    {"peers", "nodes"},
    {"watch", "nodes --watch"},
    {"restart", "server ... --restart"},
    {"load", "import"},
    {"restore", "import"},
    {"dump", "export"},
    {"backup", "export"},
    {"q", "quit"},
    {"bye", "quit"},
    {"logout", "quit"},
    {"quit", "quit"},
    {"exit", "quit"},
});

// A slip must not lead to these.
constexpr std::array<std::string_view, 2> kDestroy = {"delete", "drop"};

std::string question(const std::string& meant) {
  return meant.empty() ? "" : "; did you mean " + meant + "?";
}

// What lists the commands; the shell has no name.
std::string list_of(const CLI::App& app) {
  return app.get_name().empty() ? "help" : app.get_name() + " --help";
}

// The command that the line is for; `app` itself where none was found.
const CLI::App& command_of(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : *parsed.front();
}

// "get", or "bench" of a program of its own; empty for `kvmesh` itself.
std::string name_of(const CLI::App& command) {
  const std::string& name = command.get_name();
  const auto blank = name.find(' ');
  if (blank != std::string::npos) return name.substr(blank + 1);
  return command.get_parent() != nullptr ? name : "";
}

// "kvmesh get", as it is typed; "get" in the shell, which has no name.
std::string title_of(const CLI::App& command) {
  const auto* parent = command.get_parent();
  const bool named = parent != nullptr && !parent->get_name().empty();
  return (named ? parent->get_name() + " " : "") + command.get_name();
}

// Of an option that was given too often, or without its value.
std::string wrong_number(const CLI::App& app, const CLI::App& command, const std::string& text) {
  const auto name = text.substr(0, text.find(':'));
  const auto* option = command_line::find_option(app, command, name);
  if (option == nullptr) return text;
  if (option->count() > 1) return name + " is given more than once";
  const auto type = option->get_type_name();
  const auto choices = command_line::choices_of(*option);
  return name + " needs a value: " + (choices.empty() ? type : "one of " + joined(choices, ", "));
}

// "--format: xml not in {tsv,jsonl}", as the parser says it.
std::string wrong_choice(const std::string& text) {
  constexpr std::string_view kMiddle = " not in {";
  const auto colon = text.find(": ");
  const auto middle = text.rfind(kMiddle);
  if (colon == std::string::npos || middle == std::string::npos || middle < colon + 2) return text;
  auto choices = text.substr(middle + kMiddle.size());
  if (choices.ends_with('}')) choices.pop_back();
  return text.substr(0, colon) + " is one of " + choices + ", not " +
         in_quotes(text.substr(colon + 2, middle - colon - 2));
}

std::vector<std::string> long_options(const CLI::App& app, const CLI::App& command) {
  std::vector<std::string> out;
  for (const auto* from : {&command, &app}) {
    for (const auto* option : from->get_options()) {
      for (const auto& name : option->get_lnames()) out.push_back("--" + name);
    }
  }
  return out;
}

// The word in a command's place that is none; null: there is a command, or no word.
const std::string* unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  if (!app.get_subcommands().empty() || app.get_subcommands({}).empty()) return nullptr;
  const auto word = std::ranges::find_if(
      words, [](const std::string& one) { return one.empty() || one.front() != '-'; });
  return word == words.end() ? nullptr : &*word;
}

std::string unexpected(const CLI::App& app, const CLI::App& command,
                       const std::vector<std::string>& words) {
  const std::string name = name_of(command);
  const auto dash = std::ranges::find_if(
      words, [](const std::string& word) { return word.size() > 1 && word.starts_with('-'); });
  if (dash != words.end()) {
    const bool takes_words =
        std::ranges::any_of(command.get_options(), [](const CLI::Option* option) {
          return option->get_positional() &&
                 static_cast<int>(option->count()) < option->get_items_expected_max();
        });
    const auto typed = dash->substr(0, dash->find('='));
    const auto meant = nearest(typed, long_options(app, command));
    const std::string told =
        (name.empty() ? "no option " : name + " has no option ") + in_quotes(typed);
    if (!meant.empty()) return told + question(meant);
    if (!takes_words) return told + "; " + title_of(command) + " --help lists them";
    return told + "; write -- before the arguments if it is one: " + usage_line(command);
  }
  std::vector<std::string> quoted;
  quoted.reserve(words.size());
  for (const auto& word : words) quoted.push_back(in_quotes(word));
  return name + (name.empty() ? "not expected: " : " does not expect ") + joined(quoted, " ") +
         "; write " + usage_line(command);
}

}  // namespace

std::string meant_command(std::string_view word, const std::vector<std::string>& commands) {
  for (const auto& [other, own] : kOtherNames) {
    if (word != other) continue;
    const auto name = own.substr(0, own.find(' '));
    return std::ranges::find(commands, name) == commands.end() ? "" : std::string{own};
  }
  auto near = commands;
  std::erase_if(near, [](const std::string& name) {
    return std::ranges::find(kDestroy, name) != kDestroy.end();
  });
  return nearest(word, near);
}

std::string no_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  const auto meant = meant_command(word, names);
  return "no command " + in_quotes(word) +
         (meant.empty() ? "; " + list_of(app) + " lists them" : question(meant));
}

std::string usage_line(const CLI::App& command) {
  std::string out = title_of(command);
  for (const auto* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name =
        option->get_name(true) + (option->get_items_expected_max() > 1 ? " ..." : "");
    out += option->get_required() ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string usage_fault(const CLI::App& app, const CLI::ParseError& error) {
  const auto& command = command_of(app);
  auto words = app.remaining(true);
  std::erase(words, "--");
  if (const auto* word = unknown_command(app, words)) return no_command(app, *word);
  if (!words.empty()) return unexpected(app, command, words);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return wrong_number(app, command, error.what());
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) return wrong_choice(error.what());
  for (const auto* option : command.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    return name_of(command) + " needs " + option->get_name(true) + "; write " + usage_line(command);
  }
  if (&command == &app) return "no command; " + list_of(app) + " lists them";
  return error.what();
}

int end_parse(const Session& session, const CLI::App& app, const CLI::ParseError& error) {
  const auto words = app.remaining(true);
  if (error.get_exit_code() == 0 && unknown_command(app, words) == nullptr) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  session.complain(usage_fault(app, error));
  return kExitUsage;
}

}  // namespace kvmesh::command
