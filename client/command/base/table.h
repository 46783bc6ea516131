#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvmesh::command {

/// The columns that a text takes on a terminal: one for each code point of UTF-8 (wide and
/// combining characters are not told apart), and one for each byte that is not.
std::size_t display_width(std::string_view text);

/// Rows of text in aligned columns, two spaces apart; without trailing spaces. A value type.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// REQUIRES: as many cells as there are columns. Cells hold no line ends or control characters.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  /// The titles, in bold when `color`, and all rows; each line ends in LF.
  std::string to_string(bool color = false) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kvmesh::command
