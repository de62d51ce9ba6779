#include "grader/catch_xml.hpp"

#include <expat.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <new>

namespace grader {

namespace {

// A test may print any bytes, and Catch2 lets some pass that XML does not allow: text that is not
// quite UTF-8, and two control characters. None of it may spoil the report, so expat is told that
// every byte is one character (ISO 8859-1), which to_bytes() undoes.
constexpr const char* encoding = "ISO-8859-1";

// expat gives each character as UTF-8: those from 0x80 on are two bytes, 1100 00xx 10xx xxxx.
std::string to_bytes(std::string_view characters) {
    std::string bytes;
    for (std::size_t i = 0; i < characters.size(); ++i) {
        unsigned char byte = static_cast<unsigned char>(characters[i]);
        if (byte >= 0x80 && ++i < characters.size()) {
            byte = static_cast<unsigned char>(byte << 6 | (characters[i] & 0x3f));
        }
        bytes += static_cast<char>(byte);
    }
    return bytes;
}

bool is_forbidden(char character) {
    const unsigned char byte = static_cast<unsigned char>(character);
    return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
}

std::string attribute(const char** attributes, std::string_view name) {
    for (; *attributes; attributes += 2) {
        if (*attributes == name) return to_bytes(attributes[1]);
    }
    return "";
}

// Returns the number that follows the prefix.
std::size_t number_after(std::string_view prefix, std::string_view text, std::size_t fallback) {
    const std::size_t at = text.find(prefix);
    if (at == std::string_view::npos) return fallback;
    text.remove_prefix(at + prefix.size());
    std::from_chars(text.data(), text.data() + text.size(), fallback);
    return fallback;
}

std::size_t count(const char** attributes, std::string_view name) {
    return number_after("", attribute(attributes, name), 0);
}

// Returns the tag that is a program's name: [NN_topic] begins with a digit, [step:N] and [points:N]
// have a colon.
std::string program_of(std::string_view tags) {
    for (std::size_t at = tags.find('['); at < tags.size(); at = tags.find('[', at + 1)) {
        const std::string_view rest = tags.substr(at + 1);
        const std::string_view tag = rest.substr(0, rest.find(']'));
        const bool is_other = tag.empty() || tag == "hidden" || std::isdigit(tag.front()) != 0;
        if (!is_other && tag.find(':') == std::string_view::npos) return std::string{tag};
    }
    return "";
}

// Catch2 writes a text on lines of its own, indented as deep as it stands: takes that off again.
std::string without_frame(std::string_view text, std::size_t depth) {
    const std::string before = "\n" + std::string(2 * depth, ' ');
    const std::string after = "\n" + std::string(2 * (depth - 1), ' ');
    if (text.starts_with(before)) text.remove_prefix(before.size());
    if (text.ends_with(after)) text.remove_suffix(after.size());
    return std::string{text};
}

}  // namespace

// What expat calls, with the reader as its first argument.
struct CatchReader::Handlers {
    static void start(void* reader, const char* name, const char** attributes) {
        static_cast<CatchReader*>(reader)->start_element(name, attributes);
    }
    static void end(void* reader, const char* name) {
        static_cast<CatchReader*>(reader)->end_element(name);
    }
    static void text(void* reader, const char* text, int size) {
        const std::string_view characters{text, static_cast<std::size_t>(size)};
        static_cast<CatchReader*>(reader)->text_ += to_bytes(characters);
    }
};

CatchReader::CatchReader() : parser_{::XML_ParserCreate(encoding), ::XML_ParserFree} {
    if (!parser_) throw std::bad_alloc{};
    ::XML_SetUserData(parser_.get(), this);
    ::XML_SetElementHandler(parser_.get(), Handlers::start, Handlers::end);
    ::XML_SetCharacterDataHandler(parser_.get(), Handlers::text);
}

std::vector<Case> CatchReader::read(std::string_view bytes) {
    constexpr std::size_t part = 65536;  // expat counts in int
    new_cases_.clear();
    for (; !bytes.empty(); bytes.remove_prefix(std::min(part, bytes.size()))) {
        parse(bytes.substr(0, part), false);
    }
    return std::move(new_cases_);
}

std::optional<std::string> CatchReader::finish() {
    parse("", true);
    if (crash_) return crash_;
    if (broken_) return broken_;
    if (reported_ != counted_) return "its totals do not agree with its test cases";
    if (skipped_ == counted_.all()) return "nothing was tested";
    // Which one is not to be seen here; with `-w NoAssertions` it fails by itself.
    if (assertions_passed_ < passed_) return "a test case checked nothing";
    return std::nullopt;
}

void CatchReader::parse(std::string_view bytes, bool is_last) {
    if (broken_) return;
    std::string allowed{bytes};
    std::replace_if(allowed.begin(), allowed.end(), is_forbidden, '?');
    const int size = static_cast<int>(allowed.size());
    if (::XML_Parse(parser_.get(), allowed.data(), size, is_last) == XML_STATUS_OK) return;
    broken_ = "its report broke off in line " +
              std::to_string(::XML_GetCurrentLineNumber(parser_.get())) + " (" +
              ::XML_ErrorString(::XML_GetErrorCode(parser_.get())) + ")";
}

void CatchReader::start_element(std::string_view name, const char** attributes) {
    ++depth_;
    text_.clear();
    const bool is_total = depth_ == 2;  // those of sections and groups stand deeper
    if (name == "TestCase") {
        const std::string tags = attribute(attributes, "tags");
        case_ = {.name = attribute(attributes, "name"),
                 .program = program_of(tags),
                 .step = number_after("[step:", tags, 0),
                 .points = number_after("[points:", tags, 1),
                 .hidden = tags.find("[hidden]") != std::string::npos};
        success_ = failure_seen_ = false;
        skip_reason_.reset();
    } else if (name == "Expression") {
        const bool failed = attribute(attributes, "success") != "true";
        failure_seen_ = failure_seen_ || failed;
        failed_macro_ = failed ? attribute(attributes, "type") : "";
    } else if (name == "OverallResult") {
        success_ = attribute(attributes, "success") == "true";
    } else if (name == "OverallResults" && is_total) {
        assertions_passed_ = count(attributes, "successes");
    } else if (name == "OverallResultsCases" && is_total) {
        reported_ = {.good = count(attributes, "successes") + count(attributes, "skips") +
                             count(attributes, "expectedFailures"),
                     .failed = count(attributes, "failures")};
    }
}

void CatchReader::end_element(std::string_view name) {
    if (name == "TestCase") {
        end_case();
    } else {
        end_text(name, without_frame(text_, depth_));
    }
    text_.clear();
    --depth_;
}

void CatchReader::end_text(std::string_view name, const std::string& text) {
    constexpr std::string_view skip_mark = "SKIPPED: ";  // see harness::skip()
    if (name == "Info") {
        add_to_failure(text);
    } else if (name == "Original") {
        failed_expression_ = failed_macro_ + "( " + text + " )";
    } else if (name == "Expanded" && !failed_macro_.empty()) {
        add_to_failure(failed_expression_ + "\nwith the values: " + text);
    } else if (name == "Failure") {
        failure_seen_ = true;
        add_to_failure(text);
    } else if (name == "Exception") {
        failure_seen_ = true;
        add_to_failure("unexpected exception: " + text);
    } else if (name == "FatalErrorCondition") {
        // Catch2 still ends its report, but the test cases that were to come never ran.
        crash_ = "the test program crashed (" + text + ")";
    } else if (name == "Skip") {
        skip_reason_ = text;
    } else if (name == "Warning" && text.starts_with(skip_mark)) {
        skip_reason_ = text.substr(skip_mark.size());
    }
}

void CatchReader::end_case() {
    ++(success_ ? counted_.good : counted_.failed);
    if (skip_reason_ && !failure_seen_) {
        // Whether Catch2 calls it a success depends on its version.
        case_.outcome = Outcome::skipped;
        case_.text = *skip_reason_;
        ++skipped_;
    } else if (success_ && !failure_seen_) {
        case_.outcome = Outcome::passed;
        case_.text.clear();
        ++passed_;
    } else if (!failure_seen_) {
        add_to_failure("the test case checked nothing");
    }
    new_cases_.push_back(std::move(case_));
}

void CatchReader::add_to_failure(const std::string& text) {
    if (!case_.text.empty()) case_.text += "\n";
    case_.text += text;
}

}  // namespace grader
