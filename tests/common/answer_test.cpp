// What a web server answers, and why it refuses to.
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/answer.hpp>

#include <filesystem>
#include <functional>
#include <string>

using namespace wirelab;
namespace fs = std::filesystem;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

// Returns the status of the Refusal that a function throws.
http::status status_thrown(const std::function<void()>& function) {
    try {
        function();
    } catch (const Refusal& refusal) {
        return refusal.status;
    }
    return http::status::unknown;
}

using Request = http::request<http::empty_body>;

}  // namespace

TEST_CASE("A status is an answer of one line", "[common][answer]") {
    const Answer answer = status_answer(http::status::not_found);
    CHECK(answer.status == http::status::not_found);
    CHECK(answer.body == "404 Not Found\n");
    CHECK(answer.fields == "Content-Type: text/plain; charset=utf-8\r\n");
    CHECK(answer.rest.size == 0);
    CHECK(status_answer(http::status::method_not_allowed).fields.ends_with("Allow: GET, HEAD\r\n"));
}

TEST_CASE("The rest of an answer is read from its file", "[common][answer]") {
    const harness::Stage stage{"none"};
    stage.write_file("file", "0123456789");
    const ServedFolder folder{stage.path("")};
    error_code error;
    Answer answer{.file = folder.open("/file", error), .rest = {.first = 2, .size = 5}};
    answer.read_rest();
    CHECK(answer.body == "23456");
    CHECK(answer.rest.size == 0);

    Answer shorter{.file = folder.open("/file", error), .rest = {.first = 8, .size = 5}};
    shorter.read_rest();
    CHECK(shorter.body == "89");
    CHECK(shorter.rest.first == 10);
    CHECK(shorter.rest.size == 3);
}

TEST_CASE("A listing has a link for each name", "[common][answer]") {
    const harness::Stage stage{"none"};
    fs::create_directories(stage.path("sub/a b"));
    stage.write_file("sub/<b>&\"'.txt", "");
    const ServedFolder folder{stage.path("")};
    const std::string page = listing(folder, "/sub/").body;
    CAPTURE(page);
    const auto has = [&page](const std::string& text) { return page.find(text) != page.npos; };
    CHECK(has("<li><a href=\"../\">../</a></li>"));
    CHECK(has("<li><a href=\"a%20b/\">a b/</a></li>"));
    CHECK(has("<li><a href=\"%3Cb%3E%26%22%27.txt\">&lt;b&gt;&amp;&quot;&#39;.txt</a></li>"));
    CHECK(has("<title>Index of /sub/</title>"));
    CHECK(!has("more"));
    CHECK(listing(folder, "/").body.find("../") == page.npos);
    CHECK(status_thrown([&] { listing(folder, "/none/"); }) == http::status::not_found);
}

TEST_CASE("Of a long folder some names are listed and that there are more", "[common][answer]") {
    const harness::Stage stage{"none"};
    for (int i = 0; i < 10001; ++i) stage.write_file(std::to_string(i), "");
    const ServedFolder folder{stage.path("")};
    const std::string page = listing(folder, "/").body;
    CHECK(page.find("<li>and more</li>") != page.npos);
}

TEST_CASE("What is not there is refused", "[common][answer]") {
    const harness::Stage stage{"none"};
    stage.write_file("file", "0123456789");
    const ServedFolder folder{stage.path("")};
    CHECK(open_served(folder, "/file").size() == 10);
    CHECK(status_thrown([&] { open_served(folder, "/none"); }) == http::status::not_found);
    CHECK(status_thrown([&] { open_served(folder, "/../none"); }) == http::status::not_found);
}

TEST_CASE("A redirection stays on this server", "[common][answer]") {
    const auto location = [](const std::string& path, const std::string& query) {
        const std::string fields = redirection(path, query).fields;
        const auto begin = fields.find("Location: ") + 10;
        return fields.substr(begin, fields.find("\r\n", begin) - begin);
    };
    CHECK(location("/a b", "?c=d") == "/a%20b/?c=d");
    CHECK(location("/\\example.org", "") == "/%5Cexample.org/");
}

TEST_CASE("A file is unmodified since its date", "[common][answer]") {
    Request request;
    CHECK(!is_unmodified(request, 784111777));
    request.set(http::field::if_modified_since, "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(is_unmodified(request, 784111777));
    CHECK(is_unmodified(request, 784111776));
    CHECK(!is_unmodified(request, 784111778));
    request.set(http::field::if_none_match, "\"x\"");
    CHECK(!is_unmodified(request, 784111777));
}

TEST_CASE("A range counts for the version that it was meant for", "[common][answer]") {
    Request request{http::verb::get, "/", 11};
    CHECK(range_counts(request, 784111777));
    request.set(http::field::if_range, "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(range_counts(request, 784111777));
    CHECK(!range_counts(request, 784111778));
    request.set(http::field::if_range, "\"x\"");
    CHECK(!range_counts(request, 784111777));
    CHECK(!range_counts(Request{http::verb::head, "/", 11}, 784111777));
}
