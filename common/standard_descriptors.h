#pragma once

#include <string_view>

#include <kvmesh/status.h>

/// Descriptors 0 to 2, for the main functions of programs.
namespace kvmesh {

/// Opens those that are closed on /dev/null, so that no socket or file gets such a number and is
/// then taken for standard input or output. Reading from 0 and writing to 1 fails then, as it does
/// on what is closed (EBADF); what is written to 2 is lost. For the beginning of main().
void open_standard_descriptors();

/// Whether standard input can be read.
bool has_standard_input();

/// Writes `text`, and what stdio still has, to standard output. kInvalidArgument when that is
/// closed; kUnavailable, with the reason, when something could not be written, now or before.
Status write_standard_output(std::string_view text = {});

}  // namespace kvmesh
