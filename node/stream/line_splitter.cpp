#include "node/stream/line_splitter.h"

#include <utility>

namespace kvmesh::stream {

std::optional<LineSplitter::Line> LineSplitter::next(std::string_view input, std::size_t& taken) {
  taken = 0;
  if (is_foreign_) {
    taken = input.size();
    return std::nullopt;
  }
  auto newline = input.find('\n', std::exchange(searched_, 0));
  if (newline != std::string_view::npos && std::exchange(skipping_, false)) {
    taken = newline + 1;
    newline = input.find('\n', taken);
  }
  const auto rest = input.substr(taken);
  if (newline == std::string_view::npos) {
    if (skipping_) {
      taken = input.size();
    } else if (rest.size() > line_bytes_max_ + 1) {  // 1: it may end in CR
      taken = input.size();
      skipping_ = true;
      is_first_ = false;
      return Line{{}, rest.size()};
    } else {
      searched_ = rest.size();
    }
    return std::nullopt;
  }
  auto text = input.substr(taken, newline - taken);
  taken = newline + 1;
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() <= line_bytes_max_) return checked(text);
  is_first_ = false;
  return Line{{}, text.size()};
}

LineSplitter::Line LineSplitter::checked(std::string_view text) {
  const auto foreign =
      std::exchange(is_first_, false) ? foreign_first_line(text) : foreign_line(text);
  if (foreign == Foreign::kNone) return {text};
  is_foreign_ = true;
  return {{}, 0, foreign};
}

}  // namespace kvmesh::stream
