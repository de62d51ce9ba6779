#include "grader/case_json.hpp"

#include <wirelab/printable.hpp>

#include <boost/json/src.hpp>  // all of the library, compiled here

#include <stdexcept>
#include <string_view>

namespace grader {

namespace json = boost::json;

namespace {

std::string_view word(Outcome outcome) {
    switch (outcome) {
        case Outcome::passed:
            return "passed";
        case Outcome::failed:
            return "failed";
        case Outcome::skipped:
            return "skipped";
    }
    throw std::logic_error{"no such outcome"};
}

}  // namespace

std::string case_json(const Case& test_case) {
    const json::object object{{"name", test_case.name},
                              {"program", test_case.program},
                              {"step", test_case.step},
                              {"points", test_case.points},
                              {"hidden", test_case.hidden},
                              {"outcome", word(test_case.outcome)},
                              {"text", wirelab::printable_lines(test_case.text)}};
    return json::serialize(object) + "\n";
}

std::string end_json(const std::optional<std::string>& fault) {
    json::object object{{"fault", nullptr}};
    if (fault) object["fault"] = *fault;
    return json::serialize(object) + "\n";
}

}  // namespace grader
