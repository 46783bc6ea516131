#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmesh::command {

/// What a backup is of: manifest.json, which is written when all else is. A plain value.
struct Manifest {
  struct Node {
    std::string name;
    std::vector<std::pair<std::string, std::string>> table;  // ranges and nodes, as in its file
    friend bool operator==(const Node&, const Node&) = default;
  };
  struct File {
    std::string name;  // in the backup's folder
    std::uint64_t bytes = 0;
    std::string sha256;         // of the whole file, in hexadecimal
    std::uint64_t buckets = 0;  // that begin in it
    std::uint64_t records = 0;
    friend bool operator==(const File&, const File&) = default;
  };

  std::int64_t begun_ms = 0;  // since 1970
  std::int64_t ended_ms = 0;
  std::optional<std::string> of{};     // the node whose buckets these are; empty: of all
  std::optional<std::string> range{};  // of the buckets, as tables have it; empty: all
  std::uint64_t last_rev = 0;          // the greatest revision of a bucket
  std::vector<Node> nodes;             // of the mesh, with their tables then
  std::vector<File> files;             // in their order
  std::vector<std::string> missing;    // what could not be read: sentences

  std::uint64_t buckets() const;
  std::uint64_t records() const;
  std::uint64_t bytes() const;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr std::string_view kManifestName = "manifest.json";

// Pure functions.

/// As JSON with a line for each node, file and missing part.
std::string to_text(const Manifest& manifest);
/// The text of a manifest with its last line anew, which has the SHA-256 of all lines before it.
std::string sealed(std::string text);
/// kInvalidArgument, with what is wrong, when it is none, or damaged, or of a format that is not
/// known here.
Result<Manifest> parse_manifest(std::string_view text);

/// A moment as people read it: "2026-11-27 09:30:00 UTC".
std::string date_text(std::int64_t ms_since_1970);

}  // namespace kvmesh::command
