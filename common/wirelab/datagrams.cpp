#include <wirelab/datagrams.hpp>
#include <wirelab/endpoint.hpp>

#include <boost/asio/error.hpp>

#include <thread>

namespace wirelab {

Error cannot_send(const boost::asio::ip::udp::endpoint& destination,
                  const boost::system::error_code& code) {
    const bool denied = code == boost::asio::error::access_denied;
    return {"cannot send to " + to_text(destination),
            reason(code) + (denied ? " (is the option SO_BROADCAST set?)" : "")};
}

void at_intervals(Seconds interval, std::uint64_t count, const std::function<void()>& function) {
    std::uint64_t calls = 0;
    do {
        if (calls > 0 && !interval.is_none()) std::this_thread::sleep_for(interval.duration());
        function();
    } while (++calls != count);
}

}  // namespace wirelab
