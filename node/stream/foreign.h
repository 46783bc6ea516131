#pragma once

#include <cstdint>
#include <string_view>

/// Web pages and misdirected clients reach a port of text as well. What they send is lines, and a
/// page chooses most of them: a request with the body "\nDROP shopping\n" would drop a bucket.
namespace kvmesh::stream {

/// What a connection speaks that is no protocol of ours.
enum class Foreign : std::uint8_t { kNone, kHttp, kTls };

/// Of the first line of a connection: HTTP when it is a request line (`POST /path HTTP/1.1`; a
/// target as RFC 9112 has it, so that `GET bucket HTTP/1.1` is a command), TLS when it begins with
/// a handshake record.
Foreign foreign_first_line(std::string_view line);

/// Of any line. Every request of HTTP/1.1 has a line `Host: ...`, and it comes before what a page
/// has chosen.
inline Foreign foreign_line(std::string_view line) {
  const auto is = [&](std::size_t at, char small) { return (line[at] | 0x20) == small; };
  return line.size() >= 5 && is(0, 'h') && is(1, 'o') && is(2, 's') && is(3, 't') && line[4] == ':'
             ? Foreign::kHttp
             : Foreign::kNone;
}

/// "HTTP"; empty for kNone.
std::string_view name_of(Foreign protocol);

}  // namespace kvmesh::stream
