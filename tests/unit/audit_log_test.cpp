// The audit log: lines of JSON in a file of its own, bounded, and kept for those who follow it.
#include "node/audit_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/unit/temporary_folder.h"

namespace kvmesh {
namespace {

using core::AuditEvent;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class AuditLogTest : public testing::Test {
 protected:
  std::string path() const { return (folder_.path() / "audit.jsonl").string(); }
  static AuditEvent event(std::string_view principal, std::string_view what = "kv.put") {
    AuditEvent out;
    out.kind = AuditEvent::Kind::kDenied;
    out.principal = principal;
    out.from = "10.0.0.7:53422";
    out.what = what;
    out.bucket = "team\n2";
    return out;
  }
  std::string content(const std::string& file) const {
    std::ifstream in{file};
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

  test::TemporaryFolder folder_;
};

TEST_F(AuditLogTest, WritesLinesOfJsonThatOnlyTheOwnerReads) {
  {
    auto log = AuditLog::open(path());
    ASSERT_TRUE(log.ok()) << log.status().text();
    (*log)->tell(event("app1"));
  }  // what waits is written
  EXPECT_THAT(content(path()),
              AllOf(HasSubstr("\"event\":\"denied\""), HasSubstr("\"principal\":\"app1\""),
                    HasSubstr("\"from\":\"10.0.0.7:53422\""), HasSubstr("\"what\":\"kv.put\""),
                    HasSubstr("\"bucket\":\"team\\\\n2\""), Not(HasSubstr("via"))));
  EXPECT_EQ(std::ranges::count(content(path()), '\n'), 1);
  struct stat about {};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(AuditLogTest, GoesOnInANewFileWhenTheOldOneWasMoved) {
  const auto moved = path() + ".1";
  {
    auto log = AuditLog::open(path());
    ASSERT_TRUE(log.ok());
    (*log)->tell(event("before"));
    while (content(path()).empty()) std::this_thread::yield();
    std::filesystem::rename(path(), moved);
    ASSERT_TRUE((*log)->reopen().ok());
    (*log)->tell(event("after"));
  }
  EXPECT_THAT(content(moved), AllOf(HasSubstr("before"), Not(HasSubstr("after"))));
  EXPECT_THAT(content(path()), AllOf(HasSubstr("after"), Not(HasSubstr("before"))));
}

TEST_F(AuditLogTest, RefusesWhatIsNoFileOfItsOwn) {
  EXPECT_THAT(AuditLog::open((folder_.path() / "no" / "x").string()).status().text(),
              AllOf(HasSubstr("log.audit: cannot write"), HasSubstr("choose another file")));
  EXPECT_FALSE(AuditLog::open(folder_.path().string()).ok());
  std::filesystem::create_symlink(path(), folder_.path() / "link");
  EXPECT_FALSE(AuditLog::open((folder_.path() / "link").string()).ok());
}

TEST_F(AuditLogTest, LeavesOutWhatIsAlikeAndSaysHowMany) {
  auto log = AuditLog::open({});
  ASSERT_TRUE(log.ok());
  // In less than a second, unless the machine stood still: then there are a few more.
  for (std::uint64_t i = 0; i < 10'000; ++i) (*log)->tell(event("noisy"));
  (*log)->tell(event("quiet"));
  const auto lines = (*log)->after(0, AuditLog::kKept).lines;
  EXPECT_LT(lines.size(), 1000U);
  EXPECT_GT(lines.size(), AuditLog::kAlikeEachSecond);
  EXPECT_THAT(lines.back(), HasSubstr("quiet"));
}

TEST_F(AuditLogTest, KeepsTheLastLinesForFollowers) {
  auto log = AuditLog::open({});
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE((*log)->after(0, 10).lines.empty());
  EXPECT_EQ((*log)->after(0, 10).next, 0U);
  (*log)->tell(event("a"));
  (*log)->tell(event("b"));
  (*log)->tell(event("c"));
  auto page = (*log)->after(0, 2);
  ASSERT_EQ(page.lines.size(), 2U);
  EXPECT_THAT(page.lines[1], HasSubstr("\"b\""));
  page = (*log)->after(page.next, 2);
  ASSERT_EQ(page.lines.size(), 1U);
  EXPECT_THAT(page.lines[0], HasSubstr("\"c\""));
  EXPECT_TRUE((*log)->after(page.next, 2).lines.empty());
  EXPECT_EQ((*log)->after(page.next, 2).next, page.next);
  EXPECT_EQ((*log)->after(1000, 10).lines.size(), 3U) << "a number of another start of the node";

  for (std::size_t i = 0; i < AuditLog::kKept; ++i) (*log)->tell(event("p" + std::to_string(i)));
  const auto late = (*log)->after(page.next - 1, 10);
  EXPECT_TRUE(late.gap);
  EXPECT_THAT(late.lines.front(), HasSubstr("\"p0\""));
  EXPECT_FALSE((*log)->after(page.next, 10).gap);
}

}  // namespace
}  // namespace kvmesh
