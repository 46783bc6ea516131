// `modules` and [tasks]: what they may say, and how a fault is told. Numbers are in
// settings_test.cpp.

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/settings_fixture.h"

namespace kvmesh {
namespace {

class TaskSettings : public SettingsTest {
 protected:
  void write(std::string_view text) {
    sources_.files.clear();
    add_file("foo.toml", "name = \"foo@localhost\"\napps = []\n" + std::string{text});
  }
  std::string faults_with(std::string_view text) {
    write(text);
    return faults();
  }
  Settings settings_with(std::string_view text) {
    write(text);
    return load().settings;
  }
};

TEST_F(TaskSettings, AreReadFromEveryLayer) {
  sources_.environment = {{"KVMESH_TASKS__WORKERS", "8"},
                          {"KVMESH_TASKS__ALLOW", R"(["hello.*"])"},
                          {"KVMESH_MODULES", R"(["a.so"])"}};
  sources_.assignments = {"tasks.queue_max=7", "tasks.allow=[\"hello.add\"]"};
  const auto settings = settings_with(R"(modules = ["./x.so", "y.so"]
[tasks]
workers = 2
queue_max = 3
processes_max = 5
time_limit_ms = 1500
stack_bytes = 131072
)");
  ASSERT_EQ(settings.modules.size(), 1U);
  EXPECT_EQ(settings.modules[0].path, "a.so");
  EXPECT_EQ(settings.modules[0].place, "environment KVMESH_MODULES");
  EXPECT_EQ(settings.tasks.workers, 8U);
  EXPECT_EQ(settings.tasks.queue_max, 7U);
  EXPECT_EQ(settings.tasks.processes_max, 5U);
  EXPECT_EQ(settings.tasks.time_limit, std::chrono::milliseconds{1500});
  EXPECT_EQ(settings.tasks.stack_bytes, 131072U);
  EXPECT_EQ(settings.tasks.allow.patterns(), std::vector<std::string>{"hello.add"});
}

TEST_F(TaskSettings, ModulesKeepTheirOrderAndStartAtTheFolderOfTheFileThatNamesThem) {
  write("modules = [\n\"b.so\", \"../a.so\",\n\"/c.so\"]");
  const std::string folder = std::filesystem::path{sources_.files.at(0)}.parent_path();
  const auto modules = load().settings.modules;
  ASSERT_EQ(modules.size(), 3U);
  EXPECT_EQ(modules[0].path, folder + "/b.so");
  EXPECT_EQ(modules[1].path, folder + "/../a.so");
  EXPECT_EQ(modules[2].path, "/c.so");
  EXPECT_TRUE(modules[0].in_file);
  EXPECT_TRUE(modules[1].place.ends_with("foo.toml:4")) << modules[1].place;
  EXPECT_TRUE(modules[2].place.ends_with("foo.toml:5")) << modules[2].place;
}

TEST_F(TaskSettings, ModulesOfAFileWithoutAFolderStayAsTheyAre) {
  sources_.files.clear();
  sources_.assignments = {R"(modules=["x/b.so"])", "name=foo@localhost", "apps=[]"};
  EXPECT_EQ(load().settings.modules.at(0).path, "x/b.so");
  EXPECT_EQ(load().settings.modules.at(0).place, "--set");
  EXPECT_FALSE(load().settings.modules.at(0).in_file);
}

TEST_F(TaskSettings, AnEmptyListAllowsNothingAndNoneEverything) {
  EXPECT_FALSE(settings_with("").tasks.allow.restricted());
  const auto none = settings_with("[tasks]\nallow = []").tasks.allow;
  EXPECT_TRUE(none.restricted());
  EXPECT_FALSE(none.allows("hello.add"));
  EXPECT_TRUE(settings_with("[tasks]\nallow = [\"*\"]").tasks.allow.allows("hello.add"));
}

TEST_F(TaskSettings, AStackIsWholePages) {
  EXPECT_EQ(faults_with("[tasks]\nstack_bytes = 65537"),
            "foo.toml:4: tasks.stack_bytes: 65537 is out of range; write 16KiB to 8MiB, a "
            "multiple of 4KiB");
  EXPECT_EQ(faults_with("[tasks]\nstack_bytes = \"65537B\""),
            "foo.toml:4: tasks.stack_bytes: \"65537B\" is out of range; write 16KiB to 8MiB, a "
            "multiple of 4KiB");
  EXPECT_EQ(faults_with("[tasks]\nstack_bytes = 20480"), "");
}

TEST_F(TaskSettings, EachFaultyElementIsTold) {
  EXPECT_EQ(faults_with("modules = \"a.so\""),
            "foo.toml:3: modules: is the string \"a.so\", expected an array of strings; write for "
            "example modules = [\"/usr/local/lib/libhello.so\"]");
  EXPECT_EQ(faults_with("modules = [\n\"a.so\",\n\"\",\n5,\n\"a.so\",\n\"b\\u0000.so\"]"),
            "foo.toml:5: modules: holds an empty path; name a shared object\n"
            "foo.toml:6: modules: holds the integer 5, expected strings; write for example modules "
            "= [\"/usr/local/lib/libhello.so\"]\n"
            "foo.toml:7: modules: holds \"a.so\" a second time; keep one of the two\n"
            "foo.toml:8: modules: \"b\\x00.so\" holds a zero byte; name a shared object");
  EXPECT_EQ(faults_with("[tasks]\nallow = [\n\"hello\",\n\"kv.get\",\n\"hello.*\"]"),
            "foo.toml:5: tasks.allow: \"hello\" is not a pattern; write module.function, module.* "
            "or *, with names of lower case letters, digits and '_'\n"
            "foo.toml:6: tasks.allow: \"kv.get\" has no effect, because kv can always be called; "
            "name modules of your own");
  EXPECT_EQ(faults_with("[tasks]\nallow = \"*\""),
            "foo.toml:4: tasks.allow: is the string \"*\", expected an array of strings; write for "
            "example allow = [\"hello.*\"]");
}

TEST_F(TaskSettings, ListsAreLimited) {
  const auto modules = [](int count) {
    std::string out = "modules = [";
    for (int i = 0; i < count; ++i) out += "\"" + std::to_string(i) + ".so\",";
    return out + "]";
  };
  EXPECT_EQ(faults_with(modules(256)), "");
  EXPECT_EQ(faults_with(modules(257)),
            "foo.toml:3: modules: holds 257 elements, which is over the limit of 256; name fewer");
}

TEST_F(TaskSettings, MisspeltKeysAreNamed) {
  EXPECT_EQ(faults_with("[tasks]\nworker = 4"),
            "foo.toml:4: tasks.worker: is not a known key; did you mean tasks.workers?");
  EXPECT_EQ(faults_with("[task]\nworkers = 4"),
            "foo.toml:3: task: is not a known key; did you mean tasks?");
}

}  // namespace
}  // namespace kvmesh
