#pragma once

#include <kvmesh/status.h>

#include <string>

namespace kvmesh::command {

/// What graphviz's program `dot` draws of `graph`, as SVG. kUnavailable: the program is not
/// installed; kInternal: it could not be run, or failed, and its own words are on standard error.
Result<std::string> svg_of(const std::string& graph);

}  // namespace kvmesh::command
