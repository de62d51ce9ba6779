/// \file
/// The target of an HTTP request: what it names, and how to name something so.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wirelab {

/// What a request asks for.
struct Target {
    /// Decoded, and with a slash first; nothing in it is empty or `.`, but for the slash at the end
    /// of a folder. `..` stands only at the beginning, where it leads out of what is served.
    std::string path;
    /// As it came, with its question mark; empty if there is none.
    std::string query;
};

/// Returns what a request's target names, in the forms that a GET may have: `/path?query`, or
/// `http://host/path?query`, of which the host is dropped (RFC 9112, section 3.2). Percent-encoding
/// is decoded once, then dot segments are removed (RFC 3986, sections 2.1 and 5.2.4).
/// Returns nothing for any other form, a host that is none, a `%` without its two digits, or a null
/// byte.
std::optional<Target> parse_target(std::string_view text);

/// Tells whether a text can be the value of the field Host, which may be empty: whether all of its
/// bytes are such as the name or address of a host and a port may have (RFC 3986, section 3.2.2).
bool is_host(std::string_view text);

/// Returns a path as it may stand in a link or a header field: every byte that is no letter, digit,
/// or one of `-._~/` becomes `%NN`. What comes out needs no escaping in HTML.
std::string percent_encode(std::string_view path);

}  // namespace wirelab
