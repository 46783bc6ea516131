// A Unix socket of a node: never that of another, never a file.

#include "node/ipc_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/temporary_folder.h"

namespace kvmesh {
namespace {

using testing::HasSubstr;

class IpcListenerTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  const std::string path_ = folder_.path() / "x.sock";
};

TEST_F(IpcListenerTest, ASocketInUseIsLeftAloneAndGoesWithItsOwner) {
  {
    const auto first = IpcListener::open(path_);
    ASSERT_TRUE(first) << first.status().text();
    const auto second = IpcListener::open(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
    EXPECT_THAT(second.status().text(), HasSubstr("Address already in use"));
    EXPECT_TRUE(std::filesystem::is_socket(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(IpcListenerTest, ASocketThatNobodyListensOnIsReplaced) {
  // As kill -9 leaves it.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  const int forsaken = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(forsaken, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(forsaken);
  ASSERT_TRUE(std::filesystem::is_socket(path_));
  const auto listener = IpcListener::open(path_);
  ASSERT_TRUE(listener) << listener.status().text();
  EXPECT_FALSE(IpcListener::open(path_));
}

TEST_F(IpcListenerTest, WhatIsNoSocketIsNeverTouched) {
  std::ofstream{path_} << "precious";
  EXPECT_THAT(IpcListener::open(path_).status().text(), HasSubstr("no socket"));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(IpcListener::open(path_));
  EXPECT_TRUE(std::filesystem::is_directory(path_));
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("nowhere", path_);
  EXPECT_FALSE(IpcListener::open(path_));
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
}

TEST_F(IpcListenerTest, OnlyItsOwnFileGoesAtTheEnd) {
  auto listener = IpcListener::open(path_);
  ASSERT_TRUE(listener);
  std::filesystem::remove(path_);
  // The system would give its number again at once.
  ::close((*listener)->release());
  std::ofstream{path_} << "another's";
  *listener = nullptr;
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(IpcListenerTest, AFolderThatIsNotThere) {
  EXPECT_THAT(IpcListener::open(folder_.path() / "no" / "x").status().text(),
              HasSubstr("No such file"));
}

TEST_F(IpcListenerTest, NamesWithoutAFile) {
  const auto name = "@kvmesh-test-" + std::to_string(::getpid());
  const auto first = IpcListener::open(name);
  ASSERT_TRUE(first);
  EXPECT_THAT(IpcListener::open(name).status().text(), HasSubstr("Address already in use"));
  EXPECT_FALSE(std::filesystem::exists(name));
}

}  // namespace
}  // namespace kvmesh
