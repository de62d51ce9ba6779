// The compiled part of Boost.Asio, once for the whole kit (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
