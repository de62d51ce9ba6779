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
