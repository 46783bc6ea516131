// Who logs never waits for who reads the log, and the log says what it lost.

#include "node/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace kvmesh {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

class LogWriter : public testing::Test {
 protected:
  LogWriter() { make_pipe(); }
  ~LogWriter() override {
    writer_.reset();
    ::close(reader_);
    ::close(descriptor_);
  }

  // Behind the same descriptor, as a terminal that is there again.
  void make_pipe() {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader_ = ends[0];
    if (descriptor_ < 0) {
      descriptor_ = ends[1];
    } else {
      ASSERT_EQ(::dup3(ends[1], descriptor_, O_CLOEXEC), descriptor_);
      ::close(ends[1]);
    }
  }
  void start() {
    writer_ = std::make_unique<kvmesh::LogWriter>(descriptor_);
    writer_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%l %v", spdlog::pattern_time_type::local, "\n"));
  }
  void log(const std::string& text) {
    writer_->push({spdlog::source_loc{}, "test", spdlog::level::info, text});
  }
  std::string read_line() {
    std::string line;
    for (char c = 0; ::read(reader_, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  int reader_ = -1;
  int descriptor_ = -1;
  std::unique_ptr<kvmesh::LogWriter> writer_;
};

TEST_F(LogWriter, WritesLinesInTheirOrder) {
  start();
  for (int i = 0; i < 100; ++i) log(std::to_string(i));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(read_line(), "info " + std::to_string(i));
}

TEST_F(LogWriter, APipeThatNobodyReadsLosesLinesAndSaysHowMany) {
  start();
  // More than the pipe and the queue hold.
  constexpr int kLines = 20'000;
  for (int i = 0; i < kLines; ++i) log(std::string(40, 'x') + std::to_string(i));
  int read = 0;
  std::string line;
  while ((line = read_line()).starts_with("info")) ++read;
  EXPECT_LT(read, kLines);
  int told = std::stoi(line.substr(std::string{"warning "}.size()));
  EXPECT_THAT(line, testing::HasSubstr("lost: they came faster than they were read"));
  // Pieces may be lost at several times.
  log("the end");
  while ((line = read_line()) != "info the end") {
    line.starts_with("info") ? ++read : told += std::stoi(line.substr(8));
  }
  EXPECT_EQ(read + told, kLines);
}

TEST_F(LogWriter, AReaderThatIsGoneEndsNothingAndIsTold) {
  start();
  ::close(reader_);
  for (const auto* text : {"a", "b", "c"}) log(text);
  EXPECT_TRUE(writer_->drain(seconds{30}));
  make_pipe();
  log("d");
  EXPECT_EQ(read_line(), "warning 3 log lines were lost: Broken pipe");
  EXPECT_EQ(read_line(), "info d");
}

TEST_F(LogWriter, AFullDiskIsToldWhenThereIsRoom) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  ASSERT_EQ(::dup3(full, descriptor_, O_CLOEXEC), descriptor_);
  ::close(full);
  ::close(reader_);
  start();
  log("a");
  EXPECT_TRUE(writer_->drain(seconds{30}));
  make_pipe();
  log("b");
  EXPECT_EQ(read_line(), "warning 1 log line was lost: No space left on device");
  EXPECT_EQ(read_line(), "info b");
}

TEST_F(LogWriter, DrainsInBoundedTimeAndEndsThoughNobodyReads) {
  start();
  log(std::string(1'000'000, 'x'));
  log("b");
  EXPECT_FALSE(writer_->drain(std::chrono::milliseconds{1}));
  writer_.reset();
}

TEST_F(LogWriter, LinesOfManyThreadsAreWholeAndNoneIsLost) {
  start();
  std::vector<std::thread> threads;
  constexpr int kThreads = 4;
  constexpr int kLines = 200;  // all of them fit in the queue
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kLines; ++i) log(std::to_string(t) + ' ' + std::to_string(i));
    });
  }
  std::array<int, kThreads> next{};
  for (int i = 0; i < kThreads * kLines; ++i) {
    const auto line = read_line();
    const auto thread = static_cast<std::size_t>(line[5] - '0');
    ASSERT_LT(thread, next.size()) << line;
    EXPECT_EQ(line, "info " + std::to_string(thread) + ' ' + std::to_string(next[thread]++));
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace kvmesh
