#pragma once

#include <histedit.h>

#include <string>

namespace kvmesh::command::shell {

/// How many lines are kept.
constexpr int kHistoryLinesMax = 1000;

/// A history of libedit's, empty, with that bound; ends with history_end(). Aborts without memory.
History* new_history();

/// Adds the lines of the file to `history`. A file that is not there holds none.
void load_history(History* history, const std::string& path);

/// Adds one line to the file, whose folder is made where it is missing. Several shells may do so at
/// once, each keeps what the others wrote; a reader finds the file as it was before or after. When
/// it cannot be written the line is not kept.
void append_history(const std::string& path, const std::string& line);

}  // namespace kvmesh::command::shell
