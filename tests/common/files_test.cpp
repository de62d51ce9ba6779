// Files that are there whole or not at all.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/error.hpp>
#include <wirelab/files.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <utility>

using namespace wirelab;
namespace fs = std::filesystem;

namespace {

constexpr auto all_hidings = {NewFile::Hiding::automatic, NewFile::Hiding::by_name};

// A folder of the test's own.
struct Folder {
    std::string path(const std::string& name) const { return stage.path(name); }

    std::set<std::string> names() const {
        std::set<std::string> names;
        for (const auto& entry : fs::directory_iterator{stage.path("")}) {
            names.insert(entry.path().filename());
        }
        return names;
    }

    harness::Stage stage{"none"};
};

std::string failure(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("A new file appears when it is complete and not before", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        NewFile file{folder.path("new"), false, hiding};
        file.write("all ");
        file.write("of it");
        CHECK(!fs::exists(folder.path("new")));
        file.commit();
        CHECK(folder.stage.read_file("new") == "all of it");
        CHECK(folder.names() == Names{"new"});
    }
}

TEST_CASE("A new file that is given up leaves nothing behind", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        NewFile{folder.path("new"), false, hiding}.write("a part");
        CHECK(folder.names().empty());
    }
}

TEST_CASE("A file that exists is kept unless it may be replaced", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        folder.stage.write_file("old", "old");
        CHECK(failure([&] { NewFile(folder.path("old"), false, hiding); }) == "File exists");

        NewFile file{folder.path("old"), true, hiding};
        file.write("new");
        CHECK(folder.stage.read_file("old") == "old");
        file.commit();
        CHECK(folder.stage.read_file("old") == "new");
        CHECK(folder.names() == Names{"old"});
    }
}

TEST_CASE("A file that came into being meanwhile is kept", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        {
            NewFile file{folder.path("name"), false, hiding};
            file.write("late");
            folder.stage.write_file("name", "first");
            CHECK(failure([&] { file.commit(); }) == "File exists");
        }
        CHECK(folder.stage.read_file("name") == "first");
        CHECK(folder.names() == Names{"name"});
    }
}

TEST_CASE("A folder is never replaced by a file", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        fs::create_directory(folder.path("name"));
        CHECK(failure([&] { NewFile(folder.path("name"), true, hiding).commit(); }) ==
              "Is a directory");
        CHECK(folder.names() == Names{"name"});
    }
}

TEST_CASE("A link under the name is replaced and not followed", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        fs::create_symlink("elsewhere", folder.path("name"));
        CHECK(failure([&] { NewFile(folder.path("name"), false, hiding); }) == "File exists");
        NewFile file{folder.path("name"), true, hiding};
        file.commit();
        CHECK(folder.names() == Names{"name"});
        CHECK(!fs::is_symlink(folder.path("name")));
    }
}

TEST_CASE("What can't be stored is an error and leaves nothing behind", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        const Forked run = run_forked([&] {
            std::signal(SIGXFSZ, SIG_IGN);
            rlimit limit{.rlim_cur = 10, .rlim_max = RLIM_INFINITY};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            NewFile file{folder.path("new"), false, hiding};
            const std::string text = failure([&] { file.write("eleven byte"); });
            limit.rlim_cur = RLIM_INFINITY;  // the limit is for stderr, too
            ::setrlimit(RLIMIT_FSIZE, &limit);
            std::cerr << text;
            return 0;
        });
        CHECK(run.err == "File too large");
        CHECK(folder.names().empty());
    }
}

TEST_CASE("A signal that ends the program leaves nothing behind", "[common][files]") {
    for (const auto hiding : all_hidings) {
        for (const int end : {SIGINT, SIGTERM}) {
            const Folder folder;
            const Forked run = run_forked([&] {
                NewFile file{folder.path("new"), false, hiding};
                file.write("a part");
                std::raise(end);
                return 0;
            });
            CHECK(run.status == -end);
            CHECK(folder.names().empty());
        }
    }
}

TEST_CASE("New files have the rights that the user wants", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        const mode_t before = ::umask(027);
        NewFile{folder.path("new"), false, hiding}.commit();
        ::umask(before);
        CHECK(fs::status(folder.path("new")).permissions() == fs::perms{0640});
    }
}

TEST_CASE("A file needs its folder", "[common][files]") {
    for (const auto hiding : all_hidings) {
        const Folder folder;
        CHECK(failure([&] { NewFile(folder.path("none/new"), false, hiding); }) ==
              "No such file or directory");
    }
}

TEST_CASE("A folder is made with those above it", "[common][files]") {
    const Folder folder;
    make_folder(folder.path("a/b/c"));
    make_folder(folder.path("a/b/c"));
    CHECK(fs::is_directory(folder.path("a/b/c")));
    folder.stage.write_file("file", "");
    CHECK(failure([&] { make_folder(folder.path("file/b")); }) ==
          "cannot make the folder " + folder.path("file/b") + ": Not a directory");
    CHECK(failure([&] { make_folder(folder.path("file")); }) != "");
}

TEST_CASE("Only a file can be opened for sending", "[common][files]") {
    const Folder folder;
    ::mkfifo(folder.path("pipe").c_str(), 0600);
    const auto refusal = [&folder](const std::string& name) {
        return failure([&] { InputFile{folder.path(name)}; });
    };
    CHECK(refusal("missing") == "No such file or directory");
    CHECK(refusal("") == "Is a directory");
    CHECK(refusal("pipe") == "not a file");
    CHECK(failure([] { InputFile{"/dev/null"}; }) == "not a file");
}

TEST_CASE("A file for sending keeps its size and can be moved", "[common][files]") {
    const Folder folder;
    folder.stage.write_file("file", "eight...");
    InputFile first{folder.path("file")};
    folder.stage.write_file("file", "");
    const InputFile second{std::move(first)};
    CHECK(second.size() == 8);
    CHECK(second.descriptor() >= 0);
    CHECK(first.descriptor() == -1);
}
