#pragma once

#include <kvmesh/status.h>

#include <string>

#include "client/verify/mesh_model.h"
#include "client/verify/verify.h"

namespace kvmesh::command {

/// The mesh as a graph in graphviz's language: a box for each node with what it stores, and an
/// arrow to each node that it passes requests on to, with the names. What is wrong is red:
/// nodes that are not described, bytes without an entry, circles. Pure. REQUIRES: `report` is of
/// `model`.
std::string picture(const verify::MeshModel& model, const verify::Report& report);

/// What graphviz's program `dot` draws of `graph`, as SVG. kUnavailable: the program is not
/// installed; kInternal: it could not be run, or failed, and its own words are on standard error.
Result<std::string> svg_of(const std::string& graph);

}  // namespace kvmesh::command
