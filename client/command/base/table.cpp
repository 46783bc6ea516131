#include "client/command/base/table.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/utf8.h"

namespace kvmesh::command {
namespace {

constexpr std::string_view kGap = "  ";

std::string padded(const std::string& cell, std::size_t width, Table::Align align) {
  const std::string space(width - std::min(width, display_width(cell)), ' ');
  return align == Table::Align::kRight ? space + cell : cell + space;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  if (!is_utf8(text)) return text.size();
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // not a continuation byte
  }));
}

void Table::add(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) std::abort();
  rows_.push_back(std::move(cells));
}

std::string Table::to_string(bool color) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = display_width(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, display_width(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text += kGap;
      text += padded(cell_of(i), widths[i], columns_[i].align);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  const std::string titles = line([&](std::size_t i) { return columns_[i].title; });
  std::string out = (color ? "\x1b[1m" + titles + "\x1b[0m" : titles) + "\n";
  for (const auto& row : rows_) out += line([&](std::size_t i) { return row[i]; }) + "\n";
  return out;
}

}  // namespace kvmesh::command
