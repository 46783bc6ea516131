#include "node/mesh/held_requests.h"

#include <chrono>
#include <cstdint>
#include <utility>

#include "common/wire/frame.h"

namespace kvmesh::mesh {
namespace {

constexpr std::size_t kLengthBytes = 4;
// Frames up to this size that arrive within this time share a piece of about this many bytes.
constexpr std::size_t kTinyRunBytes = kQueuedFrameBytes;
constexpr std::chrono::milliseconds kTogetherTime{1};
constexpr std::size_t kTogetherBytes = 8192;

}  // namespace

std::size_t HeldRequests::capacity_bytes() const {
  std::size_t bytes = 0;
  for (const auto& piece : pieces_) bytes += sizeof piece + piece.frames.capacity();
  return bytes;
}

void HeldRequests::add(std::string_view run, TimePoint arrived, std::chrono::microseconds age) {
  auto& frames = piece_for(run, arrived, age).frames;
  frames.put_u32(frames.skip(kLengthBytes), static_cast<std::uint32_t>(run.size()));
  frames.append(run);
  bytes_.add(cost(run));
}

HeldRequests::Piece& HeldRequests::piece_for(std::string_view run, TimePoint arrived,
                                             std::chrono::microseconds age) {
  if (!pieces_.empty() && run.size() <= kTinyRunBytes) {
    auto& last = pieces_.back();
    // Never taken for older than it is.
    const bool as_old = age >= last.age && age - last.age < kTogetherTime;
    if (last.frames.size() < kTogetherBytes && arrived - last.arrived < kTogetherTime && as_old) {
      return last;
    }
  }
  auto& piece = pieces_.emplace_back();
  piece.arrived = arrived;
  piece.age = age;
  return piece;
}

void HeldRequests::clear() {
  pieces_.clear();
  bytes_.clear();
}

std::string_view HeldRequests::Oldest::run() const {
  const auto length = wire::read_u32(piece_.frames.view(piece_.next));
  return piece_.frames.view(piece_.next + kLengthBytes).substr(0, length);
}

HeldRequests::Oldest HeldRequests::take() {
  Oldest oldest{std::move(pieces_.front())};
  pieces_.pop_front();
  bytes_.remove(cost(oldest.run()));
  return oldest;
}

void HeldRequests::give_back(Oldest oldest, std::string_view rest) {
  auto& piece = oldest.piece_;
  piece.next += kLengthBytes + oldest.run().size();
  if (!rest.empty()) {  // a frame of its own, whose length goes over what was executed
    piece.next -= kLengthBytes + rest.size();
    piece.frames.put_u32(piece.next, static_cast<std::uint32_t>(rest.size()));
    bytes_.add(cost(rest));
  }
  if (piece.next == piece.frames.size()) return;
  drop_executed(piece);
  pieces_.push_front(std::move(piece));
}

// So that memory stays within twice of what is counted.
void HeldRequests::drop_executed(Piece& piece) {
  if (piece.next <= kTogetherBytes || piece.next <= piece.frames.size() / 2) return;
  wire::Buffer rest;
  rest.append(piece.frames.view(piece.next));
  piece.frames = std::move(rest);
  piece.next = 0;
}

}  // namespace kvmesh::mesh
