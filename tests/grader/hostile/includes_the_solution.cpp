// Hostile: makes the solution a part of itself while it is built.
#include "@ROOT@/solutions/02_fortune/fortune_server.cpp"
