#include <wirelab/error.hpp>
#include <wirelab/todo.hpp>

#include <string>

namespace wirelab {

void not_done_yet(const Step& step, std::string_view task) {
    const std::string place =
        std::string{step.here.file_name()} + ":" + std::to_string(step.here.line());
    const std::string todo = "TODO " + std::to_string(step.number) + " is not done yet";
    throw Error{place + ": " + todo, std::string{task}};
}

}  // namespace wirelab
