// The output of tasks beside a line that is being edited.
#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/command/base/shown_output.h"

namespace kvmesh::command {
namespace {

class Recorder : public OutputSink {
 public:
  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override {
    for (const auto& chunk : chunks) text += chunk.bytes;
    taken();
  }
  std::string text;
};

class ShownOutputTest : public testing::Test {
 protected:
  void write(std::string bytes) {
    output.write({{OutputStream::kOut, std::move(bytes)}}, [this] { ++taken; });
  }
  bool is_readable() const {
    pollfd wait{output.descriptor(), POLLIN, 0};
    return poll(&wait, 1, 0) == 1;
  }

  std::shared_ptr<Recorder> inner = std::make_shared<Recorder>();
  ShownOutput output{inner};
  int taken = 0;
};

TEST_F(ShownOutputTest, PassesOnAtOnceWhileNothingIsEdited) {
  write("a\n");
  EXPECT_EQ(inner->text, "a\n");
  EXPECT_EQ(taken, 1);
  EXPECT_FALSE(is_readable());
}

TEST_F(ShownOutputTest, WaitsForTheEditor) {
  output.begin_editing();
  write("a\n");
  write("b\n");
  EXPECT_EQ(inner->text, "");
  EXPECT_EQ(taken, 0) << "so that the task waits too";
  EXPECT_TRUE(is_readable());
  output.show_waiting();
  EXPECT_EQ(inner->text, "a\nb\n");
  EXPECT_EQ(taken, 2);
  EXPECT_FALSE(is_readable());
  write("c\n");
  output.end_editing();
  EXPECT_EQ(inner->text, "a\nb\nc\n");
  EXPECT_EQ(taken, 3);
}

TEST_F(ShownOutputTest, KnowsWhetherTheLastLineWasEnded) {
  EXPECT_TRUE(output.take_line_ended());
  write("a");
  EXPECT_FALSE(output.take_line_ended());
  EXPECT_TRUE(output.take_line_ended()) << "whoever asked has ended it";
  write("a");
  write("");
  EXPECT_FALSE(output.take_line_ended());
  write("a");
  write("b\n");
  EXPECT_TRUE(output.take_line_ended());
}

}  // namespace
}  // namespace kvmesh::command
