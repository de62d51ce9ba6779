// The stdout of a program that is read only as much as the test wants: so it is soon full.
//
//     NamedPipe reader{stage, "stdout"};
//     StartOptions options;
//     options.stdout_file = stage.path("stdout");
//     Process& server = stage.start("line_server", {}, options);
//     reader.read_line();
#pragma once

#include "stage.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace harness {

// What a program writes into a named pipe, read by the test until it closes its end.
class NamedPipe {
public:
    // Makes it as a file of the stage's folder, with room for 4096 bytes.
    NamedPipe(Stage& stage, const std::string& name);

    // Waits for the next line, and expects that one comes.
    std::string read_line(std::string_view cause = "");
    // The next line; nothing if none comes, or if the condition holds first.
    std::optional<std::string> next_line(const std::function<bool()>& condition);
    void close();

private:
    Stage& stage_;
    boost::asio::posix::stream_descriptor pipe_;
    std::string text_;
};

}  // namespace harness
