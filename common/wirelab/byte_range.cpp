#include <wirelab/byte_range.hpp>

#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>
#include <charconv>
#include <limits>

namespace wirelab {

namespace {

// Reads a number of digits alone; the largest that there is stands for any that is larger.
std::optional<std::uint64_t> parse_position(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    if (text.empty() || text.find_first_not_of(digits) != text.npos) return {};
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc::result_out_of_range) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    return number;
}

std::optional<ByteRange> last_bytes(std::uint64_t size, std::uint64_t file_size) {
    if (file_size == 0 && size > 0) return {};  // all of nothing, which is no range
    size = std::min(size, file_size);
    return ByteRange{.first = file_size - size, .size = size};
}

}  // namespace

std::optional<ByteRange> parse_byte_range(std::string_view value, std::uint64_t file_size) {
    constexpr std::string_view unit = "bytes=";
    if (!boost::algorithm::istarts_with(value, unit)) return {};
    value.remove_prefix(unit.size());
    const std::string_view from = value.substr(0, value.find('-'));
    if (from.size() == value.size()) return {};
    const std::string_view to = value.substr(from.size() + 1);

    const std::optional<std::uint64_t> first = parse_position(from);
    const std::optional<std::uint64_t> last = parse_position(to);
    if (from.empty() && last) return last_bytes(*last, file_size);
    if (!first || (!last && !to.empty()) || (last && *last < *first)) return {};
    if (*first >= file_size) return ByteRange{};
    const std::uint64_t end = last ? std::min(*last, file_size - 1) : file_size - 1;
    return ByteRange{.first = *first, .size = end - *first + 1};
}

std::string content_range(const ByteRange& range, std::uint64_t file_size) {
    std::string text = "bytes ";
    if (range.size == 0) {
        text += '*';
    } else {
        const std::uint64_t last = range.first + range.size - 1;
        text.append(std::to_string(range.first)).append("-").append(std::to_string(last));
    }
    return text.append("/").append(std::to_string(file_size));
}

}  // namespace wirelab
