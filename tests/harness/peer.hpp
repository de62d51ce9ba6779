// The other side of a connection, played by the test.
#pragma once

#include "stage.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// One end of a TCP connection. It receives all the time, so that the transcript is complete and
// the program under test never waits for the test to read, unless told to stall.
class Peer {
public:
    using tcp = boost::asio::ip::tcp;

    Peer(Stage& stage, tcp::socket socket, std::string label);

    // Sends all of the bytes; gives up quietly when the program has closed the connection.
    void send(std::string_view bytes);
    // Sends the pieces one at a time, each only when the program has read the one before, so that
    // each is a read of its own for the program.
    void send_in_pieces(const std::vector<std::string>& pieces);
    void send_byte_by_byte(std::string_view bytes);
    // Sends byte by byte with pauses that are well below `timeout` (in seconds) each, but above it
    // together. Returns false when this machine was too busy to keep the pauses that short.
    bool trickle(std::string_view bytes, double timeout);
    // Waits until the program's side has read all that was sent, or has closed.
    void wait_until_read();

    // Ends the sending direction only (FIN); the other stays open.
    void shut_down_sending();
    void close();
    // Ends the connection as a crashed host would: with a reset (RST).
    void reset();
    // Stops receiving, so that what the program sends piles up.
    void stall();
    // Receives again.
    void resume();

    // Waits until so much has been received, and expects these bytes as the next ones.
    void expect_received(std::string_view bytes, std::string_view cause = "");
    // What has been received so far and not yet expected.
    std::string_view received() const { return std::string_view{received_}.substr(expected_); }
    // Waits for the end of the stream (or a reset), and returns all that was received and not yet
    // expected.
    std::string receive_to_end(std::string_view cause = "");
    // Waits for the end of the stream, and expects that it ended well and nothing more came.
    void expect_end(std::string_view cause = "");

    // This end's ADDRESS:PORT, as the program under test prints its peer.
    const std::string& endpoint() const { return endpoint_; }
    // What the transcript calls it.
    const std::string& label() const { return label_; }
    bool ended() const { return ended_; }
    // False when the program has ended the connection before it had taken all that was sent.
    bool could_send() const { return can_send_; }

private:
    void receive_on();
    bool program_has_read_all();

    Stage& stage_;
    tcp::socket socket_;
    tcp::endpoint local_;
    tcp::endpoint remote_;
    std::string endpoint_;
    std::string label_;
    std::array<char, 65536> buffer_ = {};
    std::string received_;
    std::size_t expected_ = 0;
    bool ended_ = false;
    bool reset_ = false;
    bool stalled_ = false;
    bool can_send_ = true;
};

class Listener {
public:
    using tcp = boost::asio::ip::tcp;

    Listener(Stage& stage, const tcp::endpoint& endpoint);

    // Waits for a program to connect.
    Peer& accept(std::string_view cause = "");
    // True when a program has connected (or tried and gone), without waiting.
    bool has_visitor();

    std::string port() const;
    // ADDRESS:PORT, as the program under test prints its peer.
    std::string endpoint() const;

private:
    Stage& stage_;
    tcp::acceptor acceptor_;
};

}  // namespace harness
