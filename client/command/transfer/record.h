#pragma once

#include <optional>
#include <string>

namespace kvmesh::command {

/// One line of an import or export: a key with its value, or a bucket that has no keys.
struct Record {
  struct KeyValue {
    std::string key;
    std::string value;
    friend bool operator==(const KeyValue&, const KeyValue&) = default;
  };
  std::string bucket;
  std::optional<KeyValue> pair;  // empty: the line says only that the bucket exists
  friend bool operator==(const Record&, const Record&) = default;
};

/// How records are written, one a line.
enum class Format {
  kTsv,        ///< client/command/transfer/tsv.h
  kJsonLines,  ///< client/command/transfer/json_lines.h
};

}  // namespace kvmesh::command
