// The XML that a Catch2 test program writes (`-r xml -w NoAssertions`; 2.13 and 3.x), read as it
// streams. Without `-w NoAssertions` Catch2 takes a test case that checked nothing as passed.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct XML_ParserStruct;  // of the library expat

namespace grader {

enum class Outcome { passed, failed, skipped };

struct Case {
    std::string name;
    std::string program = {};  // the one that it judges
    std::size_t step = 0;
    std::size_t points = 1;
    bool hidden = false;  // its name and its verdict are for teachers
    Outcome outcome = Outcome::failed;
    std::string text = {};  // why it failed, or why it was skipped, just as the test wrote it
};

class CatchReader {
public:
    CatchReader();
    CatchReader(const CatchReader&) = delete;
    CatchReader& operator=(const CatchReader&) = delete;

    // Reads on; returns the test cases that ended in these bytes.
    std::vector<Case> read(std::string_view bytes);

    // Ends the reading. Returns why the run does not count, in words; nothing when something was
    // tested, the report is complete and its totals agree with its test cases.
    std::optional<std::string> finish();

private:
    struct Handlers;
    struct Counts {
        std::size_t good = 0;
        std::size_t failed = 0;
        std::size_t all() const { return good + failed; }
        bool operator==(const Counts&) const = default;
    };

    void start_element(std::string_view name, const char** attributes);
    void end_element(std::string_view name);
    void end_text(std::string_view name, const std::string& text);
    void end_case();
    void add_to_failure(const std::string& text);
    void parse(std::string_view bytes, bool is_last);

    std::unique_ptr<XML_ParserStruct, void (*)(XML_ParserStruct*)> parser_;
    std::optional<std::string> broken_;
    std::optional<std::string> crash_;
    std::size_t depth_ = 0;
    std::string text_;  // of the innermost open element

    Case case_;
    bool success_ = false;  // what Catch2 says of the case
    bool failure_seen_ = false;
    std::optional<std::string> skip_reason_;
    std::string failed_macro_;
    std::string failed_expression_;
    std::vector<Case> new_cases_;

    Counts counted_;
    std::size_t passed_ = 0;
    std::size_t skipped_ = 0;
    std::optional<Counts> reported_;
    std::size_t assertions_passed_ = 0;
};

}  // namespace grader
