// The folder that a journal is given: whose it is, and what is wrong with it.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal_fixture.h"

namespace kvmesh::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class JournalFolder : public JournalTest {
 protected:
  void fill(int operations = 100) {
    OpenJournal journal{options()};
    ASSERT_TRUE(journal.ok()) << journal.status().text();
    for (int i = 0; i < operations; ++i) ASSERT_TRUE(journal.append(story_).ok());
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream{fs::path{folder()} / name} << text;
  }
  std::string refusal(const journal::Options& options) {
    OpenJournal journal{options};
    EXPECT_FALSE(journal.ok());
    EXPECT_THAT(journal.status().text(), HasSubstr("state_dir \"" + options.state_dir + "\""));
    return journal.status().text();
  }
  // Every name in the folder with its time and size; the lock apart.
  std::vector<std::string> listing() const {
    std::vector<std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator{folder()}) {
      if (entry.path().filename() == "lock") continue;
      lines.push_back(entry.path().string() + " " +
                      std::to_string(entry.last_write_time().time_since_epoch().count()) + " " +
                      (entry.is_regular_file() ? std::to_string(entry.file_size()) : ""));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  JournalStory story_{11};
};

TEST_F(JournalFolder, IsMadeButNotItsParent) {
  fill();
  EXPECT_TRUE(fs::exists(folder() + "/node"));
  EXPECT_THAT(refusal(options("no/state")),
              AllOf(HasSubstr("cannot be made"), HasSubstr("No such file"), HasSubstr("parent")));
  EXPECT_FALSE(fs::exists(folder("no")));
}

TEST_F(JournalFolder, OfAnotherNodeIsNotTouched) {
  fill();
  const auto before = listing();
  auto other = options();
  other.node = "bar";
  EXPECT_THAT(refusal(other), AllOf(HasSubstr("node \"foo\""), HasSubstr("node is \"bar\"")));
  EXPECT_EQ(listing(), before);
}

TEST_F(JournalFolder, InUseIsRefusedWithTheProcess) {
  OpenJournal first{options()};
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(refusal(options()),
              HasSubstr("in use by process " + std::to_string(::getpid()) + ";"));
  EXPECT_TRUE(first->close().ok());
  EXPECT_TRUE(OpenJournal{options()}.ok());
}

TEST_F(JournalFolder, OfAnUnknownFormatIsNotTouched) {
  fill();
  write("node", "format = 2\nnode = foo\nstate = ready\n");
  const auto before = listing();
  EXPECT_THAT(refusal(options()), AllOf(HasSubstr("format \"2\""), HasSubstr("knows 1")));
  EXPECT_EQ(listing(), before);
}

TEST_F(JournalFolder, WithADamagedNodeFileSaysWhatItShouldBe) {
  fill();
  for (const auto* text : {"", "format = 1\n", "format = 1\nnode = foo\nstate = halfway\n"}) {
    write("node", text);
    EXPECT_THAT(refusal(options()), HasSubstr(R"(format = 1\nnode = foo\nstate = ready\n)"));
  }
  write("node", "format = 1\nnode = foo\nstate = ready\n");
  EXPECT_EQ(OpenJournal{options()}.model(), story_.model());
}

TEST_F(JournalFolder, WithOtherThingsIsNotTouched) {
  fs::create_directory(folder());
  write("thesis.tex", "do not lose");
  const auto before = listing();
  EXPECT_THAT(refusal(options()), AllOf(HasSubstr("\"thesis.tex\""), HasSubstr("`node`")));
  EXPECT_EQ(listing(), before);
  EXPECT_FALSE(fs::exists(folder() + "/lock"));
}

TEST_F(JournalFolder, AnEmptyMountPointWillDo) {
  fs::create_directories(folder() + "/lost+found");
  fill();
  EXPECT_EQ(OpenJournal{options()}.model(), story_.model());
}

TEST_F(JournalFolder, ThatIsAFileIsRefused) {
  std::ofstream{folder()} << "x";
  EXPECT_THAT(refusal(options()), HasSubstr("Not a directory"));
}

TEST_F(JournalFolder, ThatCannotBeWrittenIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  fill();
  ::chmod(folder().c_str(), 0500);
  fs::remove(folder() + "/lock");
  EXPECT_THAT(refusal(options()), HasSubstr("Permission denied"));
  ::chmod(folder().c_str(), 0700);
}

TEST_F(JournalFolder, WhoseMakingWasBrokenOffIsMadeAnew) {
  fill();
  write("node", "format = 1\nnode = foo\nstate = creating\n");
  OpenJournal journal{options()};
  ASSERT_TRUE(journal.ok()) << journal.status().text();
  EXPECT_EQ(journal.model(), JournalModel{});
}

}  // namespace
}  // namespace kvmesh::test
