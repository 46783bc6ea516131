#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

namespace kvmesh {

/// The name of a node: `name@host`, at most limits::kNodeNameBytesMax bytes; both parts are one or
/// more of letters, digits, `_`, `-` and `.`. The host part is a name only: addresses come from
/// configuration. A default-constructed NodeName is empty and stands for "no node" (a plain
/// client).
class NodeName {
 public:
  NodeName() = default;
  /// kInvalidArgument when `text` is not of that form; the text says why.
  static Result<NodeName> parse(std::string_view text);

  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend auto operator<=>(const NodeName&, const NodeName&) = default;

 private:
  explicit NodeName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// A request as one hop knows it; each hop gives its own. Unique among the requests that the hop
/// has in flight.
struct RequestId {
  std::uint64_t value = 0;
  friend auto operator<=>(const RequestId&, const RequestId&) = default;
};

/// A peer's place among those of this node. It keeps it for as long as it is a peer, through
/// reloads; after that another may get it.
struct PeerIndex {
  std::uint16_t value = 0;
  friend auto operator<=>(const PeerIndex&, const PeerIndex&) = default;
};

}  // namespace kvmesh
