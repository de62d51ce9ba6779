# wirelab_add_programs(TREE): every TREE/NN_topic/program.cpp becomes a program, built to
# <build>/TREE/NN_topic/program by the target TREE.NN_topic.program; TREE.NN_topic builds the lab.
# A tree that is not there (the students' kit has no solutions) adds nothing.
function(wirelab_add_programs tree)
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${tree}/[0-9][0-9]_*/*.cpp")
    foreach(source IN LISTS sources)
        get_filename_component(program ${source} NAME_WE)
        get_filename_component(folder ${source} DIRECTORY)
        get_filename_component(lab ${folder} NAME)
        wirelab_add_program(${tree}.${lab}.${program} ${source} ${tree}/${lab} ${program})
        if(NOT TARGET ${tree}.${lab})
            add_custom_target(${tree}.${lab})
        endif()
        add_dependencies(${tree}.${lab} ${tree}.${lab}.${program})
    endforeach()
endfunction()

# wirelab_add_program(TARGET SOURCE FOLDER NAME): one program, built to <build>/FOLDER/NAME.
function(wirelab_add_program target source folder name)
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE wirelab)
    target_precompile_headers(${target} REUSE_FROM wirelab)
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${folder})
endfunction()
