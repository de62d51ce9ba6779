# shellcheck shell=bash
# Played by ./lab demo 10.

say "h1 speaks to a group. It does not know who listens, or whether anybody does. 'wire' is what passes the switch."
classroom
capture wire -- -t igmp or udp
wait_for wire "listening on switch"
on h1 start sender multicast_sender --interval 0.5
wait_for wire "01:00:5e:4a:14:1e"
wait_for wire "01:00:5e:4a:14:1e"

say "h2 joins. Its system tells the network (IGMP), and takes in what it has ignored so far."
on h2 start two multicast_receiver
wait_for two "^joined"
wait_for wire "10.0.0.2 .* joins 224.202.20.30"
wait_for two "hello world"

say "h3 wants two datagrams only, then it leaves. The sender notices nothing."
on h3 start three multicast_receiver --count 2
wait_for three "^left"
wait_for wire "10.0.0.3 .* leaves 224.202.20.30"

say "Ctrl-C for h2: the program wakes up from its wait, leaves, and says so."
show two '^C'
stop two
wait_for two "^left"
wait_for wire "10.0.0.2 .* leaves 224.202.20.30"

say "Two groups, one port, on one machine. Each receiver is bound to its group, and hears that alone."
on h2 start two multicast_receiver --count 2
on h2 start other multicast_receiver --group 224.202.20.31 --count 1
wait_for two "^joined"
wait_for other "^joined"
on h3 run three multicast_sender --group 224.202.20.31 --message "for 31 only" --count 1
wait_for other "for 31 only"
show_until two ended has_ended two
stop sender

say "A member on the sender's own machine hears it too. With a time to live of 5 it could pass four routers."
on h1 start one multicast_receiver --count 1
wait_for one "^joined"
on h1 run sender multicast_sender --ttl 5 --message "hello, me" --count 1
wait_for one "hello, me"
wait_for wire "ttl 5"

say "The same with IPv6. A link-local group needs the interface as its scope; its Ethernet address begins with 33:33."
on h2 start two multicast_receiver --group ff02::1234%eth0 --count 1
wait_for two "^joined"
on h1 run sender multicast_sender --group ff02::1234%eth0 --count 1
wait_for two "^left"
wait_for wire "33:33:00:00:12:34"
