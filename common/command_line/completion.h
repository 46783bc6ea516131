#pragma once

#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What a command line means so far, and how its last word can go on; all taken from the parser's
/// own tree of commands, so that nothing about it is written twice. Pure functions.
namespace kvmesh::command_line {

/// What a word of a command line names.
enum class Names : std::uint8_t {
  kUnknown,  // a placeholder that word_kind() does not know: a mistake
  kNothing,  // a number, a name to be made up, a text
  kValue,    // a value: the words from here on are no options in the shell
  kCommands,
  kBuckets,
  kKeys,  // of the bucket before it
  kNodes,
  kFunctions,        // of the node before it
  kServers,          // of the node before it
  kServerFunctions,  // of the server before it
  kPids,
  kReceivers,       // pids, or nodes whose servers are meant
  kServersOrValue,  // after a receiver
  kFiles,
  kDurations,
};

/// The word that stands for an argument or for an option's value in help, such as BUCKET, says what
/// that names: the type of the option or, where that is only TEXT, the name of the positional.
Names word_kind(const CLI::Option& option);

/// What of an argument is asked for.
struct Wanted {
  Names what = Names::kNothing;
  std::string begin;  // what was typed of it
  // Of the words before it the last that named one.
  std::string node;
  std::string bucket;
  std::string server;
  std::string receiver;

  friend bool operator==(const Wanted&, const Wanted&) = default;
};

/// Where names come from.
class NameSource {
 public:
  virtual ~NameSource() = default;
  /// What cannot be found out has none. In any order; those that do not fit are left out later.
  /// Pids come without < and >.
  virtual std::vector<std::string> names(const Wanted& wanted) = 0;
};

/// A line that has been read up to its last word, which is not part of it.
struct Line {
  const CLI::App* command = nullptr;     // the program itself while no command was named
  std::size_t after_command = 0;         // the number of the first word after the command's name
  const CLI::Option* pending = nullptr;  // an option whose value comes next
  bool only_arguments = false;           // after --
  std::vector<std::string> arguments;    // of the command
  std::map<const CLI::Option*, std::string> given;  // options with their last values

  /// The positional that the argument of this number is for; null when there are too many.
  const CLI::Option* positional(std::size_t number) const;
  /// The value of an option, or "".
  std::string value_of(std::string_view name) const;
};

/// `words` come after the program's name. A command that is handed over as a whole ends the line.
Line read_line(const CLI::App& program, std::span<const std::string> words);

/// An option of the command, or one of the program that may stand after it; null: none.
const CLI::Option* find_option(const CLI::App& program, const CLI::App& command,
                               std::string_view name);

/// Whether a word looks like an option: with a dash, and no negative number.
bool is_option_word(std::string_view word);

/// Whether it takes no value.
bool is_flag(const CLI::Option& option);

/// The words that an option takes, if there are few: those of its check. Else empty.
std::vector<std::string> choices_of(const CLI::Option& option);

/// What a word can become.
struct Candidates {
  bool files = false;              // names of files come after `begin`, which only a shell knows
  std::string begin;               // what stands before those: "--file=", or nothing
  std::vector<std::string> words;  // sorted, each once; each begins as the word that was typed
};

/// How the last of `words`, which may be empty, can go on. No words: as one that is empty. Names
/// with control characters are left out: neither a line nor a terminal can hold them.
Candidates complete(const CLI::App& program, std::span<const std::string> words,
                    NameSource& source);
/// The same of a program whose words name nothing in a mesh.
Candidates complete(const CLI::App& program, std::span<const std::string> words);

/// As `kvmesh __complete` prints them, for the scripts of shells: "words" and a line each, or
/// "files" and what stands before a file's name.
std::string candidates_text(const Candidates& candidates);

/// The word in the place of a command by which programs are asked for that.
inline constexpr std::string_view kCompleteCommand = "__complete";

}  // namespace kvmesh::command_line
