// What the inbox has to say to its connections: replies of this pass, and those that a socket's
// queue did not take because their connection reads slowly or not at all.

#include <algorithm>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "node/mesh/inbox.h"
#include "node/mesh/routing_id.h"

namespace kvmesh::mesh {
namespace {

// A reply that always finds room, as what tells of its loss would not be much smaller.
constexpr std::size_t kSmallReplyBytes = 512;
// Buffers kept for the replies of coming passes, of all clients together.
constexpr std::size_t kSpareBuffers = 64;
// Full sockets that are tried again in one pass. Each costs a look only, but there may be
// thousands.
constexpr std::size_t kRetriesPerPass = 256;

}  // namespace

void Inbox::reply(const core::Origin& origin, const ReplyView& answer) {
  auto* client = find(static_cast<std::uint32_t>(origin.connection));
  if (client == nullptr) return counters_.dropped_replies.add();
  // One that reads nothing at all costs no more than this: its replies would only wait to be
  // dropped later. Twice, for what was asked before it was taken to be slow.
  if (client->waiting.bytes() > 2 * limits::kMeshClientReplyBytesMax) {
    return counters_.dropped_replies.add();
  }
  if (client->frame.capacity() == 0 && !spare_.empty()) {
    client->frame = std::move(spare_.back());
    spare_.pop_back();
  }
  if (client->frame.empty()) wire::begin_frame(client->frame, wire::FrameKind::kReplies);
  const auto bytes = std::max(answer.body.size(), wire::result_bytes(answer));
  if (bytes > kSmallReplyBytes && unread_bytes(*client) > 2 * unread_bytes_left()) {
    counters_.dropped_replies.add();
    append_loss(client->frame, bytes, origin.request);
  } else {
    wire::append_reply(client->frame, answer, origin.request);
  }
  mark_dirty(*client);
  if (client->frame.size() >= limits::kReplyBatchBytes) {
    seal(*client);
    send_waiting(*client);
  }
}

// Requests that were under way already when replies became too many: whoever reads them is told.
void Inbox::append_loss(wire::Buffer& out, std::size_t bytes, RequestId id) const {
  const auto text =
      "a reply of " + std::to_string(bytes) +
      " bytes found no room: " + std::to_string(limits::kMeshReplyBytesMax - unread_bytes_left()) +
      " bytes are unread by clients of " + options_.self.str() + ", the limit is " +
      std::to_string(limits::kMeshReplyBytesMax) + "; what was asked for may have been done";
  ReplyView loss;
  loss.code = StatusCode::kOutcomeUnknown;
  loss.text = text;
  wire::append_reply(out, loss, id);
}

void Inbox::flush() {
  auto dirty = std::exchange(dirty_, {});
  for (const auto id : dirty) {
    auto* client = find(id);
    if (client == nullptr) continue;
    client->dirty = false;
    if (client->waiting.empty() && !client->frame.empty()) {
      const auto routing_id = routing_id_of(id);
      const auto sent = send_replies(*client, view(routing_id), client->frame);
      if (sent == transport::Sent::kTaken) {
        keep_spare(client->frame);
        continue;
      }
    }
    seal(*client);
    send_waiting(*client);
    if (client->waiting.empty() || std::exchange(client->stuck, true)) continue;
    stuck_.push_back(id);
  }
  if (dirty_.empty()) {
    dirty.clear();
    dirty_ = std::move(dirty);  // keeps its memory
  }
  retry_stuck();
}

// So that no client keeps memory for the replies that it may get one day.
void Inbox::keep_spare(wire::Buffer& frame) {
  if (frame.capacity() == 0) return;  // libzmq has it
  frame.clear();                      // or the next client would be sent this one's replies
  if (spare_.size() < kSpareBuffers) spare_.push_back(std::move(frame));
  frame = {};
}

void Inbox::retry_stuck() {
  for (auto left = std::min(stuck_.size(), kRetriesPerPass); left > 0; --left) {
    const auto id = stuck_.front();
    stuck_.pop_front();
    auto* client = find(id);
    if (client == nullptr) continue;
    send_waiting(*client);
    client->stuck = !client->waiting.empty();
    if (client->stuck) stuck_.push_back(id);
  }
}

void Inbox::send_waiting(Client& client) {
  const auto routing_id = routing_id_of(client.id);
  bool gone = false;
  client.waiting.send_all([&](wire::Buffer& frame) {
    const auto sent = send_replies(client, view(routing_id), frame);
    gone = sent == transport::Sent::kGone;
    return sent == transport::Sent::kTaken;
  });
  if (gone) forget(client);
}

transport::Sent Inbox::send_replies(Client& client, std::string_view routing_id,
                                    wire::Buffer& frame) {
  const auto bytes = frame.size();
  const auto sent = send_to(routing_id, frame, client.unsent);
  if (client.tells_read && sent == transport::Sent::kTaken) client.untold += bytes;
  return sent;
}

void Inbox::seal(Client& client) {
  if (client.frame.empty()) return;
  if (client.frame.capacity() > 2 * client.frame.size() + kQueuedFrameBytes) {  // a spare one
    wire::Buffer copy;
    copy.append(client.frame.view());
    keep_spare(client.frame);
    client.frame = std::move(copy);
  }
  client.waiting.add(std::exchange(client.frame, {}));
}

// Of replies: ours and what libzmq has of them.
std::size_t Inbox::unread_bytes(const Client& client) {
  return client.waiting.bytes() + client.unsent->value();
}

std::size_t Inbox::unread_bytes_left() const {
  const auto unread = waiting_bytes_.bytes() + unsent_->value();
  return limits::kMeshReplyBytesMax - std::min(unread, limits::kMeshReplyBytesMax);
}

// Whether its requests are executed. As much as is left over by all, and not an equal share of the
// whole: the sum of such shares grows without bound when connections come one after the other.
bool Inbox::has_room_for_replies(const Client& client) const {
  return client.waiting.bytes() + client.untold <= limits::kMeshClientReplyBytesMax &&
         unread_bytes(client) <= unread_bytes_left();
}

bool Inbox::may_resume(const Client& client) const {
  return client.waiting.bytes() + client.untold < limits::kMeshClientReplyBytesMax / 2 &&
         unread_bytes(client) <= unread_bytes_left() / 2;
}

// Requests that may be executed before it is asked again whether their connection reads. When room
// is scarce, one, since each may bring a reply of a mebibyte.
std::size_t Inbox::run_max(const Client& client) const {
  if (client.untold > limits::kMeshClientReplyBytesMax / 4) return 1;
  return unread_bytes_left() < limits::kMeshReplyBytesMax / 2 ? 1 : decoded_.size();
}

void Inbox::mark_dirty(Client& client) {
  if (client.dirty) return;
  client.dirty = true;
  dirty_.push_back(client.id);
}

}  // namespace kvmesh::mesh
