#include <wirelab/datagrams.hpp>
#include <wirelab/endpoint.hpp>

#include <boost/asio/error.hpp>

#include <linux/filter.h>
#include <sys/socket.h>

#include <thread>

namespace wirelab {

Error cannot_send(const boost::asio::ip::udp::endpoint& destination,
                  const boost::system::error_code& code) {
    const bool denied = code == boost::asio::error::access_denied;
    const bool to_group = destination.address().is_multicast();
    return {"cannot send to " + to_text(destination),
            reason(code) + (denied && !to_group ? " (is the option SO_BROADCAST set?)" : "")};
}

void let_nothing_in(boost::asio::ip::udp::socket& socket) {
    sock_filter take_no_byte{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program{.len = 1, .filter = &take_no_byte};
    const int failed = ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program,
                                    sizeof program);
    if (failed != 0) throw Error{"cannot close the socket to others", reason_from_errno()};
}

void at_intervals(Seconds interval, std::uint64_t count, const std::function<void()>& function) {
    std::uint64_t calls = 0;
    do {
        if (calls > 0 && !interval.is_none()) std::this_thread::sleep_for(interval.duration());
        function();
    } while (++calls != count);
}

}  // namespace wirelab
