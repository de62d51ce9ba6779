// Catch2, whichever is installed: 2.13 or 3.x.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

namespace harness {

// Marks the running test case as skipped; `return skip("nc is not installed");` ends it.
void skip(const std::string& reason);

}  // namespace harness
