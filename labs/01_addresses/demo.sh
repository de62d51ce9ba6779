# shellcheck shell=bash
# Played by ./lab demo 01.
say "An address is a number of 32 bits. The first 26 of these are the network, the last 6 tell its machines apart."
run subnet subnet 200.201.145.130/26

say "A mask says the same as a prefix, and without either the class of the address decides."
run subnet subnet 10.1.2.3 255.255.252.0
run subnet subnet 10.1.2.3

say "A mask has no holes: the program says what is wrong, and ends with status 2."
run subnet subnet 10.1.2.3 255.0.255.0 || true

say "A multicast group has an Ethernet address of its own, made from its last 23 bits."
run subnet subnet 224.202.20.30

say "Names are for people: the system knows the addresses of a name, and the name of an address."
run lookup lookup localhost || true
run lookup lookup 127.0.0.1 || true

say "And these are the addresses of this machine."
run interfaces interfaces
