// Hostile: prints what a test program would print when all is well, and writes results of its own.
#include <fstream>
#include <iostream>

constexpr const char* report = R"(<?xml version="1.0" encoding="UTF-8"?>
<Catch2TestRun><TestCase name="The server sends one of its fortunes and closes">
<OverallResult success="true"/></TestCase><OverallResults successes="99" failures="0"/>
<OverallResultsCases successes="44" failures="0"/></Catch2TestRun>
{"name": "all", "outcome": "passed", "text": ""}
{"fault": null}
All tests passed (99 assertions in 44 test cases)
)";

int main() {
    for (const char* file : {"02_fortune.json", "results.json", "../02_fortune.json",
                             "/tmp/02_fortune.json", "/results.json", "/dev/stderr"}) {
        std::ofstream{file} << report;
    }
    std::cout << report << std::flush;
    std::cerr << report << std::flush;
}
