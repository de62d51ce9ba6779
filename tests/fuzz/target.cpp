// Lab 12: the target of a request, and the path that it leads to.
#include "fuzz.hpp"

#include <wirelab/html.hpp>
#include <wirelab/target.hpp>

#include <string>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = fuzz::text_of(data, size);
    const std::string encoded = wirelab::percent_encode(bytes);
    fuzz::require(wirelab::escape_html(encoded) == encoded, "an encoded path needs no escaping");

    const auto target = wirelab::parse_target(bytes);
    if (!target) return 0;
    const std::string& path = target->path;
    fuzz::require(path.starts_with('/'), "a path begins with a slash");
    fuzz::require(path.find('\0') == path.npos, "a path has no null byte");
    fuzz::require(path.find("//") == path.npos, "no segment is empty");
    fuzz::require((path + "/").find("/./") == path.npos, "no segment is a dot");
    std::string_view inside = path;
    while (inside.starts_with("/..") && (inside.size() == 3 || inside[3] == '/')) {
        inside.remove_prefix(3);
    }
    fuzz::require((std::string{inside} + "/").find("/../") == path.npos,
                  "two dots stand at the beginning only");
    const auto again = wirelab::parse_target(wirelab::percent_encode(path));
    fuzz::require(again && again->path == path, "an encoded path is the target of that path");
    return 0;
}
