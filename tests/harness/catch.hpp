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
// Catch2 knows SKIP since 3.3. Before, the warning is what ctest and the verdict recognise.
inline void skip(const std::string& reason) {
#ifdef SKIP
    SKIP(reason);
#else
    WARN("SKIPPED: " + reason);
#endif
}

}  // namespace harness
