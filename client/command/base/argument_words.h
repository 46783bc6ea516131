#pragma once

#include <CLI/CLI.hpp>

namespace kvmesh::command {

/// Adds the words after a function, which are its arguments, to a command; results() of the option
/// gives them. As they are: of a vector CLI11 would take "[1,2]" and "{}" apart.
inline CLI::Option* add_argument_words(CLI::App& command) {
  constexpr int kWordsMax = 1 << 20;
  auto* option = command.add_option(
      "ARGS", [](const CLI::results_t&) { return true; },
      "Its arguments: JSON where it is JSON, else text; write '\"5\"' for the text 5");
  option->option_text("...")->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return option->expected(kWordsMax, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false);
}

}  // namespace kvmesh::command
