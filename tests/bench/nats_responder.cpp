#include <unistd.h>

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

#include "client/bench/codec.h"
#include "tests/bench/servers.h"
#include "tests/bench/socket_text.h"

namespace kvmesh::bench {
namespace {

using Values = std::unordered_map<std::string, std::string>;

std::string_view take_word(std::string_view& text) {
  const auto end = text.find(' ');
  const auto word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

std::string answer_to(std::string_view payload, Values& values) {
  const bool put = payload.starts_with("P ");
  payload.remove_prefix(std::min<std::size_t>(2, payload.size()));
  std::string key{take_word(payload)};
  key.append(" ").append(take_word(payload));
  if (put) {
    values[key] = payload;
    return "+";
  }
  const auto found = values.find(key);
  return found == values.end() ? "-" : "=" + found->second;
}

// Takes one piece of the protocol off `in`; 0 when it is not whole yet.
std::size_t take(std::string_view in, std::string& out, Values& values) {
  const auto line = first_line(in);
  if (!line) return 0;
  const auto head = in.find('\n') + 1;
  if (*line == "PING") out.append("PONG\r\n");
  if (!line->starts_with("MSG ")) return head;
  auto words = line->substr(4);
  take_word(words);  // subject
  take_word(words);  // our subscription
  const auto reply_to = take_word(words);
  std::size_t size = 0;
  std::from_chars(words.data(), words.data() + words.size(), size);
  if (in.size() < head + size + 2) return 0;
  const auto answer = answer_to(in.substr(head, size), values);
  out.append("PUB ").append(reply_to).append(" ").append(std::to_string(answer.size()));
  out.append("\r\n").append(answer).append("\r\n");
  return head + size + 2;
}

bool send_all(int fd, std::string& out) {
  std::size_t sent = 0;
  while (sent < out.size()) {
    const auto count = send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  out.clear();
  return true;
}

}  // namespace

Status serve_nats(const std::string& address) {
  const auto where = parse_ipv4(address);
  if (!where) return where.status();
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&*where), sizeof *where) != 0) {
    return socket_fault("cannot connect to " + address);
  }
  set_nodelay(fd);
  std::string out = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB kv 1\r\n";
  std::string in(1024 * 1024, '\0');
  std::size_t filled = 0;
  Values values;
  while (send_all(fd, out)) {
    if (filled == in.size()) in.resize(2 * in.size());
    const auto got = recv(fd, in.data() + filled, in.size() - filled, 0);
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
    std::size_t begin = 0;
    while (const auto taken =
               take(std::string_view{in}.substr(begin, filled - begin), out, values)) {
      begin += taken;
    }
    std::memmove(in.data(), in.data() + begin, filled - begin);
    filled -= begin;
  }
  close(fd);
  return {StatusCode::kUnavailable, address + " closed the connection"};
}

}  // namespace kvmesh::bench
