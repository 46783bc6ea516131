// kill -9 at random moments: a program writes and says what is durable, the test compares.
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "journal_fixture.h"
#include "random_msgpack.h"

namespace kvmesh::test {
namespace {

using journal::Durability;

// Rounds of one story: the program and the test begin it anew each time.
constexpr std::uint64_t kRoundsOfAStory = 25;

class JournalKill : public JournalTest, public testing::WithParamInterface<Durability> {
 protected:
  ~JournalKill() override { end(); }

  // Starts the program; it is killed and waited for at the end of the test at the latest.
  void start(std::uint64_t seed) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const auto state = folder();
    const auto seed_text = std::to_string(seed);
    writer_ = ::fork();
    if (writer_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execl(KVMESH_JOURNAL_WRITER, KVMESH_JOURNAL_WRITER, state.c_str(), seed_text.c_str(),
              GetParam() == Durability::kAlways ? "always" : "everysec", nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
    ASSERT_GT(writer_, 0);
  }
  // What it says next; none: it has ended.
  std::optional<std::uint64_t> next() const {
    std::uint64_t count = 0;
    if (::read(output_, &count, sizeof count) != sizeof count) return std::nullopt;
    return count;
  }
  void end() {
    if (writer_ <= 0) return;
    ::kill(writer_, SIGKILL);
    ::waitpid(writer_, &status_, 0);
    writer_ = 0;
  }
  // The status with which it ended, or 0 when it was killed.
  int status() const { return WIFSIGNALED(status_) ? 0 : WEXITSTATUS(status_); }

  pid_t writer_ = 0;
  int output_ = -1;
  int status_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Durabilities, JournalKill,
                         testing::Values(Durability::kAlways, Durability::kEverySecond),
                         [](const auto& tested) {
                           return tested.param == Durability::kAlways ? "Always" : "EverySecond";
                         });

TEST_P(JournalKill, LosesNothingThatWasDurable) {
  std::mt19937_64 random{test_seed()};
  std::uint64_t least = 0;
  std::uint64_t rounds_at_work = 0;
  std::uint64_t seed = 0;
  for (std::uint64_t round = 0; round < kRoundsOfAStory * journal_rounds(); ++round) {
    if (round % kRoundsOfAStory == 0) {
      std::filesystem::remove_all(folder());
      seed = random();
      least = 0;
    }
    ASSERT_NO_FATAL_FAILURE(start(seed));
    // Some are killed while they open: at a time, not after a word.
    auto words = round % 5 == 0 ? 0 : 1 + random() % 40;
    std::uint64_t said = 0;
    for (; words > 0; --words) {
      const auto count = next();
      if (!count) break;
      EXPECT_GE(*count, std::max(said, least));
      said = *count;
    }
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 3000});
    ::kill(writer_, SIGKILL);
    while (const auto count = next()) said = *count;
    ::close(output_);
    end();
    ASSERT_EQ(status(), 0) << "round " << round;
    least = std::max(least, said);
    rounds_at_work += said > 0 ? 1 : 0;
    if (round % 5 != 4) continue;  // the program itself has checked what it found
    auto options = JournalTest::options();
    options.memtable_bytes = std::size_t{256} << 10;
    options.durability = GetParam();
    OpenJournal journal{options};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    EXPECT_GE(journal.revision(), least);
    EXPECT_EQ(journal.model(), JournalStory::after(seed, journal.revision()));
  }
  EXPECT_GE(rounds_at_work, 15 * journal_rounds());
}

TEST_P(JournalKill, AFolderInUseNamesTheProcess) {
  ASSERT_NO_FATAL_FAILURE(start(test_seed()));
  ASSERT_TRUE(next());
  OpenJournal second{options()};
  EXPECT_NE(second.status().text().find("in use by process " + std::to_string(writer_) + ";"),
            std::string::npos)
      << second.status().text();
  end();
  EXPECT_TRUE(OpenJournal{options()}.ok());
  ::close(output_);
}

}  // namespace
}  // namespace kvmesh::test
