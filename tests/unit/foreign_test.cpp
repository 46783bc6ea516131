// What a web page or a misdirected client sends is told from commands.

#include "node/stream/foreign.h"

#include <gtest/gtest.h>

namespace kvmesh::stream {
namespace {

TEST(Foreign, RequestLinesOfHttp) {
  for (const auto* line : {"GET / HTTP/1.1", "POST /a?b=c%20d HTTP/1.1", "OPTIONS * HTTP/1.1",
                           "x-Own!1 / HTTP/2.0", "GET http://127.0.0.1:4040/ HTTP/1.0",
                           "CONNECT 127.0.0.1:4040 HTTP/1.1", "PUT /shopping HTTP/1.1"}) {
    EXPECT_EQ(foreign_first_line(line), Foreign::kHttp) << line;
  }
}

TEST(Foreign, CommandsThatLookLikeThem) {
  for (const auto* line :
       {"GET shopping milk", "GET shopping HTTP/1.1", "PUT / HTTP /1.1", "GET / HTTP", "HELP",
        "DELETE /path key", "GET  HTTP/1.1", "", " ", "/ HTTP/1.1", "G\tT / HTTP/1.1",
        "PUT /a b HTTP/1.1", "\x16", "Host", "Hosts: x", "hos"}) {
    EXPECT_EQ(foreign_first_line(line), Foreign::kNone) << line;
  }
}

TEST(Foreign, AHeaderThatEveryRequestHas) {
  for (const auto* line : {"Host: 127.0.0.1:4040", "host:x", "HOST:"}) {
    EXPECT_EQ(foreign_line(line), Foreign::kHttp) << line;
    EXPECT_EQ(foreign_first_line(line), Foreign::kHttp) << line;
  }
  for (const auto* line : {"GET / HTTP/1.1", "PUT shopping Host: x", " Host: x", "Hosx: y", ""}) {
    EXPECT_EQ(foreign_line(line), Foreign::kNone) << line;
  }
}

TEST(Foreign, AHandshakeOfTls) {
  EXPECT_EQ(foreign_first_line("\x16\x03\x01\x02"), Foreign::kTls);
  EXPECT_EQ(foreign_line("\x16\x03\x01\x02"), Foreign::kNone);
}

}  // namespace
}  // namespace kvmesh::stream
