// The judge of the students' work, judged: tests/grader.
#include "grader/catch_xml.hpp"
#include "grader/progress.hpp"
#include "grader/report.hpp"
#include "harness/catch.hpp"

#include <wirelab/error.hpp>

#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using grader::Case;
using grader::Outcome;
namespace fs = std::filesystem;

namespace {

// Catch2 2.13: two of five test cases passed, one is skipped.
const std::string report_of_catch2_2 = R"(<?xml version="1.0" encoding="UTF-8"?>
<Catch name="02_fortune_test">
  <Group name="02_fortune_test">
    <TestCase name="connects to the server" tags="[02_fortune][fortune_client][points:2][step:1]" filename="a.cpp" line="5">
      <OverallResult success="true"/>
    </TestCase>
    <TestCase name="says why it can't connect" tags="[02_fortune][fortune_client][step:2]" filename="a.cpp" line="9">
      <OverallResult success="true"/>
    </TestCase>
    <TestCase name="serves IPv6 clients" tags="[02_fortune][fortune_server][step:6]" filename="a.cpp" line="12">
      <Warning>
        SKIPPED: no IPv6 here
      </Warning>
      <OverallResult success="false"/>
    </TestCase>
    <TestCase name="sends a fortune" tags="[02_fortune][fortune_server][points:3][step:7]" filename="a.cpp" line="20">
      <Expression success="false" type="CHECK" filename="a.cpp" line="24">
        <Original>
          sent &lt; 3
        </Original>
        <Expanded>
          7 &lt; 3
        </Expanded>
      </Expression>
      <OverallResult success="false">
        <StdOut>
out
        </StdOut>
      </OverallResult>
    </TestCase>
    <TestCase name="prints the whole fortune" tags="[02_fortune][fortune_client][points:1][step:3]" filename="a.cpp" line="30">
      <Section name="in &quot;parts&quot;" filename="a.cpp" line="31">
        <Info>
          three segments
        </Info>
        <Failure filename="a.cpp" line="31">
          expected  &quot;a &amp; b&quot;
got       nothing
  0.01 $ fortune_client 127.0.0.1

        </Failure>
        <OverallResults successes="1" failures="1" expectedFailures="0"/>
      </Section>
      <OverallResult success="false"/>
    </TestCase>
    <OverallResults successes="9" failures="3" expectedFailures="0"/>
    <OverallResultsCases successes="2" failures="3" expectedFailures="0"/>
  </Group>
  <OverallResults successes="9" failures="3" expectedFailures="0"/>
  <OverallResultsCases successes="2" failures="3" expectedFailures="0"/>
</Catch>
)";

// The same as Catch2 3 reports it.
const std::string report_of_catch2_3 = R"(<?xml version="1.0" encoding="UTF-8"?>
<Catch2TestRun name="02_fortune_test" rng-seed="3454557717" xml-format-version="3" catch2-version="3.7.1">
  <TestCase name="connects to the server" tags="[02_fortune][fortune_client][points:2][step:1]" filename="a.cpp" line="5">
    <OverallResult success="true" skips="0"/>
  </TestCase>
  <TestCase name="says why it can't connect" tags="[02_fortune][fortune_client][step:2]" filename="a.cpp" line="9">
    <OverallResult success="true" skips="0"/>
  </TestCase>
  <TestCase name="serves IPv6 clients" tags="[02_fortune][fortune_server][step:6]" filename="a.cpp" line="12">
    <Skip filename="a.cpp" line="13">
      no IPv6 here
    </Skip>
    <OverallResult success="true" skips="1"/>
  </TestCase>
  <TestCase name="sends a fortune" tags="[02_fortune][fortune_server][points:3][step:7]" filename="a.cpp" line="20">
    <Expression success="false" type="CHECK" filename="a.cpp" line="24">
      <Original>
        sent &lt; 3
      </Original>
      <Expanded>
        7 &lt; 3
      </Expanded>
    </Expression>
    <OverallResult success="false" skips="0">
      <StdOut>
out
      </StdOut>
    </OverallResult>
  </TestCase>
  <TestCase name="prints the whole fortune" tags="[02_fortune][fortune_client][points:1][step:3]" filename="a.cpp" line="30">
    <Section name="in &quot;parts&quot;" filename="a.cpp" line="31">
      <Info filename="a.cpp" line="30">
        three segments
      </Info>
      <Failure filename="a.cpp" line="31">
        expected  &quot;a &amp; b&quot;
got       nothing
  0.01 $ fortune_client 127.0.0.1

      </Failure>
      <OverallResults successes="1" failures="1" expectedFailures="0" skipped="false"/>
    </Section>
    <OverallResult success="false" skips="0"/>
  </TestCase>
  <OverallResults successes="9" failures="2" expectedFailures="0" skips="1"/>
  <OverallResultsCases successes="2" failures="2" expectedFailures="0" skips="1"/>
</Catch2TestRun>
)";

const std::string verdict_on_both = R"(✓ step 1: connects to the server (2 of 2 points)
✓ step 2: says why it can't connect (1 of 1 points)
✗ step 3: prints the whole fortune (0 of 1 points)
– step 6: serves IPv6 clients (skipped: no IPv6 here)
✗ step 7: sends a fortune (0 of 3 points)

2 of 4 requirements, 3 of 7 points, 1 skipped

step 3: prints the whole fortune
three segments
expected  "a & b"
got       nothing
  0.01 $ fortune_client 127.0.0.1

next: step 3; read labs/02_fortune/README.md, or ask ./lab hint 02 --step 3
)";

struct Run {
    std::vector<Case> cases;
    std::optional<std::string> fault;

    bool passed() const { return !fault && grader::score(cases).all_passed(); }
    std::string printed() const {
        return grader::case_lines(cases, false) + grader::summary("02_fortune", cases);
    }
};

Run read_report(std::string_view xml, std::size_t part = std::string_view::npos) {
    Run run;
    grader::CatchReader reader;
    for (; !xml.empty(); xml.remove_prefix(std::min(part, xml.size()))) {
        for (Case& test_case : reader.read(xml.substr(0, part))) {
            run.cases.push_back(std::move(test_case));
        }
    }
    run.fault = reader.finish();
    return run;
}

// Returns the element of a test case whose result is `success`, with other elements in it.
std::string test_case(const std::string& success, const std::string& inside = "",
                      const std::string& tags = "[02_fortune][program][step:1][points:1]") {
    return "<TestCase name=\"a requirement\" tags=\"" + tags + "\">" + inside +
           "<OverallResult success=\"" + success + "\"/></TestCase>";
}

// Returns a report with these test cases and totals.
std::string report(const std::string& cases, int successes, int failures,
                   const std::string& other_totals = "") {
    const std::string totals = " successes=\"" + std::to_string(successes) + "\" failures=\"" +
                               std::to_string(failures) + "\"" + other_totals;
    return "<Catch2TestRun>" + cases + "<OverallResults" + totals + "/><OverallResultsCases" +
           totals + "/></Catch2TestRun>\n";
}

Run read_failure(const std::string& elements) {
    return read_report(report(test_case("false", elements), 0, 1));
}

std::string read_file(const fs::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void write_file(const fs::path& file, std::string_view text) {
    std::ofstream{file} << text;
}

// A folder that ends with the test case.
class Folder {
public:
    Folder() {
        std::string name = fs::temp_directory_path() / "wirelab-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error{"can't make a folder"};
        path_ = name;
    }
    Folder(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }
    fs::path operator/(const std::string& name) const { return path_ / name; }
    auto size() const { return std::distance(fs::directory_iterator{path_}, {}); }

private:
    fs::path path_;
};

struct Shell {
    explicit Shell(const std::string& command) {
        std::FILE* const pipe = ::popen(command.c_str(), "r");
        if (!pipe) throw std::runtime_error{"can't run " + command};
        for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
            output += static_cast<char>(c);
        }
        const int state = ::pclose(pipe);
        status = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    }
    std::string output;
    int status = -1;
};

// `verdict` lies beside this program.
std::string verdict() {
    return "'" + (fs::read_symlink("/proc/self/exe").parent_path() / "verdict").string() + "'";
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("the reports of Catch2 2.13 and 3 give the same verdict", "[kit][verdict]") {
    CHECK(read_report(report_of_catch2_2).printed() == verdict_on_both);
    CHECK(read_report(report_of_catch2_3).printed() == verdict_on_both);
    CHECK_FALSE(read_report(report_of_catch2_2).fault);
    CHECK_FALSE(read_report(report_of_catch2_3).fault);
    CHECK_FALSE(read_report(report_of_catch2_2).passed());
    CHECK_FALSE(read_report(report_of_catch2_3).passed());
}

TEST_CASE("a report gives the same verdict however its bytes are split", "[kit][verdict]") {
    for (const std::size_t part : {1u, 2u, 3u, 7u, 100u, 4096u}) {
        CHECK(read_report(report_of_catch2_2, part).printed() == verdict_on_both);
        CHECK(read_report(report_of_catch2_3, part).printed() == verdict_on_both);
    }
}

TEST_CASE("a test case is given as soon as its element is closed", "[kit][verdict]") {
    grader::CatchReader reader;
    CHECK(reader.read("<Catch><TestCase name='a'><OverallResult success='true'/>").empty());
    CHECK(reader.read("</TestCase>").size() == 1);
    CHECK(reader.read("\n").empty());
}

TEST_CASE("a run in which all passed is passed", "[kit][verdict]") {
    const std::string cases = test_case("true") + test_case("true", "", "[step:2][points:4]");
    const Run run = read_report(report(cases, 2, 0));
    CHECK(run.passed());
    CHECK(run.printed() ==
          "✓ step 1: a requirement (1 of 1 points)\n✓ step 2: a requirement (4 of 4 points)\n\n"
          "2 of 2 requirements, 5 of 5 points\n\nall requirements of lab 02_fortune are met\n");
}

TEST_CASE("a run that crashed does not count", "[kit][verdict]") {
    const std::string crash = "<FatalErrorCondition>\n      SIGSEGV\n    </FatalErrorCondition>";
    const Run run = read_report(report(test_case("true") + test_case("false", crash), 1, 1));
    REQUIRE(run.fault);
    CHECK(*run.fault == "the test program crashed (SIGSEGV)");
    CHECK(run.cases.size() == 2);
    CHECK_FALSE(run.passed());
    // Even if Catch2 called the test case a success.
    CHECK(read_report(report(test_case("true", crash), 1, 0)).fault);
}

TEST_CASE("a report cut short anywhere does not count", "[kit][verdict]") {
    const std::string all_passed = report(test_case("true") + test_case("true"), 2, 0);
    REQUIRE(read_report(all_passed).passed());
    for (const std::string& whole : {all_passed, report_of_catch2_2, report_of_catch2_3}) {
        const std::size_t end = whole.rfind('>') + 1;
        CHECK_FALSE(read_report(whole.substr(0, end)).fault);
        for (std::size_t size = 0; size < end; ++size) {
            const Run run = read_report(whole.substr(0, size));
            if (!run.fault) FAIL("cut to " << size << " bytes, the report still counts");
        }
    }
}

TEST_CASE("what is no report of Catch2 does not count", "[kit][verdict]") {
    CHECK(read_report("").fault);
    CHECK(read_report("\n").fault);
    CHECK(read_report("All tests passed (3 assertions in 1 test case)\n").fault);
    CHECK(read_report(std::string(3, '\0')).fault);
    CHECK(read_report("<html></html>").fault);
    CHECK(read_report("<Catch>" + test_case("true") + "</Catch>").fault);
    const std::string good = report(test_case("true"), 1, 0);
    CHECK(read_report(good + good).fault);
    CHECK(read_report(good + "terminate called").fault);
    CHECK(read_report("printed by a child\n" + good).fault);
}

TEST_CASE("totals that do not agree with the test cases do not count", "[kit][verdict]") {
    const std::string two = test_case("true") + test_case("true");
    CHECK_FALSE(read_report(report(two, 2, 0)).fault);
    CHECK(read_report(report(two, 1, 0)).fault);
    CHECK(read_report(report(two, 3, 0)).fault);
    CHECK(read_report(report(two, 2, 1)).fault);
    CHECK(read_report(report(two, 1, 1)).fault);
    CHECK(read_report(report(two, 2, 0, " skips=\"1\"")).fault);
    CHECK(read_report(report(test_case("false"), 1, 0)).fault);
    // The totals of a section or a group are not those of the run.
    CHECK(read_report("<Catch><Group>" + two +
                      "<OverallResults successes='2' failures='0'/>"
                      "<OverallResultsCases successes='2' failures='0'/></Group></Catch>")
              .fault);
}

TEST_CASE("a run without a test case does not count", "[kit][verdict]") {
    const Run run = read_report(report("", 0, 0));
    REQUIRE(run.fault);
    CHECK(*run.fault == "nothing was tested");
    CHECK_FALSE(grader::score(run.cases).all_passed());
}

TEST_CASE("a skipped test case neither fails nor earns a point", "[kit][verdict]") {
    const std::string reason =
        GENERATE(as<std::string>{}, "<Skip>no nc</Skip>", "<Warning>SKIPPED: no nc</Warning>");
    const std::string success = GENERATE(as<std::string>{}, "true", "false");
    const std::string skipped = test_case(success, reason, "[step:1][points:5]");
    const int failures = success == "false" ? 1 : 0;
    {
        const Run run = read_report(report(test_case("true") + skipped, 2 - failures, failures));
        CHECK(run.passed());
        CHECK(contains(run.printed(), "– step 1: a requirement (skipped: no nc)\n"));
        CHECK(contains(run.printed(), "\n1 of 1 requirements, 1 of 1 points, 1 skipped\n"));
    }
    {
        const Run run = read_report(report(skipped, 1 - failures, failures));
        REQUIRE(run.fault);
        CHECK(*run.fault == "nothing was tested");
    }
}

TEST_CASE("a test case that failed and was then skipped has failed", "[kit][verdict]") {
    const std::string failure =
        GENERATE(as<std::string>{}, "<Failure>no</Failure>",
                 "<Expression success='false' type='CHECK'/>", "<Exception>no</Exception>");
    const Run run = read_failure(failure + "<Warning>SKIPPED: no nc</Warning>");
    CHECK_FALSE(run.fault);
    CHECK(run.cases.at(0).outcome == Outcome::failed);
}

TEST_CASE("only a warning that begins with the mark skips a test case", "[kit][verdict]") {
    CHECK(read_failure("<Warning>not SKIPPED: </Warning>").cases[0].outcome == Outcome::failed);
    CHECK(read_failure("<Failure>SKIPPED: me</Failure>").cases[0].outcome == Outcome::failed);
    CHECK(read_failure("<StdOut>SKIPPED: me</StdOut>").cases[0].outcome == Outcome::failed);
}

TEST_CASE("a test case that checked nothing is not passed", "[kit][verdict]") {
    // With `-w NoAssertions` Catch2 reports it so.
    const Run run = read_failure("");
    CHECK_FALSE(run.passed());
    CHECK(contains(run.printed(), "step 1: a requirement\nthe test case checked nothing\n"));
    // Without, the totals alone can show it.
    const Run unwarned = read_report("<Catch>" + test_case("true") +
                                     "<OverallResults successes='0' failures='0'/>"
                                     "<OverallResultsCases successes='1' failures='0'/></Catch>");
    REQUIRE(unwarned.fault);
    CHECK(*unwarned.fault == "a test case checked nothing");
}

TEST_CASE("a test case without a good result of its own is not passed", "[kit][verdict]") {
    const std::string without_result = "<TestCase name='a'></TestCase>";
    CHECK(read_report(report(without_result, 0, 1)).cases.at(0).outcome == Outcome::failed);
    CHECK(read_report(report(without_result, 1, 0)).fault);
    // The result of the test case before is not its own.
    CHECK(read_report(report(test_case("true") + without_result, 2, 0)).fault);
    // Catch2 calls a failure that was expected a success.
    const std::string may_fail = test_case("true", "<Failure>no</Failure>");
    const Run run = read_report(report(may_fail, 0, 0, " expectedFailures=\"1\""));
    CHECK_FALSE(run.passed());
    CHECK(run.cases.at(0).outcome == Outcome::failed);
}

TEST_CASE("a test case is judged by its own elements alone", "[kit][verdict]") {
    const std::string failed = test_case("false", "<Failure>no</Failure>");
    const std::string skipped = test_case("true", "<Skip>no nc</Skip>");
    const std::string passed = test_case("true", "<Info>a value</Info>");
    const Run run = read_report(report(failed + passed + skipped + passed + failed, 3, 2));
    CHECK_FALSE(run.fault);
    CHECK(run.cases.at(0).outcome == Outcome::failed);
    CHECK(run.cases.at(1).outcome == Outcome::passed);
    CHECK(run.cases.at(2).outcome == Outcome::skipped);
    CHECK(run.cases.at(3).outcome == Outcome::passed);
    CHECK(run.cases.at(3).text.empty());
    CHECK(run.cases.at(4).outcome == Outcome::failed);
}

TEST_CASE("step and points come from the tags", "[kit][verdict]") {
    const auto read_tags = [](const std::string& tags) {
        return read_report(report(test_case("true", "", tags), 1, 0)).cases.at(0);
    };
    CHECK(read_tags("[a][step:12][points:3]").step == 12);
    CHECK(read_tags("[a][step:12][points:3]").points == 3);
    CHECK(read_tags("[points:0]").points == 0);
    CHECK(read_tags("[a]").step == 0);
    CHECK(read_tags("[a]").points == 1);
    CHECK(read_tags("[step:x][points:-1]").step == 0);
    CHECK(read_tags("[step:x][points:-1]").points == 1);
}

TEST_CASE("the first unmet requirement is that of the lowest step", "[kit][verdict]") {
    const std::vector<Case> cases{{.name = "a", .step = 3},
                                  {.name = "b", .step = 2},
                                  {.name = "c", .step = 1, .outcome = Outcome::passed},
                                  {.name = "d", .step = 2}};
    REQUIRE(grader::first_unmet(cases));
    CHECK(grader::first_unmet(cases)->name == "b");
    CHECK_FALSE(grader::first_unmet({}));
}

TEST_CASE("the next step is the lowest TODO left when that comes first", "[kit][verdict]") {
    const std::vector<Case> cases = read_report(report_of_catch2_3).cases;  // fails at step 3
    const auto next_step = [&cases](std::uint64_t todo) {
        const std::string text = grader::summary("02_fortune", cases, todo);
        return text.substr(text.find("next: "));
    };
    const std::string step_3 =
        "next: step 3; read labs/02_fortune/README.md, or ask ./lab hint 02 --step 3\n";
    CHECK(next_step(4) == step_3);
    CHECK(next_step(3) == step_3);
    CHECK(next_step(1) ==
          "next: step 1; read labs/02_fortune/README.md, or ask ./lab hint 02 --step 1\n");
}

TEST_CASE("the next step is an earlier one when the likely cause names it", "[kit][verdict]") {
    const auto next_step = [](const std::string& likely, std::optional<std::uint64_t> todo = {}) {
        const std::vector<Case> cases{
            {.name = "a",
             .step = 6,
             .text = "expected  (step 2)\ngot       \"(step 2)\"\n" + likely +
                     "what happened:\n    0.001 s  server prints \"likely    (step 2)\"\n"}};
        const std::string text = grader::summary("02_fortune", cases, todo);
        CHECK(contains(text, "\n\nstep 6: a\n"));
        const std::string next = text.substr(text.rfind(' ') + 1);
        CHECK(contains(text, "\nnext: step " + next.substr(0, next.size() - 1) + "; read "));
        const std::string progress = grader::progress_line("02_fortune", cases) + "\n";
        if (!todo) CHECK(progress == "02_fortune 0 1 0 1 " + next);
        return next;
    };
    CHECK(next_step("") == "6\n");
    CHECK(next_step("likely    flush it\n") == "6\n");
    CHECK(next_step("likely    flush it (step 1)\n") == "1\n");
    CHECK(next_step("likely    flush it (step 3)\n", 4) == "3\n");
    CHECK(next_step("likely    flush it (step 3)\n", 1) == "1\n");
    CHECK(next_step("likely    its length is wrong (steps 4 and 3)\n") == "4\n");
    CHECK(next_step("likely    flush it (step 5), or read it (step 4)\n") == "5\n");
    CHECK(next_step("likely    it threw\nor        flush it (step 5)\n") == "5\n");
    CHECK(next_step("likely    TODO 2 is not done yet: read\n") == "2\n");
    CHECK(next_step("likely    TODO 3 is not done yet: read (step 2)\n") == "3\n");
    CHECK(next_step("likely    flush it (step 5)\nor        TODO 3 is not done yet\n") == "5\n");
    // What is named is no earlier step.
    CHECK(next_step("likely    flush it (step 10)\n") == "6\n");
    CHECK(next_step("likely    flush it (step 0)\n") == "6\n");
    CHECK(next_step("likely    flush it (step 123)\n") == "6\n");
    CHECK(next_step("likely    TODO 7 is not done yet: write\n") == "6\n");
    CHECK(next_step("likely    it went on to TODO 4: what stands before that did not\n") == "6\n");
}

TEST_CASE("a failed check is shown with its values", "[kit][verdict]") {
    const Run run = read_failure(
        "<Expression success='false' type='REQUIRE'>"
        "<Original>\n        a == b\n      </Original>"
        "<Expanded>\n        1 == 2\n      </Expanded></Expression>");
    CHECK(run.cases.at(0).text == "REQUIRE( a == b )\nwith the values: 1 == 2");
}

TEST_CASE("an exception is shown without the check that Catch2 makes up", "[kit][verdict]") {
    const Run run = read_failure(
        "<Expression success='false'><Original>{Unknown expression}</Original>"
        "<Expanded>{Unknown expression}</Expanded><Exception>boom</Exception></Expression>");
    CHECK(run.cases.at(0).text == "unexpected exception: boom");
}

TEST_CASE("a failure without a word is still shown", "[kit][verdict]") {
    CHECK(contains(read_failure("<Failure/>").printed(),
                   "step 1: a requirement\nthe test case says no more\n"));
}

TEST_CASE("checks that held are not shown", "[kit][verdict]") {
    const Run run = read_failure(
        "<Expression success='true' type='CHECK'><Original>a</Original>"
        "<Expanded>1</Expanded></Expression><Failure>no</Failure>");
    CHECK(run.cases.at(0).text == "no");
}

TEST_CASE("a transcript keeps its lines and their indentation", "[kit][verdict]") {
    const Run run = read_failure("<Failure>\n        one\n\n    two\n      three\n    </Failure>");
    CHECK(run.cases.at(0).text == "  one\n\n    two\n      three");
}

TEST_CASE("no text can drive the terminal", "[kit][verdict]") {
    const std::string hostile = "\x1b[2J\x07 \xc2\x9b\x33\x31m \x7f \x0b\x0c \xff\xed\xa0\x80 ✓\r";
    const Run failed =
        read_report(report("<TestCase name=\"a\xc2\x9b\nb\" tags=\"[step:1]\"><Failure>" + hostile +
                               "</Failure><OverallResult success=\"false\"/></TestCase>",
                           0, 1));
    CHECK_FALSE(failed.fault);
    CHECK(contains(failed.printed(), "step 1: a\\xc2\\x9b b"));
    CHECK(
        contains(failed.printed(), "?[2J? \\xc2\\x9b\x33\x31m \\x7f ?? \\xff\\xed\\xa0\\x80 ✓\n"));
    CHECK_FALSE(contains(failed.printed(), "\x1b"));
    CHECK_FALSE(contains(failed.printed(), "\xc2\x9b"));

    const std::string skip = "<Skip>one\ntwo\xc2\x9b</Skip>";
    const Run skipped = read_report(report(test_case("true") + test_case("true", skip), 2, 0));
    CHECK(contains(skipped.printed(), "(skipped: one\\x0atwo\\xc2\\x9b)\n"));
}

TEST_CASE("a noncharacter in a program's output does not break the report", "[kit][verdict]") {
    const Run run = read_failure("<Failure>\xef\xbf\xbf \xef\xbf\xbe</Failure>");
    CHECK_FALSE(run.fault);
    CHECK(run.cases.at(0).text == "\xef\xbf\xbf \xef\xbf\xbe");
}

TEST_CASE("of a huge text the beginning and the end are shown", "[kit][verdict]") {
    const std::string huge = "begin" + std::string(5'000'000, 'x') + "end";
    const Run run = read_failure("<Failure>" + huge + "</Failure>");
    CHECK(run.cases.at(0).text == huge);
    CHECK(run.printed().size() < 40'000);
    CHECK(contains(run.printed(), "\nbeginx"));
    CHECK(contains(run.printed(), "\n... 4967240 bytes left out ...\n"));
    CHECK(contains(run.printed(), "xend\n"));
}

TEST_CASE("an element forged in a text stays text", "[kit][verdict]") {
    const std::string forged = "</Failure><OverallResult success=\"true\"/></TestCase>";
    std::string escaped;
    for (const char c : forged) escaped += c == '<' ? "&lt;" : std::string{c};
    const Run run = read_failure("<Failure>" + escaped + "</Failure>");
    CHECK_FALSE(run.fault);
    REQUIRE(run.cases.size() == 1);
    CHECK(run.cases[0].text == forged);
    CHECK(run.cases[0].outcome == Outcome::failed);
    // Not escaped, it makes a report that does not hold together.
    CHECK(read_failure("<Failure>" + forged + "</Failure>").fault);
}

TEST_CASE("marks are coloured on request", "[kit][verdict]") {
    const Case passed{.name = "a", .step = 1, .outcome = Outcome::passed};
    CHECK(grader::case_lines({passed}, true) == "\x1b[32m✓\x1b[0m step 1: a (1 of 1 points)\n");
    CHECK(grader::case_lines({passed}, false) == "✓ step 1: a (1 of 1 points)\n");
}

TEST_CASE("the progress line has the sums and the first unmet step", "[kit][verdict]") {
    const Run run = read_report(report_of_catch2_2);
    CHECK(grader::progress_line("02_fortune", run.cases) == "02_fortune 2 4 3 7 3");
    const std::vector<Case> all_passed{{.name = "a", .points = 2, .outcome = Outcome::passed}};
    CHECK(grader::progress_line("02_fortune", all_passed) == "02_fortune 1 1 2 2 -");
}

TEST_CASE("the progress file keeps the lines of other labs", "[kit][verdict]") {
    const Folder folder;
    const fs::path file = folder / "progress";
    grader::save_progress(file, "02_fortune 1 4 1 5 2");
    CHECK(read_file(file) == "02_fortune 1 4 1 5 2\n");
    grader::save_progress(file, "10_multicast 1 1 1 1 -");
    grader::save_progress(file, "01_addresses 2 9 3 9 4");
    CHECK(read_file(file) ==
          "01_addresses 2 9 3 9 4\n02_fortune 1 4 1 5 2\n10_multicast 1 1 1 1 -\n");
    grader::save_progress(file, "02_fortune 4 4 5 5 -");
    CHECK(read_file(file) ==
          "01_addresses 2 9 3 9 4\n02_fortune 4 4 5 5 -\n10_multicast 1 1 1 1 -\n");
    CHECK(folder.size() == 1);
}

TEST_CASE("a damaged progress file is repaired", "[kit][verdict]") {
    const Folder folder;
    const fs::path file = folder / "progress";
    write_file(file, "03_tcp_messages 1 2 1 2 1\n\n02_fortune\n02_fortune 0 4 0 5 1");
    grader::save_progress(file, "02_fortune 1 4 1 5 2");
    CHECK(read_file(file) == "02_fortune 1 4 1 5 2\n03_tcp_messages 1 2 1 2 1\n");
}

TEST_CASE("progress that cannot be saved is an error and leaves nothing over", "[kit][verdict]") {
    const Folder folder;
    fs::create_directory(folder / "taken");
    write_file(folder / "taken" / "file", "");
    CHECK_THROWS_AS(grader::save_progress(folder / "taken", "02_fortune 0 1 0 1 1"),
                    wirelab::Error);
    CHECK_THROWS_AS(grader::save_progress(folder / "none" / "file", "02_fortune 0 1 0 1 1"),
                    wirelab::Error);
    CHECK(folder.size() == 1);
}

TEST_CASE("verdict tells by its exit status how a run ended", "[kit][verdict]") {
    const Folder folder;
    const std::string command =
        "cd '" + (folder / "").string() + "' && " + verdict() + " --lab 02_fortune --progress done";

    write_file(folder / "passed", report(test_case("true"), 1, 0));
    const Shell passed{command + " < passed 2>&1"};
    CHECK(passed.status == 0);
    CHECK(passed.output ==
          "✓ step 1: a requirement (1 of 1 points)\n\n1 of 1 requirements, 1 of 1 points\n\n"
          "all requirements of lab 02_fortune are met\n");
    CHECK(read_file(folder / "done") == "02_fortune 1 1 1 1 -\n");

    write_file(folder / "failed", report_of_catch2_2);
    const Shell failed{command + " < failed 2>&1"};
    CHECK(failed.status == 1);
    CHECK(failed.output == verdict_on_both);
    CHECK(read_file(folder / "done") == "02_fortune 2 4 3 7 3\n");

    write_file(folder / "cut", report(test_case("true"), 1, 0).substr(0, 200));
    const Shell cut{command + " < cut 2>&1"};
    CHECK(cut.status == 3);
    CHECK(contains(cut.output,
                   "verdict: this run does not "
                   "count, and that is not your program's fault: its report broke "
                   "off in line 1 ("));
    CHECK(read_file(folder / "done") == "02_fortune 2 4 3 7 3\n");
}

TEST_CASE("verdict gives other programs a line of JSON for each test case", "[kit][verdict]") {
    const Folder folder;
    const std::string command = "cd '" + (folder / "").string() + "' && " + verdict() + " --json";

    write_file(folder / "some", report_of_catch2_2);
    const Shell some{command + " < some 2>&1"};
    CHECK(some.status == 0);
    CHECK(contains(some.output,
                   R"({"name":"connects to the server","program":"fortune_client","step":1,)"
                   R"("points":2,"hidden":false,"outcome":"passed","text":""})"
                   "\n"));
    CHECK(contains(some.output, R"("outcome":"skipped","text":"no IPv6 here"})"));
    CHECK(contains(some.output, R"("points":3,"hidden":false,"outcome":"failed","text":"CHECK()"));
    CHECK(some.output.ends_with("}\n{\"fault\":null}\n"));

    write_file(folder / "cut", report(test_case("true"), 1, 0).substr(0, 200));
    const Shell cut{command + " < cut 2>&1"};
    CHECK(cut.status == 3);
    CHECK(contains(cut.output, R"({"fault":"its report broke off in line 1 ()"));
}

TEST_CASE("the tags tell which program is judged, and for whose eyes", "[kit][verdict]") {
    const auto judged = [](const std::string& tags) {
        std::string text = report(test_case("true"), 1, 0);
        const auto at = text.find("tags=\"") + 6;
        text.replace(at, text.find('"', at) - at, tags);
        return read_report(text).cases.at(0);
    };
    CHECK(judged("[02_fortune][fortune_client][points:1][step:3]").program == "fortune_client");
    CHECK(judged("[step:3][hidden][points:1][fortune_client][02_fortune]").program ==
          "fortune_client");
    CHECK(judged("[02_fortune][hidden][fortune_client]").hidden);
    CHECK_FALSE(judged("[02_fortune][fortune_client]").hidden);
    for (const std::string tags : {"", "[02_fortune][step:3]", "[", "[]", "[hidden]"}) {
        CAPTURE(tags);
        CHECK(judged(tags).program.empty());
    }
}

TEST_CASE("verdict refuses wrong usage", "[kit][verdict]") {
    const std::string arguments =
        GENERATE(as<std::string>{}, "", "--lab", "--lab=", "--lab fortune", "--lab '02_a b'",
                 "--lab ../02_a", "--lab 02_", "--lab 02_fortune extra", "--unknown");
    const Shell run{verdict() + " " + arguments + " < /dev/null 2>&1"};
    CHECK(run.status == 2);
    CHECK(contains(run.output, "(try 'verdict --help')\n"));
}

// What the installed Catch2 itself writes. Hidden: only the test below runs these.
TEST_CASE("sample: passes", "[.][sample][step:1]") {
    SUCCEED();
}
TEST_CASE("sample: checks nothing", "[.][sample][step:4]") {}
TEST_CASE("sample: is skipped", "[.][sample][step:3]") {
    harness::skip("not today");
}
TEST_CASE("sample: fails", "[.][sample][step:2][points:3]") {
    FAIL("  expected </TestCase> \x1b[31m\n\xc2\x9b\x0b\xef\xbf\xbf got");
}
TEST_CASE("sample: throws", "[.][sample][step:3]") {
    throw std::runtime_error{"boom"};
}
TEST_CASE("sample: aborts", "[.][abort]") {
    std::abort();
}

TEST_CASE("verdict reads what the installed Catch2 writes", "[kit][verdict]") {
    const std::string self = "'" + fs::read_symlink("/proc/self/exe").string() + "'";
    const std::string options = " -r xml -w NoAssertions 2>&1 | ";
    const std::string command = verdict() + " --lab 02_fortune 2>&1";

    const Shell failed{self + " '[sample]'" + options + command};
    CHECK(failed.status == 1);
    CHECK(failed.output == R"(✓ step 1: sample: passes (1 of 1 points)
✗ step 2: sample: fails (0 of 3 points)
– step 3: sample: is skipped (skipped: not today)
✗ step 3: sample: throws (0 of 1 points)
✗ step 4: sample: checks nothing (0 of 1 points)

1 of 4 requirements, 1 of 6 points, 1 skipped

step 2: sample: fails
  expected </TestCase> \x1B[31m
\xc2\x9b?)"
                           "\xef\xbf\xbf"
                           R"( got

next: step 2; read labs/02_fortune/README.md, or ask ./lab hint 02 --step 2
)");

    const Shell passed{self + " 'sample: passes'" + options + command};
    CHECK(passed.status == 0);
    // The shell would say "Aborted".
    const Shell crashed{"exec 2>/dev/null; " + self + " '[abort]'" + options + command};
    CHECK(crashed.status == 3);
    // Under the thread sanitizer, Catch2 does not come to say that it was SIGABRT.
    CHECK(contains(crashed.output, "that is not your program's fault"));
    const Shell nothing{self + " '[no such tag]'" + options + command};
    CHECK(nothing.status == 3);
}
