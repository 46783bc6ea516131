#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/functions.h"
#include "common/request.h"

namespace kvmesh::line {

/// What a line asks for.
using Verb = functions::LineVerb;

/// How requests of `verb` are written and answered; null for kUnknown.
const functions::LineForm* form_of(Verb verb);
/// The function that requests of `verb` call; null when there are none, as the adapter answers.
const functions::Function* function_of(Verb verb);

/// One line, taken apart. The words point into the line.
struct Command {
  Verb verb = Verb::kUnknown;
  std::string_view bucket;
  std::string_view key;  // of kKeys: the name to go on after, or empty
  std::string_view value;
  bool has_data_words = false;  // the other words are for DataCommand (data_command.h)

  /// Is it a request to the mesh, or answered by the adapter itself?
  bool is_request() const { return function_of(verb) != nullptr; }
};

/// Reads a line without its line end. Words are split on any run of white space. Total.
Command parse_command(std::string_view line);

/// The request that a command stands for, with `words` as its arguments. REQUIRES:
/// command.is_request(), words.size() >= 2.
RequestView to_request(const Command& command, std::span<ArgumentView> words);

}  // namespace kvmesh::line
