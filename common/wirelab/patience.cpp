#include <wirelab/patience.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace wirelab {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

// Shared with the handler of the timer, which may come to run when the Patience is no more.
struct Patience::Alarm : std::enable_shared_from_this<Alarm> {
    Alarm(asio::ip::tcp::socket& connection, Seconds seconds)
        : socket{&connection}, limit{seconds.duration()}, timer{connection.get_executor()} {}

    void ring_at(steady_clock::time_point time) {
        timer.expires_at(time);
        timer.async_wait([self = shared_from_this()](const error_code&) { self->ring(); });
    }

    void ring() {
        if (socket == nullptr) return;
        const steady_clock::time_point now = steady_clock::now();
        if (!is_waiting) return ring_at(now + limit);
        if (now < deadline) return ring_at(deadline);
        is_over = true;
        error_code ignored;
        socket->cancel(ignored);
        // What begins after time was up is to end too.
        ring_at(now + std::chrono::milliseconds{100});
    }

    asio::ip::tcp::socket* socket;
    std::chrono::nanoseconds limit;
    asio::steady_timer timer;
    steady_clock::time_point deadline{};
    bool is_waiting = false;
    bool is_over = false;
};

Patience::Patience(asio::ip::tcp::socket& socket, Seconds limit)
    : alarm_{std::make_shared<Alarm>(socket, limit)} {
    if (!limit.is_none()) alarm_->ring_at(steady_clock::now() + alarm_->limit);
}

Patience::~Patience() {
    alarm_->socket = nullptr;
    alarm_->timer.cancel();
}

void Patience::begin() {
    alarm_->is_waiting = true;
    alarm_->is_over = false;
    alarm_->deadline = steady_clock::now() + alarm_->limit;
}

void Patience::end() {
    alarm_->is_waiting = false;
}

bool Patience::is_over() const {
    return alarm_->limit.count() > 0 && alarm_->is_waiting &&
           steady_clock::now() >= alarm_->deadline;
}

error_code Patience::verdict(const error_code& error) const {
    const bool cancelled = error == asio::error::operation_aborted && alarm_->is_over;
    return cancelled ? error_code{asio::error::timed_out} : error;
}

}  // namespace wirelab
