#pragma once

#include <string>

#include "client/verify/mesh_model.h"
#include "client/verify/verify.h"

namespace kvmesh::command {

/// The mesh as a graph in graphviz's language: a box for each node with what it stores, and an
/// arrow to each node that it passes requests on to, with their first bytes. What is wrong is red:
/// nodes that are not described, bytes without an entry, circles. Pure. REQUIRES: `report` is of
/// `model`.
std::string picture(const verify::MeshModel& model, const verify::Report& report);

}  // namespace kvmesh::command
