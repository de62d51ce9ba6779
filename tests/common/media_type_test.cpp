// What kind of data a file holds.
#include "harness/catch.hpp"

#include <wirelab/media_type.hpp>

using namespace wirelab;

TEST_CASE("The extension tells the media type", "[common][media_type]") {
    CHECK(media_type("index.html") == "text/html; charset=utf-8");
    CHECK(media_type("/a.b/photo.jpg") == "image/jpeg");
    CHECK(media_type("/archive.tar.gz") == "application/gzip");
    CHECK(media_type("VIDEO.MP4") == "video/mp4");
    CHECK(media_type("style.css") == "text/css; charset=utf-8");
}

TEST_CASE("Without a known extension a file is just bytes", "[common][media_type]") {
    for (const auto* path : {"README", "a.unknown", "/a.html/b", "ends.", "", "html"}) {
        CAPTURE(path);
        CHECK(media_type(path) == "application/octet-stream");
    }
}
