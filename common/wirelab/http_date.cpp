#include <wirelab/http_date.hpp>

#include <chrono>

namespace wirelab {

namespace {

void append_two_digits(std::string& text, unsigned number) {
    text += static_cast<char>('0' + number / 10 % 10);
    text += static_cast<char>('0' + number % 10);
}

}  // namespace

// A server writes two of these for each request: strftime(3) would take five times as long.
std::string http_date(std::time_t time) {
    using namespace std::chrono;
    const sys_seconds point{seconds{time}};
    const sys_days day = floor<days>(point);
    const year_month_day date{day};
    const hh_mm_ss clock{point - day};
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));

    std::string text;
    text.reserve(29);
    text.append("SunMonTueWedThuFriSat", weekday{day}.c_encoding() * 3, 3).append(", ");
    append_two_digits(text, static_cast<unsigned>(date.day()));
    text.append(" ");
    text.append("JanFebMarAprMayJunJulAugSepOctNovDec",
                (static_cast<unsigned>(date.month()) - 1) * 3, 3);
    text.append(" ");
    append_two_digits(text, year / 100);
    append_two_digits(text, year);
    for (const auto part :
         {clock.hours().count(), clock.minutes().count(), clock.seconds().count()}) {
        text += text.size() < 17 ? ' ' : ':';
        append_two_digits(text, static_cast<unsigned>(part));
    }
    return text.append(" GMT");
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
    if (text.empty()) return {};
    const std::string whole{text};
    for (const char* const form :
         {"%a, %d %b %Y %H:%M:%S GMT", "%a, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
        std::tm parts{};
        const char* const end = ::strptime(whole.c_str(), form, &parts);
        if (end != whole.c_str() + whole.size()) continue;
        const int day = parts.tm_mday;
        const std::time_t time = ::timegm(&parts);  // makes 3 March of 31 February
        if (parts.tm_mday == day) return time;
    }
    return {};
}

}  // namespace wirelab
