#include <wirelab/target.hpp>

#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace wirelab {

namespace {

// What may stand anywhere as it is (RFC 3986, section 2.3).
constexpr std::string_view unreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

// Returns the path and the query of a target, nothing if it has another form.
std::string_view path_and_query(std::string_view target) {
    if (target.starts_with('/')) return target;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!boost::algorithm::istarts_with(target, scheme)) continue;
        target.remove_prefix(scheme.size());
        const std::string_view host = target.substr(0, target.find_first_of("/?"));
        if (host.empty() || host.starts_with(':') || !is_host(host)) break;
        target.remove_prefix(host.size());
        return target.empty() ? "/" : target;
    }
    return "";
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned char byte = static_cast<unsigned char>(text[i]);
        if (byte == '%') {
            const std::string_view digits = text.substr(i + 1, 2);
            const char* const end = digits.data() + digits.size();
            const auto parsed = std::from_chars(digits.data(), end, byte, 16);
            if (digits.size() < 2 || parsed.ec != std::errc{} || parsed.ptr != end) return {};
            i += 2;
        }
        if (byte == '\0') return {};
        result += static_cast<char>(byte);
    }
    return result;
}

// Removes the last segment, or says that it would be above all others.
void go_up(std::string& path) {
    if (path.empty() || path.ends_with("/..")) {
        path += "/..";
    } else {
        path.erase(path.rfind('/'));
    }
}

std::string without_dot_segments(std::string_view path) {
    std::string result;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        const bool is_name = !segment.empty() && segment != "." && segment != "..";
        if (is_name) result.append("/").append(segment);
        if (segment == "..") go_up(result);
        if (!is_name && path.empty()) result += '/';
    }
    return result;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
    text = path_and_query(text);
    if (text.empty()) return {};
    const std::string_view encoded = text.substr(0, text.find('?'));
    const std::optional<std::string> path = percent_decode(encoded);
    if (!path) return {};
    return Target{.path = path->empty() ? "/" : without_dot_segments(*path),
                  .query = std::string{text.substr(encoded.size())}};
}

bool is_host(std::string_view text) {
    constexpr std::string_view others = "!$&'()*+,;=%:[]";
    return std::ranges::all_of(text, [&](char character) {
        return unreserved.find(character) != std::string_view::npos ||
               others.find(character) != std::string_view::npos;
    });
}

std::string percent_encode(std::string_view path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    result.reserve(path.size());
    for (const char character : path) {
        const auto byte = static_cast<unsigned char>(character);
        if (unreserved.find(character) != std::string_view::npos || character == '/') {
            result += character;
        } else {
            result.append("%").append(1, digits[byte >> 4]).append(1, digits[byte & 0x0f]);
        }
    }
    return result;
}

}  // namespace wirelab
