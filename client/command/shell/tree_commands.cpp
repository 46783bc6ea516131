#include "client/command/shell/tree_commands.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "client/command/base/interrupts.h"
#include "client/command/base/session.h"
#include "client/command/base/usage.h"
#include "client/command/command_line.h"
#include "common/command_line/completion.h"

namespace kvmesh::command::shell {
namespace {

using Kind = command_line::Names;

constexpr const char* kFromInput = "--stdin";

const CLI::Option* option_of(const CLI::App& tree, const CLI::App& command,
                             const std::string& word) {
  return command_line::find_option(tree, command, word.substr(0, word.find('=')));
}

}  // namespace

std::vector<std::string> arranged(const CLI::App& tree, const CLI::App& command,
                                  const std::vector<Word>& words, const std::string& node) {
  std::vector<std::string> options;
  bool lacks_value = false;
  command_line::Line line;
  line.command = &command;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const auto* place = line.positional(line.arguments.size());
    const bool is_value = place != nullptr && command_line::word_kind(*place) == Kind::kValue;
    const bool can_be_option = word.is_bare() && !line.only_arguments;
    const auto* option = can_be_option ? option_of(tree, command, word.text) : nullptr;
    if (can_be_option && word.text == "--") {
      line.only_arguments = true;
    } else if (can_be_option && is_value && word.text == "-" &&
               option_of(tree, command, kFromInput) != nullptr) {
      options.emplace_back(kFromInput);  // which says why it cannot be
    } else if (can_be_option && command_line::is_option_word(word.text) &&
               (!is_value || option != nullptr)) {
      const auto equals = word.text.find('=');
      options.push_back(word.text);
      if (option == nullptr) continue;  // the parser says so
      line.given[option] = "";
      const bool takes_next = !command_line::is_flag(*option) && equals == std::string::npos;
      lacks_value = takes_next && i + 1 == words.size();
      if (takes_next && !lacks_value) options.push_back(text_of(words[++i]));
    } else {
      line.arguments.push_back(text_of(word));
    }
  }
  const auto* first = line.positional(0);
  const bool says_where = std::ranges::any_of(line.given, [](const auto& one) {
    return command_line::word_kind(*one.first) == Kind::kNodes;
  });
  if (!node.empty() && line.arguments.empty() && !says_where && first != nullptr &&
      !first->get_required() && command_line::word_kind(*first) == Kind::kNodes) {
    line.arguments.push_back(node);
  }
  if (lacks_value) {  // which the parser says where nothing follows
    std::ranges::move(options, std::back_inserter(line.arguments));
    return line.arguments;
  }
  options.emplace_back("--");
  std::ranges::move(line.arguments, std::back_inserter(options));
  return options;
}

namespace {

// What would send output elsewhere in a system's shell; null: none. A value may be any text.
const Word* redirection(const std::string& name, const std::vector<Word>& words) {
  constexpr std::size_t kValue = 2;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& text = words[i].text;
    const bool is_one = text == ">" || text == ">>" || text == "|" || text == "<";
    if (is_one && words[i].is_bare() && (name != "put" || i != kValue)) return &words[i];
  }
  return nullptr;
}

}  // namespace

int run_tree_command(Session& session, const std::string& node, const std::string& name,
                     const std::vector<Word>& words) {
  if (const auto* found = redirection(name, words)) {
    session.complain("this shell has no redirection; run kvmesh " + name + " ... " + found->text +
                     " ... in the shell of the system; between quotes " + found->text + " is text");
    return kExitUsage;
  }
  CLI::App app{"", ""};
  add_shell_commands(app, session);
  const auto* command = app.get_subcommand(name);
  auto line = arranged(app, *command, words, node);
  line.insert(line.begin(), name);
  std::ranges::reverse(line);  // as the parser wants it
  const auto options = session.options;
  int status = kExitOk;
  try {
    app.parse(std::move(line));
    const InterruptsAsBefore kept;
    status = std::exchange(session.action, nullptr)();
  } catch (const CLI::ParseError& error) {
    session.options = options;
    if (error.get_exit_code() == 0) {
      session.print(command->help());
    } else {
      session.complain(usage_fault(app, error));
      status = kExitUsage;
    }
  }
  session.options = options;
  return status;
}

std::vector<std::string> file_names(std::string_view begin) {
  namespace fs = std::filesystem;
  const auto slash = begin.rfind('/');
  const std::string folder{slash == std::string_view::npos ? "" : begin.substr(0, slash + 1)};
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at{folder.empty() ? "." : folder, error}, end; !error && at != end;
       at.increment(error)) {
    std::error_code unknown;
    out.push_back(folder + at->path().filename().string() + (at->is_directory(unknown) ? "/" : ""));
  }
  return out;
}

}  // namespace kvmesh::command::shell
