#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "common/routing_table.h"

namespace kvmesh::command {

/// Adds --range RANGE, which takes first bytes as tables write them. `where` must outlive the
/// parser.
inline void add_byte_range(CLI::App& app, std::optional<ByteRange>& where, const char* text) {
  app.add_option_function<std::string>(
         "--range",
         [&where](const std::string& given) {
           const auto range = ByteRange::parse(given);
           if (!range) throw CLI::ValidationError("--range", range.status().text());
           where = *range;
         },
         text)
      ->type_name("RANGE");
}

}  // namespace kvmesh::command
