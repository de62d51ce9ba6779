# One set of flags for every target: only then can all of them share one precompiled header.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(WIRELAB_WERROR)
    add_compile_options(-Werror)
endif()

# Messages name a source file as it is called in the tree, wherever that lies.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)

# While one learns and tests, the front of an empty string or a wrong index is to end with an
# assertion that names it; nothing else may depend on that, for a release goes without.
add_compile_definitions($<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
