// Text in an HTML page.
#include "harness/catch.hpp"

#include <wirelab/html.hpp>

using namespace wirelab;

TEST_CASE("Markup becomes text", "[common][html]") {
    CHECK(escape_html("<b>Tom & \"Jerry\"'s</b>") ==
          "&lt;b&gt;Tom &amp; &quot;Jerry&quot;&#39;s&lt;/b&gt;");
    CHECK(escape_html("").empty());
}

TEST_CASE("What no terminal should get no page gets", "[common][html]") {
    CHECK(escape_html("a\nb\x1b[2J") == "a\\x0ab\\x1b[2J");
    CHECK(escape_html("\xc3\xa4\xff") == "\xc3\xa4\\xff");
}
