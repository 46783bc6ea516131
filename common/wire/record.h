#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "common/request.h"
#include "common/wire/buffer.h"

/// Requests and replies as records: the inner layer of the mesh protocol (common/PROTOCOL.md,
/// section "Records").
namespace kvmesh::wire {

/// The node that hands a request on, as it signs the path: its name and the table entry that
/// matched.
struct PathStep {
  std::string_view node;
  std::string_view entry;
};

/// Appends `request` with its length prefix, under `id`, with `timeout_ms` left, and with `step`
/// after its path when there is one. A packed body is copied as it is; all else is written anew.
void append_request(Buffer& out, const RequestView& request, RequestId id, std::uint64_t timeout_ms,
                    const PathStep* step);

/// The same with 4 bytes of room for the time left, to put_u32() it when the record leaves; returns
/// where they begin.
std::size_t append_open_request(Buffer& out, const RequestView& request, RequestId id,
                                const PathStep* step);

/// Appends `reply` with its length prefix under `id`. Uses reply.body when it is there, else code,
/// text and result or bytes.
void append_reply(Buffer& out, const ReplyView& reply, RequestId id);

/// Reads one record's content; empty when it is malformed in any way. The arguments of a request
/// and the result of a reply are checked to be one well-formed value with bounded nesting, but not
/// decoded. A reply's body and trace are checked against limits.h; a request's body is not, so that
/// there is an id to answer too_large to. A code that only later versions know reads as kInternal;
/// ReplyView::body still holds it as it came.
std::optional<RequestView> decode_request(std::string_view record);
std::optional<ReplyView> decode_reply(std::string_view record);

/// Builds the body of a request in `scratch` (cleared first) and returns a view with target,
/// function, args and body set. `pack_args` is called with the buffer and packs one msgpack array.
template <typename PackArgs>
RequestView make_request(Buffer& scratch, Target target, std::string_view function,
                         PackArgs&& pack_args);

/// How many bytes the body of `request` has, or will have when it is packed.
std::size_t body_bytes(const RequestView& request);
/// The same request with its body packed in `scratch` (cleared first). REQUIRES: it is not packed.
RequestView pack_request(Buffer& scratch, const RequestView& request);

/// How many bytes the reply's result has, or will have when it is packed.
std::size_t result_bytes(const ReplyView& reply);
/// The reply's result as one msgpack value: as it stands there, or packed in `scratch` (cleared
/// first).
std::string_view packed_result(Buffer& scratch, const ReplyView& reply);

/// One line of a trace. Its times are this node's own; what is left of elapsed_us without
/// executed_us, queue_us and the next hop's elapsed_us was spent on the link, there and back.
struct TraceHop {
  std::string_view node;
  std::string_view entry;  // the table entry that matched; empty for requests not for a bucket
  std::string_view
      next;  // where it went: a node's name, or this node's own when it was executed here
  std::uint64_t elapsed_us = 0;   // from its arrival at this node to the reply's departure
  std::uint64_t executed_us = 0;  // of those, in the function
  std::uint64_t queue_us = 0;     // of those, waiting for its turn, or to be sent on
  std::uint64_t link = 0;  // which connection to `next` it took, from 1 on; 0: none, or not told
};
void append_trace_hop(Buffer& out, const TraceHop& hop);
/// Reads the first hop of a trace and moves past it; empty when there is none or it is malformed.
/// Nodes of earlier versions do not tell queue_us and link: they are 0 then.
std::optional<TraceHop> take_trace_hop(std::string_view& trace);

/// Reads the first step of a path and moves past it; empty when there is none or it is malformed.
std::optional<PathStep> take_path_step(std::string_view& path);

// Implementation only below here.

void begin_body(Buffer& scratch, Target target, std::string_view function);
RequestView view_body(const Buffer& scratch, Target target, std::string_view function,
                      std::size_t args_at);

template <typename PackArgs>
RequestView make_request(Buffer& scratch, Target target, std::string_view function,
                         PackArgs&& pack_args) {
  scratch.clear();
  begin_body(scratch, target, function);
  const auto args_at = scratch.size();
  pack_args(scratch);
  return view_body(scratch, target, function, args_at);
}

}  // namespace kvmesh::wire
